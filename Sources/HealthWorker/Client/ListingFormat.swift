import ArgumentParser
import Foundation
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerTelling

/// How a command shows what it was told.
enum ListingFormat: String, ExpressibleByArgument, CaseIterable {
    case table
    case json
    case yaml
    /// Names alone, one a line, for other commands.
    case name

    /// Prints `items` as they are, or what `table` or `name` makes of them.
    func show<Item: Encodable>(
        _ items: [Item], name: (Item) -> String, as table: ([Item]) -> Table
    ) throws {
        switch self {
        case .table: print(table(items).text)
        case .name: for item in items { print(name(item)) }
        case .json, .yaml: try show(.array(items.map { try JSONValue(encoding: $0) }))
        }
    }

    /// The same for what the API answered, which has names of its own.
    func show(_ items: [JSONValue], as table: ([JSONValue]) -> Table) throws {
        switch self {
        case .table: print(table(items).text)
        case .name: for item in items { print(item["name"]?.shown ?? "") }
        case .json, .yaml: try show(.array(items))
        }
    }

    /// Prints one value as JSON, or as YAML for every other format.
    func show(_ value: JSONValue) throws {
        guard self == .json else {
            print(HealthWorkerDocument.Export.yaml(value), terminator: "")
            return
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}

/// The option of every listing.
struct OutputOptions: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "table, json, yaml or name.")
    var format: ListingFormat = .table
}
