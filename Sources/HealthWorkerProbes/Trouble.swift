import Glibc
import HealthWorkerModel
internal import NIOCore
internal import NIOSSL

/// The phases of a probe in their order.
enum Phase: CaseIterable {
    case resolve, connect, tls, write, firstByte, body

    /// The reason of a probe whose time ran out in this phase.
    var timeout: Reason {
        switch self {
        case .resolve: .dnsTimeout
        case .connect: .connectTimeout
        case .tls: .tlsTimeout
        case .write: .writeTimeout
        case .firstByte: .firstByteTimeout
        case .body: .bodyTimeout
        }
    }

    /// The reasons that say that a time was up.
    static let timeouts = Set(allCases.map(\.timeout))

    /// What was being done, to follow "while".
    var doing: String {
        switch self {
        case .resolve: "resolving the name"
        case .connect: "connecting"
        case .tls: "in the TLS handshake"
        case .write: "sending"
        case .firstByte: "waiting for an answer"
        case .body: "reading the answer"
        }
    }
}

/// The error codes that say that this machine has nothing left, and nothing of the target.
enum Exhaustion {
    static let codes: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC, EADDRNOTAVAIL]
}

/// What an error of the connection means for the probe.
struct Trouble {
    var reason: Reason
    var sentence: String
    /// Whether this worker cannot probe anything; nil: as usual for the reason.
    var isWorkersOwn: Bool?

    init(_ reason: Reason, _ sentence: String, isWorkersOwn: Bool? = nil) {
        self.reason = reason
        self.sentence = sentence
        self.isWorkersOwn = isWorkersOwn
    }

    /// - Parameters:
    ///   - phase: The phase that was running.
    ///   - address: What was to be connected to, where that was known.
    init(_ error: any Error, in phase: Phase, of address: IPAddress?) {
        switch error {
        case let error as IOError:
            self.init(code: error.errnoCode, in: phase, of: address)
        case NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake])):
            self.init(.connectionClosed, "closed by the target \(Phase.tls.doing)")
        case NIOSSLError.handshakeFailed(let error):
            self.init(.tlsHandshake, "the TLS handshake failed: \(Self.words(of: error))")
        case let error as BoringSSLError:
            self.init(.tlsHandshake, "TLS failed: \(Self.words(of: error))")
        case let error as NIOSSLExtraError where error == .invalidSNIHostname:
            self.init(.internal, "the TLS server name cannot be sent", isWorkersOwn: false)
        case is NIOSSLError, is NIOSSLExtraError:
            self.init(.tlsHandshake, "TLS failed: \(error)")
        case ChannelError.ioOnClosedChannel, ChannelError.eof, ChannelError.alreadyClosed:
            self.init(.connectionClosed, "closed by the target while \(phase.doing)")
        case let error as ChannelError:
            if case .connectTimeout = error {
                self.init(.connectTimeout, "no answer while connecting")
            } else {
                self.init(.internal, "\(error)")
            }
        default:
            self.init(.internal, "unforeseen while \(phase.doing): \(error)")
        }
    }

    private init(code: CInt, in phase: Phase, of address: IPAddress?) {
        let words = String(cString: strerror(code))
        switch code {
        // Linux says the same of a machine without ports left and of one without IPv6.
        case EADDRNOTAVAIL where address?.isV4 == false && !Machine.hasIPv6:
            self.init(
                .networkUnreachable, "this machine has no IPv6 address to connect from",
                isWorkersOwn: !Machine.hasNetwork)
        case _ where Exhaustion.codes.contains(code):
            self.init(.noSocket, "this machine has no socket left: \(words)")
        case ECONNREFUSED:
            self.init(.connectRefused, "refused by the target")
        case ETIMEDOUT:
            self.init(phase.timeout, "given up by the system while \(phase.doing)")
        case EHOSTUNREACH, EHOSTDOWN, ENOPROTOOPT, EPROTO:
            self.init(.connectUnreachable, "not reachable: \(words)")
        case ENETUNREACH, ENETDOWN, EAFNOSUPPORT, EACCES, EPERM:
            if let address, Machine.hasRoute(to: address), code != EPERM {
                // It was sent on its way, and a router answered.
                self.init(.connectUnreachable, "a router on the way says: \(words)")
            } else {
                // Nothing was asked of the target. Others may know a way there, or this machine to
                // other targets.
                self.init(
                    .networkUnreachable, "this machine knows no way there: \(words)",
                    isWorkersOwn: !Machine.hasNetwork)
            }
        case ECONNRESET, EPIPE, ECONNABORTED, ENOTCONN:
            self.init(.connectionReset, "reset by the target while \(phase.doing)")
        default:
            self.init(.internal, "unforeseen while \(phase.doing): \(words) (\(code))")
        }
    }

    /// Whether this is BoringSSL's word that the chain was not verified.
    static func isDistrust(_ error: any Error) -> Bool {
        guard case NIOSSLError.handshakeFailed(.sslError(let stack)) = error else { return false }
        return stack.contains { "\($0)".contains("CERTIFICATE_VERIFY_FAILED") }
    }

    /// The names of what failed, without codes and the source files of BoringSSL.
    private static func words(of error: BoringSSLError) -> String {
        guard case .sslError(let stack) = error, !stack.isEmpty else { return "\(error)" }
        return stack.map { entry in
            let text = "\(entry)"
            guard let marker = text.range(of: "OPENSSL_internal:") else { return text }
            return text[marker.upperBound...].prefix { $0 != " " }.lowercased()
                .map { $0 == "_" ? " " : String($0) }.joined()
        }.joined(separator: ", ")
    }
}

extension String {
    /// The first place of `text`.
    fileprivate func range(of text: String) -> Range<Index>? {
        ranges(of: text).first
    }
}
