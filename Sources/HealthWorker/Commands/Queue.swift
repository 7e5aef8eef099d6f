import ArgumentParser
import HealthWorkerModel
import HealthWorkerTelling

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

        let troubles = Troubles.sentences(ofQueue: queue)
        if troubles.isEmpty { return }
        print("")
        for trouble in troubles { print(trouble) }
        throw Exit.no
    }
}
