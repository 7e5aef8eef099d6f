import Foundation
import HealthWorkerSettings
import Testing

struct SecretTests {
    let folder: ConfigurationFolder

    init() throws {
        folder = try ConfigurationFolder()
    }

    @Test func `a secret comes from the file, from a file of its own or from a variable`() throws {
        let ownFile = try folder.write("Bearer from-file\n", to: "token")

        let settings = try folder.load(
            """
            [secrets]
            shop-probe = "Bearer in-toml"
            other_file = "\(ownFile)"
            """,
            environment: [
                "HEALTH_WORKER_SECRETS_NEW_ONE": "Bearer in-variable",
                "HEALTH_WORKER_SECRETS_THIRD_FILE": ownFile,
            ])

        #expect(
            settings.secrets.mapValues(\.revealed) == [
                "shop-probe": "Bearer in-toml", "other": "Bearer from-file",
                "new_one": "Bearer in-variable", "third": "Bearer from-file",
            ])
        let other = try #require(settings.shown("secrets.other"))
        #expect(other.source == .file(path: "\(folder.path)/worker.toml", line: 3))
        #expect(other.readFrom == ownFile)
    }

    @Test func `a variable overrides the secret of the file that it spells`() throws {
        let settings = try folder.load(
            "[secrets]\nshop-probe = \"old\"",
            environment: ["HEALTH_WORKER_SECRETS_SHOP_PROBE": "new"])

        #expect(settings.secrets.mapValues(\.revealed) == ["shop-probe": "new"])
    }

    @Test func `the database URL can be read from a file`() throws {
        let ownFile = try folder.write("sqlite:/from/file\n", to: "url")

        let byKey = try folder.load("database.url_file = \"\(ownFile)\"")
        let byVariable = try folder.load(
            "", environment: ["HEALTH_WORKER_DATABASE_URL_FILE": ownFile])

        #expect(byKey.database.url == .sqlite(path: "/from/file"))
        #expect(byVariable.database.url == .sqlite(path: "/from/file"))
    }

    @Test func `a secret never shows in messages`() throws {
        _ = try folder.write("hunter2\nhunter2", to: "two-lines")

        let problems = try folder.problems(
            """
            [secrets]
            list = ["hunter2"]
            number = 72
            empty = ""
            break = "hunter2\\nhunter2"
            "a b" = "hunter2"
            both = "hunter2"
            both_file = "/hunter"
            missing_file = "/nowhere/token"
            table.deep = "hunter2"
            lines_file = "\(folder.path)/two-lines"
            """,
            environment: [
                "HEALTH_WORKER_SECRETS_TWICE": "hunter2",
                "HEALTH_WORKER_SECRETS_TWICE_FILE": "/hunter",
            ])

        #expect(
            problems == [
                "worker.toml:2: secrets.list: takes text in quotes, not a list.",
                "worker.toml:3: secrets.number: takes text in quotes, not a whole number.",
                "worker.toml:4: secrets.empty: is empty; give a value or leave it out.",
                "worker.toml:5: secrets.break: holds a line break or control character, which no "
                    + "header can carry.",
                "worker.toml:6: secrets.a b: a secret is named with letters, digits, \"-\", \"_\" and "
                    + "\".\"; rename it.",
                "worker.toml:8: secrets.both_file: secrets.both is given as well; give only one of "
                    + "them.",
                "worker.toml:9: secrets.missing_file: \"/nowhere/token\" cannot be read: there is no "
                    + "such file.",
                "worker.toml:10: secrets.table.deep: unknown key; remove it.",
                "worker.toml:11: secrets.lines: holds a line break or control character, which no "
                    + "header can carry.",
                "environment HEALTH_WORKER_SECRETS_TWICE_FILE: secrets.twice: "
                    + "HEALTH_WORKER_SECRETS_TWICE is set as well; set only one of them.",
            ])
        #expect(!problems.contains { $0.contains("hunter2") })
    }

    @Test(arguments: [
        "[secrets]\ntoken = 99999999999999999999999", "secrets = { a = 99999999999999999999999 }",
        "secrets.token = 99999999999999999999999",
    ])
    func `a secret never shows in what the parser says`(text: String) throws {
        let problems = try folder.problems(text)

        #expect(problems.count == 1)
        #expect(problems.first?.hasSuffix(": is not valid TOML.") == true)
    }

    @Test(arguments: [
        "letmein", "hw_first_\(String(repeating: "a", count: 31))",
        "hw__\(String(repeating: "a", count: 32))", "hw_first_\(String(repeating: "é", count: 32))",
        "hw_a_b_\(String(repeating: "a", count: 32))",
    ])
    func `a first key that is none, or could be guessed, is refused unseen`(
        _ text: String
    ) throws {
        let error = #expect(throws: SettingsError.self) {
            try folder.load("", environment: ["HEALTH_WORKER_API_BOOTSTRAP_KEY": text])
        }

        let said = error?.description ?? ""
        #expect(said.contains("api.bootstrap_key"))
        #expect(said.contains("openssl rand -hex 32"))
        #expect(!said.contains(text))
    }

    @Test func `a first key can be read from a file`() throws {
        let key = "hw_first_\(String(repeating: "a", count: 64))"
        let file = try folder.write("\(key)\n", to: "key")

        let settings = try folder.load(
            "", environment: ["HEALTH_WORKER_API_BOOTSTRAP_KEY_FILE": file])

        #expect(settings.api.bootstrapKey?.revealed == key)
        #expect(settings.shown("api.bootstrap_key")?.value == "***")
    }

    @Test func `a secret never shows in what is printed of settings`() throws {
        let settings = try folder.load("[secrets]\nshop-probe = \"hunter2\"")

        let shown = try #require(settings.shown("secrets.shop-probe"))
        #expect(shown.value == "***")
        let json = String(decoding: try JSONEncoder().encode(settings.show()), as: UTF8.self)
        var dumped = ""
        dump(settings, to: &dumped)
        for text in [json, dumped, "\(settings)", String(reflecting: settings)] {
            #expect(!text.contains("hunter2"))
        }
    }
}
