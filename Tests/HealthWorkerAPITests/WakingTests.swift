import HealthWorkerModel
import HealthWorkerStorage
import Testing

@testable import HealthWorkerAPI

/// Who waits for another route than the held one.
@Suite struct WakingTests {
    @Test(.timeLimit(.minutes(2)))
    func `who waits is woken by the next route, and not only when the time is over`() async throws {
        let held = RoutesHeld()
        try await held.publish("www", Member(name: "fra1", value: "192.0.2.10"))
        let routes = RouteWatch(storage: held.storage, memory: .zero)
        try await routes.refresh()
        let version = try #require(routes.held()).version

        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<10 {
                group.addTask { await routes.change(after: version, within: .seconds(3600)) }
            }
            // Nothing has changed.
            try await routes.refresh()
            try await held.publish("www", Member(name: "ams1", value: "192.0.2.20"))
            try await routes.refresh()
            try await group.waitForAll()
        }

        #expect(try #require(routes.held()).version > version)
    }

    @Test(.timeLimit(.minutes(2)))
    func `who knows of an older version does not wait, and who is cancelled waits no longer`()
        async throws
    {
        let held = RoutesHeld()
        try await held.publish("www", Member(name: "fra1", value: "192.0.2.10"))
        try await held.routes.refresh()
        let routes = held.routes
        let version = try #require(routes.held()).version

        await routes.change(after: version - 1, within: .seconds(3600))
        let waiting = Task { await routes.change(after: version, within: .seconds(3600)) }
        waiting.cancel()
        await waiting.value
    }
}
