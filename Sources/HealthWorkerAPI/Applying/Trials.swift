import HealthWorkerDocument
package import HealthWorkerModel

/// Probes changed and new checks once, before anything is stored.
///
/// It probes from the process that serves the API, which may see less than the workers do. So only
/// one thing counts against a change: a check that is healthy, whose stored form succeeds from here
/// at this moment, and whose new form fails.
package struct Trials: Sendable {
    /// Nil: there is no prober for such a check.
    private let probe: @Sendable (CheckSpec) async -> ProbeReport?
    private let location: String
    private let patience: Duration

    private static let parallel = 200

    /// - Parameters:
    ///   - location: of this process: a check that other locations alone may probe is not tried.
    ///   - patience: how long all probes of one document may take together.
    package init(
        location: String, patience: Duration = .seconds(30),
        probe: @escaping @Sendable (CheckSpec) async -> ProbeReport?
    ) {
        self.location = location
        self.patience = patience
        self.probe = probe
    }

    struct Order: Sendable {
        var new: CheckSpec
        /// What is stored of a check that is healthy; nil for any other.
        var healthy: CheckSpec?
        /// A secret would go where none that is stored sends it.
        var sendsSecretsAnew = false
    }

    struct Finding: Sendable {
        var trial: Plan.Trial
        /// It is healthy now and would fail.
        var breaks: Bool
    }

    /// By the name of the check. Those that could break something come first.
    ///
    /// - Parameter onFinding: called after each with how many are done.
    func make(
        _ orders: [Order], onFinding: (Int) -> Void = { _ in }
    ) async -> [String: Finding] {
        let sorted = orders.filter { $0.healthy != nil } + orders.filter { $0.healthy == nil }
        var findings: [String: Finding] = [:]
        await withTaskGroup(of: (String, Finding)?.self) { group in
            group.addTask { [patience] in
                // Cancelled: all were made in time.
                try? await Task.sleep(for: patience)
                return nil
            }
            var waiting = sorted.makeIterator()
            func start() -> Bool {
                guard let order = waiting.next() else { return false }
                group.addTask { (order.new.name, await finding(of: order)) }
                return true
            }
            var running = 0
            while running < Self.parallel, start() { running += 1 }
            while running > 0, let result = await group.next() {
                guard let (name, finding) = result else { break }
                findings[name] = finding
                onFinding(findings.count)
                if !start() { running -= 1 }
            }
            group.cancelAll()
        }
        for order in sorted where findings[order.new.name] == nil {
            findings[order.new.name] = Finding(
                trial: .notMade("the time for probing was over"), breaks: false)
        }
        return findings
    }

    private func finding(of order: Order) async -> Finding {
        let places = order.new.locations
        guard places.isEmpty || places.contains(location) else {
            return Finding(
                trial: .notMade(
                    "only workers in \(places.joined(separator: ", ")) may, and the API is in "
                        + location), breaks: false)
        }
        // A plan leaves no trace of who had what sent where: only what is stored may do that.
        guard !order.sendsSecretsAnew else {
            return Finding(
                trial: .notMade("it sends a secret where none is sent yet: workers probe it"),
                breaks: false)
        }
        guard let report = await probe(order.new) else {
            return Finding(
                trial: .notMade("there is no prober for \(order.new.type.rawValue) checks"),
                breaks: false)
        }
        var breaks = false
        if case .failure = report.outcome, let healthy = order.healthy {
            breaks = await probe(healthy)?.outcome == .success
        }
        return Finding(trial: .made(report.outcome, detail: report.detail), breaks: breaks)
    }
}
