import ArgumentParser
import Foundation
import HealthWorkerModel
import HealthWorkerTelling
import NIOHTTP1

struct SecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets",
        abstract: "Secrets that checks send in headers; what is stored is never shown again.",
        discussion: "A check names one as `secret_headers: {Authorization: secret:NAME}`.",
        subcommands: [Put.self, List.self, Delete.self, Reseal.self])

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Store a secret, or give it another value; workers send it within seconds.")

        @OptionGroup var options: ClientOptions
        @Argument(help: "Its name.")
        var name: String
        @Option(
            help: "A file that holds the value, - for standard input; a last line break is no part."
        )
        var valueFile: String
        @Option(name: .short, help: "Why, for the audit log.")
        var message: String?

        func run() async throws {
            let body = JSONValue.object(["value": .string(try value())])
            _ = try await options.client().call(
                .PUT, Self.path(name, message: message),
                body: String(decoding: try JSONEncoder().encode(body), as: UTF8.self))
            Exit.say("\(name): stored.")
        }

        private func value() throws -> String {
            let data: Data?
            if valueFile == "-" {
                data = FileHandle.standardInput.readDataToEndOfFile()
            } else {
                data = FileManager.default.contents(atPath: valueFile)
            }
            guard let data, var text = String(data: data, encoding: .utf8) else {
                throw Exit.error(Exit.failed, "The value file \(valueFile) cannot be read as text.")
            }
            // Editors and `echo` end a file with a line break.
            if text.last?.isNewline == true { text.removeLast() }
            return text
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the stored secrets and the checks that use them, never their values.")

        @OptionGroup var options: ClientOptions
        @Option(name: .short, help: "table or json.")
        var output: ListingFormat = .table

        func run() async throws {
            try output.show(try await SecretsCommand.all(options.client())) {
                Table(
                    ["NAME", "CREATED", "CHANGED", "BY", "CHECKS", "SEALED WITH"],
                    $0.map { secret in
                        [
                            secret["name"]?.text ?? "?", secret["created_at"]?.text ?? "?",
                            secret["updated_at"]?.text ?? "?", secret["updated_by"]?.text ?? "?",
                            Self.checks(of: secret), secret["sealed_with"]?.text ?? "?",
                        ]
                    })
            }
        }

        private static func checks(of secret: JSONValue) -> String {
            let names = (secret["checks"]?.elements ?? []).compactMap(\.text)
            let count = secret["check_count"]?.text.flatMap(Int.init) ?? names.count
            if names.isEmpty { return "-" }
            let shown = names.prefix(3).joined(separator: ",")
            return count > 3 ? "\(shown) and \(count - 3) more" : shown
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete a secret that no check uses.")

        @OptionGroup var options: ClientOptions
        @Argument(help: "Its name.")
        var name: String
        @Option(name: .short, help: "Why, for the audit log.")
        var message: String?

        func run() async throws {
            _ = try await options.client().call(.DELETE, Put.path(name, message: message))
            Exit.say("\(name): deleted.")
        }
    }

    struct Reseal: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Seal every secret with the first key of database.secrets_key.",
            discussion: """
                To change that key: list the new one behind the old one at every api and worker, then \
                before it, run this, and take the old one away.
                """)

        @OptionGroup var options: ClientOptions
        @Option(name: .short, help: "Why, for the audit log.")
        var message: String?

        func run() async throws {
            let client = try options.client()
            let names = try await SecretsCommand.all(client).compactMap { $0["name"]?.text }
            for name in names {
                _ = try await client.call(.POST, Put.path(name, "/reseal", message: message))
            }
            Exit.say("\(names.count) secrets are sealed with the first key.")
        }
    }

    private static func all(_ client: APIClient) async throws -> [JSONValue] {
        var secrets: [JSONValue] = []
        var cursor: String?
        repeat {
            let page = try await client.get(
                "/v1/secrets?limit=500" + (cursor.map { "&cursor=\($0.percentEncoded)" } ?? ""))
            secrets += page["items"]?.elements ?? []
            cursor = page["next_cursor"]?.text
        } while cursor != nil
        return secrets
    }
}

extension SecretsCommand.Put {
    fileprivate static func path(
        _ name: String, _ more: String = "", message: String?
    ) -> String {
        "/v1/secrets/\(name.percentEncoded)\(more)"
            + (message.map { "?message=\($0.percentEncoded)" } ?? "")
    }
}
