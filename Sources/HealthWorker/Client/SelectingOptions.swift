import ArgumentParser
import HealthWorkerTelling

/// Which checks or policies a listing shows.
struct SelectingOptions: ParsableArguments {
    @Option(
        name: [.customShort("l"), .long],
        help: "Only objects whose labels fit, such as env=prod,tier!=dev.")
    var selector: String?
    @Option(help: "Only objects of this set.")
    var set: String?
    @Option(help: "Only objects of this type.")
    var type: String?

    var query: String {
        let parts = [("selector", selector), ("set", set), ("type", type)].compactMap {
            key, value in
            value.map { "\(key)=\($0.percentEncoded)" }
        }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }
}
