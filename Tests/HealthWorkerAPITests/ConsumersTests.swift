import Foundation
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

/// What programs are told that send traffic by it, without a key.
@Suite struct ConsumersTests {
    private let first = Member(name: "fra1", value: "192.0.2.10", weight: 3)
    private let second = Member(name: "ams1", value: "192.0.2.20")
    private let out = Member(name: "old", value: "192.0.2.30", isEnabled: false)

    @Test func `routes and members are told without a key`() async throws {
        let held = RoutesHeld()
        try await held.publish("www", first, out)
        try await held.publish("api", second)

        try await RoutesHeld.consuming(held.routes) { port in
            let route = try await RoutesHeld.get("/v1/routes/www", port: port)
            let page = try await RoutesHeld.get("/v1/routes?limit=1", port: port)
            let yes = try await RoutesHeld.get("/v1/routes/www/members/fra1/health", port: port)
            let no = try await RoutesHeld.get("/v1/routes/www/members/old/health", port: port)
            let nobody = try await RoutesHeld.get("/v1/routes/nobody", port: port)

            #expect(route.status == 200)
            #expect(try Node.readJSON(route.body)["records"]?.elements?.count == 1)
            #expect(try Node.readJSON(route.body)["stale"] == nil)
            #expect(!route.head.lowercased().contains("x-stale"))
            #expect(try Node.readJSON(page.body)["items"]?.elements?.count == 1)
            #expect(page.body.contains(#""policy":"api""#))
            #expect(page.head.contains("rel=\"next\""))
            #expect(yes.status == 200)
            #expect(no.status == 503)
            #expect(no.body.contains(#""reason":"disabled""#))
            #expect(nobody.status == 404)
        }
    }

    @Test func `pages of routes go on by name, and end`() async throws {
        let held = RoutesHeld()
        for name in ["c", "a", "d", "b"] { try await held.publish(name, first) }

        try await RoutesHeld.consuming(held.routes) { port in
            var names: [String] = []
            var path: String? = "/v1/routes?limit=3"
            while let next = path, names.count < 10 {
                let page = try Node.readJSON(try await RoutesHeld.get(next, port: port).body)
                names += (page["items"]?.elements ?? []).compactMap { $0["policy"]?.text }
                path = page["next_cursor"]?.text.map { "/v1/routes?limit=3&cursor=\($0)" }
            }

            #expect(names == ["a", "b", "c", "d"])
        }
    }

    @Test func `a route that changes, is renamed or goes is told so`() async throws {
        let held = RoutesHeld()
        try await held.publish("www", first)
        try await held.publish("api", second)

        try await RoutesHeld.consuming(held.routes) { [second] port in
            let told: @Sendable (String) async throws -> String = { policy in
                let answer = try await RoutesHeld.get("/v1/routes/\(policy)", port: port)
                return answer.body
            }
            try await held.publish("www", second)
            try await RoutesHeld.until("the new value is told") {
                try await told("www").contains("192.0.2.20")
            }
            _ = try await held.storage.write(
                WriteBatch([.renamePolicy("www", to: "web")], actor: "ann"))
            try await held.decide()
            try await RoutesHeld.until("the new name is told") {
                let (old, new) = (try await told("www"), try await told("web"))
                return old.contains("not-found") && new.contains("192.0.2.20")
            }
            _ = try await held.storage.write(WriteBatch([.deletePolicy("web")], actor: "ann"))
            try await RoutesHeld.until("it is gone") { try await told("web").contains("not-found") }
            let other = try await told("api")

            #expect(other.contains("192.0.2.20"))
        }
    }

    @Test func `programs of other networks are refused`() async throws {
        let held = RoutesHeld()
        try await held.publish("www", first)

        try await RoutesHeld.consuming(held.routes, networks: ["127.0.0.1/32"]) { port in
            let listed = try await RoutesHeld.get("/v1/routes/www", port: port, from: "127.0.0.1")
            let other = try await RoutesHeld.get("/v1/routes/www", port: port, from: "127.0.0.2")
            let nowhere = try await RoutesHeld.get("/livez", port: port, from: "127.0.0.2")

            #expect(listed.status == 200)
            #expect(other.status == 403)
            #expect(other.body.contains("consumer.networks"))
            #expect(!other.body.contains("192.0.2.10"))
            #expect(nowhere.status == 403)
        }
    }

    @Test(arguments: [
        ("POST", "/v1/routes/www", 405), ("DELETE", "/v1/routes/www", 405),
        ("GET", "/v1/policies", 404), ("GET", "/v1/checks", 404), ("GET", "/v1/keys", 404),
        ("GET", "/v1/routes/www/deliveries", 404), ("GET", "/livez", 200),
        ("GET", "/openapi.json", 200),
    ])
    func `nothing else is served there`(method: String, path: String, status: Int) async throws {
        let held = RoutesHeld()
        try await held.publish("www", first)

        try await RoutesHeld.consuming(held.routes) { port in
            let answer = try await RoutesHeld.get(path, port: port, method: method)

            #expect(answer.status == status)
        }
    }

    @Test func `before anything is known the answer is that, and not that there is nothing`()
        async throws
    {
        try await RoutesHeld.consuming(RouteWatch()) { port in
            let answer = try await RoutesHeld.get("/v1/routes/www", port: port)
            let member = try await RoutesHeld.get(
                "/v1/routes/www/members/fra1/health", port: port)

            #expect(answer.status == 503)
            #expect(answer.body.contains("Nothing has been read"))
            #expect(member.status == 503)
        }
    }

    @Test func `a process without its storage tells what the last one left behind, marked stale`()
        async throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = SnapshotFile(path: folder.appending(path: "routes.json").path)
        let held = RoutesHeld()
        try await held.publish("www", first)
        try await RoutesHeld.consuming(held.routes, keeping: file) { [second] _ in
            try await held.publish("www", second)
            try await RoutesHeld.until("the file has the route") {
                (try? String(contentsOfFile: file.path, encoding: .utf8))?
                    .contains("192.0.2.20") == true
            }
        }
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)
        let anHourAgo = Date(timeIntervalSinceNow: -3600)
        try FileManager.default.setAttributes(
            [.modificationDate: anHourAgo], ofItemAtPath: file.path)

        let later = RouteWatch()
        let isThere = try await file.load(into: later)
        try await RoutesHeld.consuming(later) { port in
            let route = try await RoutesHeld.get("/v1/routes/www", port: port)
            let member = try await RoutesHeld.get(
                "/v1/routes/www/members/ams1/health", port: port)
            let page = try await RoutesHeld.get("/v1/routes", port: port)

            #expect(route.status == 200)
            #expect(route.body.contains("192.0.2.20"))
            #expect(try Node.readJSON(route.body)["stale"]?.bool == true)
            let age = try Node.readJSON(route.body)["age_seconds"]?.integer ?? 0
            #expect((3600...7200).contains(age))
            #expect(route.head.contains("X-Stale-Seconds: "))
            #expect(member.status == 200)
            #expect(try Node.readJSON(member.body)["stale"]?.bool == true)
            #expect(page.head.contains("X-Stale-Seconds: "))

            // What the storage says holds over the file, and is not stale.
            later.use(held.storage)
            try await RoutesHeld.until("it is fresh") {
                let answer = try await RoutesHeld.get("/v1/routes/www", port: port)
                return !answer.head.contains("X-Stale") && answer.body.contains("192.0.2.20")
            }
        }

        #expect(isThere)
        #expect((mode[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(left == ["routes.json"])
    }

    @Test func `a file that is not there is none, and a broken one is told`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = SnapshotFile(path: folder.appending(path: "routes.json").path)

        let isThere = try await file.load(into: RouteWatch())
        try Data("{\"format\": 1, \"rou".utf8).write(to: URL(filePath: file.path))
        await #expect(throws: DecodingError.self) { try await file.load(into: RouteWatch()) }
        try Data("{\"format\": 2, \"routes\": []}".utf8).write(to: URL(filePath: file.path))
        await #expect(throws: SnapshotFileError.self) { try await file.load(into: RouteWatch()) }

        #expect(!isThere)
    }
}
