import Foundation
import HealthWorkerModel
import Testing

/// Probes over real links that delay and lose packets, between kernels' own TCP.
///
/// Only the least that a phase takes is asked for: how long a busy machine takes is its own affair.
@Suite struct `A bad network` {
    private struct Probed: Decodable {
        var outcome: OutcomeKind
        var reason: Reason?
        var phases: Phases
    }

    private static let script = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../scripts/bad-network").standardizedFileURL

    /// Probes at `address`, where a server of files listens at 8000 and one of TLS at 8443.
    private func probe(
        _ url: String, _ flags: [String] = [], over link: [String]
    ) async throws -> Probed {
        let scratch = try Scratch()
        defer { scratch.remove() }
        _ = try scratch.write(String(repeating: "x", count: 60_000) + "up", to: "big")
        let certificate = try await Program.run(
            URL(filePath: "/usr/bin/openssl"),
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                scratch.file("key.pem").path, "-out", scratch.file("cert.pem").path, "-days", "2",
                "-subj", "/CN=far",
            ], in: scratch)
        try #require(certificate.code == 0, "\(certificate.text)")
        let folder = scratch.folder.path
        let ran = try await Program.run(
            Self.script,
            link + [
                "--far", "python3 -m http.server 8000 --directory \(folder) 2>/dev/null",
                "--listens", "8000", "--far",
                "openssl s_server -accept 8443 -www -cert \(folder)/cert.pem -key \(folder)/key.pem"
                    + " 2>/dev/null",
                "--listens", "8443", "--", Here.healthWorker.path, "probe", url, "-o", "json",
            ] + flags, in: scratch)
        do {
            return try JSONDecoder().decode(Probed.self, from: Data(ran.text.utf8))
        } catch {
            throw EndToEndError("probe ended with \(ran.code ?? -1): \(ran.text)")
        }
    }

    private func atLeast(_ milliseconds: Int64, _ phase: Int64?) -> Bool {
        phase.map { $0 >= milliseconds * 1000 } ?? false
    }

    @Test func `each phase takes the way there and back`() async throws {
        let probed = try await probe(
            "https://10.77.0.2:8443/", ["-k", "--timeout", "20s"], over: ["--delay", "50"])

        #expect(probed.outcome == .success)
        #expect(atLeast(100, probed.phases.connect))
        #expect(atLeast(100, probed.phases.tls))
        #expect(atLeast(100, probed.phases.firstByte))
    }

    @Test func `the first packet that is lost costs a second of connecting, and no more`()
        async throws
    {
        let probed = try await probe(
            "http://10.77.0.2:8000/", ["--timeout", "20s"], over: ["--lose", "1"])

        #expect(probed.outcome == .success)
        #expect(atLeast(1000, probed.phases.connect))
    }

    @Test func `where one packet of five is lost, the probe gets through`() async throws {
        let probed = try await probe(
            "http://10.77.0.2:8000/big", ["--timeout", "60s", "--expect-text", "up"],
            over: ["--loss", "20"])

        #expect(probed.outcome == .success)
    }

    @Test(arguments: [
        (0, "http://10.77.0.2:8000/", Reason.connectTimeout, "connect"),
        (2, "http://10.77.0.2:8000/", .firstByteTimeout, "first_byte"),
        (2, "https://10.77.0.2:8443/", .tlsTimeout, "tls"),
        (5, "http://10.77.0.2:8000/big", .bodyTimeout, "body"),
    ])
    func `a link that goes dead is told by the phase`(
        _ packets: Int, _ url: String, _ reason: Reason, _ phase: String
    ) async throws {
        let flags = url.hasPrefix("https") ? ["-k"] : ["--expect-text", "up"]

        let probed = try await probe(
            url, flags + ["--timeout", "2s"], over: ["--cut", "\(packets)"])

        #expect(probed.outcome == .failure)
        #expect(probed.reason == reason)
    }

    @Test func `a router that swallows large packets lets heads through and no bodies`()
        async throws
    {
        let swallows = ["--largest", "1000"]

        let head = try await probe(
            "http://10.77.0.2:8000/", ["--method", "HEAD"], over: swallows)
        let body = try await probe(
            "http://10.77.0.2:8000/big", ["--expect-text", "up", "--timeout", "2s"], over: swallows)
        let tls = try await probe(
            "https://10.77.0.2:8443/", ["-k", "--timeout", "2s"], over: swallows)

        #expect(head.outcome == .success)
        #expect(body.reason == .bodyTimeout)
        #expect(tls.reason == .tlsTimeout)
    }

    @Test func `a host that a router cannot reach fails, and a network without a route does not`()
        async throws
    {
        let host = try await probe("http://10.78.0.9/", over: [])
        let network = try await probe("http://192.0.2.1/", over: [])

        #expect(host.outcome == .failure)
        #expect(host.reason == .connectUnreachable)
        #expect(network.outcome == .inconclusive)
        #expect(network.reason == .networkUnreachable)
    }
}
