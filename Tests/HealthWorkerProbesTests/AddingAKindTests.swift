import Foundation
import FreePorts
import HealthWorkerModel
import Logging
import Testing

@testable import HealthWorkerProbes

@Suite struct `A kind of check that is added` {
    // As the guide says, but for the tables' own names.
    static let table: Probers.Table = Probers.table.merging([
        .certificate: { CertificateProber($0) }
    ]) { $1 }
    static let kinds = [
        CheckKind(CheckType(rawValue: "certificate"), defaultPort: 443, parts: [.tls])
    ]

    private func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test func `works as the guide's example says`() async throws {
        let certificates = try Certificates.shared.get()
        let probers = Probers(
            Self.table, resolver: FixedResolver(), addressRules: AddressRules(),
            secrets: { _ in nil },
            logger: Logger(label: "test"))
        let prober = try #require(probers.prober(for: .certificate))
        func report(of certificate: String, verify: Bool = true) async throws -> ProbeReport {
            let server = try await LocalServer(.init(), tls: certificates.server(certificate))
            let report = await prober.probe(
                check(
                    .certificate, port: server.port,
                    tls: TLSOptions(verify: verify, ca: certificates.authority)))
            try await server.stop()
            return report
        }

        let good = try await report(of: "good")
        let soon = try await report(of: "soon")
        let unknown = try await report(of: "self")
        let past = try await report(of: "expired", verify: false)
        let nobody = await prober.probe(check(.certificate, port: try freePort()))

        #expect(good.outcome == .success)
        #expect(soon.outcome == .failure(.tlsExpired))
        #expect(soon.detail?.hasSuffix("which is in less than 14 days") == true)
        #expect(unknown.outcome == .failure(.tlsSelfSigned))
        #expect(past.outcome == .failure(.tlsExpired))
        #expect(nobody.outcome == .failure(.connectRefused))
        await probers.shutdown()
    }

    @Test func `is quoted by the guide word for word`() throws {
        let guide = try text("Sources/HealthWorker/HealthWorker.docc/AddingAKindOfCheck.md")
        let example = try text("Tests/HealthWorkerProbesTests/CertificateProber.swift")
        let tables = try text("Tests/HealthWorkerProbesTests/AddingAKindTests.swift")
        let marker = "@testable import HealthWorkerProbes\n\n"
        let body = try #require(example.ranges(of: marker).first.map { example[$0.upperBound...] })

        #expect(guide.contains("```swift\n\(body)```\n"))
        for line in [
            "        .certificate: { CertificateProber($0) },\n",
            "        CheckKind(CheckType(rawValue: \"certificate\"), defaultPort: 443, parts: [.tls]),\n",
        ] {
            #expect(guide.contains("```swift\n\(line)```\n"))
            // One alone has no comma behind it.
            #expect(tables.contains("[\n\(line.dropLast(2))\n    ]"))
        }
    }

    @Test func `stands in the table of probers and in the table of kinds`() {
        #expect(Set(Probers.table.keys) == Set(CheckKind.all.map(\.type)))
        #expect(CheckKind.all.count == Probers.table.count)
        #expect(Self.kinds.map(\.type) == [.certificate])
    }
}
