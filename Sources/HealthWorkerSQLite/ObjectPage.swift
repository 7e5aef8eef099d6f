import GRDB
import HealthWorkerModel
package import HealthWorkerStorage

/// The statement of one page of a listing, by name, put together from whole clauses.
///
/// Each page is a walk along one index from the last name on: of the names, of a set's, of a type's,
/// or of a label's. Only checks of a rare health are found by their health and sorted.
package struct ObjectPage {
    package let sql: String
    let values: StatementArguments

    package init(ofChecks filter: ObjectFilter, after: String?, limit: Int) {
        var clauses = Clauses(after: after ?? "")
        let labels = filter.labels.sorted { $0.key < $1.key }
        if let label = labels.first {
            clauses.from("check_labels AS l")
            clauses.from("CROSS JOIN checks AS o ON o.check_id = l.check_id")
            clauses.walk(along: label, of: "l")
        } else if let health = filter.health, health != .healthy, filter.set == nil {
            clauses.from("check_health AS h")
            clauses.from("CROSS JOIN checks AS o ON o.check_id = h.check_id")
            clauses.where("o.name > ?", clauses.after)
            clauses.where("h.health = ?", health.rawValue)
            clauses.order = "o.name"
        } else {
            clauses.from("checks AS o")
            clauses.where("o.name > ?", clauses.after)
        }
        if let health = filter.health, clauses.isWithout("check_health") {
            clauses.from("CROSS JOIN check_health AS h ON h.check_id = o.check_id")
            clauses.where("h.health = ?", health.rawValue)
        }
        for label in labels.dropFirst() {
            clauses.where(
                """
                EXISTS (SELECT 1 FROM check_labels WHERE label = ? AND value = ? AND name = o.name)
                """, label.key, label.value)
        }
        if let set = filter.set { clauses.where("o.set_name = ?", set) }
        if let type = filter.type { clauses.where("o.type = ?", type) }
        if !filter.includesMade { clauses.where("o.made_by IS NULL") }
        (sql, values) = clauses.page(
            of: """
                o.check_id, o.revision, o.epoch, o.set_name, o.made_by, o.created_at,
                       o.updated_at, o.spec
                """, limit: limit)
    }

    package init(ofPolicies filter: ObjectFilter, after: String?, limit: Int) {
        var clauses = Clauses(after: after ?? "")
        let labels = filter.labels.sorted { $0.key < $1.key }
        if let label = labels.first {
            clauses.from("policy_labels AS l")
            clauses.from("CROSS JOIN policies AS o ON o.policy_id = l.policy_id")
            clauses.walk(along: label, of: "l")
        } else {
            clauses.from("policies AS o")
            clauses.where("o.name > ?", clauses.after)
        }
        for label in labels.dropFirst() {
            clauses.where(
                """
                EXISTS (SELECT 1 FROM policy_labels WHERE label = ? AND value = ? AND name = o.name)
                """, label.key, label.value)
        }
        if let set = filter.set { clauses.where("o.set_name = ?", set) }
        if let type = filter.type { clauses.where("o.type = ?", type) }
        (sql, values) = clauses.page(
            of: "o.policy_id, o.revision, o.set_name, o.created_at, o.updated_at, o.spec",
            limit: limit)
    }

    private struct Clauses {
        let after: String
        var order = "o.name"
        private var tables: [String] = []
        private var conditions: [String] = []
        private var values: [any DatabaseValueConvertible] = []

        init(after: String) {
            self.after = after
        }

        func isWithout(_ table: String) -> Bool {
            !tables.contains { $0.contains(table) }
        }

        mutating func from(_ table: String) {
            tables.append(table)
        }

        mutating func `where`(_ condition: String, _ values: any DatabaseValueConvertible...) {
            conditions.append(condition)
            self.values += values
        }

        mutating func walk(along label: (key: String, value: String), of table: String) {
            `where`("\(table).label = ?", label.key)
            `where`("\(table).value = ?", label.value)
            `where`("\(table).name > ?", after)
            order = "\(table).name"
        }

        func page(of columns: String, limit: Int) -> (String, StatementArguments) {
            let sql = """
                SELECT \(columns)
                FROM \(tables.joined(separator: "\n"))
                WHERE \(conditions.joined(separator: "\n  AND "))
                ORDER BY \(order)
                LIMIT ?
                """
            return (sql, StatementArguments(values + [limit]))
        }
    }
}
