import ArgumentParser
import Foundation
import HealthWorkerTelling
import NIOHTTP1

struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print what is stored as a document; applying it changes nothing.")

    @OptionGroup var options: ClientOptions
    @Option(help: "Only objects of this set.")
    var set: String?

    func run() async throws {
        let query =
            set.map { "?set=\($0.percentEncoded)" } ?? ""
        let answer = try await options.client().call(
            .GET, "/v1/export\(query)", accept: "application/yaml")
        print(String(decoding: answer.body, as: UTF8.self), terminator: "")
    }
}
