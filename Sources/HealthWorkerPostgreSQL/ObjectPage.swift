import HealthWorkerModel
package import HealthWorkerStorage

/// The statement of one page of a listing, by name, put together from whole clauses.
///
/// Each page is a walk along one index from the last name on: of the names, of a set's, of a
/// type's, or of a label's. Only checks of a rare health are found by their health and sorted.
package struct ObjectPage {
    package let sql: String
    let values: [any Bindable]

    package init(ofChecks filter: ObjectFilter, after: String?, limit: Int) {
        var clauses = Clauses()
        let labels = filter.labels.sorted { $0.key < $1.key }
        if let label = labels.first {
            clauses.from("check_labels AS l")
            clauses.from("JOIN checks AS o ON o.check_id = l.check_id")
            clauses.walk(along: label, of: "l", after: after)
        } else {
            clauses.from("checks AS o")
            clauses.where("o.name >", after ?? "")
        }
        if let health = filter.health {
            clauses.from("JOIN check_health AS h ON h.check_id = o.check_id")
            clauses.where("h.health =", health.rawValue)
        }
        for label in labels.dropFirst() {
            clauses.whereExists(in: "check_labels", label)
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

    package init(ofPolicies filter: ObjectFilter, after: String?, limit: Int) {
        var clauses = Clauses()
        let labels = filter.labels.sorted { $0.key < $1.key }
        if let label = labels.first {
            clauses.from("policy_labels AS l")
            clauses.from("JOIN policies AS o ON o.policy_id = l.policy_id")
            clauses.walk(along: label, of: "l", after: after)
        } else {
            clauses.from("policies AS o")
            clauses.where("o.name >", after ?? "")
        }
        for label in labels.dropFirst() {
            clauses.whereExists(in: "policy_labels", label)
        }
        if let set = filter.set { clauses.where("o.set_name =", set) }
        if let type = filter.type { clauses.where("o.type =", type) }
        (sql, values) = clauses.page(
            of: "o.policy_id, o.revision, o.set_name, o.created_at, o.updated_at, o.spec",
            limit: limit)
    }

    private struct Clauses {
        private var order = "o.name"
        private var tables: [String] = []
        private var conditions: [String] = []
        private var values: [any Bindable] = []

        mutating func from(_ table: String) {
            tables.append(table)
        }

        mutating func `where`(_ condition: String) {
            conditions.append(condition)
        }

        mutating func `where`(_ comparison: String, _ value: String) {
            conditions.append("\(comparison) \(bind(value))")
        }

        mutating func walk(
            along label: (key: String, value: String), of table: String, after: String?
        ) {
            `where`("\(table).label =", label.key)
            `where`("\(table).value =", label.value)
            `where`("\(table).name >", after ?? "")
            order = "\(table).name"
        }

        mutating func whereExists(in table: String, _ label: (key: String, value: String)) {
            conditions.append(
                """
                EXISTS (SELECT 1 FROM \(table) WHERE label = \(bind(label.key)) \
                AND value = \(bind(label.value)) AND name = o.name)
                """)
        }

        private mutating func bind(_ value: any Bindable) -> String {
            values.append(value)
            return "$\(values.count)"
        }

        mutating func page(of columns: String, limit: Int) -> (String, [any Bindable]) {
            let sql = """
                SELECT \(columns)
                FROM \(tables.joined(separator: "\n"))
                WHERE \(conditions.joined(separator: "\n  AND "))
                ORDER BY \(order)
                LIMIT \(bind(limit))
                """
            return (sql, values)
        }
    }
}
