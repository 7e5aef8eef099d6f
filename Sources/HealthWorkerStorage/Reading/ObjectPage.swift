import HealthWorkerModel

/// The statement of one page of a listing, by name, put together from whole clauses.
///
/// Each page is a walk along one index from the last name on: of the names, of a set's, of a type's,
/// or of a label's. Only checks of a rare health are found by their health and sorted.
package struct ObjectPage {
    /// What differs between the engines.
    package struct Dialect: Sendable {
        /// Joins so that the table before it is read first; only a planner that finds that out by
        /// itself is left to it.
        package var join: String
        /// Whether it has to be told that few checks have a rare health.
        package var startsAtRareHealth: Bool
        /// What stands for the value of this number, from 1 on.
        package var placeholder: @Sendable (Int) -> String

        package init(
            join: String, startsAtRareHealth: Bool,
            placeholder: @escaping @Sendable (Int) -> String = { _ in "?" }
        ) {
            self.join = join
            self.startsAtRareHealth = startsAtRareHealth
            self.placeholder = placeholder
        }
    }

    package enum Value: Hashable, Sendable {
        case text(String)
        case number(Int64)
    }

    package let sql: String
    package let values: [Value]

    package init(
        ofChecks filter: ObjectFilter, after: String?, limit: Int, in dialect: Dialect
    ) {
        var clauses = Clauses(dialect: dialect, after: after ?? "")
        let walk = filter.selector.walk
        var needsHealth = filter.health
        if let walk {
            clauses.walk(
                along: (walk.label, walk.value), in: "check_labels", to: "checks", by: "check_id")
        } else if dialect.startsAtRareHealth, filter.set == nil, let health = filter.health,
            health != .healthy
        {
            clauses.from("check_health AS h")
            clauses.join("checks AS o", on: "o.check_id = h.check_id")
            clauses.where("o.name >", clauses.after)
            clauses.where("h.health =", health.rawValue)
            needsHealth = nil
        } else {
            clauses.from("checks AS o")
            clauses.where("o.name >", clauses.after)
        }
        if let health = needsHealth {
            clauses.join("check_health AS h", on: "h.check_id = o.check_id")
            clauses.where("h.health =", health.rawValue)
        }
        for requirement in walk?.rest ?? filter.selector.requirements {
            clauses.where(requirement, in: "check_labels", by: "check_id")
        }
        if let set = filter.set { clauses.where("o.set_name =", set) }
        if let type = filter.type { clauses.where("o.type =", type) }
        if !filter.includesMade { clauses.where("o.made_by IS NULL") }
        (sql, values) = clauses.page(
            of: """
                o.check_id, o.revision, o.epoch, o.set_name, o.made_by, o.created_at,
                       o.updated_at, o.spec
                """, limit: limit)
    }

    package init(
        ofPolicies filter: ObjectFilter, after: String?, limit: Int, in dialect: Dialect
    ) {
        var clauses = Clauses(dialect: dialect, after: after ?? "")
        let walk = filter.selector.walk
        if let walk {
            clauses.walk(
                along: (walk.label, walk.value), in: "policy_labels", to: "policies",
                by: "policy_id")
        } else {
            clauses.from("policies AS o")
            clauses.where("o.name >", clauses.after)
        }
        for requirement in walk?.rest ?? filter.selector.requirements {
            clauses.where(requirement, in: "policy_labels", by: "policy_id")
        }
        if let set = filter.set { clauses.where("o.set_name =", set) }
        if let type = filter.type { clauses.where("o.type =", type) }
        (sql, values) = clauses.page(
            of: "o.policy_id, o.revision, o.set_name, o.created_at, o.updated_at, o.spec",
            limit: limit)
    }
}

private struct Clauses {
    let dialect: ObjectPage.Dialect
    let after: String
    private var order = "o.name"
    private var tables: [String] = []
    private var conditions: [String] = []
    private var values: [ObjectPage.Value] = []

    init(dialect: ObjectPage.Dialect, after: String) {
        self.dialect = dialect
        self.after = after
    }

    mutating func from(_ table: String) {
        tables.append(table)
    }

    mutating func join(_ table: String, on condition: String) {
        tables.append("\(dialect.join) \(table) ON \(condition)")
    }

    mutating func `where`(_ condition: String) {
        conditions.append(condition)
    }

    mutating func `where`(_ comparison: String, _ value: String) {
        conditions.append("\(comparison) \(bind(.text(value)))")
    }

    mutating func walk(
        along label: (key: String, value: String), in labels: String, to objects: String,
        by id: String
    ) {
        from("\(labels) AS l")
        join("\(objects) AS o", on: "o.\(id) = l.\(id)")
        `where`("l.label =", label.key)
        `where`("l.value =", label.value)
        `where`("l.name >", after)
        order = "l.name"
    }

    /// By the value of the object's own label, one look for each row of the walk. EXISTS would say the
    /// same, and let a planner read all rows of the label at once and sort what is left, for one page.
    mutating func `where`(
        _ requirement: LabelSelector.Requirement, in labels: String, by id: String
    ) {
        let value = """
            (SELECT value FROM \(labels) WHERE \(id) = o.\(id) AND label = \(bind(.text(requirement.label))))
            """
        switch requirement.test {
        case .isOneOf(let values): conditions.append("\(value) IN (\(bind(values)))")
        case .isNoneOf(let values): conditions.append("(\(value) IN (\(bind(values)))) IS NOT TRUE")
        case .exists: conditions.append("\(value) IS NOT NULL")
        case .isMissing: conditions.append("\(value) IS NULL")
        }
    }

    private mutating func bind(_ texts: [String]) -> String {
        texts.map { bind(.text($0)) }.joined(separator: ", ")
    }

    private mutating func bind(_ value: ObjectPage.Value) -> String {
        values.append(value)
        return dialect.placeholder(values.count)
    }

    mutating func page(of columns: String, limit: Int) -> (String, [ObjectPage.Value]) {
        let sql = """
            SELECT \(columns)
            FROM \(tables.joined(separator: "\n"))
            WHERE \(conditions.joined(separator: "\n  AND "))
            ORDER BY \(order)
            LIMIT \(bind(.number(Int64(limit))))
            """
        return (sql, values)
    }
}
