import Glibc
import HealthWorkerModel

@testable import HealthWorkerProbes

extension CheckType {
    static let certificate = CheckType(rawValue: "certificate")
}

/// Probes how long the certificate of a target still holds: a success becomes a failure two weeks before
/// its end.
struct CertificateProber: Prober {
    private let handshake: TCPProber

    init(_ services: ProbeServices) {
        handshake = TCPProber(services)
    }

    func probe(_ check: CheckSpec) async -> ProbeReport {
        var check = check
        check.tls = check.tls ?? TLSOptions()
        var report = await handshake.probe(check)
        let soon = Timestamp(seconds: Int64(time(nil))) + .hours(14 * 24)
        if report.outcome == .success, let end = report.certificateEnd, end < soon {
            report.outcome = .failure(.tlsExpired)
            report.detail = "the certificate ends at \(end), which is in less than 14 days"
        }
        return report
    }
}
