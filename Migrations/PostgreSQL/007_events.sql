-- compatible_from: 0.1.0
--
-- What happened, by its time: each page of events is a walk along these.

CREATE INDEX health_changes_by_time ON health_changes (at, change_id);
CREATE INDEX route_changes_by_time ON route_changes (decided_at, generation, policy_id);
CREATE INDEX audit_log_by_time ON audit_log (at, entry_id);
