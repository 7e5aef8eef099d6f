import Foundation
import HealthWorkerModel
import Testing

/// What each role tells Prometheus, asked by promtool and scraped by a real Prometheus.
@Suite(.serialized) struct `Metrics, from end to end` {
    @Test(.timeLimit(.minutes(4)), arguments: [.sqlite] + Engine.servers)
    func `every role tells what it promises, and promtool finds nothing to say`(
        _ engine: Engine
    ) async throws {
        try await withFleet(on: engine) { fleet, api in
            var told = ["api": api]
            for role in fleet.metricsPorts.keys where role != "api" {
                // The first jobs are the API's: the register's come with the slots.
                told[role] = try await exposition(of: role, in: fleet) {
                    $0[.storageUp] == 1
                        && (!role.hasPrefix("register") || $0[.jobsEnqueued] ?? 0 > 0)
                }
            }

            for (role, exposition) in told {
                let said = try promtool(["check", "metrics"], input: exposition.text)
                #expect(said == "", "\(role)")
                for (name, kind) in exposition.kinds {
                    let known = try #require(MetricName(rawValue: name), "\(role) tells \(name)")
                    #expect(known.kind.rawValue == kind, "\(name)")
                    #expect(known.help == exposition.helps[name], "\(name)")
                }
                let build = exposition.samples.filter {
                    $0.key.hasPrefix(MetricName.buildInfo.rawValue)
                }
                #expect(build.values.map(\.self) == [1], "\(role)")
                #expect(build.keys.first?.contains("engine=\"\(engine.metricsName)\"") == true)
                #expect(exposition[.storageUp] == 1, "\(role)")
            }
            // Nothing is dropped, and a fleet on SQLite has no Redis here.
            let absent: [MetricName] =
                [.seriesDropped]
                + (engine == .sqlite
                    ? [.countingWithoutRedis, .countsCorrected, .countsStale] : [])
            #expect(
                Set(told.values.flatMap(\.kinds.keys))
                    == Set(MetricName.allCases.map(\.rawValue)).subtracting(absent.map(\.rawValue)))
            // Only those who are few tell of the whole installation.
            for (role, exposition) in told {
                #expect(
                    (exposition[.queueLateSlots] != nil) == !role.hasPrefix("worker"), "\(role)")
            }
            expectFigures(of: told)
        }
    }

    private func expectFigures(of told: [String: Exposition]) {
        guard let api = told["api"], let worker = told["worker-1"],
            let register = told["register-1"]
        else {
            Issue.record("roles: \(told.keys)")
            return
        }
        #expect(api[.checks, "health=\"healthy\""] == 1)
        #expect(api[.checks, "health=\"unhealthy\""] == 1)
        #expect(api[.checks, "health=\"unknown\""] == 1)
        #expect(api[.checksPaused] == 1)
        #expect(api[.policies] == 1)
        #expect(api[.policiesUnprotected] == 0)
        #expect(api[.overrides, "permanent=\"true\""] == 1)
        #expect(api[.routesNotInSync, "sink=\"dns\",why=\"waiting\""] == 0)
        #expect(register[.deliveries, "result=\"delivered\",sink=\"dns\""] == 0)
        #expect(api[.checkHealthy, "check=\"up\""] == 1)
        #expect(api[.checkHealthy, "check=\"down\""] == 0)
        #expect(api[.checkHealthy, "check=\"paused\""] == nil)
        #expect(api[.checksNotShown] == 0)
        #expect(worker[.outcomes, "outcome=\"success\",reason=\"none\""] ?? 0 > 0)
        #expect(worker[.outcomes, "outcome=\"failure\",reason=\"connect_refused\""] ?? 0 > 0)
        // What has not happened yet is 0, so that its first time is a rise.
        #expect(worker[.outcomes, "outcome=\"failure\",reason=\"tls_expired\""] == 0)
        #expect(worker[.healthChanges, "cause=\"fall\",to=\"unhealthy\""] ?? 0 > 0)
        #expect(register[.registerStepAge, "step=\"enqueue\""] ?? 99 < 30)
        #expect(register[.registerStepAge, "step=\"sweep\""] ?? 99 < 30)
        #expect(register[.jobsEnqueued] ?? 0 > 0)
        #expect(register[.evaluationsMissed] == 0)
    }

    @Test(.timeLimit(.minutes(4)))
    func `a real Prometheus scrapes a fleet and sees a location lose its worker`() async throws {
        let prometheus = try PrometheusServer()
        defer { prometheus.stop() }
        try await withFleet(on: .postgresql) { fleet, _ in
            try fleet.startWorker("worker-2", location: "ams1")
            try fleet.tell(
                "apply", "-f",
                try fleet.scratch.write(Self.elsewhere, to: "elsewhere.yaml").path)
            try prometheus.scrape(fleet.metricsPorts)

            try await fleet.until("all are scraped, and the location has its worker") {
                let up = try await prometheus.value("sum(up)")
                let workers = try await prometheus.value(
                    "min(health_worker_processes{role=\"worker\", location=\"ams1\"})")
                return up == 4 && workers == 1
            }
            try await fleet.until("nothing is wrong") {
                try await alerts(of: prometheus) == []
            }
            try await expectAnswers(of: prometheus, in: fleet)

            await fleet.kill("worker-2")
            try await fleet.until("the location has nobody") {
                let workers = try await prometheus.vector(
                    "health_worker_processes{role=\"worker\", location=\"ams1\"}")
                let unserved = try await prometheus.value(
                    "max(health_worker_checks_without_worker)")
                let up = try await prometheus.value("up{name=\"worker-2\"}")
                return workers.count == 2 && workers.values.allSatisfy { $0 == 0 } && unserved == 1
                    && up == 0
            }

            try await fleet.until("an alert is on its way") {
                try await alerts(of: prometheus).contains("HealthWorkerLocationWithoutWorker")
            }
            // Seen by Prometheus as what they are, not as text.
            let metadata = String(
                decoding: try await prometheus.get("/api/v1/metadata?limit=1000"), as: UTF8.self)
            #expect(
                metadata.contains("\"health_worker_queue_lag_seconds\":[{\"type\":\"histogram\""))
        }
    }

    /// The rules that are pending or firing. Every one of them must be a rule that Prometheus can
    /// evaluate.
    private func alerts(of prometheus: PrometheusServer) async throws -> Set<String> {
        struct Answer: Decodable {
            struct Data: Decodable {
                struct Group: Decodable {
                    struct Rule: Decodable {
                        var name: String
                        var health: String
                        var state: String
                    }
                    var rules: [Rule]
                }
                var groups: [Group]
            }
            var data: Data
        }
        let answer = try JSONDecoder().decode(
            Answer.self, from: try await prometheus.get("/api/v1/rules"))
        let rules = answer.data.groups.flatMap(\.rules)
        #expect(!rules.isEmpty)
        // "unknown" until its turn has come for the first time.
        #expect(rules.filter { $0.health == "err" }.map(\.name) == [])
        return Set(rules.filter { $0.state != "inactive" }.map(\.name))
    }

    /// Whatever the dashboard asks for, there is something to show.
    private func expectAnswers(
        of prometheus: PrometheusServer, in fleet: Fleet
    ) async throws {
        let queries = try Self.dashboardQueries()
        #expect(queries.count > 50)
        for query in queries {
            let query = query.replacing("$__rate_interval", with: "10m")
                .replacing("$job", with: ".*")
            try await fleet.until("\(query) has an answer") {
                try await !prometheus.vector(query).isEmpty
            }
        }
    }

    @Test func `the rules and the dashboard name metrics that there are`() throws {
        let rules = try String(
            contentsOf: Self.folder.appending(path: "alerts.yml"), encoding: .utf8)
        let tests = try String(
            contentsOf: Self.folder.appending(path: "alerts_test.yml"), encoding: .utf8)
        let queries = try Self.dashboardQueries().joined(separator: "\n")
        let known = Set(
            MetricName.allCases.flatMap { metric in
                metric.kind == .histogram
                    ? ["_bucket", "_sum", "_count"].map { metric.rawValue + $0 } : [metric.rawValue]
            })

        let named = Set(
            (rules + tests + queries).matches(of: /\b(?:health_worker|process)_[a-z_]+/).map {
                String($0.output)
            })
        let alerts = rules.matches(of: /alert: (\w+)/).map { String($0.output.1) }

        #expect(named.count > 40)
        #expect(named.subtracting(known) == [])
        // Each rule has been seen to fire, on made-up figures.
        #expect(alerts.count > 10)
        for alert in alerts { #expect(tests.contains("alertname: \(alert)\n"), "\(alert)") }
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "scripts/prometheus")

    private static func dashboardQueries() throws -> [String] {
        struct Dashboard: Decodable {
            struct Panel: Decodable {
                struct Target: Decodable { var expr: String }
                var targets: [Target]?
            }
            var panels: [Panel]
        }
        let dashboard = try JSONDecoder().decode(
            Dashboard.self, from: try Data(contentsOf: folder.appending(path: "dashboard.json")))
        return dashboard.panels.flatMap { $0.targets ?? [] }.map(\.expr)
    }

    // MARK: -

    private static let elsewhere = """
        format: 1
        set: elsewhere
        checks:
        - {name: far, type: tcp, target: {host: 127.0.0.1, port: 9}, locations: [ams1]}
        """

    /// A register, a worker at fra1 and an API; one check healthy, one unhealthy, one paused, and a policy
    /// with an override.
    private func withFleet(
        on engine: Engine, _ body: (Fleet, Exposition) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let port = try Here.freePort()
        let targets = try Targets(scratch, port: port)
        try await targets.start("127.0.0.1")
        let nobody = try Here.freePort()
        let fleet = try await Fleet.start(
            in: scratch,
            Fleet.Plan(
                engine: engine, registers: 1, workers: ["fra1"], servesMetrics: true,
                settings: [
                    "HEALTH_WORKER_METRICS_PER_CHECK": "true",
                    "HEALTH_WORKER_WORKER_REFERENCE_TARGETS": "127.0.0.1:\(port)",
                    // Nobody listens there, and nothing is written: the policy observes.
                    "HEALTH_WORKER_SINKS_DNS_TYPE": "powerdns",
                    "HEALTH_WORKER_SINKS_DNS_URL": "http://127.0.0.1:\(try Here.freePort())",
                    "HEALTH_WORKER_SINKS_DNS_API_KEY": "none",
                ],
                document: """
                    format: 1
                    defaults:
                      checks: {type: http, interval: 10s, fast_interval: 1s, timeout: 10s, fall: 2}
                    checks:
                    - {name: up, target: {host: localhost, port: \(port)}}
                    - {name: down, target: {host: 127.0.0.1, port: \(nobody)}}
                    - {name: paused, target: {host: 127.0.0.1, port: \(port)}, enabled: false}
                    policies:
                    - name: www
                      type: detach
                      mode: observe
                      publish: [{sink: dns, name: www.example.com}]
                      members:
                      - {name: a, value: 192.0.2.1, check: up}
                      - {name: b, value: 192.0.2.2, check: down}
                    """))
        do {
            try await fleet.awaitHealth("healthy", of: "up")
            try await fleet.awaitHealth("unhealthy", of: "down")
            _ = try await fleet.route { $0.values == ["192.0.2.1"] }
            try fleet.tell(
                "override", "set", "down", "www", "b", "--permanent", "-m", "being rebuilt")
            // What is told of the storage is read anew every few seconds.
            let api = try await exposition(of: "api", in: fleet) { api in
                api[.overrides, "permanent=\"true\""] == 1
                    && api[.processes, "location=\"fra1\",role=\"worker\""] == 1
                    && api[.processes, "location=\"default\",role=\"register\""] == 1
                    && api[.policiesUnprotected] == 0 && api[.checksWithoutWorker] == 0
            }
            try await body(fleet, api)
        } catch {
            print(fleet.logs)
            await fleet.stop()
            await targets.stop()
            throw error
        }
        await fleet.stop()
        await targets.stop()
    }

    /// What a role tells, once it is what is wanted.
    private func exposition(
        of role: String, in fleet: Fleet, _ isWanted: (Exposition) -> Bool
    ) async throws -> Exposition {
        var seen: Exposition?
        try await fleet.until("\(role) tells what it should") {
            let exposition = try await Exposition.fetch(from: fleet.metricsPorts[role] ?? 0)
            seen = exposition
            return isWanted(exposition)
        }
        guard let seen else { throw EndToEndError("\(role) told nothing") }
        return seen
    }

    /// What promtool wrote, whatever it thought.
    private func promtool(_ arguments: [String], input: String) throws -> String {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/promtool")
        process.arguments = arguments
        process.standardInput = try FileHandle(
            forReadingFrom: try scratch.write(input, to: "input"))
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let said = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: said, as: UTF8.self)
        return process.terminationStatus == 0
            ? text : "ended with \(process.terminationStatus): \(text)"
    }
}

extension Engine {
    fileprivate var metricsName: String {
        switch self {
        case .sqlite: "sqlite"
        case .postgresql, .pgbouncer: "postgresql"
        case .mysql: "mysql"
        }
    }
}
