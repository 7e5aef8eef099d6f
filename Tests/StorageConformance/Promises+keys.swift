import HealthWorkerModel
import HealthWorkerStorage

extension StoragePromise {
    static let keys: [StoragePromise] = [
        StoragePromise("a key is kept, used and revoked, and its id is taken for ever") {
            let storage = try await $0.storage(process: 1)
            let now = try await storage.now()
            let key = APIKey.sample(
                "k1", role: .operate, sets: ["x", "y"], createdAt: now, expiresAt: now + .hours(1))
            try await storage.change(KeyChange(.make(key), actor: "ann"))
            let taken = try await refusals {
                try await storage.change(KeyChange(.make(key), actor: "ann"))
            }
            let missing = try await refusals {
                try await storage.change(KeyChange(.revoke(id: "k9"), actor: "ann"))
            }

            try expectEqual(try await storage.key(id: "k1"), key, "key")
            try expect(try await storage.key(id: "k9") == nil, "A missing key was found")
            try expectEqual(try await storage.keys(), [key], "keys")
            try expectEqual(taken, [.exists(.key, "k1")], "refusals of a taken id")
            try expectEqual(missing, [.missing(.key, "k9")], "refusals of a missing id")

            try await storage.touchKey(id: "k1")
            try await storage.touchKey(id: "k9")
            try await storage.change(KeyChange(.revoke(id: "k1"), actor: "ann"))
            let used = try unwrap(try await storage.key(id: "k1"), "key")
            let touched = try unwrap(used.lastUsedAt, "last use")
            try expect(
                try await storage.now() - touched <= .seconds(120), "It was last used \(touched)")
            try expect(used.revokedAt != nil, "It is not revoked")
            try await $0.age(by: .seconds(1))
            try await storage.change(KeyChange(.revoke(id: "k1"), actor: "ann"))
            let again = try unwrap(try await storage.key(id: "k1")?.revokedAt, "revocation")
            try expect(
                try await storage.now() - again >= .seconds(1), "It was revoked a second time")
        },
        StoragePromise("a rotated key ends when it should, and has one successor") {
            let storage = try await $0.storage(process: 1)
            let now = try await storage.now()
            let old = APIKey.sample("old", createdAt: now)
            let short = APIKey.sample("short", createdAt: now, expiresAt: now + .minutes(1))
            for key in [old, short] {
                try await storage.change(KeyChange(.make(key), actor: "ann"))
            }
            func rotate(_ id: String, to successor: String) async throws {
                try await storage.change(
                    KeyChange(
                        .rotate(
                            id: id, to: .sample(successor, createdAt: now), end: now + .hours(1)),
                        actor: "bob", message: "quarterly", requestID: "r1"))
            }

            try await rotate("old", to: "new")
            try await rotate("short", to: "long")
            let again = try await refusals { try await rotate("old", to: "other") }
            let nobody = try await refusals { try await rotate("nobody", to: "other") }
            try await storage.change(KeyChange(.revoke(id: "new"), actor: "ann"))
            let revoked = try await refusals { try await rotate("new", to: "other") }

            let kept = try await storage.keys()
            try expectEqual(
                Set(kept.map(\.id)), ["old", "short", "new", "long"], "keys")
            let ended = try unwrap(try await storage.key(id: "old"), "key")
            try expectEqual(ended.expiresAt, now + .hours(1), "end of the old key")
            try expectEqual(ended.replacedBy, "new", "successor")
            try expectEqual(
                try await storage.key(id: "short")?.expiresAt, now + .minutes(1),
                "end of a key that ends earlier anyway")
            try expectEqual(nobody, [.missing(.key, "nobody")], "refusals of a missing key")
            for refusal in again + revoked {
                guard case .nothingToDo = refusal else {
                    throw BrokenPromise(description: "refused with \(refusal)")
                }
            }
            try expectEqual(again.count + revoked.count, 2, "refusals")
            let entry = try unwrap(
                try await storage.audit(
                    matching: AuditFilter(action: "key.rotated"), before: nil, limit: 9
                ).last, "audit entry")
            try expectEqual(entry.actor, "bob", "actor")
            try expectEqual(entry.message, "quarterly", "message")
            try expectEqual(entry.requestID, "r1", "request")
            let before = entry.before ?? ""
            try expect(
                before.contains("\"old\"") && !before.contains("expires_at")
                    && !before.contains("replaced_by"), "before: \(before)")
            try expect(entry.after?.contains("\"new\"") == true, "after: \(entry.after ?? "")")
        },
        StoragePromise("of two that rotate a key at once, one makes its successor") {
            let first = try await $0.storage(process: 1)
            let second = try await $0.storage(process: 2)
            let now = try await first.now()
            for round in 1...10 {
                let key = APIKey.sample("k\(round)", createdAt: now)
                try await first.change(KeyChange(.make(key), actor: "ann"))

                async let one = first.isRotated(key, to: "a\(round)")
                async let other = second.isRotated(key, to: "b\(round)")
                let made = try await [one, other]

                try expectEqual(made.count { $0 }, 1, "successors")
                let successor = made[0] ? "a\(round)" : "b\(round)"
                try expectEqual(
                    try await first.key(id: key.id)?.replacedBy, successor, "successor")
                try expect(try await second.key(id: successor) != nil, "It is not there")
            }
        },
        StoragePromise("each change of a key has an audit entry without its hash, no other has") {
            let storage = try await $0.storage(process: 1)
            let now = try await storage.now()
            let key = APIKey.sample("k1", createdAt: now)
            try await storage.change(KeyChange(.make(key), actor: "ann"))
            _ = try await refusals {
                try await storage.change(KeyChange(.make(key), actor: "eve"))
            }
            try await storage.touchKey(id: "k1")
            try await storage.change(KeyChange(.revoke(id: "k1"), actor: "bob"))
            try await storage.change(KeyChange(.revoke(id: "k1"), actor: "eve"))

            let log = try await storage.audit(before: nil, limit: 9)

            try expectEqual(log.map(\.action), ["key.revoked", "key.created"], "actions")
            try expectEqual(log.map(\.actor), ["bob", "ann"], "actors")
            try expectEqual(log.map(\.object), ["name of k1", "name of k1"], "objects")
            let text = log.flatMap { [$0.before, $0.after] }.compactMap(\.self).joined()
            try expect(text.contains("\"k1\""), "the entries do not name the key: \(text)")
            try expect(!text.contains(key.secretHash), "the hash is in the log")
        },
    ]
}

extension APIKey {
    fileprivate static func sample(
        _ id: String, role: KeyRole = .read, sets: [String] = [], createdAt: Timestamp,
        expiresAt: Timestamp? = nil
    ) -> APIKey {
        APIKey(
            id: id, secretHash: String(repeating: "ab", count: 32), name: "name of \(id)",
            role: role, sets: sets, createdAt: createdAt, expiresAt: expiresAt)
    }
}

extension Storage {
    fileprivate func isRotated(
        _ key: APIKey, to successor: String
    ) async throws(StorageError) -> Bool {
        do {
            try await change(
                KeyChange(
                    .rotate(
                        id: key.id, to: .sample(successor, createdAt: key.createdAt),
                        end: key.createdAt + .hours(1)), actor: "ann"))
            return true
        } catch .refused {
            return false
        }
    }
}
