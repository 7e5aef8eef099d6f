import HealthWorkerModel
import HealthWorkerSecrets
import HealthWorkerStorage
import Logging
import Synchronization
import Testing

@Suite struct SecretsWatchTests {
    private let keys: SealingKeys
    private let storage = MemoryStorage()

    init() throws {
        keys = try SealingKeys([SealingKeysTests.key(1)])
    }

    private func put(_ value: String, as name: String, with keys: SealingKeys) async throws {
        let sealed = try keys.seal(value, as: name)
        _ = try await storage.change(SecretChange(.put(sealed: sealed), of: name, actor: "ann"))
    }

    @Test func `what is stored is known once it is read, and what is deleted no longer`()
        async throws
    {
        let watch = SecretsWatch(storage: storage, keys: keys, logger: Logger(label: "test"))
        try await put("one", as: "token", with: keys)

        let before = watch.value(of: "token")
        try await watch.read()
        let read = watch.value(of: "token")
        try await put("two", as: "token", with: keys)
        try await watch.read()
        let changed = watch.value(of: "token")
        _ = try await storage.change(SecretChange(.delete, of: "token", actor: "ann"))
        try await watch.read()

        #expect(before == nil)
        #expect(read == "one")
        #expect(changed == "two")
        #expect(watch.value(of: "token") == nil)
        #expect(watch.value(of: "other") == nil)
    }

    @Test func `one that cannot be opened is told once by name, and the others are known`()
        async throws
    {
        let lines = Mutex<[String]>([])
        let logger = Logger(label: "test") { _ in
            Keeping { line in lines.withLock { $0.append(line) } }
        }
        let watch = SecretsWatch(storage: storage, keys: keys, logger: logger)
        try await put("planted", as: "good", with: keys)
        try await put(
            "planted", as: "other", with: try SealingKeys([SealingKeysTests.key(2)]))

        for _ in 0..<3 { try await watch.read() }

        let told = lines.withLock { $0 }
        #expect(watch.value(of: "good") == "planted")
        #expect(watch.value(of: "other") == nil)
        #expect(told.count == 1)
        #expect(told.first?.contains("other") == true)
        #expect(told.first?.contains("database.secrets_key does not list") == true)
        #expect(!told.joined().contains("planted"))
    }
}

private struct Keeping: LogHandler {
    let keep: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level = .trace

    init(_ keep: @escaping @Sendable (String) -> Void) {
        self.keep = keep
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        keep("\(event.message) \(event.metadata ?? [:])")
    }
}
