import Foundation
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerPages
import HealthWorkerStorage
import HealthWorkerTelling
import Hummingbird
import HummingbirdCore

/// Asks the API for what each page shows.
struct PageReading: Sendable {
    let questions: Questions
    let storage: any Storage
    /// One count for all who look at the same time: it reads every check.
    private let census: SharedReading<Census>

    init(questions: Questions, storage: any Storage) {
        self.questions = questions
        self.storage = storage
        census = SharedReading(memory: .seconds(1)) { () throws(StorageError) in
            try await storage.census()
        }
    }

    /// So many checks are looked through for what is wrong; of more, the unhealthy ones alone.
    private static let lookedThrough = 1000
    private static let told = 200
    private static let losses = 20

    // MARK: - Overview

    func overview(_ visit: Visit, _ looker: Looker) async throws -> OverviewPage {
        let census = try await census.value()
        let counts = OverviewPage.Counts(census)
        let isWhole = counts.checks <= Self.lookedThrough
        async let fleet = questions.ask("getFleet", by: looker)["items"]?.elements ?? []
        async let queue = questions.ask("getQueue", by: looker)
        async let sinks = questions.ask("listSinks", by: looker)["items"]?.elements ?? []
        async let policies = all("listPolicies", upTo: 2000, by: looker)
        async let overrides = all("listOverrides", upTo: 500, by: looker)
        async let maintenances = questions.ask(
            "listMaintenances", query: [("state", MaintenanceState.active.rawValue)], by: looker)
        async let checks =
            isWhole
            ? all("listChecks", upTo: Self.lookedThrough, by: looker)
            : questions.ask(
                "listChecks",
                query: [("health", Health.unhealthy.rawValue), ("limit", "\(Self.told)")],
                by: looker)["items"]?.elements ?? []
        async let events = questions.ask("listEvents", query: [("limit", "12")], by: looker)
        let troubles = Troubles(
            fleet: try await fleet, policies: try await policies, checks: try await checks,
            overrides: try await overrides,
            maintenances: try await maintenances["items"]?.elements ?? [],
            sinks: try await sinks, queue: try await queue
        ).inOrder
        var untold = OverviewPage.Untold(
            of: counts, checks: try await checks, policies: try await policies)
        untold.others = troubles.dropFirst(Self.told).count(where: \.isWrong)
        return OverviewPage(
            visit: visit, troubles: Array(troubles.prefix(Self.told)), untold: untold,
            counts: counts, fleet: try await fleet, queue: try await queue,
            events: try await events["items"]?.elements ?? [])
    }

    private func all(
        _ operation: String, upTo limit: Int, by looker: Looker
    ) async throws -> [JSONValue] {
        var found: [JSONValue] = []
        var cursor: String?
        repeat {
            let page = try await questions.ask(
                operation, query: [("limit", "500"), ("cursor", cursor)], by: looker)
            found += page["items"]?.elements ?? []
            cursor = page["next_cursor"]?.text
        } while cursor != nil && found.count < limit
        return found
    }

    // MARK: - Checks

    func checks(_ visit: Visit, _ looker: Looker) async throws -> ChecksPage {
        let health = looker.asked("health")
        let selector = looker.asked("selector")
        var page = ChecksPage(
            visit: visit, checks: [], bars: [:], health: health, selector: selector, problem: nil,
            next: nil)
        do {
            let found = try await questions.ask(
                "listChecks",
                query: [
                    ("health", health), ("selector", selector), ("limit", "50"),
                    ("cursor", looker.asked("cursor")),
                ], by: looker)
            page.checks = found["items"]?.elements ?? []
            page.next = found["next_cursor"]?.text
        } catch let problem as ProblemDetails where problem.kind == .invalidParameter {
            page.problem = problem.sentence
        }
        page.bars = try await bars(of: page.checks)
        return page
    }

    /// Read at once: so many answers of the API would be mostly what is not shown.
    private func bars(of checks: [JSONValue]) async throws -> [String: OutcomeBars] {
        try await withThrowingTaskGroup(of: (String, OutcomeBars).self) { group in
            for check in checks {
                guard let name = check["name"]?.text,
                    let id = check["observed"]?["id"]?.text.flatMap({ Int64($0) })
                else { continue }
                group.addTask {
                    let outcomes = try await storage.outcomes(
                        of: CheckID(id), before: nil, limit: 30)
                    let bars = outcomes.reversed().map { recorded in
                        let outcome = recorded.report.outcome
                        return OutcomeBars.Bar(
                            outcome.kind,
                            title: [
                                Moments.clock(recorded.startedAt.description),
                                outcome.kind.rawValue, outcome.reason?.rawValue,
                            ].compactMap(\.self).joined(separator: " "))
                    }
                    return (name, OutcomeBars(bars))
                }
            }
            var found: [String: OutcomeBars] = [:]
            for try await (name, bars) in group { found[name] = bars }
            return found
        }
    }

    func check(_ visit: Visit, _ looker: Looker) async throws -> CheckPage {
        let path = ["name": looker.named]
        async let check = questions.ask("getCheck", path, by: looker)
        async let outcomes = questions.ask(
            "listOutcomes", path, query: [("limit", "60")], by: looker)
        async let turns = questions.ask(
            "listHealthChanges", path, query: [("limit", "10")], by: looker)
        return CheckPage(
            visit: visit, check: try await check,
            outcomes: try await outcomes["items"]?.elements ?? [],
            turns: try await turns["items"]?.elements ?? [], hours: try await hours(of: check))
    }

    /// Of the last 30 days, read at once: the API's answer is mostly what is not shown.
    private func hours(of check: JSONValue) async throws -> [CheckHour] {
        guard let id = check["observed"]?["id"]?.text.flatMap({ Int64($0) }) else { return [] }
        let hour = Hour(of: try await storage.now())
        return try await storage.checkHours(
            of: CheckID(id), from: Hour(number: hour.number - 720), until: hour.next)
    }

    // MARK: - Policies

    func policies(_ visit: Visit, _ looker: Looker) async throws -> PoliciesPage {
        let found = try await questions.ask(
            "listPolicies", query: [("limit", "100"), ("cursor", looker.asked("cursor"))],
            by: looker)
        return PoliciesPage(
            visit: visit, policies: found["items"]?.elements ?? [],
            next: found["next_cursor"]?.text,
            staleChecks: OverviewPage.Counts(try await census.value()).stale)
    }

    func policy(_ visit: Visit, _ looker: Looker) async throws -> PolicyPage {
        let name = looker.named
        let path = ["name": name]
        async let policy = questions.ask("getPolicy", path, by: looker)
        async let overrides = questions.ask(
            "listOverrides", query: [("policy", name), ("limit", "500")], by: looker)
        async let deliveries = questions.ask("getDeliveries", ["policy": name], by: looker)
        async let events = questions.ask(
            "listEvents", query: [("policy", name), ("limit", "12")], by: looker)
        let evaluation = try await questions.ask("getEvaluation", path, by: looker)
        var published: [String] = []
        for member in evaluation["members"]?.elements ?? []
        where member["published"]?.isTrue ?? false {
            if let member = member["name"]?.text, !published.contains(member) {
                published.append(member)
            }
        }
        let losses = try await losses(of: published.prefix(Self.losses), in: try await policy)
        let checks = PolicyPage.checks(of: try await policy).values
        return PolicyPage(
            visit: visit, policy: try await policy, evaluation: evaluation,
            overrides: try await overrides["items"]?.elements ?? [],
            deliveries: try await deliveries, losses: losses,
            untried: max(0, published.count - Self.losses),
            events: try await events["items"]?.elements ?? [],
            stale: try await stale(Set(checks)))
    }

    /// What the API's simulations of them tell, each by what is read here once for all.
    private func losses(
        of members: ArraySlice<String>, in policy: JSONValue
    ) async throws -> [PolicyPage.Loss] {
        guard !members.isEmpty, let id = policy["observed"]?["id"]?.text.flatMap({ Int64($0) }),
            let inputs = try await storage.evaluationInputs(of: PolicyID(id))?.inputs
        else { return [] }
        return members.map { member in
            let simulation = PolicyEvaluation.simulate(inputs, supposing: [member: .unhealthy])
            return PolicyPage.Loss(
                member: member,
                simulation: RouteAnswer.simulation(simulation, of: inputs).json())
        }
    }

    /// Of these checks those whose health is not fresh, with why. An evaluation goes by the last health and
    /// does not tell.
    private func stale(_ names: Set<String>) async throws -> [String: String] {
        if names.isEmpty { return [:] }
        let checks = try await storage.checks(named: Array(names))
        let observations = try await storage.observations(of: checks.map(\.id))
        let now = try await storage.now()
        var found: [String: String] = [:]
        for check in checks {
            guard let observation = observations[check.id] else { continue }
            let staleness = Staleness(
                of: check.spec, inconclusiveSince: observation.state.inconclusiveSince,
                jobDue: observation.job?.dueAt, slotDue: observation.slotDueAt, now: now)
            found[check.spec.name] = staleness?.why.description
        }
        return found
    }

    // MARK: - The rest

    func overrides(_ visit: Visit, _ looker: Looker) async throws -> OverridesPage {
        let found = try await questions.ask(
            "listOverrides", query: [("cursor", looker.asked("cursor"))], by: looker)
        return OverridesPage(
            visit: visit, overrides: found["items"]?.elements ?? [],
            next: found["next_cursor"]?.text)
    }

    func changes(_ visit: Visit, _ looker: Looker) async throws -> ChangesPage {
        let kind = looker.asked("type")
        let found = try await questions.ask(
            "listEvents",
            query: [("type", kind), ("limit", "50"), ("cursor", looker.asked("cursor"))],
            by: looker)
        return ChangesPage(
            visit: visit, events: found["items"]?.elements ?? [], kind: kind,
            next: found["next_cursor"]?.text)
    }

    func fleet(_ visit: Visit, _ looker: Looker) async throws -> FleetPage {
        async let fleet = questions.ask("getFleet", query: [("lost", "1h")], by: looker)
        async let queue = questions.ask("getQueue", by: looker)
        return FleetPage(visit: visit, fleet: try await fleet, queue: try await queue)
    }
}

extension Looker {
    /// What the path names.
    var named: String { parameter("name") }

    func parameter(_ name: String) -> String {
        let raw = context.parameters.get(name) ?? ""
        return raw.removingPercentEncoding ?? raw
    }

    /// What the query asks for; nil where it is left empty.
    func asked(_ name: String) -> String? {
        PageForm(query: request.uri.query)[name]
    }
}

extension OverviewPage.Counts {
    init(_ census: Census) {
        self.init()
        for group in census.checks {
            checks += group.count
            if group.freshness == .paused {
                paused += group.count
                continue
            }
            switch group.health {
            case .healthy: healthy += group.count
            case .unhealthy: unhealthy += group.count
            case .unknown: unknown += group.count
            }
            if group.freshness.isStale { stale += group.count }
        }
        policies = census.policies.all
        waiting = census.policies.waiting
        unprotected = census.policies.unprotected
        frozen = census.policies.frozen
        holding = census.policies.holding
    }
}
