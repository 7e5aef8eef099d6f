import HealthWorkerModel
internal import NIOCore
internal import NIOHTTP1

/// Probes with one request of HTTP/1.1, in TLS for `https`.
///
/// With `follow_redirects` it makes up to five more. A redirect to the same host name stays with the
/// check's target: what is probed is that target, as a client sees it. Any other host is resolved,
/// named in Host and SNI, and judged by the address rules like a target of its own. A redirect from
/// https to http is blocked: nothing that follows could be believed.
struct HTTPProber: Prober {
    private let services: ProbeServices

    static let mostRedirects = 5

    init(_ services: ProbeServices) {
        self.services = services
    }

    var taskExecutor: (any TaskExecutor)? { services.loops.nextInTurn.taskExecutor }

    func probe(_ check: CheckSpec) async -> ProbeReport {
        // Once for the whole probe: a secret may change meanwhile, and what was sent is taken out.
        let references = Set((check.http?.secretHeaders ?? [:]).values)
        let secrets = Dictionary(
            uniqueKeysWithValues: references.map {
                ($0, services.secrets(HTTPRequest.secretName(of: $0)))
            })
        var report = await probeAlongRedirects(check, secrets)
        // A target may say back what it was told, as the name of the host that it redirects to.
        if let detail = report.detail, !secrets.isEmpty {
            report.detail = detail.without(secrets.values.compactMap(\.self))
        }
        return report
    }

    /// - Parameter secrets: the value of each reference; nil: it is not known.
    private func probeAlongRedirects(
        _ check: CheckSpec, _ secrets: [String: String?]
    ) async -> ProbeReport {
        let deadline = NIODeadline.now() + TimeAmount(check.effectiveTimeout)
        var hop = HTTPHop(check)
        var headers: HTTPHeaders
        switch self.headers(of: check, secrets) {
        case .success(let own): headers = own
        case .failure(let missing):
            return ProbeReport(
                outcome: .inconclusive(missing.reason), detail: missing.sentence,
                isWorkersOwnTrouble: false)
        }
        var redirects = 0
        var sofar = ProbeReport(outcome: .success)
        while true {
            let call = HTTPCall(
                method: hop.method, path: hop.address.path, headers: hop.headers(with: headers),
                body: hop.body, expect: check.expect,
                followsRedirects: check.http?.followRedirects ?? false)
            var report = await ProbeConnection.run(
                to: hop.destination(check), by: deadline, services: services
            ) { connection in
                HTTPExchange(call, on: connection)
            }
            if case .redirect(let location) = report.finding {
                switch hop.next(to: location, status: report.httpStatus ?? 0) {
                case .success(let next) where redirects < Self.mostRedirects:
                    sofar.add(report)
                    redirects += 1
                    if next.address.origin != hop.address.origin { headers = headers.withoutOwn }
                    hop = next
                    continue
                case .success:
                    report.finding = .ended(
                        .tooManyRedirects,
                        "more than \(Self.mostRedirects) redirects, the last to \(hop.address.origin)"
                    )
                case .failure(let blocked):
                    report.finding = .ended(.redirectBlocked, blocked.sentence)
                }
            } else if redirects > 0, case .ended(let reason, let sentence) = report.finding {
                // Where it leads is the target's doing, unlike where the check itself points.
                report.finding = .ended(
                    reason == .targetBlocked ? .redirectBlocked : reason,
                    "redirect \(redirects), to \(hop.address.origin): \(sentence)")
            }
            sofar.add(report)
            return ProbeReport(report, dnsFailure: check.dnsFailure, after: sofar)
        }
    }

    private struct Missing: Error {
        var reason: Reason
        var sentence: String
    }

    /// The check's own headers, secrets in place.
    private func headers(
        of check: CheckSpec, _ secrets: [String: String?]
    ) -> Result<HTTPHeaders, Missing> {
        var headers = HTTPHeaders()
        for (name, value) in (check.http?.headers ?? [:]).sorted(by: { $0.key < $1.key }) {
            headers.add(name: name, value: value)
        }
        for (name, reference) in (check.http?.secretHeaders ?? [:]).sorted(by: { $0.key < $1.key })
        {
            guard let known = secrets[reference], let value = known else {
                return .failure(
                    Missing(
                        reason: .secretMissing,
                        sentence:
                            "this worker knows no secret \"\(HTTPRequest.secretName(of: reference))\": "
                            + "it is neither in its configuration, nor stored so that it can open it"
                    ))
            }
            headers.replaceOrAdd(name: name, value: value)
        }
        for (name, value) in headers where !name.isFieldName || !value.isFieldValue {
            return .failure(
                Missing(
                    reason: .internal,
                    sentence: "the header \"\(name)\" cannot be sent: a forbidden character"))
        }
        // These are ours to say, once each.
        for name in ["host", "connection", "content-length", "transfer-encoding"] {
            headers.remove(name: name)
        }
        return .success(headers)
    }
}

/// One request on the way along redirects.
private struct HTTPHop {
    var address: HTTPAddress
    /// Where the connection goes: an address or name, and a port.
    var host: String
    var port: Int
    var hostHeader: String
    /// The name for SNI and verification.
    var serverName: String
    var method: HealthWorkerModel.HTTPMethod
    var body: String

    struct Blocked: Error {
        var sentence: String
    }

    init(_ check: CheckSpec) {
        let isSecure = check.type == .https
        let target = HTTPAddress(
            isSecure: isSecure, host: check.target.host, port: check.effectivePort, path: "/")
        let written = check.http?.host.flatMap { Authority($0) }
        let name = written?.host ?? check.target.host
        address = HTTPAddress(
            isSecure: isSecure, host: name,
            port: written.map { $0.port ?? HTTPAddress.usualPort(isSecure: isSecure) }
                ?? check.effectivePort,
            path: HTTPAddress.percentEncoded(check.http?.path ?? "/"))
        host = check.target.host
        port = check.effectivePort
        hostHeader = check.http?.host ?? target.hostHeader
        serverName = check.tls?.serverName ?? name
        method = check.http?.method ?? .get
        body = check.http?.body ?? ""
    }

    func destination(_ check: CheckSpec) -> Destination {
        Destination(
            host: host, port: port, family: check.target.ipFamily,
            tls: address.isSecure
                ? TLSDemand(
                    name: serverName, options: check.tls ?? TLSOptions(), protocols: ["http/1.1"])
                : nil)
    }

    func headers(with own: HTTPHeaders) -> HTTPHeaders {
        var headers = HTTPHeaders([("Host", hostHeader)])
        headers.add(contentsOf: own)
        if !own.contains(name: "user-agent") {
            headers.add(name: "User-Agent", value: "health-worker")
        }
        if !own.contains(name: "accept") { headers.add(name: "Accept", value: "*/*") }
        if method == .post || !body.isEmpty {
            headers.add(name: "Content-Length", value: "\(body.utf8.count)")
        }
        headers.add(name: "Connection", value: "close")
        return headers
    }

    func next(to location: String, status: Int) -> Result<HTTPHop, Blocked> {
        guard let address = HTTPAddress(location, from: address) else {
            return .failure(
                Blocked(sentence: "\(self.address.origin) redirects to no http or https address"))
        }
        guard address.isSecure || !self.address.isSecure else {
            return .failure(
                Blocked(
                    sentence: "\(self.address.origin) redirects from https to \(address.origin)"))
        }
        var next = self
        next.address = address
        if address.origin != self.address.origin {
            let isSameHost = address.host == self.address.host
            next.host = isSameHost ? host : address.host
            next.port = address.port
            next.hostHeader = address.hostHeader
            if !isSameHost { next.serverName = address.host }
        }
        // RFC 9110 §15.4: 303 asks for another representation; 301 and 302 turn POST into GET.
        if status == 303 && method != .head || (301...302).contains(status) && method == .post {
            next.method = .get
            next.body = ""
        }
        return .success(next)
    }
}

extension HTTPHeaders {
    /// What may be said to a host that the check does not name: no credentials, in whichever header
    /// they are.
    fileprivate var withoutOwn: HTTPHeaders {
        HTTPHeaders(
            filter { ["accept", "accept-language", "user-agent"].contains($0.name.lowercased()) }
                .map { ($0.name, $0.value) })
    }
}

extension ProbeReport {
    /// Takes up what a hop found out; times add up.
    fileprivate mutating func add(_ hop: ConnectionReport) {
        func sum(_ phase: WritableKeyPath<Phases, Int64?>) {
            guard let time = hop.phases[keyPath: phase] else { return }
            phases[keyPath: phase] = (phases[keyPath: phase] ?? 0) + time
        }
        for phase in [
            \Phases.resolve, \Phases.connect, \Phases.tls, \Phases.write, \Phases.firstByte,
            \Phases.body,
        ] {
            sum(phase)
        }
        address = hop.address ?? address
        httpStatus = hop.httpStatus ?? httpStatus
        certificateEnd = hop.certificateEnd ?? certificateEnd
        tls = hop.tls ?? tls
    }

    fileprivate init(
        _ last: ConnectionReport, dnsFailure: DNSFailure, after sum: ProbeReport
    ) {
        self.init(last, dnsFailure: dnsFailure)
        address = sum.address
        phases = sum.phases
        httpStatus = sum.httpStatus
        certificateEnd = sum.certificateEnd
        tls = sum.tls
    }
}

extension String {
    /// `self` with each of `secrets`, in capitals or not, taken out.
    fileprivate func without(_ secrets: [String]) -> String {
        var text = self
        for secret in secrets.flatMap({ [$0, $0.lowercased()] }) where !secret.isEmpty {
            text = text.replacing(secret, with: "[secret]")
        }
        return text
    }

    /// RFC 9110 §5.6.2.
    fileprivate var isFieldName: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// RFC 9110 §5.5: no control characters but the tab.
    fileprivate var isFieldValue: Bool {
        utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
    }
}
