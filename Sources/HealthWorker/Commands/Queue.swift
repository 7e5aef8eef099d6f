import ArgumentParser
import HealthWorkerModel

struct Queue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say how much waits to be probed, how late probes are, and what became of jobs.",
        discussion: "Exits 3 if something in the queue needs somebody.")

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let queue = try await options.client().get("/v1/queue")
        let number = { (path: String...) in
            path.reduce(queue as JSONValue?) { $0?[$1] }?.text ?? "0"
        }
        let milliseconds = { (value: JSONValue?) in
            value?.text.flatMap(Double.init).map { "\(Int($0 * 1000)) ms" } ?? "-"
        }
        print(
            Table(
                ["LIVE", "LEASED", "READY", "< 1 s", "< 10 s", "< 60 s", "LONGER"],
                [
                    [
                        number("live"), number("leased"), number("ready"),
                        number("waiting", "under_1s"), number("waiting", "under_10s"),
                        number("waiting", "under_60s"), number("waiting", "longer"),
                    ]
                ]
            ).text)
        print(
            "\nLag of the last \(number("lag", "probes")) probes: "
                + "p50 \(milliseconds(queue["lag"]?["p50_seconds"])), "
                + "p99 \(milliseconds(queue["lag"]?["p99_seconds"]))\n")
        let names = [
            "enqueued", "completed", "lost", "void", "rescued", "stale", "superseded", "missed",
        ]
        print(Table(names.map { $0.uppercased() }, [names.map { number("tally", $0) }]).text)

        let troubles = Self.troubles(of: queue)
        if troubles.isEmpty { return }
        print("")
        for trouble in troubles { print(trouble) }
        throw Exit.no
    }

    /// What needs somebody, one sentence each.
    static func troubles(of queue: JSONValue) -> [String] {
        var troubles: [String] = []
        let count = { (value: JSONValue?) in value?.text.flatMap(Double.init) ?? 0 }
        if count(queue["late_slots"]) > 0 {
            troubles.append(
                "\(queue["late_slots"]?.text ?? "?") slots are late: start a register, or more")
        }
        let waiting = count(queue["waiting"]?["under_60s"]) + count(queue["waiting"]?["longer"])
        if waiting > 0 {
            troubles.append(
                "\(Int(waiting)) jobs have been due for more than 10 s: start more workers, or "
                    + "raise worker.concurrency")
        }
        let transaction = queue["oldest_transaction"]
        if transaction?["too_old"] == .bool(true) {
            troubles.append(
                "a transaction has been open for \(Int(count(transaction?["age_seconds"]))) s "
                    + "(\(transaction?["session"]?.text ?? "?")): the database cannot forget ended "
                    + "jobs meanwhile; end it before it hurts")
        }
        return troubles
    }
}
