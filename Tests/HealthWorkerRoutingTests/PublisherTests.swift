import HealthWorkerModel
import HealthWorkerRouting
import HealthWorkerStorage
import Testing

struct PublisherTests {
    let stage = Stage()
    let script = SinkScript()
    var dns: NamedSink { NamedSink(name: "dns", sink: StateSink(script)) }

    @Test func `a route reaches its sink, and what the sink remembers is kept`() async throws {
        try await stage.publish(["192.0.2.1"])
        let publisher = stage.publisher(1, ("dns", StateSink(script)))

        let wait = try await publisher.publish(to: dns)

        #expect(script.values == [["192.0.2.1"]])
        #expect(wait == .zero)
        #expect(try await stage.pending.isEmpty)
        #expect(try await stage.holdings().map(\.memory) == ["delivery 1"])
        #expect(try await publisher.publish(to: dns) == .milliseconds(100))
    }

    @Test func `a sink that was away for an hour gets the newest route only`() async throws {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        script.answer(.unreachable("away"), .unreachable("away"))
        try await stage.publish(["192.0.2.1"])
        _ = try await publisher.publish(to: dns)
        for value in 2...9 { try await stage.publish(["192.0.2.\(value)"]) }
        stage.pass(.seconds(1))
        _ = try await publisher.publish(to: dns)
        let waiting = try await stage.pending

        stage.pass(.hours(1))
        _ = try await publisher.publish(to: dns)

        #expect(waiting.map(\.lastError) == ["away"])
        #expect(waiting.map(\.failures) == [2])
        #expect(script.values.last == ["192.0.2.9"])
        #expect(script.sent.count == 3)
        #expect(try await stage.pending.isEmpty)
    }

    @Test func `a delivery that failed waits longer each time`() async throws {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        script.answer(.notNow("busy"), .notNow("busy"), .notNow("busy"))
        try await stage.publish(["192.0.2.1"])

        var waits: [Duration] = []
        for _ in 0..<3 {
            _ = try await publisher.publish(to: dns)
            let due = try #require(try await stage.pending.first).visibleAt
            waits.append(due - stage.storage.shared.clock.now)
            stage.pass(waits[waits.count - 1])
        }

        #expect(waits == [250, 500, 1000].map { .milliseconds($0) })
    }

    @Test func `a sink that hangs holds up no other`() async throws {
        let (hanging, other) = (SinkScript(), SinkScript())
        hanging.hang()
        let publisher = stage.publisher(1, ("slow", StateSink(hanging)), ("dns", StateSink(other)))
        try await stage.publish(
            ["192.0.2.1"],
            at: [
                Publication(sink: "slow", name: "www.example.com"),
                Publication(sink: "dns", name: "www.example.com"),
            ])

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                _ = try await publisher.publish(
                    to: NamedSink(name: "slow", sink: StateSink(hanging)))
            }
            while hanging.sent.isEmpty { await Task.yield() }
            _ = try await publisher.publish(to: NamedSink(name: "dns", sink: StateSink(other)))

            #expect(other.values == [["192.0.2.1"]])
            #expect(try await stage.pending.map(\.sink) == ["slow"])
            hanging.letGo()
            try await group.waitForAll()
        }
    }

    @Test func `a delivery that takes too long is cut off before its lease ends`() async throws {
        script.hang()
        let storage = stage.storage
        let publisher = Publisher(
            storage: storage, sinks: LiveSinks([dns]),
            // Every wait is over at once.
            time: ProcessTime(now: { .zero }, sleep: { _ in }, spread: { 1 }), logger: Stage.quiet)
        try await stage.publish(["192.0.2.1"])

        _ = try await publisher.publish(to: dns)

        let delivery = try #require(script.sent.first)
        #expect(delivery.leaseEnds - storage.shared.clock.now == .seconds(12))
        let waiting = try #require(try await stage.pending.first)
        #expect(waiting.lastError == "It did not answer in time.")
        #expect(waiting.holder == nil)
    }

    @Test func `who does not reach a sink leaves it to others for a while`() async throws {
        script.answer(.unreachable("no route to host"))
        let first = stage.publisher(1, ("dns", StateSink(script)))
        let second = stage.publisher(2, ("dns", StateSink(script)))
        try await stage.publish(["192.0.2.1"])
        _ = try await first.publish(to: dns)

        let reached = first.reached
        let wait = try await first.publish(to: dns)
        stage.pass(.milliseconds(250))
        _ = try await second.publish(to: dns)

        #expect(reached.isEmpty)
        #expect(wait == .milliseconds(100))
        #expect(script.sent.map(\.attempt) == [1, 2])
        #expect(second.reached == ["dns"])
        #expect(try await stage.pending.isEmpty)
    }

    @Test
    func `an event sink is told of everything, in order, and what it refuses is a dead letter`()
        async throws
    {
        let hook = NamedSink(name: "dns", sink: EventSink(script))
        let publisher = stage.publisher(1, ("dns", EventSink(script)))
        script.answer(nil, .refused("410 Gone"), nil)
        for value in 1...3 { try await stage.publish(["192.0.2.\(value)"]) }

        for _ in 1...3 { _ = try await publisher.publish(to: hook) }

        #expect(script.values == [["192.0.2.1"], ["192.0.2.2"], ["192.0.2.3"]])
        let letters = try await stage.storage.deadLetters(of: nil)
        #expect(letters.map(\.lastError) == ["410 Gone"])
        #expect(letters.map(\.generation) == [script.sent[1].generation])
        #expect(try await stage.pending.isEmpty)
    }

    @Test func `what was tried twice is read back, now and when the first try must have arrived`()
        async throws
    {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        script.answer(.notNow("busy"))
        try await stage.publish(["192.0.2.1"])
        _ = try await publisher.publish(to: dns)
        stage.pass(.seconds(1))
        _ = try await publisher.publish(to: dns)

        _ = try await publisher.readBack(dns)
        let now = script.compared.count
        _ = try await publisher.readBack(dns)
        let early = script.compared.count
        script.hold(.success(SinkDifference("www.example.com is A 192.0.2.9")))
        stage.pass(.seconds(10))
        _ = try await publisher.readBack(dns)
        let later = script.compared.count
        _ = try await publisher.publish(to: dns)

        #expect([now, early, later] == [1, 1, 2])
        // The late try had overwritten it.
        #expect(script.values == [["192.0.2.1"], ["192.0.2.1"], ["192.0.2.1"]])
    }

    @Test func `what was delivered at the first try is not read back`() async throws {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        try await stage.publish(["192.0.2.1"])
        _ = try await publisher.publish(to: dns)

        stage.pass(.minutes(1))
        _ = try await publisher.readBack(dns)

        #expect(script.compared.isEmpty)
    }

    @Test func `drift is mended where it is to be, and told where it is not`() async throws {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        try await stage.publish(
            ["192.0.2.1"],
            at: [
                Publication(sink: "dns", name: "mend.example.com"),
                Publication(sink: "dns", name: "report.example.com", drift: .report),
            ])
        _ = try await publisher.publish(to: dns)
        script.hold(.success(SinkDifference("it is 192.0.2.9")))

        _ = try await publisher.reconcile(dns)
        let reported = try await stage.holdings()
        let sent = script.sent.count
        _ = try await publisher.publish(to: dns)
        script.hold(.success(nil))
        stage.pass(.minutes(1))
        _ = try await publisher.reconcile(dns)

        #expect(sent == 2)
        #expect(script.sent.dropFirst(2).map(\.publication.name) == ["mend.example.com"])
        #expect(
            Dictionary(uniqueKeysWithValues: reported.map { ($0.name, $0.difference) })
                == ["mend.example.com": nil, "report.example.com": "it is 192.0.2.9"])
        #expect(try await stage.holdings().map(\.difference) == [nil, nil])
    }

    @Test func `a policy that observes is compared, refusals included, and never written`()
        async throws
    {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        try await stage.publish(["192.0.2.1"], mode: .observe)
        script.hold(.failure(.refused("The zone is a secondary.", mend: "Write to its primary.")))

        _ = try await publisher.publish(to: dns)
        _ = try await publisher.reconcile(dns)

        #expect(script.sent.isEmpty)
        #expect(
            try await stage.holdings().map(\.difference)
                == ["The zone is a secondary. Write to its primary."])
    }

    @Test func `one process at a time compares a sink`() async throws {
        let (first, second) = (
            stage.publisher(1, ("dns", StateSink(script))),
            stage.publisher(2, ("dns", StateSink(script)))
        )
        try await stage.publish(["192.0.2.1"])
        _ = try await first.publish(to: dns)

        let wait = try await first.reconcile(dns)
        _ = try await second.reconcile(dns)
        let once = script.compared.count
        stage.pass(.seconds(55))
        _ = try await second.reconcile(dns)

        #expect(wait == .seconds(60))
        #expect(once == 1)
        #expect(script.compared.count == 2)
    }

    @Test func `a sink that cannot be compared is not asked for each of its names`() async throws {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        for name in ["a", "b", "c"] {
            try await stage.publish(
                ["192.0.2.1"], of: name, at: [Publication(sink: "dns", name: "\(name).example.com")]
            )
        }
        _ = try await publisher.publish(to: dns)
        script.hold(.failure(.unreachable("away")))

        let wait = try await publisher.reconcile(dns)

        #expect(script.compared == ["a.example.com"])
        #expect(wait == .seconds(15))
        #expect(publisher.reached.isEmpty)
    }

    @Test func `a route that was never delivered though nothing waits is delivered`() async throws {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        try await stage.publish(["192.0.2.1"])
        // A database that was restored lost the row.
        for delivery in try await stage.storage.claimDeliveries(
            to: ["dns"], of: .event, limit: 9, lease: .seconds(60))
        {
            _ = try await stage.storage.giveUp(delivery, error: "lost")
        }

        _ = try await publisher.reconcile(dns)
        _ = try await publisher.publish(to: dns)

        #expect(script.values == [["192.0.2.1"]])
        #expect(script.compared.isEmpty)
    }

    @Test func `a deleted policy is taken back where it is to be`() async throws {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        try await stage.publish(
            ["192.0.2.1"],
            at: [
                Publication(sink: "dns", name: "left.example.com"),
                Publication(sink: "dns", name: "gone.example.com", onDelete: .remove),
            ])
        _ = try await publisher.publish(to: dns)

        try await stage.delete()
        _ = try await publisher.publish(to: dns)

        #expect(script.withdrawn == ["gone.example.com"])
        #expect(try await stage.pending.isEmpty)
    }

    @Test func `a sink that holds a later generation than the storage gets a newer one`()
        async throws
    {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        try await stage.publish(["192.0.2.1"])
        let before = try #require(try await stage.pending.first).generation
        script.answer(.superseded(by: before + 1_000_000))

        _ = try await publisher.publish(to: dns)
        let waiting = try await stage.pending
        _ = try await publisher.publish(to: dns)

        #expect(waiting.map(\.generation) == [before + 1_000_001])
        #expect(waiting.map(\.failures) == [0])
        #expect(script.sent.last?.generation == before + 1_000_001)
        #expect(try await stage.holdings().map(\.generation) == [before + 1_000_001])
    }

    @Test func `a delivery that came too late is no word for the one after it`() async throws {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        try await stage.publish(["192.0.2.1"])
        try await stage.publish(["192.0.2.2"])
        let newest = try #require(try await stage.pending.first).generation
        script.answer(.superseded(by: newest))

        _ = try await publisher.publish(to: dns)
        _ = try await publisher.publish(to: dns)

        #expect(script.sent.map(\.generation) == [newest, newest])
        #expect(try await stage.holdings().map(\.generation) == [newest])
    }

    @Test func `what a sink has to remember is kept before anything is sent`() async throws {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        script.remember("it was 192.0.2.9")
        script.answer(.unreachable("cut off"))
        try await stage.publish(["192.0.2.1"])

        _ = try await publisher.publish(to: dns)

        #expect(script.sent.map(\.holding?.memory) == ["it was 192.0.2.9"])
        #expect(try await stage.holdings().map(\.memory) == ["it was 192.0.2.9"])
        #expect(try await stage.holdings().map(\.generation) == [nil])
    }

    @Test func `an earlier route of ours is replaced also where drift is only told`() async throws {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        try await stage.publish(
            ["192.0.2.1"], at: [Publication(sink: "dns", name: "www.example.com", drift: .report)])
        _ = try await publisher.publish(to: dns)
        script.hold(.success(SinkDifference("it is 192.0.2.9", isOurs: true)))

        _ = try await publisher.reconcile(dns)
        _ = try await publisher.publish(to: dns)

        #expect(script.sent.count == 2)
    }

    @Test func `what fails together is one failure of its sink`() async throws {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        for name in ["a", "b", "c"] {
            try await stage.publish(
                ["192.0.2.1"], of: name, at: [Publication(sink: "dns", name: "\(name).example.com")]
            )
        }
        script.answer(.unreachable("away"), .unreachable("away"), .unreachable("away"))

        _ = try await publisher.publish(to: dns)
        // As long as the first failure asks for.
        stage.pass(.milliseconds(250))
        _ = try await publisher.publish(to: dns)

        #expect(script.sent.count == 6)
        #expect(try await stage.pending.isEmpty)
    }

    @Test func `what failed is due once its sink is back`() async throws {
        let publisher = stage.publisher(1, ("dns", StateSink(script)))
        try await stage.publish(["192.0.2.1"])
        for _ in 1...8 {
            script.answer(.unreachable("away"))
            _ = try await publisher.publish(to: dns)
            stage.pass(.seconds(30))
        }
        script.answer(.unreachable("away"))
        _ = try await publisher.publish(to: dns)
        stage.pass(.seconds(1))
        try await stage.publish(
            ["192.0.2.1"], of: "other",
            at: [Publication(sink: "dns", name: "other.example.com")])
        let second = stage.publisher(2, ("dns", StateSink(script)))
        script.answer(.unreachable("away"))
        _ = try await second.publish(to: dns)
        stage.pass(.milliseconds(250))
        let early = script.sent.count

        _ = try await second.publish(to: dns)
        let alone = script.sent.count
        _ = try await second.publish(to: dns)

        #expect(alone == early + 1)
        #expect(script.sent.count == alone + 1)
        #expect(try await stage.pending.isEmpty)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a delivery that takes long does not hold up what comes after it`() async throws {
        script.hang()
        let storage = stage.storage
        let publisher = Publisher(
            storage: storage, sinks: LiveSinks([dns]),
            limits: Publisher.Limits(poll: .milliseconds(1)),
            logger: Stage.quiet)
        try await stage.publish(["192.0.2.1"])

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await publisher.run() }
            while script.sent.isEmpty { await Task.yield() }
            try await stage.publish(
                ["192.0.2.1"], of: "other",
                at: [Publication(sink: "dns", name: "other.example.com")])
            while script.sent.count < 2 { await Task.yield() }
            script.letGo()
            group.cancelAll()
            try await group.waitForAll()
        }

        #expect(
            Set(script.sent.map(\.publication.name)) == ["www.example.com", "other.example.com"])
    }
}
