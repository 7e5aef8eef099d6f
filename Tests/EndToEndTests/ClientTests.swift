import Foundation
import Testing

/// What scripts rely on of the commands: exit codes, formats, keys, and what applies does.
@Suite struct `The client` {
    private static let document = """
        format: 1
        set: shop
        defaults:
          checks: {interval: 60s, timeout: 1s}
        checks:
        - {name: mail, type: tcp, target: {host: 127.0.0.1, port: 1}, labels: {env: prod}}
        policies:
        - name: mx
          type: detach
          members: [{name: a, value: 127.0.0.1, check: mail}]
        """

    /// An installation with the document applied, and its variables for the client.
    private func withInstallation(
        _ test: (Scratch, [String: String]) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        let file = try scratch.write(Self.document, to: "shop.yaml")
        let installation = try await Installation.start(
            in: scratch, port: try Here.freePort(), apply: file)
        let environment = [
            "HEALTH_WORKER_SERVER": "http://127.0.0.1:\(installation.port)",
            "HEALTH_WORKER_KEY_FILE": scratch.file("data/admin.key").path,
        ]
        do {
            try await test(scratch, environment)
        } catch {
            await installation.program.destroy()
            throw error
        }
        await installation.program.destroy()
        scratch.remove()
    }

    private func run(
        _ arguments: [String], _ scratch: Scratch, _ environment: [String: String]
    ) async throws -> (code: Int32?, text: String) {
        try await Program.run(
            Here.healthWorker, arguments, in: scratch, environment: environment)
    }

    @Test(.timeLimit(.minutes(2)))
    func `every exit code says what the manual says`() async throws {
        try await withInstallation { scratch, environment in
            let changed = try scratch.write(
                Self.document.replacing("60s", with: "50s"), to: "changed.yaml"
            ).path
            let bad = try scratch.write("format: 1\nchekcs: []\n", to: "bad.yaml").path
            let config = try scratch.write("[api]\nlissten = \"x\"\n", to: "bad.toml").path
            func code(
                _ arguments: String..., changing changes: [String: String] = [:]
            ) async throws -> Int32? {
                try await run(arguments, scratch, environment.merging(changes) { $1 }).code
            }

            #expect(try await code("checks", "list") == 0)
            #expect(try await code("checks", "get", "nobody") == 1)
            #expect(try await code("diff", "-f", changed) == 3)
            #expect(
                try await code(
                    "checks", "list", changing: ["HEALTH_WORKER_KEY_FILE": "/nonexistent"]) == 4)
            #expect(
                try await code(
                    "checks", "list", changing: ["HEALTH_WORKER_SERVER": "http://127.0.0.1:1"]) == 5
            )
            #expect(try await code("checks", "delete", "mail") == 6)
            #expect(try await code("override", "set", "sideways", "mx", "a") == 64)
            #expect(try await code("apply", "-f", bad) == 65)
            #expect(
                try await code(
                    "keys", "list", "--database",
                    changing: ["DATABASE_URL": "sqlite:\(scratch.file("new.sqlite").path)"]) == 75)
            #expect(try await code("config", "check", "--config", config) == 78)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `listings come as a table, JSON, YAML and names, coloured on a terminal alone`()
        async throws
    {
        try await withInstallation { scratch, environment in
            func list(_ format: String, _ more: String...) async throws -> String {
                try await run(["checks", "list", "-o", format] + more, scratch, environment).text
            }
            let terminal = ["-c", "import pty,sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"]
            let command = [Here.healthWorker.path, "policies", "watch", "mx", "--for", "2s"]
            var bare = environment
            bare["NO_COLOR"] = "1"
            bare["TERM"] = "xterm"
            var coloured = bare
            coloured["NO_COLOR"] = ""

            let table = try await list("table")
            let json = try await list("json")
            let watched = try await Program.run(
                Here.python, terminal + command, in: scratch, environment: bare)
            let piped = try await run(Array(command.dropFirst()), scratch, environment)
            let listing = terminal + [Here.healthWorker.path, "checks", "list"]
            let shown = try await Program.run(
                Here.python, listing, in: scratch, environment: coloured)
            let plain = try await Program.run(Here.python, listing, in: scratch, environment: bare)

            #expect(table.hasPrefix("NAME  HEALTH"))
            #expect(!table.contains("\u{1b}"))
            let decoded = try JSONDecoder().decode([Named].self, from: Data(json.utf8))
            #expect(decoded.map(\.name) == ["mail"])
            #expect(try await list("yaml").contains("  name: mail\n"))
            #expect(try await list("name") == "mail\n")
            #expect(try await list("name", "--type", "http") == "")
            #expect(shown.text.contains("\u{1b}[3"))
            #expect(!plain.text.contains("\u{1b}"))
            // The line that says what is waited for is a terminal's alone.
            #expect(watched.text.contains("watching mx …"))
            #expect(!piped.text.contains("watching"))
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a maintenance is begun, listed and ended by its commands`() async throws {
        try await withInstallation { scratch, environment in
            let pool = try scratch.write(
                """
                format: 1
                set: pool
                policies:
                - name: www
                  type: simple
                  members:
                  - {name: fra1, value: 127.0.0.1, labels: {site: fra1}}
                  - {name: ams1, value: 127.0.0.2, labels: {site: ams1}}
                """, to: "pool.yaml"
            ).path
            func tell(_ arguments: String...) async throws -> (code: Int32?, text: String) {
                try await run(arguments, scratch, environment)
            }
            #expect(try await tell("apply", "-f", pool).code == 0)

            let begun = try await tell(
                "maintenance", "start", "site=ams1", "--for", "2h", "-m", "switches")
            let refused = try await tell(
                "maintenance", "start", "site=fra1", "--for", "2h", "-m", "more")
            let endless = try await tell("maintenance", "start", "site=fra1", "-m", "more")
            let later = try await tell(
                "maintenance", "start", "site=fra1", "--at", "2099-01-01T01:00:00+01:00",
                "--until", "2099-01-01T03:00:00+01:00", "-m", "later")
            let listed = try await tell("maintenance", "list", "--state", "active")
            let names = try await tell("maintenance", "list", "-o", "name")
            let status = try await tell("status")
            let explained = try await tell("policies", "explain", "www")
            let ended = try await tell("maintenance", "end", "1", "-m", "done")
            let history = try await tell("history", "www")
            let again = try await tell("maintenance", "end", "1")

            #expect(begun.code == 0, "\(begun.text)")
            #expect(begun.text.hasPrefix("1: site=ams1 until "))
            #expect(begun.text.contains("  www: ams1\n"))
            #expect(refused.code == 6, "\(refused.text)")
            #expect(refused.text.contains("--break-glass"))
            #expect(endless.code == 64)
            #expect(later.code == 0, "\(later.text)")
            #expect(later.text.contains(" from "))
            #expect(listed.text.contains("switches") && !listed.text.contains("later"))
            #expect(names.text == "2\n1\n")
            #expect(status.text.contains("maintenance 1: site=ams1 until "))
            #expect(status.text.contains("health-worker maintenance end 1"))
            #expect(explained.text.contains("In maintenance:\n  ams1 until "))
            #expect(ended.code == 0 && ended.text.contains("ended: site=ams1: switches"))
            #expect(history.text.contains("began ams1 until "), "\(history.text)")
            #expect(history.text.contains("ended ams1: switches"))
            #expect(again.code == 6, "\(again.text)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a month is reported as a table, a spreadsheet, JSON and a page of its own`() async throws
    {
        try await withInstallation { scratch, environment in
            let file = SQLiteFile(path: scratch.file("data/health-worker.sqlite").path)
            // The first two hours of the month before this one: recent enough to be kept.
            let begin = "'now', 'start of month', '-1 month'"
            let month = try file.rows("SELECT strftime('%Y-%m', \(begin))")[0][0]
            _ = try file.rows(
                """
                INSERT INTO policy_hours
                    (policy_id, hour, measured_us, available_us, degraded_us, unknown_us, failovers,
                     observed, applied, decided, times, false_switches)
                SELECT policy_id, CAST(strftime('%s', \(begin)) AS INTEGER) / 3600 + n, 3600000000,
                       3600000000 - 720000000 * n, 0, 0, n, n, 0, 0,
                       CASE n WHEN 1 THEN 'kFB' ELSE '' END, 0
                FROM policies, (SELECT 0 AS n UNION SELECT 1) AS hours
                """)
            func report(_ more: String...) async throws -> (code: Int32?, text: String) {
                try await run(["report", "--month", month] + more, scratch, environment)
            }

            let table = try await report()
            let csv = try await report("-o", "csv", "--selector", "!nothing")
            let json = try await report("-o", "json")
            let html = try await report("-o", "html")
            let wrong = try await run(["report", "--month", "May"], scratch, environment)

            #expect(table.code == 0)
            #expect(table.text.hasPrefix("Availability in \(month)\n"), "\(table.text)")
            #expect(table.text.contains("90.0000 %"), "\(table.text)")
            #expect(table.text.contains("1 observed"), "\(table.text)")
            #expect(
                csv.text.contains(
                    "\(month),mx,detach,live,\(month)-01T00:00:00Z,7200,6480,0,0,0.9,1,0,1"),
                "\(csv.text)")
            #expect(json.text.contains("\"availability\" : 0.9"), "\(json.text)")
            #expect(html.text.hasPrefix("<!doctype html>") && html.text.contains("90.0000 %"))
            #expect(wrong.code == 64)
        }
    }

    private struct Named: Decodable {
        var name: String
    }

    @Test(.timeLimit(.minutes(2)))
    func `the credentials file is used, and refused where others may read it`() async throws {
        try await withInstallation { scratch, environment in
            let folder = scratch.file("home/.config/health-worker")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let key = try String(contentsOf: scratch.file("data/admin.key"), encoding: .utf8)
            let file = folder.appending(path: "key")
            func list(mode: Int) async throws -> (code: Int32?, text: String) {
                try Data(key.utf8).write(to: file)
                try FileManager.default.setAttributes(
                    [.posixPermissions: mode], ofItemAtPath: file.path)
                var alone = environment
                alone["HEALTH_WORKER_KEY_FILE"] = nil
                alone["HOME"] = scratch.file("home").path
                alone["XDG_CONFIG_HOME"] = ""
                return try await run(["checks", "list", "-o", "name"], scratch, alone)
            }

            let kept = try await list(mode: 0o600)
            let open = try await list(mode: 0o640)

            #expect(kept.code == 0)
            #expect(kept.text == "mail\n")
            #expect(open.code == 4)
            #expect(open.text.contains("chmod 600 \(file.path)"))
            #expect(!open.text.contains(key.trimmingCharacters(in: .whitespacesAndNewlines)))
        }
    }

    @Test(.timeLimit(.minutes(3)))
    func `files, folders and standard input are one document, and problems name the file`()
        async throws
    {
        try await withInstallation { scratch, environment in
            let folder = scratch.file("documents")
            try FileManager.default.createDirectory(
                at: folder.appending(path: "deep"), withIntermediateDirectories: true)
            func check(_ name: String) -> String {
                "set: shop\nchecks:\n- {name: \(name), type: tcp, target: {host: 127.0.0.1, port: 1}}\n"
            }
            try Data("format: 1\ndefaults: {checks: {interval: 42s}}\n\(check("one"))".utf8).write(
                to: folder.appending(path: "one.yaml"))
            try Data("format: 1\n\(check("two"))".utf8).write(
                to: folder.appending(path: "deep/two.yml"))
            try Data("this is no document".utf8).write(to: folder.appending(path: "README"))
            let own = scratch.file("shop.yaml").path
            let others = try scratch.write(
                "format: 1\nset: other\nchecks:\n"
                    + "- {name: mail, type: tcp, target: {host: 127.0.0.1, port: 2}}\n",
                to: "others.yaml"
            ).path

            let applied = try await run(
                ["apply", "-f", folder.path, "-f", own, "--prune", "-m", "from git"], scratch,
                environment)
            let one = try await run(["checks", "get", "one", "-o", "json"], scratch, environment)
            let two = try await run(["checks", "get", "two", "-o", "json"], scratch, environment)
            let left = try await run(["diff", "-f", own], scratch, environment)
            let owned = try await run(["apply", "-f", others], scratch, environment)
            let exported = try await run(["export", "--set", "shop"], scratch, environment)
            let back = try await Program.run(
                URL(filePath: "/bin/sh"),
                [
                    "-c", "\"$0\" export --set shop | \"$0\" apply -f - --prune",
                    Here.healthWorker.path,
                ], in: scratch, environment: environment)

            #expect(applied.code == 0, "\(applied.text)")
            #expect(applied.text.contains("2 created, 2 unchanged"))
            #expect(applied.text.contains("probed once: failure, connect_refused"))
            #expect(one.text.contains("\"interval\" : \"42s\""))
            #expect(two.text.contains("\"interval\" : \"30s\"") || !two.text.contains("42s"))
            #expect(left.code == 0)
            #expect(left.text.contains("kept unless pruned: check one, check two"))
            #expect(owned.code == 6)
            #expect(owned.text.hasPrefix("\(others):4: checks[mail]: the check mail belongs to"))
            #expect(exported.text.contains("name: two"))
            #expect(back.code == 0)
            #expect(back.text == "nothing to do: 4 unchanged\n")
        }
    }

    @Test(.timeLimit(.minutes(4)))
    func `a thousand checks are one document`() async throws {
        try await withInstallation { scratch, environment in
            let checks = (0..<1000).map {
                "- {name: c\($0), type: tcp, target: {host: 127.0.0.1, port: 1}, interval: 1h}\n"
            }
            let file = try scratch.write(
                "format: 1\nset: many\nchecks:\n\(checks.joined())", to: "many.yaml"
            ).path

            let applied = try await run(["apply", "-f", file, "-o", "name"], scratch, environment)
            let again = try await run(["apply", "-f", file], scratch, environment)

            #expect(applied.code == 0)
            #expect(applied.text.split(separator: "\n").count == 1000)
            #expect(again.text == "nothing to do: 1000 unchanged\n")
        }
    }
}
