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

    private let storage: any Storage
    private let memory: Duration
    private let limit: Int
    private let logger: Logger
    private let entries = Mutex<[String: Entry]>([:])

    init(
        storage: any Storage, memory: Duration, limit: Int = 1024, logger: Logger
    ) {
        self.storage = storage
        self.memory = memory
        self.limit = limit
        self.logger = logger
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
                id: id, actor: "key:\(entry.key.name)", role: entry.key.role,
                sets: entry.key.sets))
    }

    /// Whether it is a key that held when it was read last, however long that is ago; storage is not
    /// asked.
    func remembers(_ text: some StringProtocol) -> Bool {
        guard let (id, secret) = KeyMint.parts(of: text),
            let entry = entries.withLock({ $0[id] })
        else { return false }
        return entry.fault(hash: KeyMint.hash(ofSecret: secret)) == nil
    }

    /// Forgets what is remembered of a key, after it was changed here.
    func forget(_ id: String) {
        entries.withLock { _ = $0.removeValue(forKey: id) }
    }

    private static let nobodysHash = String(repeating: "0", count: 64)

    private func entry(of id: String) async throws(StorageError) -> Entry? {
        let now = ContinuousClock.now
        if let known = entries.withLock({ $0[id] }), now - known.readAtInstant < memory {
            return known
        }
        guard let key = try await storage.key(id: id) else {
            forget(id)
            return nil
        }
        let entry = Entry(key: key, readAt: try await storage.now(), readAtInstant: now)
        entries.withLock { entries in
            if entries.count >= limit {
                entries = entries.filter { now - $0.value.readAtInstant < memory }
                if entries.count >= limit { entries.removeAll() }
            }
            entries[id] = entry
        }
        return entry
    }

    private func note(useOf entry: Entry) async {
        entries.withLock { $0[entry.key.id]?.isUseNoted = true }
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
