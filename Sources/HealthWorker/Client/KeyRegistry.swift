import Foundation
import HealthWorkerAPI
import HealthWorkerModel
import HealthWorkerStorage
import HealthWorkerTelling
import NIOHTTP1

/// What can be done with keys, whatever does it.
protocol KeyRegistry {
    /// - Returns: the key itself.
    func create(
        name: String, role: KeyRole, sets: [String], expiresIn: TimeSpan?, message: String?
    ) async throws -> String
    /// As the API shows them.
    func list() async throws -> [JSONValue]
    /// - Returns: the new key itself.
    func rotate(
        _ id: String, overlap: TimeSpan, expiresIn: TimeSpan?, message: String?
    ) async throws -> String
    func revoke(_ id: String, message: String?) async throws
    func now() async throws -> Timestamp
}

struct KeysOfAPI: KeyRegistry {
    let api: APIClient

    func create(
        name: String, role: KeyRole, sets: [String], expiresIn: TimeSpan?, message: String?
    ) async throws -> String {
        var body: [String: JSONValue] = [
            "name": .string(name), "role": .string(role.rawValue),
            "sets": .array(sets.map(JSONValue.string)),
        ]
        body["expires_in"] = expiresIn.map { .string($0.description) }
        return try await key(answering: "/v1/keys", body, message)
    }

    func list() async throws -> [JSONValue] {
        var keys: [JSONValue] = []
        var cursor: String?
        repeat {
            let page = try await api.get(
                "/v1/keys?limit=500" + (cursor.map { "&cursor=\($0.percentEncoded)" } ?? ""))
            keys += page["items"]?.elements ?? []
            cursor = page["next_cursor"]?.text
        } while cursor != nil
        return keys
    }

    func rotate(
        _ id: String, overlap: TimeSpan, expiresIn: TimeSpan?, message: String?
    ) async throws -> String {
        var body: [String: JSONValue] = ["overlap": .string(overlap.description)]
        body["expires_in"] = expiresIn.map { .string($0.description) }
        return try await key(answering: "/v1/keys/\(id.percentEncoded)/rotate", body, message)
    }

    func revoke(_ id: String, message: String?) async throws {
        _ = try await api.call(.DELETE, "/v1/keys/\(id.percentEncoded)" + query(message))
    }

    func now() -> Timestamp {
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }

    private func key(
        answering path: String, _ body: [String: JSONValue], _ message: String?
    ) async throws -> String {
        let text = String(decoding: try JSONEncoder().encode(JSONValue.object(body)), as: UTF8.self)
        let answer = try await api.call(.POST, path + query(message), body: text).json()
        guard let key = answer["key"]?.text else {
            throw Exit.error(Exit.failed, "\(api.server) answered without a key.")
        }
        return key
    }

    private func query(_ message: String?) -> String {
        message.map { "?message=\($0.percentEncoded)" } ?? ""
    }
}

struct KeysOfDatabase: KeyRegistry {
    let storage: any Storage

    /// Whoever may read the configuration may do anything; the audit log names their login.
    private var actor: String { "command line:\(ProcessInfo.processInfo.userName)" }

    func create(
        name: String, role: KeyRole, sets: [String], expiresIn: TimeSpan?, message: String?
    ) async throws -> String {
        let now = try await storage.now()
        let (key, text) = KeyMint.mint(
            role: role, name: name, sets: sets, now: now,
            expiresAt: expiresIn.map { now + $0.duration })
        try await storage.change(KeyChange(.make(key), actor: actor, message: message))
        return text
    }

    func list() async throws -> [JSONValue] {
        try await storage.keys().map { key in
            var shown: [String: JSONValue] = [
                "id": .string(key.id), "name": .string(key.name),
                "role": .string(key.role.rawValue),
                "sets": .array(key.sets.map(JSONValue.string)),
                "created_at": .string(key.createdAt.description),
            ]
            shown["expires_at"] = key.expiresAt.map { .string($0.description) }
            shown["last_used_at"] = key.lastUsedAt.map { .string($0.description) }
            shown["revoked_at"] = key.revokedAt.map { .string($0.description) }
            shown["replaced_by"] = key.replacedBy.map { .string($0) }
            return .object(shown)
        }
    }

    func rotate(
        _ id: String, overlap: TimeSpan, expiresIn: TimeSpan?, message: String?
    ) async throws -> String {
        guard let old = try await storage.key(id: id) else {
            throw StorageError.refused([.missing(.key, id)])
        }
        let now = try await storage.now()
        let (key, text) = KeyMint.successor(
            of: old, now: now, expiresAt: expiresIn.map { now + $0.duration })
        try await storage.change(
            KeyChange(
                .rotate(id: id, to: key, end: now + overlap.duration), actor: actor,
                message: message))
        return text
    }

    func revoke(_ id: String, message: String?) async throws {
        try await storage.change(KeyChange(.revoke(id: id), actor: actor, message: message))
    }

    func now() async throws -> Timestamp {
        try await storage.now()
    }
}
