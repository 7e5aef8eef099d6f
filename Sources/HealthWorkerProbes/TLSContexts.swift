import Glibc
import HealthWorkerModel
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// What a connection wants of TLS.
struct TLSDemand: Hashable, Sendable {
    /// The name, or the address, that the certificate must be for.
    var name: String
    var trust: Trust
    /// Protocols offered by ALPN.
    var protocols: [String]

    struct Trust: Hashable, Sendable {
        var verify: Bool
        /// `system`, or the path of a PEM file.
        var ca: String
    }

    init(name: String, options: TLSOptions, protocols: [String] = []) {
        self.name = name.last == "." ? String(name.dropLast()) : name
        trust = Trust(verify: options.verify, ca: options.verify ? options.ca : "")
        self.protocols = protocols
    }

    /// The name that is sent. RFC 6066 §3: no addresses, no trailing dot.
    var serverName: String? {
        IPAddress(name) == nil ? name : nil
    }
}

/// The TLS contexts in use, one for each trust store and list of protocols.
///
/// Making one reads and parses a file of certificates (for `system` over a hundred), so it is done
/// on a thread that may block, once for all who ask. After a minute it is made again, while the old
/// one serves, so that a trust store that was replaced meanwhile holds.
final class TLSContexts: Sendable {
    struct TrustStoreMissing: Error {
        var sentence: String
    }

    private struct Key: Hashable {
        var trust: TLSDemand.Trust
        var protocols: [String]
    }

    private struct Entry {
        var context: EventLoopFuture<NIOSSLContext>
        var madeAt: NIODeadline
        var isBeingRenewed = false
    }

    private static let keep = TimeAmount.minutes(1)
    private static let most = 64

    private let entries = Mutex<[Key: Entry]>([:])
    private let pool: NIOThreadPool

    init(pool: NIOThreadPool) {
        self.pool = pool
    }

    /// The context for `demand`; fails with `TrustStoreMissing`.
    func context(
        for demand: TLSDemand, on eventLoop: any EventLoop
    ) -> EventLoopFuture<NIOSSLContext> {
        let key = Key(trust: demand.trust, protocols: demand.protocols)
        let now = NIODeadline.now()
        let (future, made) = entries.withLock { entries in
            if let entry = entries[key] {
                guard !entry.isBeingRenewed, now >= entry.madeAt + Self.keep else {
                    return (entry.context, EventLoopFuture<NIOSSLContext>?.none)
                }
                entries[key]?.isBeingRenewed = true
                return (entry.context, make(key, on: eventLoop))
            }
            if entries.count >= Self.most,
                let oldest = entries.min(by: { $0.value.madeAt < $1.value.madeAt })?.key
            {
                entries[oldest] = nil
            }
            let future = make(key, on: eventLoop)
            entries[key] = Entry(context: future, madeAt: now)
            return (future, future)
        }
        // Outside of the lock, since it may be called at once.
        made?.whenComplete { result in
            self.entries.withLock { entries in
                switch result {
                case .success: entries[key] = made.map { Entry(context: $0, madeAt: now) }
                // Not kept: the file may be there for the next probe.
                case .failure: entries[key] = nil
                }
            }
        }
        return future.hop(to: eventLoop)
    }

    private func make(_ key: Key, on eventLoop: any EventLoop) -> EventLoopFuture<NIOSSLContext> {
        pool.runIfActive(eventLoop: eventLoop) { try Self.make(key) }
    }

    private static func make(_ key: Key) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = key.protocols
        // A target that speaks only older versions is one that no client of today would talk to
        // (RFC 8996).
        configuration.minimumTLSVersion = .tlsv12
        // A peer that does not answer our goodbye costs us a socket for that long.
        configuration.shutdownTimeout = .seconds(1)
        // The name is verified by `CertificateFacts`: NIOSSL would also take a certificate for the
        // address that was connected to, whatever name was asked for.
        configuration.certificateVerification = key.trust.verify ? .noHostnameVerification : .none
        if !key.trust.verify {
            configuration.trustRoots = .certificates([])
        } else if key.trust.ca == "system" {
            guard systemStores.contains(where: { access($0, R_OK) == 0 }) else {
                throw TrustStoreMissing(
                    sentence: "the system has no trust store (install ca-certificates)")
            }
        } else {
            configuration.trustRoots = .certificates(try certificates(at: key.trust.ca))
        }
        return try NIOSSLContext(configuration: configuration)
    }

    private static func certificates(at path: String) throws -> [NIOSSLCertificate] {
        let certificates: [NIOSSLCertificate]
        do {
            certificates = try NIOSSLCertificate.fromPEMFile(path)
        } catch {
            throw TrustStoreMissing(sentence: "tls.ca: \(path) holds no readable PEM certificates")
        }
        guard !certificates.isEmpty else {
            throw TrustStoreMissing(sentence: "tls.ca: \(path) is empty")
        }
        return certificates
    }

    // Where NIOSSL looks.
    private static let systemStores = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs",
    ]
}
