package import HealthWorkerModel

/// What this process was told, checked and complete.
///
/// `Settings.load` makes it; `show()` says where each value came from.
package struct Settings: Sendable {
    package var database: Database
    package var redis: Redis
    package var register: Register
    package var worker: Worker
    package var api: API
    package var consumer: Consumer
    package var agent: Agent
    package var probe: Probe
    package var history: History
    package var log: Log
    package var metrics: Metrics
    /// By name, for `secret_headers` of checks.
    package var secrets: [String: Secret]
    /// In the order of names.
    package var sinks: [Sink]

    let shown: [EffectiveSetting]
    let hidden: [String: Secret]

    package struct Database: Sendable, Equatable {
        package var url: DatabaseURL
        package var poolSize: Int
        package var preparedStatements: Bool
        /// Each of 32 bytes in base 64; the first seals.
        package var secretsKeys: [Secret]
    }

    package struct Redis: Sendable, Equatable {
        /// Nil: runs are counted from the rows alone.
        package var url: String?
    }

    package struct Register: Sendable, Equatable {
        package var pollInterval: TimeSpan
    }

    package struct Worker: Sendable, Equatable {
        package var name: String
        package var location: String
        package var concurrency: Int
        package var batchSize: Int
        package var leaseMargin: TimeSpan
        /// Empty: this worker never takes itself to be isolated.
        package var referenceTargets: [TargetAddress]
    }

    package struct API: Sendable, Equatable {
        package var listen: ListenAddress
        /// The header that carries a key beside `Authorization: Bearer`.
        package var authHeader: String
        /// The first key of an installation, role admin.
        package var bootstrapKey: Secret?
        package var limits: Limits
    }

    /// Of one process; 0: no limit.
    package struct Limits: Sendable, Equatable {
        /// Requests a second with one key.
        package var perKey: Int
        /// Requests a second without a key from one address.
        package var perAddress: Int
        /// A minute, from one address.
        package var refusedKeys: Int
    }

    /// Who is told routes without a key. Networks in CIDR form, as below.
    package struct Consumer: Sendable, Equatable {
        /// Nil: nothing is told without a key.
        package var listen: ListenAddress?
        package var networks: [String]
        /// The path of a file; nil: routes are held in memory alone.
        package var snapshot: String?
    }

    package struct Agent: Sendable, Equatable {
        /// Nil: HAProxy is told nothing.
        package var listen: ListenAddress?
    }

    /// Networks in CIDR form: an address, a slash and the bits of its prefix, no bit set beyond.
    package struct Probe: Sendable, Equatable {
        package var resolver: ResolverChoice
        package var denyNetworks: [String]
        package var allowNetworks: [String]
    }

    package struct History: Sendable, Equatable {
        package var outcomes: KeptOutcomes
        package var keep: TimeSpan
        /// How long the figures of each hour are kept.
        package var hours: TimeSpan
        /// How long the audit log is kept.
        package var audit: TimeSpan
    }

    package struct Log: Sendable, Equatable {
        package var level: LogLevel
        package var format: LogFormat
    }

    package struct Metrics: Sendable, Equatable {
        /// Nil when no metrics are served.
        package var listen: ListenRange?
        /// Whether each check has series of its own.
        package var perCheck: Bool
        package var perCheckLimit: Int
    }

    /// Something that receives routes, by the name that policies know it by.
    package struct Sink: Sendable {
        package var name: String
        /// The kind's name.
        package var type: String
        package var configuration: any SinkConfiguration
    }
}

package enum ResolverChoice: String, CaseIterable, Sendable {
    case own, system
}

package enum LogFormat: String, CaseIterable, Sendable {
    case logfmt, json
}

extension Settings {
    /// The table of keys: each key's path, type, default, range and sentence stand here and nowhere
    /// else. Reading it from nothing gives the defaults and the list of keys.
    init(_ keys: inout SettingReader, sinks kinds: [SinkType] = []) {
        database = Database(
            url: keys.value(
                "database.url", .databaseURL,
                default: .sqlite(path: "/var/lib/health-worker/health-worker.sqlite"),
                isSecret: true, otherVariable: "DATABASE_URL",
                "Where everything is kept: sqlite: and the path of a file, taken as written, or "
                    + "postgresql:// or mysql:// and USER:PASSWORD@HOST/DATABASE."),
            poolSize: keys.value(
                "database.pool_size", .integer(1...100), default: 4,
                "The most connections to a database server that this process opens."),
            preparedStatements: keys.value(
                "database.prepared_statements", .flag, default: true,
                "Whether statements are prepared; false behind PgBouncer in transaction mode."),
            secretsKeys: keys.value(
                "database.secrets_key", .sealingKeys, default: [], isSecret: true,
                "The key that seals the secrets stored in the database, 32 bytes in base 64 (openssl "
                    + "rand -base64 32), the same for every api and worker. Several, with blanks or in "
                    + "lines: the first one seals and each opens; to change the key, list the new one "
                    + "behind the old one, then before it, run health-worker secrets reseal, and take "
                    + "the old one away."))

        redis = Redis(
            url: keys.value(
                "redis.url", .redisURL, default: nil, isSecret: true, otherVariable: "REDIS_URL",
                "Where counts, heartbeats and live settings are kept, too; empty: in rows alone. Each "
                    + "installation needs a Redis database of its own: redis://HOST:6379/1."))

        register = Register(
            pollInterval: keys.value(
                "register.poll_interval", .time(.milliseconds(50) ... .seconds(10)),
                default: .milliseconds(250), reloads: true, "How often due checks are looked for."))

        worker = Worker(
            name: keys.value(
                "worker.name", .text(1...128),
                default: SettingReader.processName, shownAs: "HOST/PID",
                "What this process is called in the fleet."),
            location: keys.value(
                "worker.location", .text(1...64), default: "default",
                "Where this worker is; a check that lists locations is probed only from these."),
            concurrency: keys.value(
                "worker.concurrency", .integer(WorkerSettings.concurrencyRange), default: 1000,
                reloads: true,
                "The most probes in flight at once."),
            batchSize: keys.value(
                "worker.batch_size", .integer(WorkerSettings.batchSizeRange), default: 500,
                reloads: true,
                "The most jobs claimed in one go."),
            leaseMargin: keys.value(
                "worker.lease_margin", .time(.seconds(1) ... .seconds(60)), default: .seconds(5),
                reloads: true,
                "How much longer than its check's time-out a claimed job is held."),
            referenceTargets: keys.value(
                "worker.reference_targets", .targets(0...16), default: [],
                "Hosts with ports that accept connections as long as this worker has a network, best "
                    + "several that do not depend on each other: when none does, it claims nothing and "
                    + "its outcomes count nothing."))

        api = API(
            listen: keys.value(
                "api.listen", .listenAddress, default: ListenAddress(host: "127.0.0.1", port: 8080),
                "Where the API listens: address and port; IPv6 in brackets, port 0 for any."),
            authHeader: keys.value(
                "api.auth.header", .headerName, default: "X-API-Key",
                "The header that carries an API key beside Authorization: Bearer and X-API-Key."),
            bootstrapKey: keys.value(
                "api.bootstrap_key", .apiKey, default: nil, isSecret: true,
                "The first key, role admin, where nobody is at a terminal to make one: an api that "
                    + "finds no key at all makes this one. hw_, letters and digits, _, and 32 or more "
                    + "random letters and digits: echo hw_first_$(openssl rand -hex 32)."),
            limits: Limits(
                perKey: keys.value(
                    "api.limits.per_key", .integer(0...1_000_000), default: 10_000, reloads: true,
                    "Requests a second with one key at this process, twice as many in a burst; 0: as "
                        + "many as anybody likes."),
                perAddress: keys.value(
                    "api.limits.per_address", .integer(0...1_000_000), default: 100, reloads: true,
                    "Requests a second without a key from one address, twice as many in a burst; 0: as "
                        + "many as anybody likes."),
                refusedKeys: keys.value(
                    "api.limits.refused_keys", .integer(0...1_000_000), default: 30, reloads: true,
                    "Keys a minute from one address that may be wrong before others from there have to "
                        + "wait; 0: as many as anybody likes.")))

        consumer = Consumer(
            listen: keys.value(
                "consumer.listen", .listenAddressOrOff, default: nil,
                "Where an API also tells routes without a key, read-only, to programs that send traffic "
                    + "by them, such as \"127.0.0.1:8053\"; it answers on while the database is away."
            ),
            networks: keys.value(
                "consumer.networks", .networks, default: ["127.0.0.0/8", "::1/128"], reloads: true,
                "The networks whose programs may ask at consumer.listen and agent.listen."),
            snapshot: keys.value(
                "consumer.snapshot", .pathOrNone, default: nil,
                "A file in which an API keeps the routes for its next start: it then tells them also "
                    + "before the database is there. Standalone with --data-dir keeps routes.json there."
            ))

        agent = Agent(
            listen: keys.value(
                "agent.listen", .listenAddressOrOff, default: nil,
                "Where an API answers HAProxy's agent-check, whose agent-send names POLICY/MEMBER, such "
                    + "as \"127.0.0.1:8054\"."))

        probe = Probe(
            resolver: keys.value(
                "probe.resolver", .choice(ResolverChoice.self), default: .own,
                "Who finds the addresses of names: \"own\" asks the servers of /etc/resolv.conf "
                    + "itself, any number at once; \"system\" calls getaddrinfo, a few at once."),
            denyNetworks: keys.value(
                "probe.deny_networks", .networks, default: [], reloads: true,
                "Networks that are not probed, in addition to the link-local ones."),
            allowNetworks: keys.value(
                "probe.allow_networks", .networks, default: [], reloads: true,
                "Networks that may be probed though a larger one around them is denied; the address of "
                    + "this installation's own database or Redis, as 192.0.2.1/32, opens that."))

        history = History(
            outcomes: keys.value(
                "history.outcomes", .choice(KeptOutcomes.self), default: .all, reloads: true,
                "Which outcomes are kept."),
            keep: keys.value(
                "history.keep", .time(.hours(1) ... .hours(400 * 24)), default: .hours(7 * 24),
                reloads: true,
                "How long outcomes are kept; at least until their hour is summed up."),
            hours: keys.value(
                "history.hours", .time(.hours(24) ... .hours(4000 * 24)), default: .hours(400 * 24),
                reloads: true,
                "How long the figures of each hour are kept, from which reports are made."),
            audit: keys.value(
                "history.audit", .time(.hours(24) ... .hours(4000 * 24)), default: .hours(400 * 24),
                reloads: true,
                "How long the audit log tells who changed what, and routes that a sink never took are kept."
            ))

        log = Log(
            level: keys.value(
                "log.level", .choice(LogLevel.self), default: .info, reloads: true,
                "The least important log lines that are written."),
            format: keys.value(
                "log.format", .choice(LogFormat.self), default: .logfmt,
                "How log lines are written to standard error."))

        metrics = Metrics(
            listen: keys.value(
                "metrics.listen", .listenRange, default: nil,
                "Where Prometheus may fetch metrics, such as \"127.0.0.1:9464-9473\": the first "
                    + "port of the range that is free."),
            perCheck: keys.value(
                "metrics.per_check", .flag, default: false,
                "Whether register and api tell the health of each check by its name."),
            perCheckLimit: keys.value(
                "metrics.per_check_limit", .integer(1...100_000), default: 1000,
                "The most checks, by name, that are told one by one; how many are left out is told, too."
            ))

        secrets = keys.secrets(
            "secrets",
            "Values that checks name in secret_headers, before the stored ones of the same name.")

        sinks = keys.sinks(kinds)

        shown = keys.effective
        hidden = keys.hidden
    }
}
