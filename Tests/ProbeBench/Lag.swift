import Glibc
import HealthWorkerModel
import HealthWorkerProbes
import Synchronization

/// How late 1,000 checks by name are made, each once a second, perhaps beside one whose name nobody
/// answers for.
struct Lag {
    var port: Int
    var hasBlackHole: Bool

    private static let checks = 1000

    func run() async -> String {
        let probers = Probers.ofBench(resolver: Self.resolver)
        // The three kinds of check are in the table.
        let prober = probers.prober(for: .http)!
        let port = port
        let late = Lateness()
        await withDiscardingTaskGroup { group in
            if hasBlackHole {
                let check = CheckSpec.ofBench(host: "black.hole", port: port)
                group.addTask(executorPreference: prober.taskExecutor) {
                    while !Task.isCancelled { _ = await prober.probe(check) }
                }
            }
            let start = ContinuousClock.now
            var started = 0
            while !Task.isCancelled {
                while true {
                    let due = start + .seconds(1) * started / Self.checks
                    guard due <= .now else { break }
                    let check = CheckSpec.ofBench(
                        host: "n\(started % Self.checks).good", port: port)
                    group.addTask(executorPreference: prober.taskExecutor) {
                        let report = await prober.probe(check)
                        guard report.outcome == .success else { return }
                        late.note(.now - due)
                    }
                    started += 1
                }
                // Cancelled: the loop ends.
                try? await Task.sleep(for: .milliseconds(5), tolerance: .zero)
            }
        }
        await probers.shutdown()
        return late.description
    }

    /// A name server that answers for `*.good` and is silent for all else, as `getaddrinfo` shows it:
    /// by a thread that waits.
    private static let resolver = SystemResolver { name, _ in
        guard name.hasSuffix(".good") else {
            sleep(10)
            return .failure(.failed("no name server answers for \(name)"))
        }
        return .success([.v4(0x7f00_0001)])
    }
}

private final class Lateness: Sendable, CustomStringConvertible {
    private let all = Mutex<[Duration]>([])

    func note(_ duration: Duration) {
        all.withLock { $0.append(duration) }
    }

    /// `probes 8000 p99_ms 6.1`
    var description: String {
        let sorted = all.withLock { $0.sorted() }
        guard !sorted.isEmpty else { return "probes 0 p99_ms 0" }
        return "probes \(sorted.count) p99_ms \(sorted[sorted.count * 99 / 100] / .milliseconds(1))"
    }
}
