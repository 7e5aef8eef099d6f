import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import StorageConformance
import Synchronization
import Testing

@Suite struct SettingsTests {
    private static let root = "/v1/settings/worker"

    @Test func `nothing is set at first`() async throws {
        try await TestAPI.run { api in
            let list = try await api.get(Self.root)
            let missing = try await api.get("\(Self.root)/all")

            #expect(list.integer("/revision") == 0)
            #expect(list["/items"]?.elements?.isEmpty == true)
            #expect(missing.status == .notFound)
            #expect(missing.string("/detail") == "There is no setting for all workers.")
        }
    }

    @Test(arguments: [
        ("all", nil, "all"), ("locations/fra1", "fra1", "location"),
        ("names/host%2F1%20%C3%BC", "host/1 ü", "name"),
    ])
    func `settings of each scope are set, read, replaced and taken away`(
        path: String, name: String?, scope: String
    ) async throws {
        try await TestAPI.run { api in
            let uri = "\(Self.root)/\(path)"

            let created = try await api.put(
                "\(uri)?message=kernel", #"{"concurrency": 7, "paused": true}"#, as: .write)
            let read = try await api.get(uri)
            let list = try await api.get(Self.root)
            let replaced = try await api.put(uri, #"{"batch_size": 9}"#, as: .write)
            let deleted = try await api.delete(uri)
            let gone = try await api.get(uri)

            #expect(created.status == .created)
            #expect(created.string("/scope") == scope)
            #expect(created.string("/name") == name)
            #expect(created.integer("/settings/concurrency") == 7)
            #expect(created["/settings/paused"]?.bool == true)
            #expect(created.string("/updated_by") == api.actor(of: .write))
            #expect(created.string("/message") == "kernel")
            #expect(read.text == created.text)
            #expect(read.headers[.eTag] == created.headers[.eTag])
            #expect(list.text.contains("\"items\":[\(created.text)]"))
            #expect(list.integer("/revision") == created.integer("/revision"))
            #expect(replaced.status == .ok)
            #expect(replaced["/settings/concurrency"] == nil)
            #expect(replaced.integer("/settings/batch_size") == 9)
            #expect(deleted.status == .noContent)
            #expect(gone.status == .notFound)
            #expect(try await api.delete(uri).status == .notFound)

            let audit = try await api.get("/v1/audit")
            #expect(audit.string("/items/0/action") == "worker_settings.cleared")
            #expect(audit.string("/items/2/actor") == api.actor(of: .write))
            #expect(audit["/items/2/after/paused"]?.bool == true)
        }
    }

    @Test func `whoever may only read changes nothing, and neither does a key of some sets`()
        async throws
    {
        try await TestAPI.run { api in
            let uri = "\(Self.root)/all"

            let reader = try await api.put(uri, #"{"paused": true}"#, as: .read)
            let (key, text) = KeyMint.mint(
                role: .admin, name: "shop", sets: ["shop"], now: api.clock.now)
            try await api.storage.insertKey(key)
            let shop = try await api.send(
                .put, uri, as: nil, headers: [.authorization: "Bearer \(text)"],
                body: #"{"paused": true}"#)

            #expect(reader.status == .forbidden)
            #expect(shop.status == .forbidden)
            #expect(shop.string("/detail")?.contains("may write shop only") == true)
            #expect(try await api.storage.liveSettings() == LiveSettings())
        }
    }

    @Test func `an operator pauses workers and lets them go on, and changes no limit`()
        async throws
    {
        try await TestAPI.run { api in
            let uri = "\(Self.root)/all"

            let paused = try await api.put(uri, #"{"paused": true}"#, as: .operate)
            let resumed = try await api.send(.delete, uri, as: .operate)
            let limited = try await api.put(uri, #"{"concurrency": 7}"#, as: .operate)
            _ = try await api.put(uri, #"{"concurrency": 7}"#, as: .write)
            let beside = try await api.put(
                uri, #"{"concurrency": 7, "paused": true}"#, as: .operate,
                headers: [.ifMatch: "*"])
            let instead = try await api.put(uri, #"{"paused": true}"#, as: .operate)
            let deleted = try await api.send(.delete, uri, as: .operate)

            #expect(paused.status == .created)
            #expect(resumed.status == .noContent)
            #expect(beside.status == .ok)
            for answer in [limited, instead, deleted] {
                #expect(answer.status == .forbidden)
                #expect(answer.string("/detail")?.contains("may change `paused` alone") == true)
            }
            #expect(
                try await api.storage.liveSettings().settings(for: .all)?.settings
                    == WorkerSettings(concurrency: 7, isPaused: true))
        }
    }

    @Test func `an operator who says If-Match: * pauses what somebody changes meanwhile`()
        async throws
    {
        let base = MemoryStorage()
        let (key, text) = KeyMint.mint(role: .operate, name: "a", now: try await base.now())
        try await base.insertKey(key)
        try await base.set(WorkerSettings(concurrency: 7))
        let storage = RacingSettings(base: base)
        try await TestAPI.run(
            storage: base, apiStorage: storage, keys: [.operate: text],
            settings: APISettings(routeMemory: .zero)
        ) { api in
            let paused = try await api.put(
                "\(Self.root)/all", #"{"concurrency": 7, "paused": true}"#, as: .operate,
                headers: [.ifMatch: "*"])

            #expect(paused.status == .ok, "\(paused.text)")
            #expect(
                try await base.liveSettings().settings(for: .all)?.settings
                    == WorkerSettings(concurrency: 7, isPaused: true))
        }
    }

    @Test func `of settings for more scopes than workers can read none is set`() async throws {
        try await TestAPI.run { api in
            for number in 0..<SettingsChange.mostScopes {
                _ = try await api.storage.change(
                    SettingsChange(
                        WorkerSettings(isPaused: true), for: .name("w\(number)"), actor: "test"))
            }

            let another = try await api.put(
                "\(Self.root)/names/another", #"{"paused": true}"#, as: .operate)
            let known = try await api.put(
                "\(Self.root)/names/w7", #"{"paused": false}"#, as: .operate)

            #expect(another.status == .conflict)
            #expect(
                another.string("/detail")
                    == "There are 1000 settings already, which is the most; delete one first.")
            #expect(known.status == .ok)
        }
    }

    @Test func `what is no setting is told with its place`() async throws {
        try await TestAPI.run { api in
            let uri = "\(Self.root)/locations/fra1"

            let wrong = try await api.put(
                uri,
                #"{"concurrency": 0, "batch_size": "many", "pause": true, "log_level": "loud"}"#,
                as: .write)
            let empty = try await api.put(uri, "{}", as: .operate)

            #expect(wrong.status == .unprocessableContent)
            #expect(Set(wrong.places) == ["/concurrency", "/batch_size", "/pause", "/log_level"])
            #expect(wrong.text.contains("paused"))
            #expect(empty.status == .unprocessableContent)
            #expect(empty.string("/detail")?.contains("DELETE") == true)
        }
    }

    @Test func `preconditions are held against the revision of the scope`() async throws {
        try await TestAPI.run { api in
            let uri = "\(Self.root)/names/w"
            let absent = try await api.put(
                uri, #"{"paused": true}"#, as: .operate, headers: [.ifMatch: "\"1\""])
            let created = try await api.put(
                uri, #"{"paused": true}"#, as: .operate, headers: [.ifNoneMatch: "*"])
            let again = try await api.put(
                uri, #"{"paused": false}"#, as: .operate, headers: [.ifNoneMatch: "*"])
            let other = try await api.put("\(Self.root)/all", #"{"batch_size": 1}"#, as: .write)
            let right = try await api.put(
                uri, #"{"paused": false}"#, as: .operate,
                headers: [.ifMatch: created.headers[.eTag] ?? ""])
            let late = try await api.delete(
                uri, headers: [.ifMatch: created.headers[.eTag] ?? ""])

            #expect(absent.status == .preconditionFailed)
            #expect(created.status == .created)
            #expect(again.status == .preconditionFailed)
            #expect(other.status == .created)
            #expect(right.status == .ok)
            #expect(late.status == .preconditionFailed)
        }
    }

    @Test func `the fleet shows what each worker goes by, and what said so`() async throws {
        try await TestAPI.run { api in
            _ = try await api.put(
                "\(Self.root)/all", #"{"batch_size": 9, "log_level": "debug"}"#, as: .write)
            _ = try await api.put(
                "\(Self.root)/locations/fra1", #"{"paused": true}"#, as: .operate)
            let inForce = try await api.storage.liveSettings().inForce(
                for: "host/1", at: "fra1",
                over: SettingsInForce(concurrency: 1000, batchSize: 500))
            try await api.storage.announce(
                Presence(
                    name: "host/1", roles: [.worker], location: "fra1", version: "1", claimed: 3,
                    probing: 2, paused: inForce.pausedBecause, settings: inForce))

            let fleet = try await api.get("/v1/fleet")

            #expect(
                fleet.string("/items/0/paused")
                    == "paused by \(api.actor(of: .operate)) for location fra1")
            #expect(fleet.integer("/items/0/probing") == 2)
            #expect(fleet.integer("/items/0/settings/revision") == inForce.revision)
            #expect(fleet.integer("/items/0/settings/concurrency/value") == 1000)
            #expect(fleet.string("/items/0/settings/concurrency/from") == "configuration")
            #expect(fleet.integer("/items/0/settings/batch_size/value") == 9)
            #expect(fleet.string("/items/0/settings/batch_size/from") == "all")
            #expect(fleet.string("/items/0/settings/log_level/value") == "debug")
            #expect(fleet.string("/items/0/settings/log_level/from") == "all")
            #expect(fleet["/items/0/settings/paused/value"]?.bool == true)
            #expect(fleet.string("/items/0/settings/paused/from") == "location")
        }
    }
}

extension MemoryStorage {
    fileprivate func set(_ settings: WorkerSettings) async throws(StorageError) {
        _ = try await change(SettingsChange(settings, for: .all, actor: "ann"))
    }
}

/// Somebody else changes the settings, and back again, just before they are changed the first time.
private final class RacingSettings: ForwardingStorage {
    let base: MemoryStorage
    private let hasRaced = Mutex(false)

    init(base: MemoryStorage) {
        self.base = base
    }

    func change(_ change: SettingsChange) async throws(StorageError) -> LiveSettings {
        let isFirst = hasRaced.withLock { hasRaced in
            defer { hasRaced = true }
            return !hasRaced
        }
        if isFirst {
            try await base.set(WorkerSettings(concurrency: 8))
            try await base.set(WorkerSettings(concurrency: 7))
        }
        return try await base.change(change)
    }
}
