import Foundation
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerTelling

/// One probe that was made, for people and for scripts.
struct ProbeMade {
    var check: CheckSpec
    /// Whether the check has a name that somebody gave it.
    var isOfDocument: Bool
    var startedAt: Timestamp
    var report: ProbeReport

    /// What was probed, as a URL of the host that was spoken to.
    var probed: String {
        let target = check.target
        let host = target.host.contains(":") ? "[\(target.host)]" : target.host
        let isUsual = target.port == nil || target.port == check.type.defaultPort
        let place = isUsual ? host : "\(host):\(check.effectivePort)"
        if check.type == .tcp { return "\(check.tls == nil ? "tcp" : "tcp+tls")://\(place)" }
        return "\(check.type.rawValue)://\(check.http?.host ?? place)\(check.http?.path ?? "/")"
    }

    // MARK: For scripts

    /// An object whose keys are those of an outcome in the API, and what was asked for.
    func value() throws -> JSONValue {
        var members: [String: JSONValue] = [
            "probed": .string(probed), "started_at": .string(startedAt.description),
            "timeout": .string(TimeSpan(check.effectiveTimeout).description),
            "outcome": .string(report.outcome.kind.rawValue),
            "phases": try JSONValue(encoding: report.phases).merging(
                .object(["total": .integer(report.phases.total)])),
            "expected": expectedMembers(),
        ]
        if isOfDocument { members["check"] = .string(check.name) }
        members["reason"] = report.outcome.reason.map { .string($0.rawValue) }
        members["detail"] = report.detail.map { .string($0) }
        members["address"] = report.address.map { .string($0) }
        members["http_status"] = report.httpStatus.map { .integer(Int64($0)) }
        members["certificate_end"] = report.certificateEnd.map { .string($0.description) }
        if let tls = report.tls {
            var facts: [String: JSONValue] = [:]
            facts["version"] = tls.version.map { .string($0) }
            facts["cipher"] = tls.cipher.map { .string($0) }
            facts["issuer"] = tls.issuer.map { .string($0) }
            members["tls"] = .object(facts)
        }
        return .object(members)
    }

    /// `expect`, as far as it says something about this kind of check.
    private func expectedMembers() -> JSONValue {
        var members: [String: JSONValue] = [:]
        let expect = check.expect
        if check.type != .tcp {
            members["status"] = .array(expect.status.map { .string($0.description) })
        }
        members["body_contains"] = expect.bodyContains.map { .string($0) }
        members["body_not_contains"] = expect.bodyNotContains.map { .string($0) }
        members["body_matches"] = expect.bodyMatches.map { .string($0) }
        members["tcp_contains"] = expect.tcpContains.map { .string($0) }
        if let tlsName { members["certificate_for"] = .string(tlsName) }
        return .object(members)
    }

    /// The name that the certificate has to be for; nil where there is no TLS or no verification.
    private var tlsName: String? {
        guard check.type == .https || check.tls != nil, check.tls?.verify ?? true else {
            return nil
        }
        if let name = check.tls?.serverName { return name }
        guard let host = check.http?.host else { return check.target.host }
        return (try? ProbedAddress.hostAndPort(host, of: "http.host").host) ?? host
    }

    // MARK: For people

    /// The verdict, the phases to scale, and the facts.
    func text(on terminal: Terminal) -> String {
        var lines = [verdict(on: terminal), ""]
        let phases = Waterfall(
            report.phases, failedFor: report.outcome.reason?.rawValue
        ).lines(on: terminal)
        if !phases.isEmpty { lines += phases + [""] }
        let width = facts.map(\.name.count).max() ?? 0
        lines += facts.map { name, value in
            let padding = String(repeating: " ", count: width - name.count)
            return "  \(terminal.dim(name))\(padding)  \(value)"
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func verdict(on terminal: Terminal) -> String {
        let kind = report.outcome.kind.rawValue
        let word =
            switch report.outcome {
            case .success: terminal.green(kind)
            case .failure(let reason): terminal.red("\(kind): \(reason.rawValue)")
            case .inconclusive(let reason): terminal.yellow("\(kind): \(reason.rawValue)")
            }
        return word + (report.detail.map { ", \($0.harmless)" } ?? "")
    }

    private var facts: [(name: String, value: String)] {
        var facts: [(name: String, value: String)] = []
        if isOfDocument { facts.append(("check", check.name)) }
        facts.append(("probed", probed))
        if let address = report.address { facts.append(("address", address)) }
        if let status = report.httpStatus { facts.append(("status", "\(status)")) }
        if let end = report.certificateEnd {
            facts.append(("certificate", "\(Self.ends(end, at: startedAt))"))
        }
        if let issuer = report.tls?.issuer {
            facts.append(("issuer", issuer.harmless))
        }
        let agreed = [report.tls?.version, report.tls?.cipher].compactMap(\.self)
        if !agreed.isEmpty { facts.append(("tls", agreed.joined(separator: ", "))) }
        facts.append(("expected", expected))
        facts.append(("time-out", TimeSpan(check.effectiveTimeout).description))
        return facts
    }

    private static func ends(_ end: Timestamp, at now: Timestamp) -> String {
        let days = (end.seconds - now.seconds) / 86_400
        let shown = abs(days) == 1 ? "1 day" : "\(abs(days)) days"
        return end < now ? "ended at \(end), \(shown) ago" : "ends at \(end), in \(shown)"
    }

    private var expected: String {
        let expect = check.expect
        var parts: [String] = []
        if check.type == .tcp {
            parts.append(expect.tcpContains.map { "\(Self.shown($0)) from it" } ?? "a connection")
        } else {
            parts.append("status " + expect.status.map(\.description).joined(separator: ", "))
        }
        if let text = expect.bodyContains { parts.append("a body with \(Self.shown(text))") }
        if let text = expect.bodyNotContains { parts.append("a body without \(Self.shown(text))") }
        if let text = expect.bodyMatches { parts.append("a body that matches \(Self.shown(text))") }
        if let tlsName {
            let ca = check.tls?.ca ?? "system"
            let who = ca == "system" ? "the system trusts" : "\(ca) leads to"
            parts.append("a certificate for \(tlsName) that \(who)")
        }
        return parts.joined(separator: "; ")
    }

    private static func shown(_ text: String) -> String {
        ProbedAddress.shown(text)
    }
}
