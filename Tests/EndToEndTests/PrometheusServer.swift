import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import TestServers

/// A Prometheus of one test's own, with the project's rules.
final class PrometheusServer: Sendable {
    private let server: StartedServer

    init() throws {
        server = try StartedServer("prometheus")
    }

    /// Scrapes these from now on.
    ///
    /// - Parameter ports: Of loopback, by what the target is called.
    func scrape(_ ports: [String: Int]) throws {
        let targets = ports.map { name, port in
            ["targets": .list(["127.0.0.1:\(port)"]), "labels": .map(["name": name])]
                as [String: Part]
        }
        // Written beside and moved: it is read at any moment.
        try JSONEncoder().encode(targets).write(
            to: URL(filePath: "\(server.folder)/targets.json"), options: .atomic)
    }

    private enum Part: Encodable {
        case list([String])
        case map([String: String])

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .list(let items): try items.encode(to: encoder)
            case .map(let members): try members.encode(to: encoder)
            }
        }
    }

    /// The values of a query, by their labels; it must be a vector.
    func vector(_ query: String) async throws -> [[String: String]: Double] {
        struct Answer: Decodable {
            struct Data: Decodable {
                struct Sample: Decodable {
                    var metric: [String: String]
                    var value: [Value]
                }
                var result: [Sample]
            }
            var data: Data
        }
        enum Value: Decodable {
            case number(Double)
            case text(String)

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let text = try? container.decode(String.self) {
                    self = .text(text)
                } else {
                    self = .number(try container.decode(Double.self))
                }
            }
        }
        var components = URLComponents()
        components.queryItems = [URLQueryItem(name: "query", value: query)]
        // A plus sign is a blank where queries are read.
        let encoded = components.percentEncodedQuery?.replacing("+", with: "%2B") ?? ""
        let answer = try JSONDecoder().decode(
            Answer.self, from: try await get("/api/v1/query?\(encoded)"))
        return Dictionary(
            answer.data.result.map { sample in
                guard case .text(let text) = sample.value.last else { return (sample.metric, .nan) }
                return (sample.metric, Double(text) ?? .nan)
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The only value of a query; nil without one.
    func value(_ query: String) async throws -> Double? {
        try await vector(query).values.first
    }

    func get(_ path: String) async throws -> Data {
        let response = try await HTTPClient.shared.execute(
            HTTPClientRequest(url: server.url + path), timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 16 << 20)
        guard response.status == .ok else {
            throw EndToEndError("\(path) answered \(response.status): \(String(buffer: body))")
        }
        return Data(buffer: body)
    }

    func stop() { server.stop() }
}
