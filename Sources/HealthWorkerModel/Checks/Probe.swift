/// Probes the targets of one kind of check.
///
/// A new kind of check is one prober and its line in the table of probers.
package protocol Prober: Sendable {
    /// Probes once and answers within the check's time-out. It never throws: what goes wrong is the
    /// outcome, and the worker's own trouble is an inconclusive one. A cancelled task answers
    /// `inconclusive(shutting_down)` at once.
    func probe(_ check: CheckSpec) async -> ProbeReport

    /// Where a task that probes with it is best run; nil: anywhere.
    var taskExecutor: (any TaskExecutor)? { get }
}

extension Prober {
    package var taskExecutor: (any TaskExecutor)? { nil }
}

/// Everything that one probe found out.
package struct ProbeReport: Hashable, Sendable {
    package var outcome: Outcome
    /// The address that was connected to, `192.0.2.10:443` or `[2001:db8::1]:443`.
    package var address: String?
    package var phases: Phases
    package var httpStatus: Int?
    /// When the first certificate of the chain ends to be valid, whether it was trusted or not.
    package var certificateEnd: Timestamp?
    /// What the TLS handshake came to, whether the certificate was trusted or not. Shown to who asks
    /// for one probe, and not stored.
    package var tls: TLSFacts?
    /// One sentence for people, without any secret: what was expected and what was seen.
    package var detail: String?
    /// Whether it is the worker that cannot probe, whatever it were asked to.
    package var isWorkersOwnTrouble: Bool

    package init(
        outcome: Outcome, address: String? = nil, phases: Phases = Phases(), httpStatus: Int? = nil,
        certificateEnd: Timestamp? = nil, tls: TLSFacts? = nil, detail: String? = nil,
        isWorkersOwnTrouble: Bool? = nil
    ) {
        self.outcome = outcome
        self.address = address
        self.phases = phases
        self.httpStatus = httpStatus
        self.certificateEnd = certificateEnd
        self.tls = tls
        self.detail = detail
        self.isWorkersOwnTrouble =
            isWorkersOwnTrouble ?? outcome.reason?.isUsuallyWorkersOwnTrouble ?? false
    }
}

/// What a TLS handshake came to. Absent is what it did not get to.
package struct TLSFacts: Hashable, Sendable {
    /// `TLSv1.3`, as OpenSSL and others spell it.
    package var version: String?
    /// The name that IANA gives the cipher suite, such as `TLS_AES_128_GCM_SHA256`.
    package var cipher: String?
    /// Who signed the first certificate of the chain, such as `C=US, O=Let's Encrypt, CN=R11`.
    package var issuer: String?

    package init(version: String? = nil, cipher: String? = nil, issuer: String? = nil) {
        self.version = version
        self.cipher = cipher
        self.issuer = issuer
    }
}

/// How long each phase of a probe took, in microseconds; nil for a phase that it did not reach.
package struct Phases: Hashable, Sendable, Codable {
    package var resolve: Int64?
    package var connect: Int64?
    package var tls: Int64?
    package var write: Int64?
    package var firstByte: Int64?
    package var body: Int64?

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case resolve, connect, tls, write
        case firstByte = "first_byte"
        case body
    }

    package init(
        resolve: Int64? = nil, connect: Int64? = nil, tls: Int64? = nil, write: Int64? = nil,
        firstByte: Int64? = nil, body: Int64? = nil
    ) {
        self.resolve = resolve
        self.connect = connect
        self.tls = tls
        self.write = write
        self.firstByte = firstByte
        self.body = body
    }

    /// Each with its name, in the order in which they follow one another.
    package var inOrder: [(phase: CodingKeys, time: Int64?)] {
        [
            (.resolve, resolve), (.connect, connect), (.tls, tls), (.write, write),
            (.firstByte, firstByte), (.body, body),
        ]
    }

    package var total: Int64 {
        inOrder.reduce(0) { $0 + ($1.time ?? 0) }
    }
}
