import HealthWorkerModel
import Testing

@Suite struct NastyServerTests {
    @Test(arguments: NastyServer.all)
    func `what a server does is told by its reason`(_ server: NastyServer) async throws {
        let report = try await server.running { check, _ in
            try await conclusive(check, server)
        }

        #expect(report.outcome == server.outcome, "\(report.detail ?? "no detail")")
        let last = report.phases.reached.last
        #expect(
            last.map(server.ends.contains) ?? server.ends.isEmpty,
            "it ended in \(last ?? "no phase"): \(report.detail ?? "no detail")")
        #expect(Duration.microseconds(report.phases.total) >= server.takes)
        // Every outcome that is no success says why, in one line, and nothing else says anything.
        #expect((report.detail == nil) == (report.outcome == .success))
        #expect(report.detail?.contains { $0.isNewline } != true)
        #expect(
            Duration.microseconds(report.phases.total)
                < server.check.effectiveTimeout + .milliseconds(500))
    }

    @Test func `every server has a name of its own`() {
        #expect(Set(NastyServer.all.map(\.does)).count == NastyServer.all.count)
        #expect(NastyServer.all.count >= 60)
    }

    /// Probes again where this machine was late, which says nothing about the server.
    private func conclusive(_ check: CheckSpec, _ server: NastyServer) async throws -> ProbeReport {
        for _ in 0..<3 {
            let report = await probe(check, resolver: FixedResolver(server.names))
            if !report.wasLate { return report }
        }
        throw TooBusy()
    }

    private struct TooBusy: Error {}
}

extension ProbeReport {
    /// Whether the worker itself was late.
    var wasLate: Bool {
        outcome == .inconclusive(.internal) && detail?.contains("this worker was ") == true
    }
}

extension Phases {
    /// How long the last phase that was reached took.
    var last: Duration {
        .microseconds([resolve, connect, tls, write, firstByte, body].compactMap(\.self).last ?? 0)
    }
}
