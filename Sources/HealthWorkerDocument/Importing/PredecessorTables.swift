package import HealthWorkerModel

/// The tables of the Go program that was called health-worker before, as a document of this one.
///
/// `health_checks(id, name, type, check_interval, threshould, params)` become checks.
/// `routing_policies(id, record_id, health_check_id, type)` speak of rows of PowerDNS's `records`
/// (id, name, type, content, ttl): where that table is given as well, they become policies, one for
/// each name and type of record.
package struct PredecessorTables: Sendable {
    package static let names: Set<String> = ["health_checks", "routing_policies", "records"]

    /// As it was there: any HTTP status counted as a success.
    package var anyStatus = false
    /// The sink that published names get; nil: nothing is published yet.
    package var sink: String?

    private let dump: SQLDump

    package init(_ dump: SQLDump) {
        self.dump = dump
    }

    /// A document, and what somebody should look at before it is applied.
    package struct Import: Sendable {
        package var checks: [CheckSpec] = []
        package var policies: [PolicySpec] = []
        package var notes: [String] = []
    }

    package func read() throws(Problems) -> Import {
        guard let rows = dump.tables["health_checks"] else {
            throw Problems(
                Problem(
                    "there is no table health_checks in this dump: dump health_checks, "
                        + "routing_policies and PowerDNS's records"))
        }
        var result = Import()
        var names: [String: String] = [:]
        var taken = Set<String>()
        for row in rows {
            guard let id = row["id"] else { continue }
            var notes: [String] = []
            guard let check = try check(row, taken: &taken, notes: &notes) else {
                result.notes.append(
                    "health check \(row["name"] ?? id) is left out: it has no address, or no port")
                continue
            }
            names[id] = check.name
            result.checks.append(check)
            result.notes += notes.map { "check \(check.name): \($0)" }
        }
        readPolicies(names, into: &result)
        return result
    }

    // MARK: Checks

    /// Nil for one that says nothing to connect to.
    private func check(
        _ row: SQLDump.Row, taken: inout Set<String>, notes: inout [String]
    ) throws(Problems) -> CheckSpec? {
        let written = row["name"] ?? "check-\(row["id"] ?? "")"
        let params = try parameters(row, of: written)
        let type: CheckType
        switch row["type"] ?? "0" {
        case "0": type = .http
        case "1": type = .https
        case "2": type = .tcp
        case let other:
            throw Problems(
                Problem(
                    "the health check \(written) is of the type \(other), and there were only 0 "
                        + "(HTTP), 1 (HTTPS) and 2 (TCP)"))
        }
        let port = params["Port"]?.asInteger ?? 0
        guard let host = params["Addr"]?.asText, !host.isEmpty, type != .tcp || port > 0 else {
            return nil
        }
        let name = Self.handle(of: written, taken: &taken)
        if name != written { notes.append("was called \(written)") }
        var check = CheckSpec(
            name: name, description: name == written ? "" : written, type: type,
            target: Target(host: host, port: port > 0 ? Int(port) : nil), fall: 1, rise: 1)
        let seconds = row["check_interval"].flatMap { Int64($0) } ?? 10
        check.interval = .seconds(min(max(seconds, 1), 86_400))
        check.fall = min(max(row["threshould"].flatMap { Int($0) } ?? 1, 1), 100)
        check.timeout = timeout(params["Timeout"]?.asInteger ?? 0, check, notes: &notes)
        guard type != .tcp else { return check }

        var request = HTTPRequest()
        if let path = params["Path"]?.asText, !path.isEmpty {
            request.path = path.hasPrefix("/") ? path : "/\(path)"
        }
        if let host = params["HostName"]?.asText, !host.isEmpty { request.host = host }
        if request != HTTPRequest() { check.http = request }
        if let word = params["SearchWord"]?.asText, !word.isEmpty {
            check.expect.bodyContains = word
        }
        if anyStatus {
            check.expect.status = [StatusRange(100...599)]
        }
        return check
    }

    private func parameters(
        _ row: SQLDump.Row, of name: String
    ) throws(Problems) -> [String: JSONValue] {
        guard let text = row["params"], !text.isEmpty else { return [:] }
        guard case .object(let members)? = try? Node.readJSON(text).json() else {
            throw Problems(Problem("the params of the health check \(name) are no JSON object"))
        }
        return members
    }

    /// Go wrote nanoseconds; 0 was for ever.
    private func timeout(
        _ nanoseconds: Int64, _ check: CheckSpec, notes: inout [String]
    ) -> TimeSpan? {
        guard nanoseconds > 0 else { return nil }
        let longest = min(check.interval.duration, .seconds(60))
        let written = Duration.milliseconds(nanoseconds / 1_000_000)
        let kept = min(max(written, .milliseconds(100)), longest)
        if kept != written {
            notes.append(
                "had a time-out of \(TimeSpan(written)), which is \(TimeSpan(kept)) now: it is at "
                    + "least 100 ms, and at most the interval and 60 s")
        }
        return TimeSpan(kept)
    }

    /// A name as they are here, close to the one that was given, and not taken yet.
    private static func handle(of name: String, taken: inout Set<String>) -> String {
        var handle = ""
        for byte in name.lowercased().utf8 {
            let isKept =
                (97...122).contains(byte) || (48...57).contains(byte)
                || (!handle.isEmpty && [45, 46, 95].contains(byte))
            if isKept {
                handle.unicodeScalars.append(Unicode.Scalar(byte))
            } else if !handle.isEmpty, !handle.hasSuffix("-") {
                handle += "-"
            }
        }
        handle = String(handle.prefix(120))
        while handle.hasSuffix("-") { handle.removeLast() }
        if handle.isEmpty { handle = "unnamed" }
        var unique = handle
        var number = 2
        while !taken.insert(unique).inserted {
            unique = "\(handle)-\(number)"
            number += 1
        }
        return unique
    }

    // MARK: Policies

    private enum Role: String {
        case simple = "0"
        case primary = "1"
        case secondary = "2"
        case detach = "3"
    }

    private struct Use {
        var record: SQLDump.Row
        var check: String?
        var role: Role
    }

    private func readPolicies(_ checks: [String: String], into result: inout Import) {
        let rows = dump.tables["routing_policies"] ?? []
        guard !rows.isEmpty else { return }
        guard let records = dump.tables["records"] else {
            result.notes.append(
                "\(rows.count) routing policies are left out: they speak of rows of PowerDNS's table "
                    + "records; dump that as well")
            return
        }
        let known = Dictionary(
            records.compactMap { row in row["id"].map { ($0, row) } }, uniquingKeysWith: { $1 })
        var groups: [String: [Use]] = [:]
        var order: [String] = []
        for row in rows {
            let id = row["id"] ?? "?"
            guard let record = row["record_id"].flatMap({ known[$0] }), let name = record["name"],
                let type = record["type"], record["content"] != nil
            else {
                result.notes.append(
                    "routing policy \(id) is left out: there is no record \(row["record_id"] ?? "?")"
                )
                continue
            }
            guard let role = Role(rawValue: row["type"] ?? "0") else {
                result.notes.append("routing policy \(id) is left out: its type is none")
                continue
            }
            let key = "\(name) \(type)"
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(
                Use(
                    record: record, check: row["health_check_id"].flatMap { checks[$0] }, role: role
                ))
        }
        var taken = Set<String>()
        for key in order {
            guard let uses = groups[key] else { continue }
            add(key, uses, taken: &taken, to: &result)
        }
    }

    private func add(
        _ key: String, _ uses: [Use], taken: inout Set<String>, to result: inout Import
    ) {
        let record = uses[0].record
        let name = record["name"] ?? ""
        let type: PolicyType =
            if uses.contains(where: { $0.role == .primary || $0.role == .secondary }) {
                .failover
            } else if uses.contains(where: { $0.role == .detach }) {
                .detach
            } else {
                .simple
            }
        var members: [Member] = []
        var names = Set<String>()
        var values = Set<String>()
        for use in uses {
            guard let value = use.record["content"], values.insert(value).inserted else { continue }
            var member = Member(name: Self.handle(of: value, taken: &names), value: value)
            // A secondary's own health was never looked at.
            if use.role != .secondary { member.check = use.check }
            if type == .failover { member.priority = use.role == .secondary ? 20 : 10 }
            members.append(member)
        }
        let handle = Self.handle(of: "\(name)-\(record["type"] ?? "a")", taken: &taken)
        if type == .failover, Set(members.compactMap(\.priority)).count < 2 {
            result.notes.append(
                "policy \(handle) is left out: a failover needs a primary and a secondary record, and "
                    + "\(key) has \(members.count == 1 ? "one" : "only one kind") of them")
            return
        }
        var policy = PolicySpec(name: handle, type: type, members: members)
        // Nothing is written until somebody says so.
        policy.mode = .observe
        if let ttl = record["ttl"].flatMap({ Int($0) }), ttl > 0 { policy.ttl = ttl }
        if let sink { policy.publish = [Publication(sink: sink, name: name, adopt: true)] }
        if type == .failover {
            result.notes.append(
                "policy \(handle): the secondary has no check, as before; write one, or it is taken for "
                    + "healthy")
        }
        if uses.contains(where: { $0.role == .detach || $0.role == .simple }), type == .failover {
            result.notes.append(
                "policy \(handle): its records had different kinds of policies; it is a failover now"
            )
        }
        result.policies.append(policy)
    }
}

extension PredecessorTables.Import {
    /// The document, with the notes above it as comments.
    package func yaml(set: String?) throws -> String {
        let moment = Timestamp(seconds: 0)
        let text = try Export.yaml(
            checks: checks.map {
                Check(
                    id: 0, revision: 1, epoch: 1, spec: $0, set: set, createdAt: moment,
                    updatedAt: moment)
            },
            policies: policies.map {
                Policy(
                    id: 0, revision: 1, spec: $0, set: set, createdAt: moment, updatedAt: moment)
            }, set: set)
        let lines = notes.map { note in
            "# " + note.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n"
        }
        return lines.joined() + text
    }
}

extension JSONValue {
    fileprivate var asText: String? {
        if case .string(let text) = self { text } else { nil }
    }

    fileprivate var asInteger: Int64? {
        switch self {
        case .integer(let number): number
        case .string(let text): Int64(text)
        default: nil
        }
    }
}
