import Foundation
import HealthWorkerModel
import HealthWorkerSettings
import Testing

struct PrecedenceTests {
    let folder: ConfigurationFolder

    init() throws {
        folder = try ConfigurationFolder()
    }

    @Test func `without any source every key has its default`() throws {
        let settings = try Settings.load()

        #expect(
            settings.database.url
                == .sqlite(path: "/var/lib/health-worker/health-worker.sqlite"))
        #expect(settings.register.pollInterval == .milliseconds(250))
        #expect(settings.worker.location == "default")
        #expect(settings.worker.concurrency == 1000)
        #expect(settings.worker.batchSize == 500)
        #expect(settings.worker.leaseMargin == .seconds(5))
        #expect(settings.api.listen == ListenAddress(host: "127.0.0.1", port: 8080))
        #expect(settings.api.authHeader == "X-API-Key")
        #expect(settings.probe.resolver == .own)
        #expect(settings.probe.denyNetworks.isEmpty)
        #expect(settings.probe.allowNetworks.isEmpty)
        #expect(settings.history.outcomes == .all)
        #expect(settings.history.keep == .hours(168))
        #expect(settings.log.level == .info)
        #expect(settings.log.format == .logfmt)
        #expect(settings.metrics.listen == nil)
        #expect(settings.secrets.isEmpty)
        #expect(settings.show().allSatisfy { $0.source == .default })
    }

    @Test func `a worker is called after its host and process`() throws {
        let settings = try Settings.load()

        #expect(settings.worker.name.hasSuffix("/\(ProcessInfo.processInfo.processIdentifier)"))
        #expect(settings.worker.name.first != "/")
    }

    @Test func `flag, environment, DATABASE_URL, file and default follow in this order`() throws {
        let file = try folder.write("[database]\nurl = \"sqlite:/file\"\n")
        let prefixed = ["HEALTH_WORKER_DATABASE_URL": "sqlite:/prefixed"]
        let plain = ["DATABASE_URL": "sqlite:/plain"]
        let both = prefixed.merging(plain) { $1 }

        func url(
            _ file: String?, _ environment: [String: String], _ flags: [String: String]
        ) throws -> String {
            let settings = try Settings.load(
                file: file, environment: environment, flags: flags, defaultFile: "/nowhere")
            let source = try #require(settings.shown("database.url")).source
            return "\(settings.database.url) from \(source)"
        }

        let byFlag = ["database.url": "sqlite:/flag"]
        #expect(try url(file, both, byFlag) == "sqlite:/flag from flag --database-url")
        #expect(
            try url(file, both, [:])
                == "sqlite:/prefixed from environment HEALTH_WORKER_DATABASE_URL")
        #expect(try url(file, plain, [:]) == "sqlite:/plain from environment DATABASE_URL")
        #expect(try url(file, [:], [:]) == "sqlite:/file from \(file):2")
        #expect(
            try url(nil, [:], [:])
                == "sqlite:/var/lib/health-worker/health-worker.sqlite from default")
    }

    @Test func `a flag is shown as the program calls it`() throws {
        let settings = try Settings.load(
            file: nil, environment: [:], flags: ["database.url": "sqlite:/data/hw.sqlite"],
            flagNames: ["database.url": "--data-dir"], defaultFile: "/nowhere")

        #expect(settings.shown("database.url")?.source == .flag("--data-dir"))
    }

    @Test func `every key can be set by its variable`() throws {
        let values = [
            "database.url": "sqlite:relative.sqlite", "database.pool_size": "6",
            "database.prepared_statements": "false",
            "database.secrets_key": "\(Data(count: 32).base64EncodedString())",
            "redis.url": "redis://127.0.0.1:6379/1",
            "register.poll_interval": "1s",
            "worker.name": "a", "worker.location": "b", "worker.concurrency": "7",
            "worker.batch_size": "8", "worker.lease_margin": "9s",
            "worker.reference_targets": "192.0.2.1:53, [2001:db8::1]:443, gw.example.com:22",
            "api.listen": "[::1]:0",
            "api.auth.header": "X-Key",
            "api.bootstrap_key": "hw_first_\(String(repeating: "a", count: 32))",
            "api.limits.per_key": "11",
            "api.limits.per_address": "12", "api.limits.refused_keys": "13",
            "probe.resolver": "system",
            "probe.deny_networks": "192.0.2.0/24, 2001:db8::/32",
            "probe.allow_networks": "127.0.0.0/8", "history.outcomes": "none",
            "history.keep": "36h", "history.hours": "36h", "history.audit": "36h",
            "log.level": "debug", "log.format": "json", "metrics.listen": "127.0.0.1:9464-9473",
            "metrics.per_check": "true", "metrics.per_check_limit": "12",
            "consumer.listen": "127.0.0.1:8053", "consumer.networks": "192.0.2.0/24",
            "consumer.snapshot": "/var/lib/hw/routes.json", "agent.listen": "[::1]:8054",
        ]
        let keys = SettingKey.all.filter { $0.path != "secrets.NAME" }
        #expect(Set(keys.map(\.path)) == Set(values.keys))
        #expect(Set(keys.map(\.variable)).count == keys.count)

        let settings = try Settings.load(
            environment: Dictionary(
                uniqueKeysWithValues: keys.map { ($0.variable, values[$0.path] ?? "") }))

        for key in keys {
            let shown = try #require(settings.shown(key.path))
            #expect(shown.source == .environment(key.variable))
            let value = values[key.path]?.replacingOccurrences(of: ", ", with: ",")
            let isHidden = ["database.secrets_key", "api.bootstrap_key"].contains(key.path)
            #expect(shown.value == (isHidden ? "***" : value))
        }
        #expect(settings.database.preparedStatements == false)
        #expect(settings.redis.url == "redis://127.0.0.1:6379/1")
        #expect(settings.api.listen == ListenAddress(host: "::1", port: 0))
        #expect(settings.probe.resolver == .system)
        #expect(
            settings.worker.referenceTargets == [
                TargetAddress(host: "192.0.2.1", port: 53),
                TargetAddress(host: "2001:db8::1", port: 443),
                TargetAddress(host: "gw.example.com", port: 22),
            ])
        #expect(settings.probe.denyNetworks == ["192.0.2.0/24", "2001:db8::/32"])
        #expect(settings.metrics.listen == ListenRange(host: "127.0.0.1", ports: 9464...9473))
        #expect(settings.metrics.perCheck)
        #expect(settings.metrics.perCheckLimit == 12)
        #expect(settings.consumer.listen == ListenAddress(host: "127.0.0.1", port: 8053))
        #expect(settings.consumer.snapshot == "/var/lib/hw/routes.json")
        #expect(settings.agent.listen == ListenAddress(host: "::1", port: 8054))
    }

    @Test func `consumers are told nothing unless an address is named`() throws {
        let none = try Settings.load()
        let off = try Settings.load(environment: [
            "HEALTH_WORKER_CONSUMER_LISTEN": "off", "HEALTH_WORKER_AGENT_LISTEN": "off",
            "HEALTH_WORKER_CONSUMER_SNAPSHOT": "",
        ])

        for settings in [none, off] {
            #expect(settings.consumer.listen == nil)
            #expect(settings.agent.listen == nil)
            #expect(settings.consumer.snapshot == nil)
            #expect(settings.consumer.networks == ["127.0.0.0/8", "::1/128"])
        }
    }

    @Test func `a PostgreSQL database is taken as libpq reads it, and shown without its password`()
        throws
    {
        let settings = try Settings.load(
            environment: ["DATABASE_URL": "postgresql://app:hunter2@db.example.com/hw"])

        #expect(
            settings.database.url
                == .postgresql(url: "postgresql://app:hunter2@db.example.com/hw"))
        #expect(
            settings.shown("database.url")?.value == "postgresql://app:***@db.example.com/hw")
    }

    @Test(arguments: ["mysql", "mariadb"])
    func `a MySQL or MariaDB database is taken as it is written, and shown without its password`(
        _ scheme: String
    ) throws {
        let url = "\(scheme)://app:hunter2@db.example.com/hw?ssl-mode=REQUIRED"

        let settings = try Settings.load(environment: ["DATABASE_URL": url])

        #expect(settings.database.url == .mysql(url: url))
        #expect(
            settings.shown("database.url")?.value
                == "\(scheme)://app:***@db.example.com/hw?ssl-mode=REQUIRED")
    }

    @Test func `TLS to Redis is refused with what to do instead`() throws {
        let problems = try folder.problems("redis.url = \"rediss://:hunter2@redis.example.com\"")

        #expect(problems.count == 1)
        #expect(problems[0].contains("stunnel"))
        #expect(!problems[0].contains("hunter2"))
    }

    @Test func `a value that is overridden is not judged`() throws {
        let settings = try folder.load(
            "[worker]\nbatch_size = 0\n",
            environment: [
                "DATABASE_URL": "postgresql://db.example.com/hw",
                "HEALTH_WORKER_DATABASE_URL": "sqlite:/hw",
            ],
            flags: ["worker.batch_size": "5"])

        #expect(settings.worker.batchSize == 5)
        #expect(settings.database.url == .sqlite(path: "/hw"))
    }

    @Test func `the default file is read where it exists`() throws {
        let file = try folder.write("worker.location = \"north\"")

        let settings = try Settings.load(file: nil, environment: [:], defaultFile: file)

        #expect(settings.worker.location == "north")
        #expect(settings.shown("worker.location")?.source == .file(path: file, line: 1))
    }

    @Test func `an empty DATABASE_URL counts as none`() throws {
        let settings = try Settings.load(environment: ["DATABASE_URL": ""])

        #expect(settings.shown("database.url")?.source == .default)
    }

    @Test(arguments: ["sqlite:/a/b.sqlite", "sqlite:///a/b.sqlite", "SQLite:/a/b.sqlite"])
    func `an absolute path can be written with one slash or three`(text: String) throws {
        let settings = try Settings.load(environment: ["DATABASE_URL": text])

        #expect(settings.database.url == .sqlite(path: "/a/b.sqlite"))
    }
}
