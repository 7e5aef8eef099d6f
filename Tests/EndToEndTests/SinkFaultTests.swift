import Foundation
import HealthWorkerModel
import Synchronization
import TestServers
import Testing

/// Several processes and a real PowerDNS, while a register, a worker and Redis are killed.
@Suite struct `A failover during which processes are killed` {
    /// A policy's list of its routes.
    private struct Changes: Decodable {
        struct Change: Decodable {
            struct Timeline: Decodable {
                struct Arrival: Decodable {
                    var state: String
                    var appliedAt: String
                    var observedAt: String?
                    var found: String?
                }
                var member: String?
                var noticedAt: String?
                var turnedAt: String?
                var decidedAt: String
                var arrivals: [Arrival]
            }
            var cause: String
            var timeline: Timeline
        }
        var items: [Change]
    }

    @Test(.timeLimit(.minutes(5)))
    func `is late by one lease at most, never answers anything wrong, and tells its times`()
        async throws
    {
        let dns = try PowerDNSServer()
        let zone = try await dns.makeZone()
        let name = String("www.\(zone)".dropLast())
        let scratch = try Scratch()
        defer { scratch.remove() }
        let targetPort = try Here.freePort()
        let targets = try Targets(scratch, port: targetPort)
        try await targets.start("127.0.0.1")
        try await targets.start("127.0.0.2")
        let key = try scratch.write("secret\n", to: "powerdns.key")
        let fleet = try await Fleet.start(
            in: scratch,
            Fleet.Plan(
                registers: 2, workers: ["fra1", "fra1", "fra1"], servesMetrics: true,
                settings: [
                    "HEALTH_WORKER_SINKS_DNS_TYPE": "powerdns",
                    "HEALTH_WORKER_SINKS_DNS_URL": dns.url,
                    "HEALTH_WORKER_SINKS_DNS_API_KEY_FILE": key.path,
                    "HEALTH_WORKER_SINKS_DNS_OBSERVE":
                        "\(dns.dnsAddress(.primary)),\(dns.dnsAddress(.secondary))",
                ],
                document: """
                    format: 1
                    set: test
                    policies:
                    - name: www
                      type: failover
                      member_check:
                        type: http
                        target: {port: \(targetPort)}
                        interval: 1s
                        fast_interval: 1s
                        timeout: 1s
                        fall: 3
                        rise: 2
                      members:
                      - {name: fra1, value: 127.0.0.1, priority: 10}
                      - {name: ams1, value: 127.0.0.2, priority: 20}
                      failback_delay: 1s
                      publish: [{sink: dns, name: \(name)}]
                    """))
        let digging = Digging(name, at: dns)
        do {
            try await live(through: fleet, targets, digging, dns, name)
        } catch {
            digging.end()
            print(fleet.logs)
            await fleet.stop()
            await targets.stop()
            throw error
        }
        await fleet.stop()
        await targets.stop()
    }

    private func live(
        through fleet: Fleet, _ targets: Targets, _ digging: Digging, _ dns: PowerDNSServer,
        _ name: String
    ) async throws {
        let timeline = Timeline()
        for place in PowerDNSServer.Place.allCases {
            try await dns.dig(name, at: place, until: ["127.0.0.1"])
        }
        try digging.start()

        await targets.kill("127.0.0.1")
        timeline.begin("target killed")
        let began = ContinuousClock.now
        for process in ["redis", "register-1", "worker-1"] { await fleet.kill(process) }
        timeline.note("Redis, a register and a worker killed")
        try await dns.dig(name, at: .primary, until: ["127.0.0.2"])
        let took = ContinuousClock.now - began
        timeline.note("dig says 127.0.0.2 at the primary")
        try await dns.dig(name, at: .secondary, until: ["127.0.0.2"])
        timeline.note("dig says 127.0.0.2 at the secondary")
        // A second until the first slot and two more for three failures; a probe's time-out, the lease's
        // margin and two seconds; as much for the delivery. Five times that on a slow machine.
        #expect(took < .seconds(5 * (3 + 8 + 12)))

        let failover = try await seen(.failover, by: fleet)
        #expect(failover.member == "fra1")
        let arrival = try #require(failover.arrivals.first)
        #expect(arrival.state == "observed", "\(arrival)")
        let moments = try [
            failover.noticedAt, failover.turnedAt, failover.decidedAt, arrival.appliedAt,
            arrival.observedAt,
        ].map { text in try #require(text.flatMap(Timestamp.init), "\(failover)") }
        #expect(moments == moments.sorted(), "\(failover)")
        let port = try #require(fleet.metricsPorts["register-2"])
        let figures = try await Exposition.fetch(from: port)
        let observed = "{result=\"observed\",sink=\"dns\"}"
        #expect(
            figures.samples["\(MetricName.timeToFailover.rawValue)_count{sink=\"dns\"}"] == 1)
        #expect((figures.samples["\(MetricName.arrivals.rawValue)\(observed)"] ?? 0) >= 1)
        let history = try fleet.tell("history", "www")
        #expect(history.contains("dns \(name): applied"), "\(history)")
        #expect(history.contains("after fra1 was noticed"), "\(history)")

        try await fleet.startRedis()
        for process in ["register-1", "worker-1"] { try fleet.startAgain(process) }
        digging.mark()
        try await targets.start("127.0.0.1")
        timeline.note("all started again, the target is back")
        for place in PowerDNSServer.Place.allCases {
            try await dns.dig(name, at: place, until: ["127.0.0.1"])
        }
        timeline.note("dig says 127.0.0.1 at both")
        #expect(try await seen(.failback, by: fleet).arrivals.map(\.state) == ["observed"])

        // Nobody ever got anything else than one of the two, and each turn was one.
        let (before, after) = try digging.stop()
        #expect(before.turns == [["127.0.0.1"], ["127.0.0.2"]])
        #expect(after.turns.last == ["127.0.0.1"])
        #expect(after.turns.dropLast().allSatisfy { $0 == ["127.0.0.2"] }, "\(after.turns)")
        #expect(after.turns.count <= 2, "\(after.turns)")
        timeline.note("\(before.count + after.count) answers were right")
        print(timeline.text, history, separator: "\n")
    }

    /// The newest route of a cause, once it is known what became of it.
    private func seen(
        _ cause: RouteCause, by fleet: Fleet
    ) async throws -> Changes.Change.Timeline {
        var found: Changes.Change.Timeline?
        try await fleet.until("it is known when the route of the \(cause) was seen") {
            let changes = try await fleet.client.read(
                "/v1/routes/www/changes", as: Changes.self)
            found = changes.items.first { $0.cause == cause.rawValue }?.timeline
            return found?.arrivals.contains { $0.state != "awaited" } ?? false
        }
        return try #require(found)
    }
}

/// Asks a name all the time, on a thread of its own.
private final class Digging: Sendable {
    /// Answers in a row.
    struct Answers {
        var count = 0
        /// Without repetitions.
        var turns: [[String]] = []

        mutating func add(_ answer: [String]) {
            count += 1
            if turns.last != answer { turns.append(answer) }
        }
    }

    private struct State {
        var parts = [Answers()]
        var isAsking = true
        var trouble: (any Error)?
    }

    private let name: String
    private let server: PowerDNSServer
    private let state = Mutex(State())

    init(_ name: String, at server: PowerDNSServer) {
        self.name = name
        self.server = server
    }

    /// Once the first answer is there.
    func start() throws {
        let first = try server.dig(name)
        state.withLock { $0.parts[0].add(first) }
        let thread = Thread { [self] in
            while state.withLock({ $0.isAsking }) {
                do {
                    let answer = try server.dig(name)
                    state.withLock { $0.parts[$0.parts.count - 1].add(answer) }
                } catch {
                    state.withLock { state in
                        state.trouble = error
                        state.isAsking = false
                    }
                }
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
        thread.start()
    }

    /// What is answered from now on is counted apart.
    func mark() {
        state.withLock { $0.parts.append(Answers()) }
    }

    func end() {
        state.withLock { $0.isAsking = false }
    }

    /// What was answered before and after the mark.
    func stop() throws -> (Answers, Answers) {
        end()
        let state = state.withLock { $0 }
        if let trouble = state.trouble { throw trouble }
        return (state.parts[0], state.parts.count > 1 ? state.parts[1] : Answers())
    }
}
