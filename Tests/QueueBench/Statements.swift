import ArgumentParser
import HealthWorkerPostgreSQL

/// Prints what pgbench does in place of workers: the very statements of the driver, which is asked
/// for them, so that the two cannot drift apart.
///
/// A claim answers with many rows, and pgbench keeps one: a function around the statement makes
/// arrays of them. It is in PL/pgSQL, which prepares the statement once, as the driver does.
struct Statements: ParsableCommand {
    @Flag(help: "The functions that the script calls.") var functions = false
    @Flag(help: "The settings of each connection.") var settings = false

    func run() {
        if settings {
            print(PostgreSQLStorage.settings)
        } else if functions {
            print(
                """
                CREATE FUNCTION raw_claim(bigint, text, bigint, text, integer, bigint)
                    RETURNS SETOF record
                    LANGUAGE plpgsql
                AS $raw$
                BEGIN
                    RETURN QUERY \(PostgreSQLStorage.claimJobs);
                END
                $raw$;
                """)
        } else {
            print(claim + "\n" + completion + ";")
        }
    }

    /// The columns of a completion of which nothing moves, each with its value; those without one
    /// are as the driver sends them.
    private static let columns: [String] = [
        "claimed.jobs", "claimed.attempts", filled("1::bigint"), filled("1500::bigint"),
        filled("true"), filled("'success'::text"), "'{}'::text[]",
        filled("'127.0.0.1:1'::text"), "'{}'::bigint[]", filled("150::bigint"),
        "'{}'::bigint[]", filled("20::bigint"), filled("300::bigint"),
        "'{}'::bigint[]", filled("200::integer"), "'{}'::bigint[]", "'{}'::text[]",
    ]

    private static func filled(_ value: String) -> String {
        "array_fill(\(value), ARRAY[claimed.n])"
    }

    private var claim: String {
        let values = Self.columns.enumerated().map { "\($1) AS v\($0 + 1)" }
        return """
            SELECT \(values.joined(separator: ", "))
            FROM (
                SELECT coalesce(array_agg(job_id), '{}') AS jobs,
                       coalesce(array_agg(attempt), '{}') AS attempts,
                       count(*)::integer AS n
                FROM raw_claim(0, '|default|', :client_id, 'default', :batch, 5000000) AS c (
                    job_id bigint, attempt integer, check_id bigint, due_at bigint,
                    claimed_at bigint, visible_at bigint, revision bigint, epoch bigint,
                    health text, health_since bigint, in_a_row integer, run_since bigint,
                    run_worker_id bigint, corroborated boolean, inconclusive_since bigint,
                    change_id bigint
                )
            ) AS claimed \\gset
            """
    }

    private var completion: String {
        PostgreSQLStorage.completeSteadyJobs.replacing(#/\$(\d+)/#) { match in
            switch Int(match.1) {
            case 18?: ":client_id::bigint"
            case 19?: ":batch::bigint"
            default: ":v\(match.1)"
            }
        }
    }
}
