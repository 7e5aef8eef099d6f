import CoreMetrics
import HealthWorkerMetrics
import Metrics
import Testing

struct PrometheusTests {
    @Test func `the exposition is ordered and complete`() {
        let factory = PrometheusMetricsFactory(
            help: ["health_worker_probes_total": "Probes by outcome."],
            buckets: ["health_worker_probe_seconds": [0.1, 1]])
        Timer(label: "health_worker_probe", dimensions: [("kind", "http")], factory: factory)
            .recordMilliseconds(250)
        Counter(
            label: "health_worker_probes", dimensions: [("outcome", "success")], factory: factory
        )
        .increment(by: 3)
        Counter(
            label: "health_worker_probes_total", dimensions: [("outcome", "failure")],
            factory: factory
        ).increment()
        Gauge(label: "health_worker_queue_jobs", factory: factory).record(12)
        Meter(label: "http.server.active_requests", factory: factory).set(1.5)
        FloatingPointCounter(label: "busy_seconds", factory: factory).increment(by: 0.25)

        #expect(
            factory.exposition() == """
                # HELP busy_seconds_total busy_seconds
                # TYPE busy_seconds_total counter
                busy_seconds_total 0.25
                # HELP health_worker_probe_seconds health_worker_probe
                # TYPE health_worker_probe_seconds histogram
                health_worker_probe_seconds_bucket{kind="http",le="0.1"} 0
                health_worker_probe_seconds_bucket{kind="http",le="1"} 1
                health_worker_probe_seconds_bucket{kind="http",le="+Inf"} 1
                health_worker_probe_seconds_sum{kind="http"} 0.25
                health_worker_probe_seconds_count{kind="http"} 1
                # HELP health_worker_probes_total Probes by outcome.
                # TYPE health_worker_probes_total counter
                health_worker_probes_total{outcome="failure"} 1
                health_worker_probes_total{outcome="success"} 3
                # HELP health_worker_queue_jobs health_worker_queue_jobs
                # TYPE health_worker_queue_jobs gauge
                health_worker_queue_jobs 12
                # HELP http_server_active_requests http.server.active_requests
                # TYPE http_server_active_requests gauge
                http_server_active_requests 1.5

                """)
    }

    @Test func `labels are escaped, renamed where reserved and ordered by name`() {
        let factory = PrometheusMetricsFactory(help: ["a_total": "line\nbreak \\ \"quote\""])
        Counter(
            label: "a",
            dimensions: [
                ("z", "back\\slash"), ("http.route", "\"q\"\nnew"), ("__name__", "x"), ("1", "é"),
            ],
            factory: factory
        ).increment()

        #expect(
            factory.exposition() == """
                # HELP a_total line\\nbreak \\\\ "quote"
                # TYPE a_total counter
                a_total{_1="é",http_route="\\"q\\"\\nnew",label__name__="x",z="back\\\\slash"} 1

                """)
    }

    @Test func `buckets are cumulative and include their bound`() {
        let factory = PrometheusMetricsFactory(buckets: ["size": [1, 2, 4]])
        let recorder = Recorder(label: "size", dimensions: [("le", "mine")], factory: factory)
        for value in [0.5, 1, 1.5, 2, 4, 5, .nan] { recorder.record(value) }

        #expect(
            factory.exposition() == """
                # HELP size size
                # TYPE size histogram
                size_bucket{label_le="mine",le="1"} 2
                size_bucket{label_le="mine",le="2"} 4
                size_bucket{label_le="mine",le="4"} 5
                size_bucket{label_le="mine",le="+Inf"} 6
                size_sum{label_le="mine"} 14
                size_count{label_le="mine"} 6

                """)
    }

    @Test func `the same labels in another order are the same series`() {
        let factory = PrometheusMetricsFactory()
        Counter(label: "a", dimensions: [("x", "1"), ("y", "2")], factory: factory).increment()
        Counter(label: "a", dimensions: [("y", "2"), ("x", "1")], factory: factory).increment()

        #expect(factory.exposition().contains("a_total{x=\"1\",y=\"2\"} 2\n"))
    }

    @Test func `nothing is lost when many tasks count at once`() async {
        let factory = PrometheusMetricsFactory()

        await withTaskGroup(of: Void.self) { group in
            for task in 0..<16 {
                group.addTask {
                    let part = FloatingPointCounter(label: "part", factory: factory)
                    for step in 0..<1000 {
                        Counter(
                            label: "whole", dimensions: [("even", "\(step % 2 == 0)")],
                            factory: factory
                        ).increment()
                        part.increment(by: 0.5)
                        Timer(label: "took", factory: factory).recordSeconds(task % 2)
                        Meter(label: "level", factory: factory).increment(by: 1)
                    }
                }
            }
        }

        let lines = Set(factory.exposition().split(separator: "\n"))
        #expect(lines.contains("whole_total{even=\"true\"} 8000"))
        #expect(lines.contains("whole_total{even=\"false\"} 8000"))
        #expect(lines.contains("part_total 8000"))
        #expect(lines.contains("took_seconds_count 16000"))
        #expect(lines.contains("took_seconds_sum 8000"))
        #expect(lines.contains("took_seconds_bucket{le=\"0.001\"} 8000"))
        #expect(lines.contains("level 16000"))
    }

    @Test func `series beyond the bound and a second kind are dropped and counted`() {
        let factory = PrometheusMetricsFactory(seriesLimit: 2)
        for name in ["a", "b", "c", "d"] {
            Counter(label: "probes", dimensions: [("check", name)], factory: factory).increment()
        }
        Gauge(label: "probes_total", factory: factory).record(1)

        #expect(
            factory.exposition() == """
                # HELP health_worker_metrics_series_dropped_total Times that a metric was refused a \
                set of labels, or a second kind.
                # TYPE health_worker_metrics_series_dropped_total counter
                health_worker_metrics_series_dropped_total{metric="probes_total"} 3
                # HELP probes_total probes
                # TYPE probes_total counter
                probes_total{check="a"} 1
                probes_total{check="b"} 1

                """)
    }

    @Test func `a destroyed metric is shown no more and makes room`() {
        let factory = PrometheusMetricsFactory(seriesLimit: 1)
        let first = Gauge(label: "up", dimensions: [("check", "a")], factory: factory)
        first.record(1)

        first.destroy()
        Gauge(label: "up", dimensions: [("check", "b")], factory: factory).record(0)

        #expect(factory.exposition().hasSuffix("gauge\nup{check=\"b\"} 0\n"))
        #expect(!factory.exposition().contains("\"a\""))
    }

    @Test func `a gauge can be set, raised, lowered and not a number`() {
        let factory = PrometheusMetricsFactory()
        let meter = Meter(label: "level", factory: factory)
        meter.set(5)
        meter.increment(by: 2.5)
        meter.decrement(by: 1)
        Gauge(label: "odd", dimensions: [("n", "1")], factory: factory).record(Double.nan)
        Gauge(label: "odd", dimensions: [("n", "2")], factory: factory).record(-Double.infinity)

        let lines = factory.exposition().split(separator: "\n")
        #expect(lines.contains("level 6.5"))
        #expect(lines.contains("odd{n=\"1\"} NaN"))
        #expect(lines.contains("odd{n=\"2\"} -Inf"))
    }

    @Test func `a counter that is reset begins again`() {
        let factory = PrometheusMetricsFactory()
        let counter = Counter(label: "a", factory: factory)
        counter.increment(by: 5)

        counter.reset()
        counter.increment()

        #expect(factory.exposition().hasSuffix("\na_total 1\n"))
    }
}
