import ArgumentParser
import HealthWorkerModel
import HealthWorkerTelling

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "List who changed what and why, newest first.",
        discussion: """
            With -o json or yaml each entry has the object as it was before and after. Entries are kept \
            for as long as history.audit says, 400 days unless it is set.
            """)

    @OptionGroup var options: ClientOptions
    @Option(help: "Only what this one did, by the name in the log, such as key:deploy/ID.")
    var actor: String?
    @Option(help: "Only changes of this kind, such as check.updated.")
    var action: String?
    @Option(help: "Only changes of what has this name.")
    var object: String?
    @Option(help: "Only changes since then: a span such as 2h, or a moment.")
    var since: String?
    @Option(name: [.customShort("n"), .long], help: "The most entries that are listed.")
    var limit = 50
    @Option(name: [.customShort("o"), .customLong("output")], help: "table, json or yaml.")
    var format: ListingFormat = .table

    func validate() throws {
        guard (1...100_000).contains(limit) else {
            throw ValidationError("--limit takes 1 to 100000 entries.")
        }
        if let since, TimeSpan(since) == nil, Timestamp(since) == nil {
            throw ValidationError(
                "--since takes a span such as 2h, or a moment such as 2026-01-31T08:00:00Z.")
        }
    }

    func run() async throws {
        let filter = [
            ("actor", actor), ("action", action), ("object", object), ("since", since),
        ].compactMap { key, value in value.map { "&\(key)=\($0.percentEncoded)" } }.joined()
        let client = try options.client()
        var entries: [JSONValue] = []
        var cursor: String?
        repeat {
            let more = cursor.map { "&cursor=\($0.percentEncoded)" } ?? ""
            let page = try await client.get(
                "/v1/audit?limit=\(min(500, limit - entries.count))\(filter)\(more)")
            entries += page["items"]?.elements ?? []
            cursor = page["next_cursor"]?.text
        } while cursor != nil && entries.count < limit
        guard format == .table else { return try format.show(.array(entries)) }
        print(
            Table(
                ["AT", "BY", "WHAT", "OBJECT", "WHY"],
                entries.map { entry in
                    [
                        Moments.clock(entry["at"]?.text), entry["actor"]?.shown ?? "?",
                        entry["action"]?.shown ?? "?", entry["object"]?.shown ?? "?",
                        entry["message"]?.shown ?? "",
                    ]
                }
            ).text)
    }
}
