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
    static let codes: Set<CInt> = [EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL]
}

/// What an error of the connection means for the probe.
struct Trouble {
    var reason: Reason
    var sentence: String

    init(_ reason: Reason, _ sentence: String) {
        self.reason = reason
        self.sentence = sentence
    }

    /// - Parameter phase: The phase that was running.
    init(_ error: any Error, in phase: Phase) {
        switch error {
        case let error as IOError:
            self.init(code: error.errnoCode, in: phase)
        case NIOSSLError.handshakeFailed(.sslError([.eofDuringHandshake])):
            self.init(.connectionClosed, "closed by the target \(Phase.tls.doing)")
        case NIOSSLError.handshakeFailed(let error):
            self.init(.tlsHandshake, "the TLS handshake failed: \(Self.words(of: error))")
        case let error as BoringSSLError:
            self.init(.tlsHandshake, "TLS failed: \(Self.words(of: error))")
        case let error as NIOSSLExtraError where error == .invalidSNIHostname:
            self.init(.internal, "the TLS server name cannot be sent")
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

    private init(code: CInt, in phase: Phase) {
        let words = String(cString: strerror(code))
        switch code {
        case _ where Exhaustion.codes.contains(code):
            self.init(.noSocket, "this machine has no socket left: \(words)")
        case ECONNREFUSED:
            self.init(.connectRefused, "refused by the target")
        case ETIMEDOUT:
            self.init(phase.timeout, "given up by the system while \(phase.doing)")
        case EHOSTUNREACH, EHOSTDOWN:
            self.init(.connectUnreachable, "not reachable: \(words)")
        // No route, or no such protocol on this machine: nothing was asked of the target.
        case ENETUNREACH, ENETDOWN, EAFNOSUPPORT:
            self.init(.networkUnreachable, "this machine has no route there: \(words)")
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
