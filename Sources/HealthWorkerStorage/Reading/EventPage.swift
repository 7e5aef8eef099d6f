import HealthWorkerModel

/// The statement that reads one source's part of a query of events, put together from whole clauses:
/// a walk along the source's index by time.
package struct EventPage {
    package let sql: String
    package let values: [ObjectPage.Value]

    package init(
        of source: EventPosition.Source, _ query: EventQuery, in dialect: ObjectPage.Dialect
    ) {
        var values: [ObjectPage.Value] = []
        func bind(_ value: ObjectPage.Value) -> String {
            values.append(value)
            return dialect.placeholder(values.count)
        }
        func list(_ some: [ObjectPage.Value]) -> String {
            // No list is empty in every engine's language; nothing is NULL.
            some.isEmpty ? "NULL" : some.map { bind($0) }.joined(separator: ", ")
        }
        let key = source.key
        let bounds = query.bounds(of: source)
        func end(_ position: EventPosition) -> String {
            [position.at.microseconds, position.first, position.second].prefix(key.count)
                .map { bind(.number($0)) }.joined(separator: ", ")
        }
        let row = "(\(key.joined(separator: ", ")))"
        var conditions = [
            // Said once more for engines that find no range in a comparison of rows.
            "\(key[0]) >= \(bind(.number(bounds.after.at.microseconds)))",
            "\(key[0]) <= \(bind(.number(bounds.before.at.microseconds)))",
            "\(row) > (\(end(bounds.after)))", "\(row) < (\(end(bounds.before)))",
        ]
        switch source {
        case .turn:
            if let objects = query.objects {
                conditions.append(
                    "e.check_id IN (\(list(objects.checks.map { .number($0.rawValue) })))")
            }
        case .route:
            if let objects = query.objects {
                conditions.append(
                    "e.policy_id IN (\(list(objects.policies.map { .number($0.rawValue) })))")
            }
        case .deed:
            func words(_ words: [String]) -> String { list(words.map { .text($0) }) }
            // Most entries have one of these words: an index of words must not lure a planner away from
            // the walk along time.
            let word = query.objects == nil ? "coalesce(e.action, '')" : "e.action"
            var some = ["\(word) IN (\(words(query.otherActions)))"]
            for (actions, names) in [
                (query.checkActions, query.objects?.checkNames),
                (query.policyActions, query.objects?.policyNames),
            ] {
                let actions = "\(word) IN (\(words(actions)))"
                some.append(names.map { "\(actions) AND e.object IN (\(words($0)))" } ?? actions)
            }
            conditions.append("(\(some.joined(separator: " OR ")))")
            // Edits by hand and those of an apply have the same words.
            switch (query.kinds.contains(.edit), query.kinds.contains(.apply)) {
            case (true, false): conditions.append("e.document IS NULL")
            case (true, true) where query.applies == .whole:
                conditions.append(
                    "(e.document IS NULL OR e.action = \(bind(.text(AuditEntry.documentApplied))))")
            case (false, true):
                conditions.append(
                    "(e.document IS NOT NULL OR e.action NOT IN (\(words(EventKind.edit.actions))))"
                )
            case (true, true), (false, false): break
            }
        }
        let order = key.map { query.order == .newestFirst ? "\($0) DESC" : $0 }
        sql = """
            SELECT \(source.columns)
            FROM \(source.table) AS e
            WHERE \(conditions.joined(separator: "\n  AND "))
            ORDER BY \(order.joined(separator: ", "))
            LIMIT \(bind(.number(Int64(query.limit))))
            """
        self.values = values
    }
}

extension EventPosition.Source {
    fileprivate var table: String {
        switch self {
        case .turn: "health_changes"
        case .route: "route_changes"
        case .deed: "audit_log"
        }
    }

    fileprivate var key: [String] {
        switch self {
        case .turn: ["e.at", "e.change_id"]
        case .route: ["e.decided_at", "e.generation", "e.policy_id"]
        case .deed: ["e.at", "e.entry_id"]
        }
    }

    fileprivate var columns: String {
        switch self {
        case .turn:
            """
            e.change_id, e.check_id, e.at, e.from_health, e.to_health, e.cause, e.reason,
                   e.job_id, e.worker_id, e.confirmed_elsewhere, e.noticed_at
            """
        case .route:
            """
            e.generation, e.cause, e.decided_at, e.answer, e.memory, e.members, e.policy_id
            """
        case .deed:
            """
            e.entry_id, e.at, e.actor, e.action, e.object, e.before, e.after, e.message,
            e.request_id, e.document
            """
        }
    }

    /// Reads a row of an ``EventPage``.
    package func event(_ row: some StoredRow) throws -> Event {
        switch self {
        case .turn: .turn(try RecordedHealthChange(row: row))
        case .route: .route(row.id(6), try Route(row, from: 0))
        case .deed: .deed(AuditEntry(row: row))
        }
    }
}
