package import HealthWorkerModel
package import HealthWorkerStorage

// What the tests of drivers work with, beside the promises.

extension CheckSpec {
    package static func web(_ name: String) -> CheckSpec {
        CheckSpec(name: name, type: .tcp, target: Target(host: "192.0.2.1", port: 80))
    }
}

extension Storage {
    /// Makes checks, all of them due now.
    @discardableResult
    package func put(_ names: String...) async throws -> [Check] {
        try await put(names)
    }

    @discardableResult
    package func put(_ names: [String]) async throws -> [Check] {
        _ = try await write(
            WriteBatch(names.map { .putCheck(.web($0), set: nil) }, actor: "ann"))
        let checks = try await checks(named: names)
        for check in checks {
            try await enqueueNow(check.id)
        }
        return checks
    }

    /// What a worker makes of an outcome that moves nothing.
    package func steady(_ claim: Claim, _ outcome: Outcome = .success) -> Completion {
        Completion(
            claim: claim, epoch: claim.base.epoch, report: ProbeReport(outcome: outcome),
            decision: HealthTracker.Decision(state: claim.base), age: .zero)
    }
}

extension StorageError {
    package func isAboutSchema(containing text: String) -> Bool {
        if case .schema(let why) = self { why.contains(text) } else { false }
    }

    package func isUnavailable(containing text: String = "") -> Bool {
        if case .unavailable(let why) = self { text.isEmpty || why.contains(text) } else { false }
    }

    package func isFailed(containing text: String) -> Bool {
        if case .failed(let why) = self { why.contains(text) } else { false }
    }
}
