import AsyncHTTPClient
import Foundation
import HealthWorkerModel
import NIOCore
import NIOHTTP1

/// What one process tells Prometheus, read as Prometheus reads it.
struct Exposition {
    let text: String
    /// By the name of the family.
    private(set) var kinds: [String: String] = [:]
    private(set) var helps: [String: String] = [:]
    /// By name and labels, as they are written: `up{role="worker"}`.
    private(set) var samples: [String: Double] = [:]

    init(_ text: String) {
        self.text = text
        for line in text.split(separator: "\n") {
            if line.hasPrefix("#") {
                let parts = line.split(separator: " ", maxSplits: 3).map(String.init)
                guard parts.count == 4 else { continue }
                if parts[1] == "TYPE" { kinds[parts[2]] = parts[3] }
                if parts[1] == "HELP" { helps[parts[2]] = parts[3] }
            } else if let gap = line.lastIndex(of: " ") {
                samples[String(line[..<gap])] = Double(line[line.index(after: gap)...])
            }
        }
    }

    /// Asks a role that listens at `port` of loopback.
    static func fetch(from port: Int) async throws -> Exposition {
        let request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/metrics")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let body = try await response.body.collect(upTo: 16 << 20)
        guard response.status == .ok else {
            throw EndToEndError("/metrics answered \(response.status)")
        }
        return Exposition(String(buffer: body))
    }

    subscript(name: MetricName, labels: String = "") -> Double? {
        samples[labels.isEmpty ? name.rawValue : "\(name.rawValue){\(labels)}"]
    }
}
