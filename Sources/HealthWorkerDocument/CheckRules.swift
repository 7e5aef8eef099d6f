import HealthWorkerModel

/// What must hold between the keys of a check, beyond what each of them must be.
///
/// The rules read what was written, and skip a key that is not as it should be: so one mistake does
/// not hide another.
struct CheckRules {
    let isValidPattern: @Sendable (String) -> String?
    var kinds = CheckKind.all

    func apply(to check: Node, at path: Path, into findings: inout Findings) {
        times(check, path, &findings)
        dependencies(check, path, &findings)
        blocks(check, path, &findings)
        target(check, path, &findings)
        request(check, path, &findings)
        expectation(check, path, &findings)
    }

    private func times(_ check: Node, _ path: Path, _ findings: inout Findings) {
        let written = check["interval"]
        guard let interval = written.map(\.span) ?? .seconds(10) else { return }
        if let timeout = check["timeout"], let span = timeout.span, span > interval {
            findings.add(
                "\(span) is longer than the interval of \(interval): a probe ends before the next one "
                    + "begins",
                at: path.appending("timeout"), timeout)
        }
        if let fast = check["fast_interval"], let span = fast.span, span > interval {
            findings.add(
                "\(span) is longer than the interval of \(interval): write at most \(interval)",
                at: path.appending("fast_interval"), fast)
        }
    }

    private func dependencies(_ check: Node, _ path: Path, _ findings: inout Findings) {
        guard let name = check["name"]?.text else { return }
        for (index, node) in (check["depends_on"]?.elements ?? []).enumerated()
        where node.text == name {
            findings.add(
                "a check cannot depend on itself: remove it",
                at: path.appending("depends_on").appending(index), node)
        }
    }

    private func kind(of check: Node) -> CheckKind? {
        let type = check["type"]?.text
        return kinds.first { $0.type.rawValue == type }
    }

    private func blocks(_ check: Node, _ path: Path, _ findings: inout Findings) {
        guard let kind = kind(of: check) else { return }
        let expect = check["expect"]
        for part in CheckKind.Part.allCases where !kind.parts.contains(part) {
            if check[part.rawValue] != nil {
                findings.add(
                    Problem(
                        kind.refusal(of: part), at: path.appending(part.rawValue),
                        position: check.keyPosition(of: part.rawValue)))
            }
            for key in part.expectations {
                guard let expect, let node = expect[key] else { continue }
                // What a read check shows there although nobody wrote it.
                if key == "status", node.json() == .array([.string("200-399")]) { continue }
                if key == "body_limit", node.json() == .string("64KiB") { continue }
                findings.add(
                    Problem(
                        kind.refusal(ofExpecting: part),
                        at: path.appending("expect").appending(key),
                        position: expect.keyPosition(of: key)))
            }
        }
    }

    private func target(_ check: Node, _ path: Path, _ findings: inout Findings) {
        let target = check["target"]
        if let kind = kind(of: check), kind.defaultPort == nil, target?["port"] == nil {
            findings.add(
                "\(kind.called) has no usual port: add `port` to `target`",
                at: path.appending("target"), target ?? check)
        }
        guard let host = target?["host"]?.text, let family = target?["ip_family"]?.text else {
            return
        }
        let wrong: String? =
            switch (IPAddress(host), family) {
            case (.v4?, "v6"): "IPv4"
            case (.v6?, "v4"): "IPv6"
            default: nil
            }
        if let wrong {
            findings.add(
                "\(host) is an \(wrong) address, so there is nothing to probe with \(family): write "
                    + "`any`",
                at: path.appending("target").appending("ip_family"), target?["ip_family"])
        }
    }

    private func request(_ check: Node, _ path: Path, _ findings: inout Findings) {
        guard let http = check["http"] else { return }
        let path = path.appending("http")
        let method = http["method"]?.text ?? "GET"
        if let body = http["body"], body.text?.isEmpty == false, method != "POST" {
            findings.add(
                "a \(method) request has no body: write `method: POST`, or remove `body`",
                at: path.appending("body"), body)
        }
        let maps = ["headers", "secret_headers"]
        var seen: [String: Position?] = [:]
        var count = 0
        for key in maps {
            for entry in http[key]?.entries ?? [] {
                count += 1
                let name = entry.key.lowercased()
                if let first = seen[name] {
                    findings.add(
                        Problem(
                            "the header \(entry.key) is already written in "
                                + "\(first.shown(beside: entry.keyPosition)): keep one",
                            at: path.appending(key).appending(entry.key),
                            position: entry.keyPosition))
                } else {
                    seen[name] = .some(entry.keyPosition)
                }
            }
        }
        if count > 32, maps.allSatisfy({ (http[$0]?.entries?.count ?? 0) <= 32 }) {
            findings.add(
                "has \(count) headers together with `secret_headers`: at most 32 are allowed",
                at: path.appending("headers"), http["headers"])
        }
    }

    private func expectation(_ check: Node, _ path: Path, _ findings: inout Findings) {
        guard let expect = check["expect"] else { return }
        let path = path.appending("expect")
        if let pattern = expect["body_matches"], let text = pattern.text, !text.isEmpty,
            let refusal = isValidPattern(text)
        {
            findings.add(
                "is no regular expression: \(refusal)", at: path.appending("body_matches"), pattern)
        }
        if check["http"]?["method"]?.text == "HEAD" {
            for key in ["body_contains", "body_not_contains", "body_matches"] {
                guard let node = expect[key] else { continue }
                findings.add(
                    "the answer to a HEAD request has no body: write `method: GET`, or remove it",
                    at: path.appending(key), node)
            }
        }
    }
}

extension CheckKind.Part {
    /// The keys of `expect` that belong to it.
    var expectations: [String] {
        switch self {
        case .http: ["status", "body_contains", "body_not_contains", "body_matches", "body_limit"]
        case .tls: []
        case .tcp: ["tcp_contains"]
        }
    }
}

extension CheckKind {
    fileprivate var called: String {
        "\(type == .http || type == .https ? "an" : "a") \(type.rawValue) check"
    }

    fileprivate func refusal(of part: Part) -> String {
        switch (type, part) {
        case (.http, .tls):
            "an http check speaks no TLS: write `type: https`, or remove `tls`"
        case (.http, .tcp), (.https, .tcp):
            "only a tcp check has it: write `http`, or `type: tcp`"
        case (.tcp, .http):
            "a tcp check sends no HTTP: write `type: http` or https, or remove `http`"
        default:
            "\(called) has none: remove it, or write another type"
        }
    }

    fileprivate func refusal(ofExpecting part: Part) -> String {
        switch (type, part) {
        case (.tcp, _): "a tcp check has no HTTP answer: write `tcp_contains`, or another type"
        case (_, .tcp) where parts.contains(.http):
            "only a tcp check has it: write `body_contains`"
        default: "\(called) has no such answer: remove it, or write another type"
        }
    }
}

extension Node {
    var span: TimeSpan? { text.flatMap { TimeSpan($0) } }
}
