-- compatible_from: 0.1.0
--
-- What happened, by its time: each page of events is a walk along these.
-- MySQL has no CREATE INDEX IF NOT EXISTS, and the file may be done again from its beginning.

SET @statement = IF(
    EXISTS (
        SELECT 1 FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND index_name = 'health_changes_by_time'
    ),
    'DO 0', 'CREATE INDEX health_changes_by_time ON health_changes (at, change_id)');
PREPARE step FROM @statement;
EXECUTE step;

SET @statement = IF(
    EXISTS (
        SELECT 1 FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND index_name = 'route_changes_by_time'
    ),
    'DO 0',
    'CREATE INDEX route_changes_by_time ON route_changes (decided_at, generation, policy_id)');
PREPARE step FROM @statement;
EXECUTE step;

SET @statement = IF(
    EXISTS (
        SELECT 1 FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND index_name = 'audit_log_by_time'
    ),
    'DO 0', 'CREATE INDEX audit_log_by_time ON audit_log (at, entry_id)');
PREPARE step FROM @statement;
EXECUTE step;
DEALLOCATE PREPARE step;
