import ArgumentParser
import Foundation
import HealthWorkerAPI
import HealthWorkerModel
import HealthWorkerStorage

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keys of the API, on the database itself.",
        subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key and print it; it is shown this once.")

        @OptionGroup var options: ConfigurationOptions
        @Option(help: "read, operate, write or admin.")
        var role: KeyRole = .read
        @Option(help: "What it is for.")
        var name: String

        func run() async throws {
            let storage = try await Engine.open(try options.load())
            try await Engine.reporting {
                let (key, text) = KeyMint.mint(
                    role: role, name: name, now: try await storage.now())
                try await storage.insertKey(key)
                try await storage.appendAudit([
                    AuditEntry(
                        at: try await storage.now(), actor: "command line", action: "key.created",
                        object: key.id)
                ])
                print(text)
            }
            await storage.close()
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the keys: what they may do, never the keys themselves.")

        @OptionGroup var options: ConfigurationOptions

        func run() async throws {
            let storage = try await Engine.open(try options.load())
            try await Engine.reporting {
                let keys = try await storage.keys()
                let now = try await storage.now()
                print(
                    Table(
                        ["ID", "NAME", "ROLE", "CREATED", "LAST USED", "STATE"],
                        keys.map { key in
                            [
                                key.id, key.name, key.role.rawValue, key.createdAt.description,
                                key.lastUsedAt?.description ?? "-",
                                key.state(at: now),
                            ]
                        }
                    ).text)
            }
            await storage.close()
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a key: running processes refuse it within 5 s.")

        @OptionGroup var options: ConfigurationOptions
        @Argument(help: "The key's id, as `keys list` shows it.")
        var id: String

        func run() async throws {
            let storage = try await Engine.open(try options.load())
            try await Engine.reporting {
                try await storage.revokeKey(id: id)
                try await storage.appendAudit([
                    AuditEntry(
                        at: try await storage.now(), actor: "command line", action: "key.revoked",
                        object: id)
                ])
            }
            await storage.close()
        }
    }
}

extension KeyRole: ExpressibleByArgument {}

extension APIKey {
    fileprivate func state(at now: Timestamp) -> String {
        if revokedAt != nil { return "revoked" }
        return expiresAt.map { $0 <= now } ?? false ? "expired" : "valid"
    }
}
