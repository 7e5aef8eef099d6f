import HealthWorkerModel
import HealthWorkerRouting
import HealthWorkerSettings
import HealthWorkerStorage
import Logging
import StorageConformance
import Synchronization

/// A sink at which a test writes down what it answers, and reads what it was sent.
final class SinkScript: Sendable {
    private struct State {
        var answers: [SinkError?] = []
        var sent: [Delivery] = []
        var withdrawn: [String] = []
        var difference: Result<SinkDifference?, SinkError> = .success(nil)
        var wantsMemory: String?
        var compared: [String] = []
        var isHanging = false
    }

    private let state = Mutex(State())
    private let gate = AsyncStream.makeStream(of: Void.self)

    /// What the next deliveries are answered with, one after the other; nil, and all after them: taken.
    func answer(_ answers: SinkError?...) {
        state.withLock { $0.answers += answers }
    }

    func hold(_ difference: Result<SinkDifference?, SinkError>) {
        state.withLock { $0.difference = difference }
    }

    /// Asks for this to be kept before anything is sent.
    func remember(_ memory: String) {
        state.withLock { $0.wantsMemory = memory }
    }

    /// Answers nothing until it is cancelled or let go.
    func hang() {
        state.withLock { $0.isHanging = true }
    }

    func letGo() {
        gate.continuation.finish()
    }

    var sent: [Delivery] { state.withLock { $0.sent } }
    var withdrawn: [String] { state.withLock { $0.withdrawn } }
    var compared: [String] { state.withLock { $0.compared } }
    /// The values of each route, in the order in which they came.
    var values: [[String]] {
        sent.map { $0.route?.answer.records.map(\.value) ?? [] }
    }

    /// - Returns: what is to be kept before; nil: it was sent.
    fileprivate func take(_ delivery: Delivery) async throws(SinkError) -> String? {
        let wanted = state.withLock { state in
            state.wantsMemory == delivery.holding?.memory ? nil : state.wantsMemory
        }
        if let wanted { return wanted }
        let (error, isHanging) = state.withLock { state in
            state.sent.append(delivery)
            return (
                state.answers.isEmpty ? nil : state.answers.removeFirst(), state.isHanging
            )
        }
        if isHanging {
            for await _ in gate.stream {}
            throw .unreachable("it was cut off")
        }
        if let error { throw error }
        return nil
    }

    fileprivate func withdraw(_ delivery: Delivery) {
        state.withLock { $0.withdrawn.append(delivery.publication.name) }
    }

    fileprivate func compare(_ place: PublishedPlace) throws(SinkError) -> SinkDifference? {
        let difference = state.withLock { state in
            state.compared.append(place.publication.name)
            return state.difference
        }
        return try difference.get()
    }
}

struct NoKeys: SinkConfiguration {
    init(_ keys: inout SinkKeys) {}
    init() {}
}

struct StateSink: RouteSink {
    static let type = "state"
    static let summary = "Holds routes."
    static let kind = SinkKind.state

    let script: SinkScript
    var timeLimit: Duration = .seconds(10)

    init(_ script: SinkScript) {
        self.script = script
    }

    init(_: NoKeys, _: SinkContext) {
        self.init(SinkScript())
    }

    func deliver(_ delivery: Delivery) async throws(SinkError) -> SinkReceipt {
        if let wanted = try await script.take(delivery) { return .remember(wanted) }
        return SinkReceipt(memory: "delivery \(delivery.attempt)")
    }

    func withdraw(_ delivery: Delivery) async throws(SinkError) { script.withdraw(delivery) }

    func difference(
        from place: PublishedPlace
    ) async throws(SinkError) -> SinkDifference? { try script.compare(place) }

    func test(_ places: [PublishedPlace]) async -> [SinkFinding] { [] }
}

struct EventSink: RouteSink {
    static let type = "event"
    static let summary = "Is told of routes."
    static let kind = SinkKind.event

    let script: SinkScript

    init(_ script: SinkScript) {
        self.script = script
    }

    init(_: NoKeys, _: SinkContext) {
        self.init(SinkScript())
    }

    func deliver(_ delivery: Delivery) async throws(SinkError) -> SinkReceipt {
        _ = try await script.take(delivery)
        return SinkReceipt()
    }

    func test(_ places: [PublishedPlace]) async -> [SinkFinding] { [] }
}

/// Routes in the reference storage, and publishers that are driven step by step.
struct Stage {
    let storage: MemoryStorage
    private let clock: StorageClock

    init() {
        clock = StorageClock()
        storage = MemoryStorage(clock: clock)
    }

    static let nobodyAnswers: AskNameServer = {
        (server, _, _) async throws(SinkError) in throw .unreachable("\(server) is silent")
    }

    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A publisher of a process of its own, by the storage's clock.
    func publisher(
        _ process: ProcessID = 1, _ sinks: (name: String, sink: any RouteSink)...
    ) -> Publisher {
        let clock = clock
        let start = clock.now
        return Publisher(
            storage: MemoryStorage(process: process, shared: storage.shared),
            sinks: LiveSinks(sinks.map { NamedSink(name: $0.name, sink: $0.sink) }),
            time: ProcessTime(
                now: { clock.now - start },
                sleep: { _ in
                    // Nobody moves the clock while a step runs: only what is cancelled ends.
                    try await Task.sleep(for: .seconds(3600))
                }, spread: { 1 }), logger: Self.quiet)
    }

    /// Writes a policy that publishes these values, and decides its route.
    func publish(
        _ values: [String], of policy: String = "www", ttl: Int = 30, mode: PolicyMode = .live,
        at publications: [Publication] = [Publication(sink: "dns", name: "www.example.com")]
    ) async throws {
        let spec = PolicySpec(
            name: policy, type: .simple, mode: mode,
            members: values.enumerated().map { Member(name: "m\($0.offset)", value: $0.element) },
            ttl: ttl, publish: publications)
        _ = try await storage.write(
            WriteBatch([.putPolicy(spec, makes: [], set: nil)], actor: "ann"))
        _ = try await PolicyEvaluator(storage: storage).evaluateDue(limit: 100)
    }

    func delete(_ policy: String = "www") async throws {
        _ = try await storage.write(WriteBatch([.deletePolicy(policy)], actor: "ann"))
    }

    func pass(_ duration: Duration) {
        clock.advance(by: duration)
    }

    var pending: [PendingDelivery] {
        get async throws { try await storage.pendingDeliveries(of: nil) }
    }

    func holdings(of policy: String = "www") async throws -> [Holding] {
        guard let policy = try await storage.policies(named: [policy]).first else { return [] }
        return try await storage.holdings(of: policy.id)
    }
}
