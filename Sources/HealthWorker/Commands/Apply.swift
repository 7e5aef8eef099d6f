import ArgumentParser
import Foundation
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerTelling
import NIOCore
import NIOHTTP1

struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make what is stored as documents say: all of it, or nothing.",
        discussion: """
            Changed and new checks are probed once first; a check that is healthy now and would fail \
            is refused. Exit codes: 0 done, or nothing to do · 65 a document is not valid · 6 refused \
            by a conflict or a guard, and nothing was changed.
            """)

    @OptionGroup var document: DocumentOptions
    @OptionGroup var options: ClientOptions
    @Flag(help: "Say what would change, and change nothing.")
    var dryRun = false
    @Option(name: [.customShort("m"), .customLong("message")], help: "Why, for the audit log.")
    var message: String?
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await document.send(
            to: try options.client(), isDryRun: dryRun, message: message)
        try answer.show(output.format, isDone: !dryRun)
    }
}

struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what applying documents would change; exit 3 if anything would.")

    @OptionGroup var document: DocumentOptions
    @OptionGroup var options: ClientOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let answer = try await document.send(
            to: try options.client(), isDryRun: true, message: nil)
        try answer.show(output.format, isDone: false)
        if !answer.plan.isEmpty { throw Exit.no }
    }
}

/// The documents that `apply` and `diff` send, and how they are to be applied.
struct DocumentOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: "A document, or a folder of them; - reads standard input. May be given several times."
    )
    var files: [String]
    @Flag(help: "Delete what is in the documents' set and not in the documents.")
    var prune = false
    @Option(
        help: """
            How much of the set may be deleted: 20 objects, or 30%. Without it 30 % of a set of ten \
            or more objects.
            """)
    var maxDelete: String?
    @Flag(help: "Take objects of other sets over into the documents' set.")
    var takeOver = false
    @Flag(help: "Do not probe changed and new checks once before anything is stored.")
    var noProbe = false

    func validate() throws {
        if let maxDelete, DeletionLimit(maxDelete) == nil {
            throw ValidationError(
                "--max-delete takes a number of objects such as 20, or a share such as 30%.")
        }
    }

    /// What the API answered: a plan, and the text it came as.
    struct Answer {
        var plan: Plan
        var json: JSONValue

        func show(_ format: ListingFormat, isDone: Bool) throws {
            switch format {
            case .json, .yaml: try format.show(json)
            case .name:
                for change in plan.changes where change.isChange {
                    print("\(change.kind.rawValue)/\(change.name)")
                }
            case .table: print(Terminal.standardOutput.coloured(plan, isDone: isDone))
            }
        }
    }

    /// Sends the documents as one, once they are known to be valid: problems are told with file and
    /// line, also those that the server finds.
    func send(to client: APIClient, isDryRun: Bool, message: String?) async throws -> Answer {
        let document = try await WaitingLine.showing("reading documents") {
            try DocumentFile.compile(try DocumentFile.read(all: files))
        }
        var query = "?dry_run=\(isDryRun)&prune=\(prune)&take_over=\(takeOver)&no_probe=\(noProbe)"
        if let maxDelete { query += "&max_delete=\(maxDelete.percentEncoded)" }
        if let message { query += "&message=\(message.percentEncoded)" }
        let count = "\(document.checks.count) checks and \(document.policies.count) policies"
        let request = "apply-\(UUID().uuidString)"
        let answer = try await client.call(
            .POST, "/v1/apply\(query)", headers: [("X-Request-Id", request)],
            body: try document.json().compact, timeout: .seconds(300),
            waiting: isDryRun ? "comparing \(count)" : "applying \(count)",
            progress: { await client.progress(ofApply: request) }, place: document.place)
        let json = try answer.json()
        guard let plan = Plan(json: json) else {
            throw Exit.error(Exit.failed, "\(client.server) answered something that is no plan.")
        }
        return Answer(plan: plan, json: json)
    }
}

extension APIClient {
    /// `probing 1200 of 10000`; nil where the server does not know the apply, as before it has all of
    /// it, or behind a balancer that asks another one.
    fileprivate func progress(ofApply request: String) async -> String? {
        guard let answer = await quickly(get: "/v1/apply/\(request)"),
            let phase = answer["phase"]?.shown
        else { return nil }
        guard let total = answer["total"]?.text, total != "0" else { return phase }
        return "\(phase) \(answer["done"]?.shown ?? "0") of \(total)"
    }
}

extension CompiledDocument {
    private var written: [CompiledCheck] { checks.filter { $0.madeBy == nil } }

    /// One document that says the same, with the defaults of each file under its objects.
    fileprivate func json() throws -> JSONValue {
        var members: [String: JSONValue] = ["format": .integer(1)]
        if let set { members["set"] = .string(set) }
        members["checks"] = .array(
            try written.map { try JSONValue(encoding: $0.spec).renamed(from: $0.renamedFrom) })
        members["policies"] = .array(
            try policies.map { try JSONValue(encoding: $0.spec).renamed(from: $0.renamedFrom) })
        return .object(members)
    }

    /// `file:line: object` of a JSON pointer into ``json()``.
    fileprivate func place(of pointer: String) -> String? {
        let steps = pointer.split(separator: "/")
        guard steps.count >= 2, let index = Int(steps[1]) else { return nil }
        let found: (Path, Position?)?
        switch steps[0] {
        case "checks": found = written[safe: index].map { ($0.path, $0.position) }
        case "policies": found = policies[safe: index].map { ($0.path, $0.position) }
        default: found = nil
        }
        guard let (path, position) = found else { return nil }
        let rest = steps.dropFirst(2).joined(separator: ".")
        let object = rest.isEmpty ? "\(path)" : "\(path).\(rest)"
        guard let position, let file = position.file else { return object }
        return "\(file):\(position.line): \(object)"
    }
}

extension JSONValue {
    fileprivate func renamed(from old: String?) -> JSONValue {
        guard let old, case .object(var members) = self else { return self }
        members["renamed_from"] = .string(old)
        return .object(members)
    }
}

extension Array {
    fileprivate subscript(safe index: Int) -> Element? {
        indices.contains(index) ? self[index] : nil
    }
}

extension Terminal {
    /// A plan with what comes in green and what goes in red.
    fileprivate func coloured(_ plan: Plan, isDone: Bool) -> String {
        plan.report(isDone: isDone).split(separator: "\n", omittingEmptySubsequences: false).map {
            let line = String($0).harmless
            switch line.first(where: { $0 != " " }) {
            case "+": return green(line)
            case "-": return red(line)
            case "~": return yellow(line)
            default: return line
            }
        }.dropLast().joined(separator: "\n")
    }
}
