import HealthWorkerModel
import HealthWorkerSettings
import HealthWorkerStorage
import StorageConformance
import Synchronization
import Testing

@testable import HealthWorkerRouting

/// What is answered at each look, in order; the last one for ever.
private final class Answers: Sendable {
    private let state: Mutex<(answers: [Result<String?, SinkError>], looks: Int)>
    /// Called before a look is answered.
    private let before: @Sendable (Int) async throws -> Void

    init(
        _ answers: Result<String?, SinkError>...,
        before: @escaping @Sendable (Int) async throws -> Void = { _ in }
    ) {
        state = Mutex((answers, 0))
        self.before = before
    }

    var looks: Int { state.withLock { $0.looks } }

    func next() async throws(SinkError) -> String? {
        let (answer, look) = state.withLock { state in
            state.looks += 1
            return (
                state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0],
                state.looks
            )
        }
        do {
            try await before(look)
        } catch {
            throw .refused("\(error)")
        }
        return try answer.get()
    }
}

private struct ObservedSink: RouteSink {
    static let type = "observed"
    static let summary = "Is looked at."
    static let kind = SinkKind.state

    let answers: Answers

    init(_ answers: Answers) { self.answers = answers }
    init(_: NoKeys, _: SinkContext) { self.init(Answers(.success(nil))) }

    func deliver(_ delivery: Delivery) async throws(SinkError) -> SinkReceipt { SinkReceipt() }
    func observe(_ place: PublishedPlace) async throws(SinkError) -> String? {
        try await answers.next()
    }
    func test(_ places: [PublishedPlace]) async -> [SinkFinding] { [] }
}

@Suite struct ArrivalWatchTests {
    private let stage = Stage()
    private var clock: StorageClock { stage.storage.shared.clock }

    /// Between two looks the clock moves on by what is waited; what bounds a look never passes.
    private var watch: ArrivalWatch {
        let clock = clock
        let start = clock.now
        let time = ProcessTime(
            now: { clock.now - start },
            sleep: { duration in
                if duration > .seconds(2) { try await Task.sleep(for: .seconds(3600)) }
                clock.advance(by: duration)
            }, spread: { 1 })
        return ArrivalWatch(storage: stage.storage, time: time, logger: Stage.quiet)
    }

    /// Delivers the only route that waits, and looks for it to the end.
    private func arrive(_ answers: Answers) async throws -> Arrival {
        let watch = watch
        let delivery = try #require(
            try await stage.storage.claimDeliveries(
                to: ["dns"], limit: 1, lease: .seconds(30)
            ).first)
        _ = try await stage.storage.acknowledge(delivery)
        await watch.watch(
            ArrivalWatch.Applied(
                delivery: delivery, route: try #require(delivery.route), memory: nil,
                sink: NamedSink(name: "dns", sink: ObservedSink(answers)), at: clock.now,
                moment: .zero))
        let arrivals = try await stage.storage.arrivals(
            of: delivery.policy, from: delivery.generation, through: delivery.generation)
        return try #require(arrivals.first)
    }

    @Test func `a route that is answered at once was seen when it was applied`() async throws {
        try await stage.publish(["192.0.2.1"])

        let arrival = try await arrive(Answers(.success(nil)))

        #expect(arrival.state == .ended(.observed(arrival.appliedAt)))
    }

    @Test func `it is looked for until it is there, less and less often`() async throws {
        try await stage.publish(["192.0.2.1"])
        let answers = Answers(
            .success("192.0.2.9"), .failure(.unreachable("away")), .success("192.0.2.9"),
            .success(nil))

        let arrival = try await arrive(answers)

        #expect(arrival.state == .ended(.observed(arrival.appliedAt + .milliseconds(20 + 40 + 80))))
        #expect(answers.looks == 4)
    }

    @Test func `what does not come within the limit is told with what is there instead`()
        async throws
    {
        try await stage.publish(["192.0.2.1"])
        let answers = Answers(.success("ns1 answers A 192.0.2.9"))

        let arrival = try await arrive(answers)

        #expect(arrival.state == .ended(.notObserved(found: "ns1 answers A 192.0.2.9")))
        #expect(clock.now - arrival.appliedAt >= Arrival.limit)
        #expect(clock.now - arrival.appliedAt < Arrival.limit + .seconds(2))
        // Once a second in the end.
        #expect((30...40).contains(answers.looks), "\(answers.looks) looks")
    }

    @Test func `a later route takes the place of one that was not seen`() async throws {
        try await stage.publish(["192.0.2.1"])
        let stage = stage

        let arrival = try await arrive(
            Answers(.success("192.0.2.9")) { look in
                if look == 2 { try await stage.publish(["192.0.2.2"]) }
            })

        #expect(arrival.state == .ended(.replaced))
    }

    @Test func `the same answer of a later generation is not taken for the earlier one`()
        async throws
    {
        try await stage.publish(["192.0.2.1"])
        let stage = stage

        let arrival = try await arrive(
            Answers(.success("192.0.2.9"), .success(nil)) { look in
                guard look == 1 else { return }
                try await stage.publish(["192.0.2.2"])
                try await stage.publish(["192.0.2.1"])
            })

        #expect(arrival.state == .ended(.replaced))
    }

    @Test func `it ends when it is cancelled, and what it did not see is unknown`() async throws {
        try await stage.publish(["192.0.2.1"])
        let stage = stage
        let (looked, look) = AsyncStream.makeStream(of: Void.self)
        let answers = Answers(.success("192.0.2.9")) { _ in
            look.yield()
            // Until the test has cancelled it.
            while !Task.isCancelled { await Task.yield() }
        }

        let watching = Task { try await arrive(answers) }
        for await _ in looked { break }
        watching.cancel()
        let arrival = try await watching.value
        stage.pass(Arrival.end + .seconds(1))

        #expect(arrival.state == .awaited)
        let later = try await stage.storage.arrivals(
            of: arrival.place.policy, from: 0, through: .max)
        #expect(later.map(\.state) == [.unknown])
    }

    @Test func `only a route that a failure brought there tells how long failing over took`() {
        let turned = Timestamp(seconds: 1000)
        let line = MemberVerdict(
            name: "a", value: "192.0.2.1", family: .a, isPublished: false, reason: .unhealthy,
            measured: .unhealthy, effective: .unhealthy, since: turned,
            noticedAt: turned - .seconds(4))
        let route = Route(
            generation: 1001, cause: .failover, decidedAt: turned + .seconds(1),
            answer: Answer(records: [], ttl: 30), memory: RouteMemory(), members: [line])
        func took(waitingSince since: Timestamp) -> Duration? {
            let applied = ArrivalWatch.Applied(
                delivery: Delivery(
                    id: 1, attempt: 1, order: .publish(route, after: nil),
                    publication: Publication(sink: "dns", name: "www.example.com"), policy: 1,
                    policyName: "www", since: since, leaseEnds: since + .seconds(30)),
                route: route, memory: nil,
                sink: NamedSink(name: "dns", sink: ObservedSink(Answers(.success(nil)))),
                at: since, moment: .zero)
            return applied.timeToFailover(at: since + .seconds(1))
        }

        #expect(took(waitingSince: route.decidedAt) == .seconds(6))
        // The one before it was not delivered yet.
        #expect(took(waitingSince: turned) == .seconds(5))
        // Days later somebody changed the sink, or the policy got this publication.
        #expect(took(waitingSince: turned + .hours(72)) == nil)
    }

    @Test func `a publisher looks for what it delivered, and does not wait for that`() async throws
    {
        let answers = Answers(.success(nil)) { _ in
            while !Task.isCancelled { await Task.yield() }
        }
        let sink = NamedSink(name: "dns", sink: ObservedSink(answers))
        let publisher = stage.publisher(1, ("dns", sink.sink))
        try await stage.publish(["192.0.2.1"])

        let running = Task { try await publisher.run() }
        // Its own steps and these deliver the same: whoever comes first.
        while answers.looks == 0 {
            _ = try await publisher.publish(to: sink)
            await Task.yield()
        }
        try await stage.publish(["192.0.2.2"])
        while answers.looks < 2 {
            _ = try await publisher.publish(to: sink)
            await Task.yield()
        }

        #expect(try await stage.pending.isEmpty)
        running.cancel()
        try await running.value
    }
}

struct AnsweredRecordTests {
    private func route(_ values: [String], ttl: Int = 30, members: [String] = []) -> Route {
        Route(
            generation: 1, cause: .first, decidedAt: Timestamp(seconds: 0),
            answer: Answer(
                records: values.map {
                    PublishedMember(name: $0, value: $0, weight: 1, family: RecordFamily(of: $0))
                }, ttl: ttl), memory: RouteMemory(),
            members: members.map {
                MemberVerdict(
                    name: $0, value: $0, family: RecordFamily(of: $0), isPublished: false,
                    reason: .unhealthy, measured: .unhealthy, effective: .unhealthy, since: nil)
            })
    }

    @Test func `the same values with the same TTL are the route, in any order and spelling`() {
        let route = route(["192.0.2.1", "192.0.2.2", "2001:db8::1"])

        #expect(
            route.difference(
                of: [
                    AnsweredRecord(value: "192.0.2.2", ttl: 30),
                    AnsweredRecord(value: "192.0.2.1", ttl: 30),
                ], in: .a, from: "ns1") == nil)
        #expect(
            route.difference(
                of: [AnsweredRecord(value: "2001:DB8:0::1", ttl: 30)], in: .aaaa, from: "ns1")
                == nil)
    }

    @Test func `another value, another TTL and nothing are told`() {
        let route = route(["192.0.2.1"])

        #expect(
            route.difference(
                of: [AnsweredRecord(value: "192.0.2.9", ttl: 30)], in: .a, from: "192.0.2.53:53")
                == "192.0.2.53:53 answers A 192.0.2.9 with TTL 30, and 192.0.2.1 with TTL 30 is "
                + "published.")
        #expect(
            route.difference(
                of: [AnsweredRecord(value: "192.0.2.1", ttl: 300)], in: .a, from: "ns1") != nil)
        #expect(
            route.difference(of: [], in: .a, from: "ns1")
                == "ns1 answers A nothing, and 192.0.2.1 with TTL 30 is published.")
    }

    @Test func `a family whose members are all out must be answered empty`() {
        let route = route(["192.0.2.1"], members: ["192.0.2.1", "2001:db8::1"])

        #expect(route.families == [.a, .aaaa])
        #expect(route.difference(of: [], in: .aaaa, from: "ns1") == nil)
        #expect(
            route.difference(
                of: [AnsweredRecord(value: "2001:db8::1", ttl: 30)], in: .aaaa, from: "ns1") != nil)
    }

    @Test func `a text is compared by what its strings say together`() {
        let route = route([#""site=fra1; \"a\"""#])

        #expect(
            route.difference(
                of: [AnsweredRecord(value: #""site=fra1" "\059 \034a\"""#, ttl: 30)], in: .txt,
                from: "ns1") == nil)
        #expect(
            route.difference(
                of: [AnsweredRecord(value: #""site=ams1""#, ttl: 30)], in: .txt, from: "ns1")
                == #"ns1 answers TXT "site=ams1" with TTL 30, and "site=fra1; "a"" with TTL 30 is "#
                + "published.")
    }

    @Test func `an alias is compared as a name`() {
        let route = route(["CDN.example.net"])

        #expect(
            route.difference(
                of: [AnsweredRecord(value: "cdn.example.net", ttl: 30)], in: .cname, from: "ns1")
                == nil)
    }
}
