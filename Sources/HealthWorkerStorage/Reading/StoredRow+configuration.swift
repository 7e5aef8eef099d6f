package import HealthWorkerModel

extension Check {
    /// Reads `check_id, revision, epoch, set_name, made_by, created_at, updated_at, spec`.
    package init(row: some StoredRow) throws {
        self.init(
            id: row.id(0), revision: row.integer(1), epoch: row.integer(2), spec: try row.json(7),
            set: row.optionalText(3), madeBy: row.optionalText(4), createdAt: row.moment(5),
            updatedAt: row.moment(6))
    }
}

extension Policy {
    /// Reads `policy_id, revision, set_name, created_at, updated_at, spec`.
    package init(row: some StoredRow) throws {
        self.init(
            id: row.id(0), revision: row.integer(1), spec: try row.json(5),
            set: row.optionalText(2), createdAt: row.moment(3), updatedAt: row.moment(4))
    }
}
