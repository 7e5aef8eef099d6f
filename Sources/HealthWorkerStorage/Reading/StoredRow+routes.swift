package import HealthWorkerModel

extension Route {
    /// Reads `generation, cause, decided_at, answer, memory, members`, of which the first stands at
    /// `first`.
    package init(_ row: some StoredRow, from first: Int) throws {
        self.init(
            generation: row.integer(first), cause: try row.word(first + 1),
            decidedAt: row.moment(first + 2), answer: try row.json(first + 3),
            memory: try row.json(first + 4), members: try row.json(first + 5))
    }
}

/// What the next evaluation needs of a row of `routes`.
package struct RouteRow {
    package var evaluation: Int64
    package var freeze: Freeze?
    package var announced: [String]
    package var route: Route?

    /// Reads `generation, cause, decided_at, answer, memory, members, evaluation, freeze, announced`.
    package init(_ row: some StoredRow) throws {
        evaluation = row.integer(6)
        freeze = try row.optionalJSON(7)
        announced = try row.json(8)
        route = row.isNull(0) ? nil : try Route(row, from: 0)
    }
}

extension StoredRoute {
    /// Reads `generation, cause, decided_at, answer, memory, members, policy_id, evaluation,
    /// look_again_at, unprotected, freeze, spec`.
    package init(row: some StoredRow) throws {
        let spec: PolicySpec = try row.json(11)
        self.init(
            policy: row.id(6), policyName: spec.name, mode: spec.mode, type: spec.type,
            evaluation: row.integer(7), members: try row.json(5),
            lookAgainAt: row.optionalMoment(8),
            unprotected: try row.json(9), freeze: try row.optionalJSON(10),
            route: row.isNull(0) ? nil : try Route(row, from: 0))
    }
}

extension RoutesMark {
    /// Reads a count and two sums.
    package init(row: some StoredRow) {
        self.init(
            count: row.integer(0), sumOfIDs: row.integer(1), sumOfEvaluations: row.integer(2))
    }
}

extension Override {
    /// Reads `override_id, policy_id, member, word, reason, actor, created_at, until_at,
    /// break_glass`.
    package init(row: some StoredRow) throws {
        self.init(
            id: row.id(0), policy: row.id(1), member: row.text(2), word: try row.word(3),
            reason: row.text(4), actor: row.text(5), createdAt: row.moment(6),
            until: row.optionalMoment(7), breakGlass: row.flag(8))
    }
}

extension Maintenance {
    /// Reads `maintenance_id, selector, sets, starts_at, ends_at, reason, actor, created_at,
    /// break_glass`.
    package init(row: some StoredRow) throws {
        // A selector that requires nothing is written so.
        let selector = row.text(1)
        self.init(
            id: row.id(0),
            selector: selector.isEmpty ? LabelSelector() : try LabelSelector(selector),
            sets: try row.optionalJSON(2), startsAt: row.moment(3), endsAt: row.moment(4),
            reason: row.text(5), actor: row.text(6), createdAt: row.moment(7),
            breakGlass: row.flag(8))
    }
}

extension Publication {
    /// A name at a sink in one word; neither contains a space.
    package var place: String { "\(sink) \(name)" }
}
