import HealthWorkerModel
import HealthWorkerStorage
import Logging
import Synchronization

/// Knows keys by their text. What it read of storage holds for a few seconds, so that not each
/// request costs a read: a key that another process revoked is refused after `memory` at the latest.
final class KeyRing: Sendable {
    enum Judgement: Hashable, Sendable {
        case known(Caller)
        /// A caller is told no more than this; the log gets the reason, and the id of a key that there
        /// is.
        case unknown(Fault, id: String?)
    }

    enum Fault: String, Hashable, Sendable {
        case noKey = "no_key"
        case unknownID = "unknown_id"
        case wrongSecret = "wrong_secret"
        case revoked
        case expired
    }

    private struct Entry {
        var key: APIKey
        /// The storage's clock and ours at the same moment.
        var readAt: Timestamp
        var readAtInstant: ContinuousClock.Instant
        /// Whether it was seen to that the storage knows of its use.
        var isUseNoted = false

        func fault(hash: String) -> Fault? {
            if !KeyMint.areEqual(hash, key.secretHash) { return .wrongSecret }
            if key.revokedAt != nil { return .revoked }
            let now = readAt + (ContinuousClock.now - readAtInstant)
            return key.expiresAt.map { $0 <= now } ?? false ? .expired : nil
        }
    }

    private struct Known {
        var entries: [String: Entry] = [:]
        /// What was read before a key was forgotten is not kept after it.
        var forgets = 0
    }

    private let storage: any Storage
    private let memory: Duration
    private let limit: Int
    private let logger: Logger
    private let known = Mutex(Known())
    private let list: SharedReading<[String: Entry]>

    init(
        storage: any Storage, memory: Duration, limit: Int = 1024, logger: Logger
    ) {
        self.storage = storage
        self.memory = memory
        self.limit = limit
        self.logger = logger
        list = SharedReading(memory: max(memory, .seconds(1))) { () throws(StorageError) in
            let readAtInstant = ContinuousClock.now
            let keys = try await storage.keys()
            let readAt = try await storage.now()
            return Dictionary(
                uniqueKeysWithValues: keys.map {
                    ($0.id, Entry(key: $0, readAt: readAt, readAtInstant: readAtInstant))
                })
        }
    }

    func judge(_ text: some StringProtocol) async throws(StorageError) -> Judgement {
        guard let (id, secret) = KeyMint.parts(of: text) else { return .unknown(.noKey, id: nil) }
        let entry = try await entry(of: id)
        // An unknown id costs the same hash and the same comparison as a known one.
        let hash = KeyMint.hash(ofSecret: secret)
        guard let entry else {
            _ = KeyMint.areEqual(hash, Self.nobodysHash)
            return .unknown(.unknownID, id: nil)
        }
        if let fault = entry.fault(hash: hash) { return .unknown(fault, id: id) }
        if !entry.isUseNoted { await note(useOf: entry) }
        return .known(
            Caller(
                // Several keys may have one name, and a successor has its predecessor's.
                id: id, actor: "key:\(entry.key.name)/\(id)", role: entry.key.role,
                sets: entry.key.sets))
    }

    /// Whether it is a key that held when it was read last, however long that is ago; storage is not
    /// asked.
    func remembers(_ text: some StringProtocol) -> Bool {
        guard let (id, secret) = KeyMint.parts(of: text),
            let entry = known.withLock({ $0.entries[id] })
        else { return false }
        return entry.fault(hash: KeyMint.hash(ofSecret: secret)) == nil
    }

    /// Whether it is a key that holds by a list of all keys. The list is read at most once in
    /// `memory`, or in a second, however many texts are asked about.
    func lists(_ text: some StringProtocol) async throws(StorageError) -> Bool {
        guard let (id, secret) = KeyMint.parts(of: text) else { return false }
        let entry = try await list.value()[id]
        let hash = KeyMint.hash(ofSecret: secret)
        guard let entry else {
            _ = KeyMint.areEqual(hash, Self.nobodysHash)
            return false
        }
        return entry.fault(hash: hash) == nil
    }

    /// Forgets what is remembered of a key, after it was changed here.
    func forget(_ id: String) {
        known.withLock {
            $0.entries.removeValue(forKey: id)
            $0.forgets += 1
        }
    }

    private static let nobodysHash = String(repeating: "0", count: 64)

    private func entry(of id: String) async throws(StorageError) -> Entry? {
        let now = ContinuousClock.now
        let (last, forgets) = known.withLock { ($0.entries[id], $0.forgets) }
        if let last, now - last.readAtInstant < memory { return last }
        guard let key = try await storage.key(id: id) else {
            known.withLock { _ = $0.entries.removeValue(forKey: id) }
            return nil
        }
        let entry = Entry(key: key, readAt: try await storage.now(), readAtInstant: now)
        known.withLock { known in
            guard known.forgets == forgets else { return }
            if known.entries.count >= limit {
                known.entries = known.entries.filter { now - $0.value.readAtInstant < memory }
                if known.entries.count >= limit { known.entries.removeAll() }
            }
            known.entries[id] = entry
        }
        return entry
    }

    private func note(useOf entry: Entry) async {
        known.withLock { $0.entries[entry.key.id]?.isUseNoted = true }
        if let last = entry.key.lastUsedAt, entry.readAt - last < .seconds(60) { return }
        do {
            try await storage.touchKey(id: entry.key.id)
        } catch {
            // When a key was used last is worth a write, and not a refusal.
            logger.debug(
                "The use of a key was not remembered",
                metadata: ["key": "\(entry.key.id)", "error": "\(error)"])
        }
    }
}
