import HealthWorkerModel
import HealthWorkerSettings
import Testing

struct SinkSettingsTests {
    private struct Bucket: SinkConfiguration {
        var url: ServiceURL
        var key: Secret
        var token: Secret?
        var timeout: TimeSpan

        init(_ keys: inout SinkKeys) {
            url = keys.required(
                "url", .serviceURL, specimen: ServiceURL("http://127.0.0.1:1")!,  // It is one.
                "Where it is.")
            key = keys.requiredSecret("api_key", "What it is opened with.")
            token = keys.secret("token", "What else it is opened with.")
            timeout = keys.value(
                "timeout", .time(.seconds(1) ... .seconds(9)), default: .seconds(5),
                "How long it takes.")
        }
    }

    private struct Hole: SinkConfiguration {
        init(_ keys: inout SinkKeys) {}
    }

    private static let types = [
        SinkType("bucket", "Holds what falls into it.", of: Bucket.self),
        SinkType("hole", "Holds nothing.", of: Hole.self),
    ]

    let folder: ConfigurationFolder

    init() throws {
        folder = try ConfigurationFolder()
    }

    private func load(
        _ text: String = "", environment: [String: String] = [:]
    ) throws -> Settings {
        try Settings.load(
            file: folder.write(text), environment: environment, sinks: Self.types)
    }

    private func problems(
        _ text: String = "", environment: [String: String] = [:]
    ) throws -> [String] {
        do {
            _ = try load(text, environment: environment)
        } catch let error as SettingsError {
            return error.problems.map(\.description).map {
                $0.replacing("\(folder.path)/worker.toml", with: "FILE")
            }
        }
        return []
    }

    @Test func `each sink is read by its kind, in the order of names`() throws {
        let settings = try load(
            """
            [sinks.two]
            type = "bucket"
            url = "https://[2001:db8::1]:8443/base/"
            api_key = "abc"
            timeout = "2s"
            [sinks.one]
            type = "hole"
            """)

        #expect(settings.sinks.map(\.name) == ["one", "two"])
        #expect(settings.sinks.map(\.type) == ["hole", "bucket"])
        let bucket = try #require(settings.sinks[1].configuration as? Bucket)
        #expect(bucket.url.text == "https://[2001:db8::1]:8443/base")
        #expect(bucket.url.host == "2001:db8::1")
        #expect(bucket.url.port == 8443)
        #expect(bucket.url.isTLS)
        #expect(bucket.key.revealed == "abc")
        #expect(bucket.token == nil)
        #expect(bucket.timeout == .seconds(2))
    }

    @Test func `a sink may stand in the environment alone, its secret in a file`() throws {
        let key = try folder.write("from a file\n", to: "key")

        let settings = try load(environment: [
            "HEALTH_WORKER_SINKS_DNS_TYPE": "bucket",
            "HEALTH_WORKER_SINKS_DNS_URL": "http://192.0.2.1",
            "HEALTH_WORKER_SINKS_DNS_API_KEY_FILE": key,
        ])

        let bucket = try #require(settings.sinks.first?.configuration as? Bucket)
        #expect(settings.sinks.map(\.name) == ["dns"])
        #expect(bucket.url.port == 80)
        #expect(bucket.key.revealed == "from a file")
        #expect(settings.shown("sinks.dns.api_key")?.value == "***")
        #expect(settings.shown("sinks.dns.token")?.value == "")
        #expect(settings.shown("sinks.dns.timeout")?.value == "5s")
    }

    @Test func `a variable means the sink of the file that is spelled alike`() throws {
        let settings = try load(
            "[sinks.my-dns]\ntype = \"bucket\"\nurl = \"http://192.0.2.1\"",
            environment: ["HEALTH_WORKER_SINKS_MY_DNS_API_KEY": "abc"])

        #expect(settings.sinks.map(\.name) == ["my-dns"])
        #expect((settings.sinks[0].configuration as? Bucket)?.key.revealed == "abc")
    }

    @Test func `all that is wrong with a sink is told at once, and no secret`() throws {
        let found = try problems(
            """
            [sinks.a]
            type = "buckets"
            anything = 1
            [sinks.b]
            [sinks.c]
            type = "bucket"
            url = "ftp://192.0.2.1"
            timeot = "2s"
            [sinks.d]
            type = "bucket"
            url = "http://user:hidden@192.0.2.1"
            api_key = ""
            """)

        #expect(
            found == [
                "FILE:2: sinks.a.type: \"buckets\" is not one of bucket, hole; did you mean "
                    + "\"bucket\"?",
                "FILE:4: sinks.b.type: is missing; write type = \"bucket\", or what it is with you.",
                "FILE:5: sinks.c.api_key: is missing; write api_key_file = "
                    + "\"/etc/health-worker/api_key\", or what it is with you.",
                "FILE:7: sinks.c.url: \"ftp://192.0.2.1\" is no http: or https: URL with a host and "
                    + "without a user; write one such as \"http://127.0.0.1:8081\".",
                "FILE:8: sinks.c.timeot: unknown key; did you mean sinks.c.timeout?",
                "FILE:11: sinks.d.url: \"http://user:***@192.0.2.1\" is no http: or https: URL with a "
                    + "host and without a user; write one such as \"http://127.0.0.1:8081\".",
                "FILE:12: sinks.d.api_key: is empty; give a value or leave it out.",
            ])
    }

    @Test(arguments: [
        (
            "sinks.dns = 1",
            "FILE:1: sinks.dns: is a table; write [sinks.dns] and its keys below it."
        ),
        (
            "[sinks.\"My DNS\"]\ntype = \"hole\"",
            "FILE:1: sinks.My DNS: a sink is named with lower-case letters, digits, \"-\" and \"_\"; "
                + "rename it."
        ),
    ])
    func `what is no sink is refused`(text: String, sentence: String) throws {
        #expect(try problems(text) == [sentence])
    }

    @Test func `the sample has a table for each kind, commented out as a whole`() throws {
        let sample = Settings.sample(sinks: Self.types)

        #expect(
            try load(sample).show() == (try load()).show())
        for line in [
            "# Holds what falls into it.", "#[sinks.NAME]", "#type = \"bucket\"",
            "#url = \"http://127.0.0.1:1\"", "#api_key_file = \"/etc/health-worker/api_key\"",
            "#timeout = \"5s\"", "#type = \"hole\"",
        ] {
            #expect(sample.split(separator: "\n").contains(Substring(line)), "\(line)")
        }
        #expect(sample.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }
}
