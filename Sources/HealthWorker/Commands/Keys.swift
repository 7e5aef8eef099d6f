import ArgumentParser
import Foundation
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import HealthWorkerTelling

struct Keys: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keys of the API.",
        discussion: """
            Goes through the API where a key is at hand, and to the database itself where none is, as \
            for the first key, or with --database.
            """,
        subcommands: [Create.self, List.self, Rotate.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key and print it; it is shown this once.")

        @OptionGroup var options: KeyOptions
        @Option(help: "read, operate, write or admin.")
        var role: KeyRole = .read
        @Option(help: "What it is for, as the audit log shows it.")
        var name: String
        @Option(name: .customLong("set"), help: "A set that it may write; none: all.")
        var sets: [String] = []
        @Option(help: "It ends after this time, such as 2160h.")
        var expiresIn: TimeSpan?
        @Option(name: .short, help: "Why, for the audit log.")
        var message: String?

        func validate() throws {
            for text in [name] + sets {
                if let refusal = TextFormat.name.refusal(text) {
                    throw ValidationError("\"\(text)\" \(refusal).")
                }
            }
            try KeyMint.lives.mustContain(expiresIn, "--expires-in")
        }

        func run() async throws {
            let key = try await options.withKeys { keys in
                try await keys.create(
                    name: name, role: role, sets: sets, expiresIn: expiresIn, message: message)
            }
            print(key)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the keys: what they may do, never the keys themselves.")

        @OptionGroup var options: KeyOptions
        @Option(name: .short, help: "table or json.")
        var output: ListingFormat = .table

        func run() async throws {
            let (keys, now) = try await options.withKeys { keys in
                (try await keys.list(), try await keys.now())
            }
            try output.show(keys) {
                Table(
                    ["ID", "NAME", "ROLE", "SETS", "CREATED", "LAST USED", "ENDS", "STATE"],
                    $0.map { key in
                        [
                            key["id"]?.text ?? "?", key["name"]?.text ?? "?",
                            key["role"]?.text ?? "?", Self.sets(of: key),
                            key["created_at"]?.text ?? "?", key["last_used_at"]?.text ?? "-",
                            key["expires_at"]?.text ?? "-", Self.state(of: key, at: now),
                        ]
                    })
            }
        }

        private static func sets(of key: JSONValue) -> String {
            let sets = (key["sets"]?.elements ?? []).compactMap(\.text)
            return sets.isEmpty ? "all" : sets.joined(separator: ",")
        }

        private static func state(of key: JSONValue, at now: Timestamp) -> String {
            if key["revoked_at"] != nil { return "revoked" }
            let end = key["expires_at"]?.text.flatMap(Timestamp.init)
            if let end, end <= now { return "expired" }
            return key["replaced_by"]?.text.map { "replaced by \($0)" } ?? "valid"
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key's successor and print it; the old one ends after the overlap.")

        @OptionGroup var options: KeyOptions
        @Argument(help: "The key's id, as `keys list` shows it.")
        var id: String
        @Option(help: "How long the old key still holds.")
        var overlap = KeyMint.usualOverlap
        @Option(help: "The new key ends after this time; default: as long as the old one's life.")
        var expiresIn: TimeSpan?
        @Option(name: .short, help: "Why, for the audit log.")
        var message: String?

        func validate() throws {
            try KeyMint.overlaps.mustContain(overlap, "--overlap")
            try KeyMint.lives.mustContain(expiresIn, "--expires-in")
        }

        func run() async throws {
            let key = try await options.withKeys { keys in
                try await keys.rotate(
                    id, overlap: overlap, expiresIn: expiresIn, message: message)
            }
            print(key)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a key: running processes refuse it within 5 s.")

        @OptionGroup var options: KeyOptions
        @Argument(help: "The key's id, as `keys list` shows it.")
        var id: String
        @Option(name: .short, help: "Why, for the audit log.")
        var message: String?

        func run() async throws {
            try await options.withKeys { try await $0.revoke(id, message: message) }
        }
    }
}

extension KeyRole: ExpressibleByArgument {}

extension ClosedRange<TimeSpan> {
    /// By the API's rules, which hold as well where it is gone around.
    fileprivate func mustContain(_ span: TimeSpan?, _ option: String) throws {
        guard let span, !contains(span) else { return }
        throw ValidationError(
            "\(option) is \(span): write a time of \(lowerBound) to \(upperBound).")
    }
}
