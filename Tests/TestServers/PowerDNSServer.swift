import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// The PowerDNS servers that the tests are told of: a primary, and a secondary that it notifies.
package struct PowerDNSServer: Sendable {
    package let url: String
    private let secondaryURL: String
    private let dns: String
    private let secondaryDNS: String
    private let folder: String

    /// - Throws: Where there are none: a suite that is skipped would look like one that passed.
    package init() throws {
        func told(_ name: String) throws -> String {
            guard let value = ProcessInfo.processInfo.environment[name] else {
                throw Trouble(
                    "\(name) is not set: scripts/servers start powerdns-secondary powerdns")
            }
            return value
        }
        url = try told("HEALTH_WORKER_TEST_POWERDNS")
        dns = try told("HEALTH_WORKER_TEST_POWERDNS_DNS")
        secondaryURL = try told("HEALTH_WORKER_TEST_POWERDNS_SECONDARY")
        secondaryDNS = try told("HEALTH_WORKER_TEST_POWERDNS_SECONDARY_DNS")
        folder = try told("HEALTH_WORKER_TEST_POWERDNS_FOLDER")
    }

    package struct Trouble: Error, CustomStringConvertible {
        package var description: String

        init(_ description: String) {
            self.description = description
        }
    }

    /// Makes a zone that no other test has, at the primary, and at the secondary where it is a master.
    package func makeZone(_ kind: String = "Master") async throws -> String {
        let zone = "z\(UInt64.random(in: 0 ..< 1 << 48)).test."
        let rest =
            kind == "Slave"
            ? #""masters": ["127.0.0.1:9"]"# : #""nameservers": ["ns1.\#(zone)"]"#
        try await call(
            "POST", "/zones", #"{"name": "\#(zone)", "kind": "\#(kind)", \#(rest)}"#)
        if kind == "Master" {
            try await call(
                "POST", "/zones",
                #"{"name": "\#(zone)", "kind": "Slave", "masters": ["\#(dns)"]}"#, at: secondaryURL)
        }
        return zone
    }

    /// Writes a record set as somebody else would.
    package func write(
        _ name: String, _ type: String, _ contents: [String], ttl: Int = 300,
        disabled: Bool = false, comment: (account: String, content: String)? = nil,
        in zone: String
    ) async throws {
        let records = contents.map { #"{"content": "\#($0)", "disabled": \#(disabled)}"# }
        let comments = comment.map {
            #"{"account": "\#($0.account)", "content": "\#($0.content)"}"#
        }
        try await call(
            "PATCH", "/zones/\(zone)",
            """
            {"rrsets": [{"name": "\(name)", "type": "\(type)", "ttl": \(ttl), \
            "changetype": "REPLACE", "comments": [\(comments ?? "")], "records": [\(records.joined(separator: ","))]}]}
            """)
    }

    @discardableResult
    package func call(
        _ method: String, _ path: String, _ body: String? = nil, at url: String? = nil
    ) async throws -> String {
        var request = HTTPClientRequest(url: "\(url ?? self.url)/api/v1/servers/localhost\(path)")
        request.method = HTTPMethod(rawValue: method)
        request.headers.add(name: "X-API-Key", value: "secret")
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
            if (200..<300).contains(response.status.code) { return text }
            // Two that write to its SQLite at once are told so.
            guard response.status.code == 500, ContinuousClock.now < deadline else {
                throw Trouble("\(method) \(path): \(response.status.code) \(text)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Carries out a command that a refusal named, as it stands there.
    package func carryOut(_ command: String) throws {
        guard let start = command.range(of: "pdnsutil ") else {
            throw Trouble("There is no command in: \(command)")
        }
        let words = command[start.upperBound...].split(separator: " ").map(String.init)
        _ = try Self.run("pdnsutil", ["--config-dir=\(folder)"] + words)
    }

    package func pdnsutil(_ words: String...) throws {
        _ = try Self.run("pdnsutil", ["--config-dir=\(folder)"] + words)
    }

    package enum Place: CaseIterable {
        case primary
        case secondary
    }

    /// Where it answers DNS.
    package func dnsAddress(_ place: Place) -> String {
        place == .primary ? dns : secondaryDNS
    }

    /// The records that `dig` shows in the answer of whoever listens at a port, those of the name itself.
    package static func answers(
        _ name: String, _ type: String, at port: Int
    ) throws -> [(value: String, ttl: Int)] {
        let text = try run(
            "dig",
            [
                "@127.0.0.1", "-p", "\(port)", "+noall", "+answer", "+comments", "+time=5",
                "+tries=3", "+norecurse", name, type,
            ])
        guard text.contains("status: NOERROR") || text.contains("status: NXDOMAIN") else {
            throw Trouble(text)
        }
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count == 5, !line.hasPrefix(";"), words[3] == type,
                let ttl = Int(words[1])
            else { return nil }
            return (String(words[4]), ttl)
        }
    }

    /// What `dig` says, in one order.
    package func dig(_ name: String, _ type: String = "A", at place: Place = .primary) throws
        -> [String]
    {
        let address = place == .primary ? dns : secondaryDNS
        let port = address.split(separator: ":").last.map(String.init) ?? ""
        return try Self.run(
            "dig", ["@127.0.0.1", "-p", port, "+short", "+time=5", "+tries=3", name, type]
        ).split(separator: "\n").map(String.init).sorted()
    }

    /// Asks until the answer is the wanted one.
    package func dig(
        _ name: String, _ type: String = "A", at place: Place, until wanted: [String]
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        var found = try dig(name, type, at: place)
        while found != wanted {
            guard ContinuousClock.now < deadline else {
                throw Trouble("\(name) \(type) is \(found) at the \(place) instead of \(wanted)")
            }
            try await Task.sleep(for: .milliseconds(50))
            found = try dig(name, type, at: place)
        }
    }

    private static func run(_ program: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(
            decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Trouble("\(program) \(arguments.joined(separator: " ")): \(text)")
        }
        return text
    }
}
