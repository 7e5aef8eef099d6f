/// A stored check: the standing order to probe a target, and what storage adds to it.
package struct Check: Hashable, Sendable {
    package var id: CheckID
    /// Rises with every edit: ETag, and the key under which workers cache the check.
    package var revision: Int64
    /// Rises when the target, type or request is edited and when the check is enabled again.
    /// Outcomes of an older epoch are recorded and never counted.
    package var epoch: Int64
    package var spec: CheckSpec
    /// Whose object this is: pruning by `apply` stays inside the set.
    package var set: String?
    /// The policy whose `member_check` made this check; it is edited there.
    package var madeBy: String?
    package var createdAt: Timestamp
    package var updatedAt: Timestamp

    package init(
        id: CheckID, revision: Int64, epoch: Int64, spec: CheckSpec, set: String? = nil,
        madeBy: String? = nil, createdAt: Timestamp, updatedAt: Timestamp
    ) {
        self.id = id
        self.revision = revision
        self.epoch = epoch
        self.spec = spec
        self.set = set
        self.madeBy = madeBy
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// What an operator writes of a check. Absent values have the documented defaults; the `effective…`
/// properties give what holds.
package struct CheckSpec: Hashable, Sendable {
    package var name: String
    package var description: String
    package var labels: [String: String]
    /// The checks without which this one's target cannot be reached, by name: while one of them is
    /// unhealthy, that this one turns unhealthy is no news.
    package var dependsOn: [String]
    /// False: not probed; policies keep its last health.
    package var isEnabled: Bool
    package var type: CheckType
    package var target: Target
    /// `worker.location` values that may probe it; empty means any.
    package var locations: [String]
    package var interval: TimeSpan
    package var fastInterval: TimeSpan?
    package var timeout: TimeSpan?
    package var confirm: Confirmation
    package var fall: Int
    package var rise: Int
    package var dnsFailure: DNSFailure
    package var http: HTTPRequest?
    package var tls: TLSOptions?
    package var tcp: TCPExchange?
    package var expect: Expectation

    package init(
        name: String, description: String = "", labels: [String: String] = [:],
        dependsOn: [String] = [], isEnabled: Bool = true, type: CheckType, target: Target,
        locations: [String] = [],
        interval: TimeSpan = .seconds(10), fastInterval: TimeSpan? = nil, timeout: TimeSpan? = nil,
        confirm: Confirmation = .otherWorker, fall: Int = 3, rise: Int = 2,
        dnsFailure: DNSFailure = .inconclusive, http: HTTPRequest? = nil, tls: TLSOptions? = nil,
        tcp: TCPExchange? = nil, expect: Expectation = Expectation()
    ) {
        self.name = name
        self.description = description
        self.labels = labels
        self.dependsOn = dependsOn
        self.isEnabled = isEnabled
        self.type = type
        self.target = target
        self.locations = locations
        self.interval = interval
        self.fastInterval = fastInterval
        self.timeout = timeout
        self.confirm = confirm
        self.fall = fall
        self.rise = rise
        self.dnsFailure = dnsFailure
        self.http = http
        self.tls = tls
        self.tcp = tcp
        self.expect = expect
    }

    /// So many checks one may depend on directly.
    package static let mostDependencies = 16

    /// The spacing while unknown or counting: as written, else a fifth of the interval, at least 1 s.
    package var effectiveFastInterval: Duration {
        fastInterval?.duration ?? max(.seconds(1), interval.duration / 5)
    }

    /// The time a whole probe may take: as written, else 5 s or the interval where that is shorter.
    package var effectiveTimeout: Duration {
        timeout?.duration ?? min(.seconds(5), interval.duration)
    }

    package var effectivePort: Int {
        target.port ?? type.defaultPort ?? 0
    }

    /// Whether health measured under `self` says nothing about what `other` probes.
    package func asksSomethingElse(than other: CheckSpec) -> Bool {
        type != other.type || target != other.target || http != other.http || tls != other.tls
            || tcp != other.tcp || expect != other.expect
    }
}

/// The kind of a check. Each kind is one prober.
package struct CheckType: RawRepresentable, Hashable, Sendable, Codable {
    package var rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package static let http = CheckType(rawValue: "http")
    package static let https = CheckType(rawValue: "https")
    package static let tcp = CheckType(rawValue: "tcp")

    /// The port where the document names none; nil where it must.
    package var defaultPort: Int? {
        CheckKind.all.first { $0.type == self }?.defaultPort
    }
}

/// Where a probe connects. The `Host` header and the TLS server name are independent of it.
package struct Target: Hashable, Sendable {
    /// An IPv4 or IPv6 address without brackets, or a DNS name.
    package var host: String
    package var port: Int?
    /// Which addresses of a name are probed.
    package var ipFamily: IPFamily

    package init(host: String, port: Int? = nil, ipFamily: IPFamily = .any) {
        self.host = host
        self.port = port
        self.ipFamily = ipFamily
    }
}

package enum IPFamily: String, Hashable, Sendable, Codable, CaseIterable {
    case any
    case v4
    case v6
}

/// Who must agree before health turns unhealthy.
package enum Confirmation: String, Hashable, Sendable, Codable, CaseIterable {
    case otherWorker = "other_worker"
    case none
}

/// What a name server's own failure (SERVFAIL, time-out) says about the target.
package enum DNSFailure: String, Hashable, Sendable, Codable, CaseIterable {
    case inconclusive
    case failure
}

package struct HTTPRequest: Hashable, Sendable {
    package var method: HTTPMethod
    /// Path and query, beginning with `/`.
    package var path: String
    /// The `Host` header; by default the target's host, with the port where it is not the usual one.
    package var host: String?
    package var headers: [String: String]
    /// Header name → `secret:NAME`. Values are looked up by the worker and never shown.
    package var secretHeaders: [String: String]
    package var body: String
    package var followRedirects: Bool

    package init(
        method: HTTPMethod = .get, path: String = "/", host: String? = nil,
        headers: [String: String] = [:], secretHeaders: [String: String] = [:], body: String = "",
        followRedirects: Bool = false
    ) {
        self.method = method
        self.path = path
        self.host = host
        self.headers = headers
        self.secretHeaders = secretHeaders
        self.body = body
        self.followRedirects = followRedirects
    }

    /// The names of the secrets that it sends.
    package var secretNames: Set<String> {
        Set(secretHeaders.values.map(Self.secretName(of:)))
    }

    /// Of a reference `secret:NAME` the name.
    package static func secretName(of reference: String) -> String {
        reference.hasPrefix("secret:") ? String(reference.dropFirst(7)) : reference
    }
}

package enum HTTPMethod: String, Hashable, Sendable, Codable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case options = "OPTIONS"
}

package struct TLSOptions: Hashable, Sendable {
    /// The name sent as SNI and verified; by default the `Host` header's name, else the target's.
    package var serverName: String?
    package var verify: Bool
    /// `system`, or the path of a PEM file on the worker.
    package var ca: String

    package init(serverName: String? = nil, verify: Bool = true, ca: String = "system") {
        self.serverName = serverName
        self.verify = verify
        self.ca = ca
    }
}

package struct TCPExchange: Hashable, Sendable {
    /// Sent once connected; empty means nothing is sent.
    package var send: String

    package init(send: String = "") {
        self.send = send
    }
}

/// What makes a probe a success.
package struct Expectation: Hashable, Sendable {
    package var status: [StatusRange]
    package var bodyContains: String?
    package var bodyNotContains: String?
    package var bodyMatches: String?
    /// Bytes of the body that are read for the matches; a longer body is fine unless a match needs it.
    package var bodyLimit: ByteCount
    package var tcpContains: String?

    package init(
        status: [StatusRange] = [StatusRange(200...399)], bodyContains: String? = nil,
        bodyNotContains: String? = nil, bodyMatches: String? = nil,
        bodyLimit: ByteCount = .kibibytes(64), tcpContains: String? = nil
    ) {
        self.status = status
        self.bodyContains = bodyContains
        self.bodyNotContains = bodyNotContains
        self.bodyMatches = bodyMatches
        self.bodyLimit = bodyLimit
        self.tcpContains = tcpContains
    }

    package func accepts(status code: Int) -> Bool {
        status.contains { $0.codes.contains(code) }
    }

    package var readsBody: Bool {
        bodyContains != nil || bodyNotContains != nil || bodyMatches != nil
    }
}
