import HealthWorkerModel
import HealthWorkerProbes

/// Keeps many probes in flight at a target that takes connections and never answers.
struct Hold {
    var port: Int
    var count: Int

    private let probers = Probers.ofBench(resolver: SystemResolver())

    init(port: Int, count: Int) {
        self.port = port
        self.count = count
    }

    /// Probes a few times, so that what is made once is there before memory is measured.
    func warm() async {
        await probe(100, timeout: .milliseconds(100))
    }

    func run() async -> String {
        await probe(count, timeout: .seconds(60))
    }

    @discardableResult
    private func probe(_ count: Int, timeout: TimeSpan) async -> String {
        let check = CheckSpec.ofBench(host: "127.0.0.1", port: port, timeout: timeout)
        // The three kinds of check are in the table.
        let prober = probers.prober(for: .http)!
        let tally = Tally()
        await withDiscardingTaskGroup { group in
            for _ in 0..<count {
                group.addTask(executorPreference: prober.taskExecutor) {
                    tally.note(await prober.probe(check))
                }
            }
        }
        return tally.description
    }
}
