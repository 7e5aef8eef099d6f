import Foundation
import FreePorts
import HealthWorkerModel

/// What anybody who probes finds out.
struct Sighting: Sendable {
    enum Field: String, Sendable, CaseIterable {
        case verdict, status, redirects, certificate
    }

    var isSuccess: Bool
    var status: Int?
    /// Redirects that were followed; nil where the oracle does not say.
    var redirects: Int?
    var certificateEnd: Timestamp?
    /// What it said about it.
    var remark = ""

    /// The fields that both found something out about.
    ///
    /// How far one reads on after it knows the verdict is its own affair.
    func comparable(with other: Sighting) -> Set<Field> {
        var fields: Set<Field> = [.verdict]
        if status != nil, other.status != nil { fields.insert(.status) }
        if redirects != nil, other.redirects != nil { fields.insert(.redirects) }
        if certificateEnd != nil, other.certificateEnd != nil { fields.insert(.certificate) }
        return fields
    }

    func differs(from other: Sighting, in field: Field) -> Bool {
        switch field {
        case .verdict: isSuccess != other.isSuccess
        case .status: status != other.status
        case .redirects: redirects != other.redirects
        case .certificate: certificateEnd != other.certificateEnd
        }
    }
}

/// Another program that probes, trusted for having done so for years.
protocol Oracle: Sendable {
    /// Probes as `check` says; nil for a kind of check that it does not have.
    func sight(_ check: CheckSpec) async throws -> Sighting?
}

/// `curl`, asked for everything that it knows of one transfer.
struct Curl: Oracle {
    let folder: URL

    /// Longer than any server takes that answers in time.
    private static let patience = 5.0

    func sight(_ check: CheckSpec) async throws -> Sighting? {
        guard check.type != .tcp else { return nil }
        let limit = check.expect.bodyLimit.bytes
        let body = folder.appending(path: "\(UUID().uuidString).body")
        defer { try? FileManager.default.removeItem(at: body) }
        // No more of a body than we would read: curl itself reads without end.
        let ran = try await Ran(
            URL(filePath: "/bin/bash"),
            ["-c", "curl \"$@\" 2>&3 | head -c \(limit) >\"$0\"", body.path] + arguments(check),
            in: folder)
        let told = try JSONDecoder().decode(Told.self, from: Data(ran.errors.utf8))
        let data = try Data(contentsOf: body)
        // 23: nobody took any more.
        let isWhole = told.exitcode == 0 || told.exitcode == 23 && data.count == limit
        let isExpected = check.expect.accepts(status: told.httpCode)
        let text = String(decoding: data, as: UTF8.self)
        return Sighting(
            isSuccess: isWhole && isExpected && check.expect.holds(for: text),
            status: told.httpCode == 0 ? nil : told.httpCode, redirects: told.numRedirects,
            certificateEnd: Self.firstEnd(in: told.certs),
            remark: told.errormsg ?? "status \(told.httpCode)")
    }

    private struct Told: Decodable {
        var exitcode: Int
        var httpCode: Int
        var numRedirects: Int
        var certs: String
        var errormsg: String?

        enum CodingKeys: String, CodingKey {
            case exitcode
            case httpCode = "http_code"
            case numRedirects = "num_redirects"
            case certs, errormsg
        }
    }

    private func arguments(_ check: CheckSpec) -> [String] {
        let timeout = min(Double(check.effectiveTimeout.milliseconds) / 1000, Self.patience)
        var arguments = [
            "--silent", "--http1.1", "--compressed", "--noproxy", "*", "--max-time", "\(timeout)",
            "--output", "-",
            "--write-out", "%{stderr}%{json}", "--request", check.http?.method.rawValue ?? "GET",
        ]
        if check.http?.method == .head { arguments.append("--head") }
        if check.http?.followRedirects == true {
            arguments += ["--location", "--max-redirs", "5"]
        }
        if let tls = check.tls {
            if !tls.verify { arguments.append("--insecure") }
            if tls.verify, tls.ca != "system" { arguments += ["--cacert", tls.ca] }
        }
        var host = check.target.host.contains(":") ? "[\(check.target.host)]" : check.target.host
        if let name = check.tls?.serverName {
            arguments += ["--connect-to", "\(name):\(check.effectivePort):\(host):"]
            host = name
        }
        let path = check.http?.path ?? "/"
        arguments.append("\(check.type.rawValue)://\(host):\(check.effectivePort)\(path)")
        return arguments
    }

    /// `Expire date:Dec 31 23:59:59 2049 GMT` of the first certificate.
    private static func firstEnd(in certificates: String) -> Timestamp? {
        let line = certificates.split(separator: "\n").first { $0.hasPrefix("Expire date:") }
        guard let line else { return nil }
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "UTC")
        formatter.dateFormat = "MMM d HH:mm:ss yyyy"
        let words = line.dropFirst("Expire date:".count).split(separator: " ").dropLast()
        return formatter.date(from: words.joined(separator: " ")).map {
            Timestamp(seconds: Int64($0.timeIntervalSince1970))
        }
    }
}

/// Debian's blackbox_exporter, started for each question with the module that asks it.
struct BlackboxExporter: Oracle {
    let folder: URL

    func sight(_ check: CheckSpec) async throws -> Sighting? {
        let name = UUID().uuidString
        let configuration = folder.appending(path: "\(name).yml")
        defer { try? FileManager.default.removeItem(at: configuration) }
        try Data(module(check).utf8).write(to: configuration)
        let port = try freePort()
        let host = check.target.host.contains(":") ? "[\(check.target.host)]" : check.target.host
        let place = "\(host):\(check.effectivePort)"
        let target =
            check.type == .tcp
            ? place : "\(check.type.rawValue)://\(place)\(check.http?.path ?? "/")"
        let exporter = try Running(
            URL(filePath: "/usr/bin/prometheus-blackbox-exporter"),
            [
                "--config.file=\(configuration.path)", "--web.listen-address=127.0.0.1:\(port)",
                "--timeout-offset=0",
            ], in: folder)
        defer { exporter.stop() }
        try await awaitListener(at: port)
        let metrics = try await Ran(
            URL(filePath: "/usr/bin/curl"),
            [
                "--silent", "--show-error", "--noproxy", "*", "--get",
                "--data-urlencode", "target=\(target)", "--data", "module=asked",
                "http://127.0.0.1:\(port)/probe",
            ], in: folder
        ).output
        func value(_ metric: String) -> Double? {
            metrics.split(separator: "\n").first { $0.hasPrefix("\(metric) ") }
                .flatMap { Double($0.dropFirst(metric.count + 1)) }
        }
        guard let success = value("probe_success") else {
            throw OracleFailure(sentence: "blackbox_exporter said: \(metrics)")
        }
        let status = value("probe_http_status_code").map { Int($0) }
        return Sighting(
            isSuccess: success == 1, status: status == 0 ? nil : status,
            redirects: value("probe_http_redirects").map { Int($0) },
            certificateEnd: value("probe_ssl_earliest_cert_expiry").map {
                Timestamp(seconds: Int64($0))
            }, remark: "status \(status ?? 0)")
    }

    private func module(_ check: CheckSpec) -> String {
        let timeout = min(check.effectiveTimeout.milliseconds, 5000)
        var lines = ["modules:", "  asked:", "    timeout: \(timeout)ms"]
        func quoted(_ text: String) -> String {
            "'"
                + text.split(separator: "'", omittingEmptySubsequences: false)
                .joined(separator: "''") + "'"
        }
        func literal(_ text: String) -> String {
            quoted(NSRegularExpression.escapedPattern(for: text))
        }
        var tls: [String] = []
        if let options = check.tls {
            tls = ["tls_config:", "  insecure_skip_verify: \(!options.verify)"]
            if let name = options.serverName { tls.append("  server_name: \(name)") }
            if options.verify, options.ca != "system" { tls.append("  ca_file: \(options.ca)") }
        }
        if check.type == .tcp {
            lines += ["    prober: tcp", "    tcp:", "      tls: \(check.tls != nil)"]
            if let text = check.expect.tcpContains {
                lines += ["      query_response:", "      - expect: \(literal(text))"]
            }
        } else {
            let statuses = (100...599).filter { check.expect.accepts(status: $0) }
            lines += [
                "    prober: http", "    http:",
                "      method: \(check.http?.method.rawValue ?? "GET")",
                "      follow_redirects: \(check.http?.followRedirects ?? false)",
                "      valid_status_codes: [\(statuses.map(String.init).joined(separator: ","))]",
                "      compression: ''",
            ]
            if let text = check.expect.bodyContains {
                lines.append("      fail_if_body_not_matches_regexp: [\(literal(text))]")
            }
            if let text = check.expect.bodyMatches {
                lines.append("      fail_if_body_not_matches_regexp: [\(quoted(text))]")
            }
            if let text = check.expect.bodyNotContains {
                lines.append("      fail_if_body_matches_regexp: [\(literal(text))]")
            }
        }
        lines += tls.map { "      \($0)" }
        return lines.joined(separator: "\n") + "\n"
    }
}

struct OracleFailure: Error {
    var sentence: String
}

extension Expected {
    /// Whether every rule for the body holds, by Foundation's own search.
    fileprivate func holds(for body: String) -> Bool {
        if let text = bodyContains, !body.contains(text) { return false }
        if let text = bodyNotContains, body.contains(text) { return false }
        if let pattern = bodyMatches {
            return body.range(of: pattern, options: .regularExpression) != nil
        }
        return true
    }
}
