import HealthWorkerModel

/// The statement of one page of the audit log: it walks down the ids, or down those of one actor,
/// action or object.
package struct AuditPage: Sendable {
    package let sql: String
    package let values: [ObjectPage.Value]

    /// - Parameter before: how the dialect writes the column of that name, which some reserve.
    package init(
        _ filter: AuditFilter, before: Int64?, limit: Int, in dialect: ObjectPage.Dialect,
        beforeColumn: String = "before"
    ) {
        var values: [ObjectPage.Value] = []
        func bind(_ value: ObjectPage.Value) -> String {
            values.append(value)
            return dialect.placeholder(values.count)
        }
        var conditions = ["entry_id < \(bind(.number(before ?? .max)))"]
        for (column, wanted) in [
            ("actor", filter.actor), ("action", filter.action), ("object", filter.object),
        ] {
            guard let wanted else { continue }
            conditions.append("\(column) = \(bind(.text(wanted)))")
        }
        if let since = filter.since {
            conditions.append("at >= \(bind(.number(since.microseconds)))")
            // Where the walk may end: nothing of that time has a lower id.
            let earlier = since - AuditFilter.disorder
            conditions.append(
                """
                entry_id > coalesce((
                      SELECT entry_id
                      FROM audit_log
                      WHERE at < \(bind(.number(earlier.microseconds)))
                      ORDER BY at DESC
                      LIMIT 1
                  ), 0)
                """)
        }
        sql = """
            SELECT entry_id, at, actor, action, object, \(beforeColumn), after, message, request_id,
                   document
            FROM audit_log
            WHERE \(conditions.joined(separator: "\n  AND "))
            ORDER BY entry_id DESC
            LIMIT \(bind(.number(Int64(limit))))
            """
        self.values = values
    }
}
