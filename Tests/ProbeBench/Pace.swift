import HealthWorkerModel
import HealthWorkerProbes
import Logging
import Synchronization

/// Probes at a steady rate until it is cancelled.
struct Pace {
    var port: Int
    /// Probes a second.
    var rate: Int
    /// How often those that are due are started.
    var every: Duration

    func run() async -> String {
        let probers = Probers.ofBench(resolver: SystemResolver())
        let check = CheckSpec.ofBench(host: "127.0.0.1", port: port)
        // The three kinds of check are in the table.
        let prober = probers.prober(for: .http)!
        let tally = Tally()
        await withDiscardingTaskGroup { group in
            let start = ContinuousClock.now
            var started = 0
            while !Task.isCancelled {
                let elapsed = ContinuousClock.now - start
                let due = Int(elapsed / .seconds(1) * Double(rate))
                while started < due {
                    group.addTask(executorPreference: prober.taskExecutor) {
                        tally.note(await prober.probe(check))
                    }
                    started += 1
                }
                // Cancelled: the loop ends.
                try? await Task.sleep(for: every, tolerance: .zero)
            }
        }
        await probers.shutdown()
        return tally.description
    }
}

/// What the probes found.
final class Tally: Sendable, CustomStringConvertible {
    private let counts = Mutex<[Outcome: Int]>([:])

    func note(_ report: ProbeReport) {
        counts.withLock { $0[report.outcome, default: 0] += 1 }
    }

    /// `success 4000 connect_refused 3`; those that were cut off at the end are left out.
    var description: String {
        counts.withLock { $0 }
            .filter { $0.key.reason != .shuttingDown }
            .map { "\($0.key.reason?.rawValue ?? "success") \($0.value)" }
            .sorted().joined(separator: " ")
    }
}

extension Probers {
    static func ofBench(resolver: any NameResolver) -> Probers {
        Probers(
            resolver: resolver,
            addressRules: AddressRules(), secrets: { _ in nil }, logger: Logger(label: "bench"))
    }
}

extension CheckSpec {
    static func ofBench(
        host: String, port: Int, timeout: TimeSpan = .seconds(5)
    ) -> CheckSpec {
        CheckSpec(
            name: "probed", type: .http, target: Target(host: host, port: port), timeout: timeout)
    }
}
