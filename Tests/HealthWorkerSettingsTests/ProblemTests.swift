import Foundation
import HealthWorkerSettings
import Testing

struct ProblemTests {
    let folder: ConfigurationFolder

    init() throws {
        folder = try ConfigurationFolder()
    }

    @Test func `all problems are told at once, the file's first and in its order`() throws {
        let problems = try folder.problems(
            """
            [worker]
            batch_size = 5000
            concurency = 10
            lease_margin = 5

            [log]
            level = "inof"
            """,
            environment: ["HEALTH_WORKER_API_LISTEN": "8080"],
            flags: ["history.keep": "1m"])

        #expect(
            problems == [
                "worker.toml:2: worker.batch_size: 5000 is out of range; give 1 to 1000.",
                "worker.toml:3: worker.concurency: unknown key; did you mean worker.concurrency?",
                "worker.toml:4: worker.lease_margin: takes a time in quotes such as \"10s\", not a "
                    + "whole number.",
                "worker.toml:7: log.level: \"inof\" is not one of trace, debug, info, notice, "
                    + "warning, error, critical; did you mean \"info\"?",
                "environment HEALTH_WORKER_API_LISTEN: api.listen: \"8080\" has no port; write it as "
                    + "\"127.0.0.1:8080\".",
                "flag --history-keep: history.keep: 1m is out of range; give 1h to 400d.",
            ])
    }

    @Test(arguments: [
        ("worker.batch_size = \"5\"", "takes a whole number, not text; write it without quotes."),
        ("worker.batch_size = 1.5", "takes a whole number, not a number with a fraction."),
        ("worker.batch_size = true", "takes a whole number, not true or false."),
        ("worker.batch_size = 2026-01-01", "takes a whole number, not a date or time of day."),
        ("worker.batch_size = [1]", "takes a whole number, not a list."),
        ("worker.name = 5", "takes text in quotes, not a whole number."),
        ("worker.name = \"\"", "is 0 characters long; give 1 to 128."),
        ("worker.name = \"a\\u0007\"", "holds a control character; leave it out."),
        (
            "register.poll_interval = \"10\"",
            "\"10\" is no time; write one such as \"250ms\", \"10s\" or \"1m30s\"."
        ),
        ("register.poll_interval = \"49ms\"", "49ms is out of range; give 50ms to 10s."),
        (
            "history.outcomes = \"some\"",
            "\"some\" is not one of all, changes, none."
        ),
        (
            "probe.deny_networks = \"192.0.2.0/24\"",
            "takes a list of networks, not text; write it in brackets: [\"192.0.2.0/24\"]."
        ),
        (
            "probe.deny_networks = [\"192.0.2.1/24\"]",
            "\"192.0.2.1/24\" has bits set beyond its first 24."
        ),
        (
            "probe.deny_networks = [\"2001:db8::1/64\"]",
            "\"2001:db8::1/64\" has bits set beyond its first 64."
        ),
        (
            "probe.deny_networks = [\"192.0.2.0\"]",
            "\"192.0.2.0\" needs a slash and the bits of its prefix, 0 to 32."
        ),
        (
            "probe.deny_networks = [\"192.0.2.0/33\"]",
            "\"192.0.2.0/33\" needs a slash and the bits of its prefix, 0 to 32."
        ),
        (
            "probe.deny_networks = [\"example.com/8\"]",
            "\"example.com/8\" is no network; write one such as \"192.0.2.0/24\"."
        ),
        (
            "worker.reference_targets = \"192.0.2.1:53\"",
            "takes a list of hosts with ports, not text; write it in brackets: "
                + "[\"192.0.2.1:53\", \"gateway.example.com:443\"]."
        ),
        (
            "worker.reference_targets = [\"192.0.2.1\"]",
            "\"192.0.2.1\" has no port; write it as \"192.0.2.1:53\"."
        ),
        (
            "worker.reference_targets = [\"192.0.2.1:0\"]",
            "\"192.0.2.1:0\" needs a port from 1 to 65535 after the colon."
        ),
        (
            "worker.reference_targets = [\":53\"]",
            "\":53\" names no host; write one such as \"192.0.2.1:53\"."
        ),
        (
            "api.auth.header = \"X API\"",
            "\"X API\" is no name of a header; write one such as \"X-API-Key\"."
        ),
        (
            "api.listen = \"127.0.0.1:99999\"",
            "\"127.0.0.1:99999\" needs a port from 0 to 65535 after the colon."
        ),
        (
            "api.listen = \"::1:8080\"",
            "\"::1:8080\" is ambiguous; write an IPv6 address in brackets."
        ),
        (
            "api.listen = \":8080\"",
            "\":8080\" names no address; write 0.0.0.0 or [::] to listen on all."
        ),
        (
            "api.listen = \"[127.0.0.1]:8080\"",
            "\"[127.0.0.1]:8080\" is no address and port; write it as [::1]:8080."
        ),
        (
            "api.listen = \"127.1:8080\"",
            "\"127.1:8080\" is no address and port; write it as \"127.0.0.1:8080\"."
        ),
        (
            "metrics.listen = \"127.0.0.1:9473-9464\"",
            "\"127.0.0.1:9473-9464\" needs a port or a range of ports after the colon, such as "
                + "9464-9473."
        ),
    ])
    func `a wrong value is told with what to write instead`(
        line: String, sentence: String
    ) throws {
        let key = line.prefix { $0 != " " }

        #expect(try folder.problems(line) == ["worker.toml:1: \(key): \(sentence)"])
    }

    @Test(arguments: [
        (
            "mysql:hunter2",
            "is no database URL; write sqlite: and the path of a file, or "
                + "postgresql:// or mysql:// and USER:PASSWORD@HOST/DATABASE."
        ),
        (
            "mongodb://app:hunter2@db.example.com/hw",
            "its scheme is not known; write sqlite: and the path of a file, or "
                + "postgresql:// or mysql:// and USER:PASSWORD@HOST/DATABASE."
        ),
        (
            "hunter2",
            "is no database URL; write sqlite: and the path of a file, or "
                + "postgresql:// or mysql:// and USER:PASSWORD@HOST/DATABASE."
        ),
        (
            "sqlite://app:hunter2@db.example.com/hw?password=hunter2",
            "\"sqlite://app:***@db.example.com/hw?password=***\" names a host; write sqlite:PATH, or "
                + "sqlite:///PATH with three slashes."
        ),
        (
            "sqlite:/hw?mode=ro",
            "\"sqlite:/hw?mode=ro\" has parameters, which sqlite: does not take; leave out what "
                + "begins with \"?\"."
        ),
        (
            "sqlite::memory:",
            "a database in memory is lost with the process; write sqlite: and the path of a file, or "
                + "postgresql:// or mysql:// and USER:PASSWORD@HOST/DATABASE."
        ),
        (
            "sqlite:",
            "\"sqlite:\" names no file; write sqlite: and the path of a file, or "
                + "postgresql:// or mysql:// and USER:PASSWORD@HOST/DATABASE."
        ),
    ])
    func `a database that this build cannot use is refused without its password`(
        url: String, sentence: String
    ) throws {
        #expect(
            try folder.problems("", environment: ["DATABASE_URL": url])
                == ["environment DATABASE_URL: database.url: \(sentence)"])
    }

    @Test func `unknown keys are told with their line and what was meant`() throws {
        let problems = try folder.problems(
            """
            # batch_size = 1
            batchsize = 5
            worker = { nmae = "a", location = "b" }
            [wroker]
            name = "a"
            [[sinks]]
            url = "http://127.0.0.1/"
            [empty]
            [api."auth"]
            hedaer = '''
            [log]
            level = 1
            '''
            [log.level]
            deep = 1
            [history]
            keep_file = "/keep"
            """)

        #expect(
            problems == [
                "worker.toml:2: batchsize: unknown key; did you mean worker.batch_size?",
                "worker.toml:3: worker.nmae: unknown key; did you mean worker.name?",
                "worker.toml:5: wroker.name: unknown key; did you mean worker.name?",
                "worker.toml:6: sinks: unknown key; remove it.",
                "worker.toml:8: empty: unknown key; remove it.",
                "worker.toml:10: api.auth.hedaer: unknown key; did you mean api.auth.header?",
                "worker.toml:15: log.level.deep: unknown key; remove it.",
                "worker.toml:17: history.keep_file: unknown key; only secrets are read from files: "
                    + "give history.keep.",
            ])
    }

    @Test func `a value where a table belongs is told so`() throws {
        #expect(
            try folder.problems("worker = 5\n[api]\nauth = \"X-API-Key\"") == [
                "worker.toml:1: worker: is a table; write [worker] and its keys below it.",
                "worker.toml:3: api.auth: is a table; write [api.auth] and its keys below it.",
            ])
    }

    @Test func `a key in quotes with a dot is not the key in its table`() throws {
        #expect(
            try folder.problems("\"worker.name\" = \"a\"") == [
                "worker.toml:1: \"worker.name\": unknown key; did you mean worker.name?"
            ])
    }

    @Test func `lines are right after long strings, lists and tables in one line`() throws {
        let problems = try folder.problems(
            """
            worker.name = \"\"\"
            a\\"\"\" # [worker]
            \"\"\"\"\"
            probe.deny_networks = [ # one ] a line
                "192.0.2.0/24",
                'a]b',
            ]
            api = { auth = { header = "X-API-Key" }, listen = "}" }
            log.level = '\\' # '
            log . "format" = "xml"
            """)

        #expect(
            problems.map { $0.split(separator: ":").prefix(3).joined(separator: ":") } == [
                "worker.toml:1: worker.name", "worker.toml:4: probe.deny_networks",
                "worker.toml:8: api.listen", "worker.toml:9: log.level",
                "worker.toml:10: log.format",
            ])
    }

    @Test func `what is no TOML is told with line and column`() throws {
        let problems = try folder.problems("[worker]\nname = \n")

        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("worker.toml:2:8: is not valid TOML: ") == true)
        #expect(problems.first?.hasSuffix(".") == true)
    }

    @Test func `a file that was named must exist`() throws {
        let file = "\(folder.path)/missing.toml"

        let error = #expect(throws: SettingsError.self) {
            try Settings.load(
                file: file, environment: ["HEALTH_WORKER_LOG_LEVEL": "loud"], flags: [:])
        }

        #expect(
            error?.description == """
                \(file): cannot be read: there is no such file.
                environment HEALTH_WORKER_LOG_LEVEL: log.level: "loud" is not one of trace, debug, \
                info, notice, warning, error, critical.
                """)
    }

    @Test func `a file that cannot be read is told with the system's reason`() throws {
        let error = #expect(throws: SettingsError.self) {
            try Settings.load(file: folder.path, environment: [:])
        }

        #expect(error?.description == "\(folder.path): cannot be read: is a directory.")
    }

    @Test func `a file with a NUL is refused, not read up to it`() throws {
        #expect(
            try folder.problems("worker.name = \"a\"\n\0worker.nmae = 1")
                == ["worker.toml: cannot be read: it is not UTF-8 text."])
    }

    @Test func `an unknown variable or flag is told with what was meant`() throws {
        let problems = try folder.problems(
            "",
            environment: [
                "HEALTH_WORKER_WORKER_BATCHSIZE": "5", "HEALTH_WORKER_WORKER_NAME_FILE": "/name",
                "HEALTH_WORKER_SINKS_DNS": "redis://127.0.0.1", "OTHER": "1",
            ], flags: ["worker.paused": "true"])

        #expect(
            problems == [
                "environment HEALTH_WORKER_SINKS_DNS: unknown variable; unset it.",
                "environment HEALTH_WORKER_WORKER_BATCHSIZE: unknown variable; did you mean "
                    + "HEALTH_WORKER_WORKER_BATCH_SIZE?",
                "environment HEALTH_WORKER_WORKER_NAME_FILE: only secrets are read from files; set "
                    + "HEALTH_WORKER_WORKER_NAME.",
                "flag --worker-paused: worker.paused: unknown key; remove it.",
            ])
    }

    @Test func `variables of the commands, and those that Kubernetes sets, are let pass`() throws {
        let problems = try folder.problems(
            "",
            environment: [
                "HEALTH_WORKER_KEY": "k", "HEALTH_WORKER_KEY_FILE": "/k",
                "HEALTH_WORKER_SERVER": "http://127.0.0.1:8080",
                "HEALTH_WORKER_BOOTSTRAP_KEY": "k",
                "HEALTH_WORKER_SERVICE_HOST": "192.0.2.1", "HEALTH_WORKER_SERVICE_PORT": "8080",
                "HEALTH_WORKER_SERVICE_PORT_HTTP": "8080",
                "HEALTH_WORKER_PORT": "tcp://192.0.2.1:8080",
                "HEALTH_WORKER_API_PORT_8080_TCP": "tcp://192.0.2.1:8080",
                "HEALTH_WORKER_PORT_8080_TCP_PROTO": "tcp",
                "HEALTH_WORKER_PORT_8080_TCP_PORT": "8080",
                "HEALTH_WORKER_PORT_8080_TCP_ADDR": "192.0.2.1",
            ])

        #expect(problems.isEmpty)
        #expect(
            try folder.problems("", environment: ["HEALTH_WORKER_PORT": "8080"])
                == ["environment HEALTH_WORKER_PORT: unknown variable; unset it."])
    }
}
