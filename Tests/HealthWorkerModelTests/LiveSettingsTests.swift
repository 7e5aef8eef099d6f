import Foundation
import HealthWorkerModel
import Testing

@Suite struct `Live worker settings` {
    private let configured = SettingsInForce(concurrency: 1000, batchSize: 500)

    private func live(_ settings: [(WorkerScope, WorkerSettings)]) -> LiveSettings {
        LiveSettings(
            revision: 9,
            settings: settings.map { scope, settings in
                ScopedSettings(
                    scope: scope, settings: settings, revision: 9,
                    updatedAt: Timestamp(seconds: 1), updatedBy: "ann")
            })
    }

    @Test func `leave a worker with its configuration while nobody sets anything`() {
        let inForce = LiveSettings().inForce(for: "w", at: "fra1", over: configured)

        #expect(inForce == configured)
        #expect(inForce.concurrency.origin == .configuration)
        #expect(inForce.pausedBecause == nil)
    }

    /// Every set of scopes that say something of one value: the most particular has the word.
    @Test(arguments: 0..<8)
    func `go by the name before the location, and by the location before all`(said: Int) {
        let scopes: [(scope: WorkerScope, value: Int, origin: SettingsInForce.Origin)] = [
            (.all, 1, .all), (.location("fra1"), 2, .location), (.name("w"), 3, .name),
        ]
        let saying = scopes.enumerated().filter { said & (1 << $0.offset) != 0 }.map(\.element)
        let others: [(WorkerScope, WorkerSettings)] = [
            (.location("ams1"), WorkerSettings(concurrency: 77)),
            (.name("v"), WorkerSettings(concurrency: 78)),
            // A worker is not asked by a location of its name, nor the other way round.
            (.location("w"), WorkerSettings(concurrency: 79)),
            (.name("fra1"), WorkerSettings(concurrency: 80)),
        ]
        let settings = saying.map { ($0.scope, WorkerSettings(concurrency: $0.value)) } + others

        for order in [settings, settings.reversed()] {
            let inForce = live(order).inForce(for: "w", at: "fra1", over: configured)

            #expect(inForce.concurrency.value == saying.last?.value ?? 1000)
            #expect(inForce.concurrency.origin == saying.last?.origin ?? .configuration)
            #expect(inForce.batchSize == configured.batchSize)
            #expect(inForce.revision == 9)
        }
    }

    @Test func `are taken value by value`() {
        let settings = live([
            (.all, WorkerSettings(concurrency: 10, batchSize: 10, isPaused: true)),
            (.location("fra1"), WorkerSettings(batchSize: 20, logLevel: .debug)),
            (.name("w"), WorkerSettings(isPaused: false)),
        ])

        let inForce = settings.inForce(for: "w", at: "fra1", over: configured)
        let neighbour = settings.inForce(for: "v", at: "fra1", over: configured)

        #expect(inForce.concurrency == .init(10, from: .all))
        #expect(inForce.batchSize == .init(20, from: .location))
        #expect(inForce.isPaused == .init(false, from: .name))
        #expect(inForce.pausedBecause == nil)
        #expect(inForce.logLevel == .init(.debug, from: .location))
        #expect(neighbour.isPaused == .init(true, from: .all))
    }

    @Test func `say who paused a worker, for whom and why`() {
        var settings = live([(.location("fra1"), WorkerSettings(isPaused: true))])
        #expect(
            settings.inForce(for: "w", at: "fra1", over: configured).pausedBecause
                == "paused by ann for location fra1")

        settings.settings[0].message = "kernel update"
        settings.settings[0].scope = .name("w")
        #expect(
            settings.inForce(for: "w", at: "fra1", over: configured).pausedBecause
                == "paused by ann for worker w: kernel update")
    }

    @Test func `read back from JSON as they were, and a later version's keys do no harm`() throws {
        let settings = live([
            (.name("host/ü"), WorkerSettings(concurrency: 1)),
            (.all, WorkerSettings(batchSize: 2, isPaused: true)),
        ])
        let inForce = settings.inForce(for: "host/ü", at: "x", over: configured)

        let data = try JSONEncoder().encode(settings)
        #expect(try JSONDecoder().decode(LiveSettings.self, from: data) == settings)
        let before =
            #"{"revision":1,"concurrency":{"value":1,"origin":"all"},"batchSize":"#
            + #"{"value":2,"origin":"all"},"isPaused":{"value":false,"origin":"configuration"}}"#
        let older = try JSONDecoder().decode(SettingsInForce.self, from: Data(before.utf8))
        #expect(older.logLevel == nil, "a version that said nothing of it")
        let reported = try JSONEncoder().encode(inForce)
        #expect(try JSONDecoder().decode(SettingsInForce.self, from: reported) == inForce)
        #expect(
            try JSONDecoder().decode(
                WorkerSettings.self, from: Data(#"{"batch_size":3,"lease":"9s"}"#.utf8))
                == WorkerSettings(batchSize: 3))
    }

    @Test func `are listed from all to the single worker`() {
        let scopes: [WorkerScope] = [.name("a"), .location("b"), .all, .location("a"), .name("B")]

        #expect(
            scopes.sorted() == [.all, .location("a"), .location("b"), .name("B"), .name("a")])
    }

    @Test(arguments: [
        (WorkerScope.all, WorkerScope.location("ams1"), true), (.all, .all, true),
        (.all, .name("nobody"), true), (.location("fra1"), .location("fra1"), true),
        (.location("fra1"), .location("ams1"), false), (.name("w"), .name("v"), false),
        (.name("w"), .location("fra1"), true), (.name("w"), .location("ams1"), false),
        (.name("v"), .location("ams1"), true), (.name("nobody"), .location("fra1"), false),
    ])
    func `concern the same workers where some of those that run are of both scopes`(
        scope: WorkerScope, other: WorkerScope, isShared: Bool
    ) {
        let workers = [(name: "w", location: "fra1"), (name: "v", location: "ams1")]

        #expect(scope.meets(other, among: workers) == isShared)
        #expect(other.meets(scope, among: workers) == isShared)
    }
}
