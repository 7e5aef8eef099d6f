/// What one probe found.
package enum Outcome: Hashable, Sendable {
    case success
    case failure(Reason)
    /// Says nothing about the target: it never moves a count and never turns health.
    case inconclusive(Reason)

    package var isConclusive: Bool {
        if case .inconclusive = self { false } else { true }
    }

    package var reason: Reason? {
        switch self {
        case .success: nil
        case .failure(let reason), .inconclusive(let reason): reason
        }
    }

    package var kind: OutcomeKind {
        switch self {
        case .success: .success
        case .failure: .failure
        case .inconclusive: .inconclusive
        }
    }
}

/// An outcome without its reason, as it is stored and shown.
package enum OutcomeKind: String, Hashable, Sendable, Codable, CaseIterable {
    case success
    case failure
    case inconclusive
}

extension Outcome {
    /// The outcome of a stored pair; nil where the pair cannot have been stored by us.
    package init?(kind: OutcomeKind, reason: Reason?) {
        switch (kind, reason) {
        case (.success, nil): self = .success
        case (.failure, let reason?): self = .failure(reason)
        case (.inconclusive, let reason?): self = .inconclusive(reason)
        default: return nil
        }
    }
}

/// The stable name of why a probe was no success. Each belongs to one class, but for the two DNS
/// reasons that a check may count as failures.
package enum Reason: String, Hashable, Sendable, Codable, CaseIterable {
    case dnsNXDomain = "dns_nxdomain"
    case connectRefused = "connect_refused"
    case connectTimeout = "connect_timeout"
    case connectUnreachable = "connect_unreachable"
    case connectionReset = "connection_reset"
    case connectionClosed = "connection_closed"
    case tlsTimeout = "tls_timeout"
    case tlsHandshake = "tls_handshake"
    case tlsExpired = "tls_expired"
    case tlsNotYetValid = "tls_not_yet_valid"
    case tlsNameMismatch = "tls_name_mismatch"
    case tlsSelfSigned = "tls_self_signed"
    case tlsUnknownCA = "tls_unknown_ca"
    case writeTimeout = "write_timeout"
    case firstByteTimeout = "first_byte_timeout"
    case bodyTimeout = "body_timeout"
    case statusMismatch = "status_mismatch"
    case bodyMismatch = "body_mismatch"
    case tcpMismatch = "tcp_mismatch"
    case tooLarge = "too_large"
    case protocolError = "protocol_error"
    case redirectBlocked = "redirect_blocked"
    case tooManyRedirects = "too_many_redirects"

    case dnsError = "dns_error"
    case dnsTimeout = "dns_timeout"
    case noSocket = "no_socket"
    case networkUnreachable = "network_unreachable"
    case workerIsolated = "worker_isolated"
    case targetBlocked = "target_blocked"
    case trustStoreMissing = "trust_store_missing"
    /// A header's secret is not known to the worker.
    case secretMissing = "secret_missing"
    /// A third lease ended: whoever probes this check never comes back.
    case lost
    case shuttingDown = "shutting_down"
    case `internal` = "internal"

    /// What a probe that ended for this reason says about its target.
    package var usualKind: OutcomeKind {
        switch self {
        case .dnsError, .dnsTimeout, .noSocket, .networkUnreachable, .workerIsolated,
            .targetBlocked, .trustStoreMissing, .secretMissing, .lost, .shuttingDown, .internal:
            .inconclusive
        default:
            .failure
        }
    }

    /// Whether it usually is the worker that cannot probe, whatever it were asked to; the prober knows
    /// better where it is this check alone.
    package var isUsuallyWorkersOwnTrouble: Bool {
        switch self {
        case .noSocket, .networkUnreachable, .workerIsolated, .internal: true
        default: false
        }
    }

    /// The outcome of a probe that ended for this reason, under the check's own rule for DNS.
    package func outcome(dnsFailure: DNSFailure) -> Outcome {
        switch self {
        case .dnsError, .dnsTimeout:
            dnsFailure == .failure ? .failure(self) : .inconclusive(self)
        default:
            usualKind == .failure ? .failure(self) : .inconclusive(self)
        }
    }
}
