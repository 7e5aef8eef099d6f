import AsyncHTTPClient
import Foundation
package import HealthWorkerModel
package import HealthWorkerSettings
package import HealthWorkerStorage
import Logging
import NIOCore
import NIOHTTP1

package struct PowerDNSConfiguration: SinkConfiguration {
    package var url: ServiceURL
    package var apiKey: Secret
    package var server: String
    package var timeout: TimeSpan
    package var observe: [TargetAddress]

    package init(_ keys: inout SinkKeys) {
        url = keys.required(
            "url", .serviceURL, specimen: ServiceURL("http://127.0.0.1:8081")!,  // It is one.
            "Where the web server of PowerDNS listens: webserver-address and webserver-port of its "
                + "pdns.conf.")
        apiKey = keys.requiredSecret("api_key", "What its pdns.conf has as api-key.")
        server = keys.value(
            "server", .text(1...64), default: "localhost",
            "What the server is called in the paths of its API.")
        timeout = keys.value(
            "timeout", .time(.milliseconds(500) ... .seconds(60)), default: .seconds(10),
            "How long one change may take, all in all.")
        observe = keys.value(
            "observe", .targets(0...16), default: [],
            "The addresses and ports of the zones' name servers, such as 192.0.2.53:53. After each "
                + "change all of them are asked until they answer it; without any, PowerDNS is read "
                + "again.")
    }
}

/// Writes routes into the zones of a PowerDNS server by its HTTP API: one PATCH for each publication,
/// then a NOTIFY. What is written goes on being served whatever becomes of us.
///
/// Before it writes it reads the zone and refuses what would go wrong (``ZoneRules``). What is ours is
/// known from the comment of each record set and from what is remembered with the last delivery.
package struct PowerDNSSink: RouteSink {
    package static let type = "powerdns"
    package static let summary =
        "A PowerDNS Authoritative Server: A, AAAA, CNAME and TXT records, written by its HTTP API."
    package static let kind = SinkKind.state

    private let configuration: PowerDNSConfiguration
    private let context: SinkContext

    package init(
        _ configuration: PowerDNSConfiguration, _ context: SinkContext
    ) throws(SinkError) {
        for server in configuration.observe where IPAddress(server.host) == nil {
            throw .refused(
                "sinks.\(context.name).observe: \(server.host) is no address.",
                mend: "Write the address of that name server.")
        }
        self.configuration = configuration
        self.context = context
    }

    package var timeLimit: Duration { configuration.timeout.duration }
    package var listeners: [TargetAddress] { [configuration.url.address] }

    package func deliver(_ delivery: Delivery) async throws(SinkError) -> SinkReceipt {
        guard let route = delivery.route else { return SinkReceipt() }
        let rules = try rules(
            delivery.policy, delivery.policyName, delivery.publication, delivery.holding?.memory)
        let isAgain = delivery.attempt > 1
        let (zone, writing) = try await writing(route, rules, marksAgain: isAgain)
        if let memory = writing.memoryBefore { return .remember(try Self.text(of: memory)) }
        try await write(writing.changes, to: zone)
        // Also of what an earlier attempt wrote: its word to the secondaries may have been lost.
        if !writing.changes.isEmpty || isAgain { try await notify(zone) }
        return SinkReceipt(memory: try Self.text(of: writing.memory))
    }

    /// What is to be written to the zone, by all that is known of the name there.
    private func writing(
        _ route: Route, _ rules: ZoneRules, marksAgain: Bool = false
    ) async throws(SinkError) -> (Zone, ZoneRules.Writing) {
        let zone = try await zone(of: rules.name)
        let writing = try rules.writing(route, to: zone, marksAgain: marksAgain)
        guard writing.isFirst else { return (zone, writing) }
        // Asked for one name, PowerDNS 4.7 leaves out what is disabled there, and a change would
        // take it away.
        let whole: Zone = try await read("/zones/\(Self.id(of: zone.name))")
        return (whole, try rules.writing(route, to: whole, marksAgain: marksAgain))
    }

    package func withdraw(_ delivery: Delivery) async throws(SinkError) {
        let rules = try rules(
            delivery.policy, delivery.policyName, delivery.publication, delivery.holding?.memory)
        guard delivery.publication.onDelete != .leave,
            let zone = try await zoneIfAny(of: rules.name)
        else { return }
        let changes = rules.withdrawal(
            delivery.publication.onDelete, taken: delivery.taken, from: zone)
        try await write(changes, to: zone)
        if !changes.isEmpty || delivery.attempt > 1 { try await notify(zone) }
    }

    package func difference(
        from place: PublishedPlace
    ) async throws(SinkError) -> SinkDifference? {
        let rules = try rules(
            place.policy, place.policyName, place.publication, place.holding?.memory)
        return try difference(from: place, rules, in: try await zone(of: rules.name))
    }

    /// A zone of which many names are compared is read once, all of it.
    package func differences(
        from places: [PublishedPlace]
    ) async -> [Result<SinkDifference?, SinkError>] {
        var zones: [String: Result<String, SinkError>] = [:]
        for place in places {
            let name = Self.canonical(place.publication.name)
            if zones[name] != nil { continue }
            let zone = await result { () throws(SinkError) in
                try await self.zone(of: name, reading: .nothing).name
            }
            zones[name] = zone
            // One that does not answer is not asked for each of the rest.
            if case .failure(let error) = zone, !error.isRefusal { return [.failure(error)] }
        }
        var names: [String: Int] = [:]
        for place in places {
            if case .success(let zone)? = zones[Self.canonical(place.publication.name)] {
                names[zone, default: 0] += 1
            }
        }
        var whole: [String: Result<Zone, SinkError>] = [:]
        var found: [Result<SinkDifference?, SinkError>] = []
        for place in places {
            let name = Self.canonical(place.publication.name)
            found.append(
                await result { () throws(SinkError) in
                    guard let zone = try zones[name]?.get() else { return nil }
                    if names[zone] ?? 0 < Self.manyNames {
                        return try await self.difference(from: place)
                    }
                    if whole[zone] == nil {
                        whole[zone] = await self.result { () throws(SinkError) in
                            try await self.read("/zones/\(Self.id(of: zone))")
                        }
                    }
                    let rules = try self.rules(
                        place.policy, place.policyName, place.publication,
                        place.holding?.memory)
                    guard let read = try whole[zone]?.get() else { return nil }
                    return try self.difference(from: place, rules, in: read)
                })
        }
        return found
    }

    /// From so many names on a zone is read once: each question for one name costs PowerDNS 4.7 a look
    /// at all comments of the zone.
    private static let manyNames = 5

    private func result<Value>(
        _ body: () async throws(SinkError) -> Value
    ) async -> Result<Value, SinkError> {
        do throws(SinkError) {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }

    private func difference(
        from place: PublishedPlace, _ rules: ZoneRules, in zone: Zone
    ) throws(SinkError) -> SinkDifference? {
        guard let route = place.route else { return nil }
        let difference = try rules.difference(from: route, in: zone)
        // What would be refused is what somebody who only observes wants to know before.
        if place.mode == .observe, difference != nil {
            do throws(SinkError) {
                _ = try rules.writing(route, to: zone)
            } catch {
                guard case .superseded = error else { throw error }
            }
        }
        return difference
    }

    /// As its name servers answer: each of them must.
    package func observe(_ place: PublishedPlace) async throws(SinkError) -> String? {
        guard let route = place.route else { return nil }
        if configuration.observe.isEmpty { return try await difference(from: place)?.sentence }
        for server in configuration.observe {
            for family in route.families {
                let records = try await context.askNameServer(
                    server, place.publication.name, family)
                let difference = route.difference(
                    of: records, in: family, from: server.description)
                if let difference { return difference }
            }
        }
        return nil
    }

    private func rules(
        _ policy: PolicyID, _ policyName: String, _ publication: Publication, _ memory: String?
    ) throws(SinkError) -> ZoneRules {
        var known: PowerDNSMemory?
        if let memory {
            do {
                known = try JSONDecoder().decode(PowerDNSMemory.self, from: Data(memory.utf8))
            } catch {
                throw .refused("What is remembered of \(publication.name) cannot be read: \(error)")
            }
        }
        return ZoneRules(
            installation: context.installation, policy: policy, policyName: policyName,
            name: Self.canonical(publication.name), adopts: publication.adopt, memory: known)
    }

    private static func canonical(_ name: String) -> String {
        let name = name.lowercased()
        return name.hasSuffix(".") ? name : name + "."
    }

    private static func text(of memory: PowerDNSMemory) throws(SinkError) -> String {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(memory), as: UTF8.self)
        } catch {
            throw .refused("What is to be remembered cannot be written: \(error)")
        }
    }
}

// Testing.
extension PowerDNSSink {
    package func test(_ places: [PublishedPlace]) async -> [SinkFinding] {
        var findings: [SinkFinding] = []
        do throws(SinkError) {
            let server: Server = try await read("")
            guard server.daemonType == "authoritative" else {
                return [
                    SinkFinding(
                        .problem,
                        "\(configuration.url.text) is a PowerDNS \(server.daemonType), not an "
                            + "authoritative server.",
                        mend: "Let sinks.\(context.name).url be the authoritative server's API.")
                ]
            }
            findings.append(
                SinkFinding(
                    .ok,
                    "PowerDNS \(server.version) answers at \(configuration.url.text) and takes the "
                        + "API key."))
        } catch {
            return [error.finding]
        }
        for place in places {
            do throws(SinkError) {
                findings.append(try await test(place))
            } catch {
                findings.append(error.finding)
                // Who went away meanwhile is not waited for at each of the rest.
                if case .unreachable = error { return findings }
            }
        }
        if places.isEmpty {
            findings.append(
                SinkFinding(.warning, "No policy publishes anything at this sink."))
        }
        return findings
    }

    private func test(_ place: PublishedPlace) async throws(SinkError) -> SinkFinding {
        let rules = try rules(
            place.policy, place.policyName, place.publication, place.holding?.memory)
        guard let route = place.route else {
            let zone = try await zone(of: rules.name)
            try rules.refuseZone(zone)
            return SinkFinding(
                .ok,
                "\(rules.name) can be written to the zone \(zone.name), once there is a route.")
        }
        let (zone, writing) = try await writing(route, rules)
        if place.mode == .observe {
            return SinkFinding(
                .ok,
                "\(rules.name) in the zone \(zone.name) is only observed"
                    + (writing.changes.isEmpty
                        ? " and holds the route." : ": it would be changed."))
        }
        return SinkFinding(
            .ok,
            "\(rules.name) in the zone \(zone.name) "
                + (writing.changes.isEmpty ? "holds the route." : "can be written."))
    }

    private struct Server: Decodable {
        var version: String
        var daemonType: String

        enum CodingKeys: String, CodingKey {
            case version
            case daemonType = "daemon_type"
        }
    }
}

// Its HTTP API, <https://doc.powerdns.com/authoritative/http-api/>.
extension PowerDNSSink {
    /// What is read of a zone.
    private enum Extent {
        case nothing
        case recordSetsOfName
    }

    private func zone(
        of name: String, reading extent: Extent = .recordSetsOfName
    ) async throws(SinkError) -> Zone {
        guard let zone = try await zoneIfAny(of: name, reading: extent) else {
            throw .refused(
                "PowerDNS at \(configuration.url.text) has no zone that \(name) is in.",
                mend: "pdnsutil create-zone \(Self.parents(of: name).dropFirst().first ?? name)")
        }
        return zone
    }

    /// The zone that a name is in, the most particular one.
    private func zoneIfAny(
        of name: String, reading extent: Extent = .recordSetsOfName
    ) async throws(SinkError) -> Zone? {
        let wanted =
            switch extent {
            case .nothing: "rrsets=false"
            case .recordSetsOfName: "rrset_name=\(Self.id(of: name, "%"))"
            }
        for candidate in Self.parents(of: name) {
            let path = "/zones/\(Self.id(of: candidate))?\(wanted)"
            let (status, body) = try await call("GET", path)
            // 422: a name that no zone can have.
            if status == 404 || status == 422 { continue }
            return try decode(try good(status, body))
        }
        return nil
    }

    /// The name and all above it but the root.
    private static func parents(of name: String) -> [String] {
        var labels = name.split(separator: ".")
        var names: [String] = []
        while !labels.isEmpty {
            names.append(labels.joined(separator: ".") + ".")
            labels.removeFirst()
        }
        return names
    }

    /// What a zone is called in a path: bytes that are no letters, digits, `.`, `-` or `_` are written
    /// with `=` and two digits; in a query with `%`.
    private static func id(of name: String, _ escape: String = "=") -> String {
        name.utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f:
                return String(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                return escape + (digits.count == 1 ? "0" : "") + digits
            }
        }.joined()
    }

    private func write(
        _ changes: [RecordSetChange], to zone: Zone
    ) async throws(SinkError) {
        if changes.isEmpty { return }
        let path = "/zones/\(Self.id(of: zone.name))"
        let body: Data
        do {
            body = try JSONEncoder().encode(["rrsets": changes])
        } catch {
            throw .refused("The change of \(zone.name) cannot be written: \(error)")
        }
        let (status, answer) = try await call("PATCH", path, body)
        _ = try good(status, answer)
    }

    /// Lets the secondaries of a zone ask for what was changed.
    ///
    /// - Throws: where it may succeed later. That PowerDNS knows of nobody whom to tell is no trouble.
    private func notify(_ zone: Zone) async throws(SinkError) {
        guard zone.hasSecondaries else { return }
        do throws(SinkError) {
            let (status, answer) = try await call("PUT", "/zones/\(Self.id(of: zone.name))/notify")
            _ = try good(status, answer)
        } catch .refused(let why, _) {
            context.logger.debug(
                "secondaries were not notified",
                metadata: [
                    "sink": "\(context.name)", "zone": "\(zone.name)", "error": "\(why)",
                ])
        } catch {
            throw .notNow("The change is made, and its secondaries were not told of it: \(error)")
        }
    }

    private func read<Value: Decodable>(_ path: String) async throws(SinkError) -> Value {
        let (status, body) = try await call("GET", path)
        return try decode(try good(status, body))
    }

    private func decode<Value: Decodable>(_ body: Data) throws(SinkError) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: body)
        } catch {
            throw .refused(
                "What answers at \(configuration.url.text) is no API of PowerDNS.",
                mend: "Let sinks.\(context.name).url name its web server.")
        }
    }

    private func good(_ status: Int, _ body: Data) throws(SinkError) -> Data {
        let said = (try? JSONDecoder().decode([String: String].self, from: body))?["error"]
        switch status {
        case 200..<300:
            return body
        case 401, 403:
            throw .refused(
                "PowerDNS at \(configuration.url.text) does not take the API key, or not from here.",
                mend: "Compare sinks.\(context.name).api_key_file with api-key, and see "
                    + "webserver-allow-from, in its pdns.conf.")
        case 400..<500:
            throw .refused(
                "PowerDNS at \(configuration.url.text) answered \(status)"
                    + (said.map { ": \($0)" } ?? "") + ".")
        default:
            throw .notNow(
                "PowerDNS at \(configuration.url.text) answered \(status)"
                    + (said.map { ": \($0)" } ?? "") + ".")
        }
    }

    private func call(
        _ method: String, _ path: String, _ body: Data? = nil
    ) async throws(SinkError) -> (status: Int, body: Data) {
        var request = HTTPClientRequest(
            url:
                "\(configuration.url.text)/api/v1/servers/\(Self.id(of: configuration.server))\(path)"
        )
        request.method = .init(rawValue: method)
        request.headers.add(name: "X-API-Key", value: configuration.apiKey.revealed)
        request.headers.add(name: "Accept", value: "application/json")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        do {
            let response = try await context.http.execute(
                request, timeout: .nanoseconds(configuration.timeout.duration.microseconds * 1000))
            let answer = try await response.body.collect(upTo: 64 << 20)
            return (Int(response.status.code), Data(answer.readableBytesView))
        } catch {
            throw .unreachable(
                "PowerDNS at \(configuration.url.text) does not answer: \(SinkError.why(error))")
        }
    }
}
