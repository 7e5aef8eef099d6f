import Foundation

// The database writes down what is done to its queue, so that a run is judged by more than what the
// program keeps of itself; and what is read of it afterwards.
extension Engine {
    /// Triggers that record every job that comes, is claimed and goes, and every move of a slot.
    ///
    /// - Parameter now: The database's clock, as an expression.
    func recording(now: String) -> [String] {
        let tables = [
            "CREATE TABLE chaos_inserted (job_id bigint, check_id bigint)",
            """
            CREATE TABLE chaos_claimed (
                job_id bigint, check_id bigint, attempt bigint, attempt_before bigint,
                until_at bigint, at bigint)
            """,
            "CREATE TABLE chaos_ended (job_id bigint, check_id bigint, attempt bigint)",
            """
            CREATE TABLE chaos_ticks (
                interval_us bigint, slot bigint, before_at bigint, after_at bigint)
            """,
        ]
        let events = [
            (
                "inserted", "AFTER INSERT ON probe_jobs", "",
                "NEW.job_id, NEW.check_id"
            ),
            (
                "claimed", "AFTER UPDATE ON probe_jobs", "NEW.attempt <> OLD.attempt",
                "NEW.job_id, NEW.check_id, NEW.attempt, OLD.attempt, NEW.visible_at, \(now)"
            ),
            (
                "ended", "AFTER DELETE ON probe_jobs", "",
                "OLD.job_id, OLD.check_id, OLD.attempt"
            ),
            (
                "ticks", "AFTER UPDATE ON schedule_slots", "NEW.due_at <> OLD.due_at",
                "NEW.interval_us, NEW.slot, OLD.due_at, NEW.due_at"
            ),
        ]
        return tables
            + events.flatMap { name, event, condition, values in
                let when = condition.isEmpty ? "" : "WHEN (\(condition))"
                let action = "INSERT INTO chaos_\(name) VALUES (\(values));"
                return switch self {
                case .sqlite:
                    [
                        """
                        CREATE TRIGGER chaos_\(name) \(event) FOR EACH ROW \(when)
                        BEGIN \(action) END
                        """
                    ]
                case .postgresql, .pgbouncer:
                    [
                        """
                        CREATE FUNCTION chaos_\(name)() RETURNS trigger LANGUAGE plpgsql
                        AS 'BEGIN \(action) RETURN NULL; END'
                        """,
                        """
                        CREATE TRIGGER chaos_\(name) \(event) FOR EACH ROW \(when)
                        EXECUTE FUNCTION chaos_\(name)()
                        """,
                    ]
                case .mysql:
                    // Its triggers have no condition of their own.
                    [
                        """
                        CREATE TRIGGER chaos_\(name) \(event) FOR EACH ROW
                        INSERT INTO chaos_\(name)
                        SELECT \(values) FROM DUAL WHERE \(condition.isEmpty ? "true" : condition)
                        """
                    ]
                }
            }
    }
}

extension Ledger {
    /// Reads everything; nobody writes any more.
    init(
        from database: any TestDatabase, targets: ChaosTargets, targetOfCheck: [String: Int],
        redis: [String]
    ) throws {
        inserted = try database.rows("SELECT job_id, check_id FROM chaos_inserted").map {
            Inserted(job: try $0.integer(0), check: try $0.integer(1))
        }
        claimed = try database.rows(
            """
            SELECT job_id, check_id, attempt, attempt_before, until_at, at FROM chaos_claimed
            """
        ).map {
            Claimed(
                job: try $0.integer(0), check: try $0.integer(1), attempt: try $0.int(2),
                attemptBefore: try $0.int(3), until: try $0.integer(4), at: try $0.integer(5))
        }
        ended = try database.rows("SELECT job_id, check_id, attempt FROM chaos_ended").map {
            Ended(job: try $0.integer(0), check: try $0.integer(1), attempt: try $0.int(2))
        }
        ticks = try database.rows(
            "SELECT interval_us, slot, before_at, after_at FROM chaos_ticks"
        ).map {
            Tick(
                interval: try $0.integer(0), slot: try $0.int(1), before: try $0.integer(2),
                after: try $0.integer(3))
        }
        outcomes = try database.rows(
            """
            SELECT job_id, check_id, attempt, started_at, outcome FROM outcomes ORDER BY job_id
            """
        ).map {
            Outcome(
                job: try $0.integer(0), check: try $0.integer(1), attempt: try $0.int(2),
                startedAt: try $0.integer(3), kind: $0[4])
        }
        changes = try database.rows(
            """
            SELECT check_id, at, to_health, coalesce(job_id, 0) FROM health_changes ORDER BY change_id
            """
        ).map {
            Change(
                check: try $0.integer(0), at: try $0.integer(1), to: $0[2], job: try $0.integer(3))
        }
        held = try database.rows(
            """
            SELECT c.check_id, c.name, h.health, h.in_a_row
            FROM checks AS c
            JOIN check_health AS h ON h.check_id = c.check_id
            """
        ).map {
            Held(check: try $0.integer(0), name: $0[1], health: $0[2], inARow: try $0.int(3))
        }
        live = try database.rows(
            """
            SELECT job_id, check_id, CASE WHEN worker_id IS NULL THEN 0 ELSE 1 END FROM probe_jobs
            """
        ).map { Live(job: try $0.integer(0), check: try $0.integer(1), isHeld: $0[2] == "1") }
        let sums =
            try database.rows(
                """
                SELECT sum(enqueued), sum(completed), sum(lost), sum(void), sum(rescued), sum(stale)
                FROM queue_tallies
                """
            ).first ?? []
        tally = Tally(
            enqueued: try sums.integer(0), completed: try sums.integer(1),
            lost: try sums.integer(2), void: try sums.integer(3), rescued: try sums.integer(4),
            stale: try sums.integer(5))
        routeChanges = try database.rows(
            """
            SELECT policy_id, generation, cause, decided_at, members
            FROM route_changes
            ORDER BY policy_id, generation
            """
        ).map {
            RouteChange(
                policy: try $0.integer(0), generation: try $0.integer(1), cause: $0[2],
                decidedAt: try $0.integer(3), members: try $0.members(4))
        }
        routes = Dictionary(
            uniqueKeysWithValues: try database.rows("SELECT policy_id, members FROM routes").map {
                (try $0.integer(0), try $0.members(1))
            })
        unanswered = Int(try database.number("SELECT count(*) FROM evaluations"))
        counted = redis.compactMap { line in
            // hw:{7} 12 -3
            let words = line.split(separator: " ")
            guard words.count == 3, let check = Int64(words[0].dropFirst(4).dropLast()),
                let job = Int64(words[1]), let run = Int(words[2])
            else { return nil }
            return Counted(check: check, job: job, run: run)
        }
        let requests = targets.requests
        let times = targets.downs
        for check in held {
            guard let number = targetOfCheck[check.name] else { continue }
            probes[check.check] = requests[ChaosTargets.address(number), default: 0]
            downs[check.check] = times[number] ?? []
        }
    }
}

extension [String] {
    fileprivate func integer(_ column: Int) throws -> Int64 {
        guard indices.contains(column), let number = Int64(self[column]) else {
            throw EndToEndError("no number in column \(column): \(self)")
        }
        return number
    }

    fileprivate func int(_ column: Int) throws -> Int { Int(try integer(column)) }

    fileprivate func members(_ column: Int) throws -> [Ledger.Member] {
        try JSONDecoder().decode([Ledger.Member].self, from: Data(self[column].utf8))
    }
}
