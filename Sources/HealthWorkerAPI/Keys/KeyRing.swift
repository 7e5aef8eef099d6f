import HealthWorkerModel
import HealthWorkerStorage
import Logging
import Synchronization

/// Who asks, as far as a key says.
struct Caller: Hashable, Sendable {
    var keyID: String
    var name: String
    var role: KeyRole
    /// Sets whose objects it may write; empty means all.
    var sets: [String]

    /// What the audit log shows.
    var actor: String { "key:\(name)" }

    func mayWrite(set: String?) -> Bool {
        sets.isEmpty || set.map(sets.contains) ?? false
    }
}

/// Knows keys by their text. What it read of storage holds for a few seconds, so that not each
/// request costs a read: a key that another process revoked is refused after `memory` at the latest.
final class KeyRing: Sendable {
    enum Judgement: Hashable, Sendable {
        case known(Caller)
        /// No such key, a wrong secret, expired or revoked: a caller is not told which.
        case unknown
    }

    private struct Entry {
        var key: APIKey
        /// The storage's clock and ours at the same moment.
        var readAt: Timestamp
        var readAtInstant: ContinuousClock.Instant
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
        guard let (id, secret) = KeyMint.parts(of: text) else { return .unknown }
        let entry = try await entry(of: id)
        // An unknown id costs the same hash and the same comparison as a known one.
        let hash = KeyMint.hash(ofSecret: secret)
        let isRight = KeyMint.areEqual(hash, entry?.key.secretHash ?? Self.nobodysHash)
        guard let entry, isRight, entry.key.revokedAt == nil else { return .unknown }
        if let end = entry.key.expiresAt,
            end <= entry.readAt + (ContinuousClock.now - entry.readAtInstant)
        {
            return .unknown
        }
        return .known(
            Caller(
                keyID: id, name: entry.key.name, role: entry.key.role, sets: entry.key.sets))
    }

    /// Forgets what is remembered of a key, after it was revoked here.
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
        await remember(use: entry)
        return entry
    }

    private func remember(use entry: Entry) async {
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
