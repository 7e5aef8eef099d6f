import ArgumentParser
import Foundation
import HealthWorkerDocument
import HealthWorkerModel
import NIOCore
import NIOHTTP1

struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make what is stored as a document says: all of it, or nothing.")

    @OptionGroup var document: DocumentOptions
    @OptionGroup var options: ClientOptions
    @Flag(help: "Say what would change, and change nothing.")
    var dryRun = false
    @Option(name: .short, help: "Why, for the audit log.")
    var message: String?

    func run() async throws {
        let plan = try await document.send(
            to: try options.client(), isDryRun: dryRun, message: message)
        print(plan.text, terminator: "")
    }
}

struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what applying a document would change; exit 3 if anything would.")

    @OptionGroup var document: DocumentOptions
    @OptionGroup var options: ClientOptions

    func run() async throws {
        let plan = try await document.send(
            to: try options.client(), isDryRun: true, message: nil)
        print(plan.text, terminator: "")
        if !plan.isEmpty { throw Exit.no }
    }
}

/// The document that `apply` and `diff` send.
struct DocumentOptions: ParsableArguments {
    @Option(name: [.short, .customLong("file")], help: "The document; - reads standard input.")
    var file: String
    @Flag(help: "Delete what is in the document's set and not in the document.")
    var prune = false

    /// Sends the document, once it is known to be valid: problems are told with file and line.
    func send(to client: APIClient, isDryRun: Bool, message: String?) async throws -> Plan {
        let text = try DocumentFile.read(file)
        _ = try DocumentFile.compile(text)
        var query = "?dry_run=\(isDryRun)&prune=\(prune)"
        if let message { query += "&message=\(message.percentEncoded)" }
        let answer = try await client.call(
            .POST, "/v1/apply\(query)", body: String(decoding: text.bytes, as: UTF8.self),
            type: text.syntax == .json ? "application/json" : "application/yaml",
            timeout: .seconds(300))
        guard let plan = Plan(json: try answer.json()) else {
            throw Exit.error(Exit.failed, "\(client.server) answered something that is no plan.")
        }
        return plan
    }
}
