import HealthWorkerModel
import HealthWorkerRouting
import HealthWorkerStorage
import TestServers
import Testing

/// What webhooks are not told, from the turn to a receiver.
struct QuietWebhookTests {
    let stage = Stage()

    private var evaluator: PolicyEvaluator { PolicyEvaluator(storage: stage.storage) { _ in } }

    /// Checks that turn at once, and a policy whose members they watch, each at a site of its name.
    private func prepare(
        _ checks: [String], dependingOn parents: [String] = [], sink: String = "hook"
    ) async throws {
        func check(_ name: String, dependsOn: [String] = []) -> ObjectChange {
            .putCheck(
                CheckSpec(
                    name: name, dependsOn: dependsOn, type: .tcp,
                    target: Target(host: "192.0.2.1", port: 80), confirm: .none, fall: 1, rise: 1),
                set: nil)
        }
        let members = checks.enumerated().map { index, name in
            Member(
                name: name, value: "192.0.2.\(index + 1)", labels: ["site": name], check: name)
        }
        let policy = PolicySpec(
            name: "www", type: .detach, members: members, reattachDelay: .seconds(0),
            publish: [Publication(sink: sink, name: "www")])
        _ = try await stage.storage.write(
            WriteBatch(
                parents.map { check($0) } + checks.map { check($0, dependsOn: parents) }
                    + [.putPolicy(policy, makes: [], set: nil)], actor: "ann"))
        for name in parents + checks { try await turn(name, .success) }
    }

    /// Probes once, and decides what follows.
    private func turn(_ name: String, _ outcome: Outcome) async throws {
        let storage = stage.storage
        let check = try #require(try await storage.checks(named: [name]).first)
        try await storage.enqueueNow(check.id)
        stage.pass(.seconds(1))
        let claims = try await storage.claim(ClaimRequest(limit: 100))
        _ = try await storage.release(claims.filter { $0.check != check.id }.map(\.reference))
        let claim = try #require(claims.first { $0.check == check.id })
        let request = CountRequest(
            check: check.id, job: claim.job, attempt: claim.attempt, base: claim.base,
            isSuccess: outcome == .success, interval: .seconds(10))
        let decision = HealthTracker.next(
            base: claim.base,
            observation: HealthTracker.Observation(
                outcome: outcome, run: request.runFromBase, worker: storage.process,
                othersAlive: false, at: try await storage.now()),
            check: check.spec)
        _ = try await storage.complete([
            Completion(
                claim: claim, epoch: check.epoch, report: ProbeReport(outcome: outcome),
                decision: decision, age: .zero)
        ])
        _ = try await evaluator.evaluateDue(limit: 9)
    }

    private func maintain(_ site: String, for duration: Duration) async throws {
        let policy = try #require(try await stage.storage.policies(named: ["www"]).first)
        let now = try await stage.storage.now()
        _ = try await stage.storage.change(
            MaintenanceChange(
                .order(
                    Maintenance(
                        id: 0, selector: LabelSelector(["site": site]), startsAt: now,
                        endsAt: now + duration, reason: "switches", actor: "ann", createdAt: now)),
                policies: [policy.id], actor: "ann"))
        _ = try await evaluator.evaluateDue(limit: 9)
    }

    private func pass(_ duration: Duration) async throws {
        stage.pass(duration)
        _ = try await evaluator.evaluateDue(limit: 9)
    }

    /// Delivers what waits.
    private func deliver(_ publisher: Publisher, to hook: NamedSink) async throws {
        for _ in 1...9 {
            if try await stage.pending.isEmpty { return }
            _ = try await publisher.publish(to: hook)
        }
    }

    /// The last bytes of what each message says holds now, a list for each change.
    private func told(_ receiver: WebhookReceiver) throws -> [[String]] {
        try receiver.messages.map { message in
            try Hook.Told(message).data.changes.map { change in
                change.after.values.compactMap { $0.split(separator: ".").last }
                    .joined(separator: ",")
            }
        }
    }

    @Test func `a maintenance begins and ends without a message, and what else leaves is told`()
        async throws
    {
        let receiver = try WebhookReceiver(secrets: [Hook.secret])
        let hook = NamedSink(name: "hook", sink: try Hook.sink(receiver))
        let publisher = stage.publisher(1, ("hook", hook.sink))
        try await prepare(["a", "b", "c"])
        try await deliver(publisher, to: hook)
        let before = try told(receiver)

        try await maintain("a", for: .hours(1))
        try await deliver(publisher, to: hook)
        let begun = try told(receiver)
        let held = try await stage.holdings().first?.generation
        try await turn("b", .failure(.connectRefused))
        try await turn("b", .success)
        try await deliver(publisher, to: hook)
        let meanwhile = try told(receiver)
        try await pass(.hours(2))
        try await deliver(publisher, to: hook)

        let route = try await stage.storage.routes(after: nil, limit: 1).first?.route
        #expect(before.last == ["1,2,3"])
        #expect(begun == before)
        #expect(meanwhile.dropFirst(before.count).map(\.self) == [["3"], ["2,3"]])
        #expect(try told(receiver) == meanwhile)
        #expect(route?.answer.records.map(\.name) == ["a", "b", "c"])
        // It counts as delivered.
        #expect(held != nil)
        #expect(try await stage.holdings().first?.generation == route?.generation)
        #expect(try await stage.pending.isEmpty)
        #expect(try await stage.storage.deadLetters(of: nil).isEmpty)
    }

    @Test func `who leaves because of what it depends on is not told, and coming back is`()
        async throws
    {
        let receiver = try WebhookReceiver(secrets: [Hook.secret])
        let hook = NamedSink(name: "hook", sink: try Hook.sink(receiver))
        let publisher = stage.publisher(1, ("hook", hook.sink))
        try await prepare(["a", "b", "c"], dependingOn: ["router"])
        try await deliver(publisher, to: hook)
        let before = try told(receiver).count

        try await turn("router", .failure(.connectRefused))
        try await turn("a", .failure(.connectRefused))
        try await deliver(publisher, to: hook)
        let left = try told(receiver).count
        try await turn("router", .success)
        try await turn("a", .success)
        try await deliver(publisher, to: hook)
        let back = try told(receiver)
        try await turn("a", .failure(.connectRefused))
        try await deliver(publisher, to: hook)

        #expect(left == before)
        #expect(back.dropFirst(before).map(\.self) == [["1,2,3"]])
        #expect(try told(receiver).last == ["2,3"])
    }

    @Test func `of several that go together only what is news is in the message`() async throws {
        let receiver = try WebhookReceiver(secrets: [Hook.secret])
        let hook = NamedSink(
            name: "hook", sink: try Hook.sink(receiver, groupWithin: .seconds(2)))
        let publisher = stage.publisher(1, ("hook", hook.sink))
        try await prepare(["a", "b", "c"])
        stage.pass(.seconds(3))
        try await deliver(publisher, to: hook)
        let before = try told(receiver).count

        try await maintain("a", for: .hours(1))
        try await turn("b", .failure(.connectRefused))
        stage.pass(.seconds(3))
        try await deliver(publisher, to: hook)

        let news = try receiver.messages.dropFirst(before).map { try Hook.Told($0) }
        #expect(news.map(\.data.changes.count) == [1])
        #expect(news.first?.data.changes.first?.before?.values == ["192.0.2.2", "192.0.2.3"])
        #expect(news.first?.data.changes.first?.after.values == ["192.0.2.3"])
    }

    @Test func `a sink that is away is not asked for what nobody is told`() async throws {
        let receiver = try WebhookReceiver(secrets: [Hook.secret], isUp: false)
        let hook = NamedSink(name: "hook", sink: try Hook.sink(receiver))
        let script = SinkScript()
        let taking = stage.publisher(1, ("hook", EventSink(script)))
        try await prepare(["a", "b"])
        try await deliver(taking, to: NamedSink(name: "hook", sink: EventSink(script)))
        let sent = script.sent.count

        try await maintain("a", for: .hours(1))
        _ = try await stage.publisher(2, ("hook", hook.sink)).publish(to: hook)

        #expect(sent > 0)
        #expect(try await stage.pending.isEmpty)
    }

    @Test func `a sink that holds a state gets every route`() async throws {
        let script = SinkScript()
        let sink = NamedSink(name: "dns", sink: StateSink(script))
        let publisher = stage.publisher(1, ("dns", sink.sink))
        try await prepare(["a", "b"], sink: "dns")
        try await deliver(publisher, to: sink)

        try await maintain("a", for: .hours(1))
        try await deliver(publisher, to: sink)
        try await pass(.hours(1))
        try await deliver(publisher, to: sink)

        #expect(script.values.suffix(2) == [["192.0.2.2"], ["192.0.2.1", "192.0.2.2"]])
    }
}
