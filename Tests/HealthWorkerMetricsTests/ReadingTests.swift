import CoreMetrics
import Foundation
import HealthWorkerModel
import HealthWorkerStorage
import Metrics
import Synchronization
import Testing

@testable import HealthWorkerMetrics

@Suite struct `Readings` {
    @Test func `stand among the metrics by their names`() {
        let factory = PrometheusMetricsFactory()
        Counter(label: "a", factory: factory).increment()
        Counter(label: "z", factory: factory).increment()

        let text = factory.exposition(with: [
            Reading(.queueJobs, by: "state", ["leased": 2, "due": 1]),
            Reading(.checkHealthy, []), Reading(.storageUp, 1),
        ])

        #expect(
            text == """
                # HELP a_total a
                # TYPE a_total counter
                a_total 1
                # HELP health_worker_queue_jobs Live jobs: due (nobody holds them), leased, or \
                later (not due yet).
                # TYPE health_worker_queue_jobs gauge
                health_worker_queue_jobs{state="due"} 1
                health_worker_queue_jobs{state="leased"} 2
                # HELP health_worker_storage_up Whether the database answered this process at this \
                scrape.
                # TYPE health_worker_storage_up gauge
                health_worker_storage_up 1
                # HELP z_total z
                # TYPE z_total counter
                z_total 1

                """)
    }

    @Test func `one name is shown once, whoever tells it`() {
        let factory = PrometheusMetricsFactory()
        Gauge(label: MetricName.isolated.rawValue, factory: factory).record(0)

        let text = factory.exposition(with: [
            Reading(.isolated, 1), Reading(.storageUp, 1), Reading(.storageUp, 0),
        ])

        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines == ["health_worker_isolated 0", "health_worker_storage_up 1"])
    }

    @Test func `this process is told by the names that all programs use`() throws {
        let readings = Dictionary(
            uniqueKeysWithValues: ProcessReadings.now().map {
                ($0.name.rawValue, $0.samples[0].value)
            })

        #expect(
            Set(readings.keys) == [
                "process_cpu_seconds_total", "process_resident_memory_bytes",
                "process_virtual_memory_bytes", "process_open_fds", "process_max_fds",
                "process_start_time_seconds",
            ])
        let resident = try #require(readings["process_resident_memory_bytes"])
        let virtual = try #require(readings["process_virtual_memory_bytes"])
        #expect(resident > 1_000_000 && resident < virtual)
        let open = try #require(readings["process_open_fds"])
        #expect(open >= 3 && open <= readings["process_max_fds"] ?? 0)
        var clock = timespec()
        clock_gettime(CLOCK_REALTIME, &clock)
        let start = try #require(readings["process_start_time_seconds"])
        #expect(start > 1_600_000_000 && start <= Double(clock.tv_sec) + 2)
    }

    @Test func `a program whose name has brackets and blanks is read like others`() throws {
        let fields = (3...52).map { $0 == 3 ? "S" : String($0 * 100) }.joined(separator: " ")

        let stat = try #require(ProcessStat("7 (a) (b c) \(fields)\n"))

        #expect(stat.cpuSeconds(ticks: 100) == 29)
        #expect(stat.startTicks == 2200)
        #expect(stat.virtualBytes == 2300)
        #expect(stat.residentPages == 2400)
        #expect(ProcessStat("no such line") == nil)
        #expect(ProcessStat("7 (a) S 1 2") == nil)
    }
}

@Suite struct `The guide to watching` {
    @Test func `lists every metric with its kind and its sentence`() throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Sources/HealthWorker/HealthWorker.docc/Watching.md")
        let rows = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("| `") }.map(String.init)

        #expect(
            rows
                == MetricName.allCases.map {
                    "| `\($0.rawValue)` | \($0.kind.rawValue) | \($0.help) |"
                })
    }
}

@Suite struct `What the storage says` {
    @Test func `is asked once for all who ask at the same time`() async {
        let calls = Mutex(0)
        let isOpen = AsyncStream.makeStream(of: Void.self)
        let readings = LatestReadings(
            limits: LatestReadings.Limits(holdsFor: .seconds(600), patience: .seconds(600))
        ) {
            calls.withLock { $0 += 1 }
            for await _ in isOpen.stream { break }
            return [Reading(.queueLateSlots, 7)]
        }

        async let first = readings.latest()
        async let second = readings.latest()
        isOpen.continuation.yield()
        let both = await [first, second]
        let third = await readings.latest()

        let wanted = [Reading(.queueLateSlots, 7), Reading(.storageUp, 1)]
        #expect(both == [wanted, wanted])
        #expect(third == wanted)
        #expect(calls.withLock { $0 } == 1)
    }

    @Test func `is asked anew when it is old`() async {
        let calls = Mutex(0)
        let readings = LatestReadings(
            limits: LatestReadings.Limits(holdsFor: .zero, patience: .seconds(600))
        ) {
            calls.withLock { $0 += 1 }
            return []
        }

        _ = await readings.latest()
        _ = await readings.latest()

        #expect(calls.withLock { $0 } == 2)
    }

    @Test func `is that it is away where it does not answer, or not in time`() async {
        let away = LatestReadings {
            throw StorageError.unavailable("no connection")
        }
        let never = AsyncStream.makeStream(of: Void.self)
        let slow = LatestReadings(
            limits: LatestReadings.Limits(patience: .milliseconds(20))
        ) {
            for await _ in never.stream { break }
            return [Reading(.queueLateSlots, 7)]
        }

        #expect(await away.latest() == [Reading(.storageUp, 0)])
        #expect(await slow.latest() == [Reading(.storageUp, 0)])
        never.continuation.finish()
    }
}
