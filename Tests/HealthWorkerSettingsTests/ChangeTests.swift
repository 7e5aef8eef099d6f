import Foundation
import Testing

@testable import HealthWorkerSettings

struct ChangeTests {
    let folder: ConfigurationFolder

    init() throws {
        folder = try ConfigurationFolder()
    }

    @Test func `a change names the key, its value, where it stands and whether it reloads`() throws
    {
        let before = try folder.load("log.level = \"info\"\n")

        let after = try folder.load(
            "[log]\nlevel = \"debug\"\n[api]\nlisten = \"127.0.0.1:81\"\n")

        let path = "\(folder.path)/worker.toml"
        #expect(
            after.changes(from: before) == [
                SettingChange(
                    key: "api.listen", value: "127.0.0.1:81", source: .file(path: path, line: 4),
                    reloads: false),
                SettingChange(
                    key: "log.level", value: "debug", source: .file(path: path, line: 2),
                    reloads: true),
            ])
    }

    @Test func `what is written otherwise, or left to its default, is no change`() throws {
        let before = try folder.load("log.level = \"info\"\nhistory.keep = \"168h\"\n")

        let after = try folder.load("[history]\nkeep = \"7d\"\n")

        #expect(after.changes(from: before) == [])
        #expect(before.changes(from: after) == [])
    }

    @Test func `a secret that is new, another one or gone is a change that shows no value`() throws
    {
        let before = try folder.load("[secrets]\nold = \"a\"\nsame = \"s\"\nshop = \"b\"\n")

        let after = try folder.load("[secrets]\nnew = \"c\"\nsame = \"s\"\nshop = \"hunter2\"\n")

        let changes = after.changes(from: before)
        #expect(changes.map(\.key) == ["secrets.new", "secrets.shop", "secrets.old"])
        #expect(changes.map(\.value) == ["***", "***", nil])
        #expect(changes.allSatisfy { $0.reloads })
        #expect(!"\(changes)".contains("hunter2"))
        var dumped = ""
        dump(after, to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }

    @Test func `a sink that was there at the start reloads, and no other does`() throws {
        func load(_ text: String) throws -> Settings {
            try Settings.load(
                file: folder.write(text), environment: [:],
                sinks: ["one", "two"].map { SinkType($0, "A kind.", of: Word.self) })
        }
        let one = #"type = "one""#
        let started = try load("[sinks.a]\n\(one)\nword = \"x\"\n[sinks.b]\n\(one)\n")
        let before = try load("[sinks.a]\n\(one)\nword = \"x\"\n[sinks.c]\n\(one)\n")

        let after = try load(
            "[sinks.a]\n\(one)\nword = \"y\"\n[sinks.b]\ntype = \"two\"\nword = \"z\"\n"
                + "[sinks.c]\n\(one)\nword = \"z\"\n")

        let taken = after.changes(from: before, since: started).filter(\.reloads)
        let waiting = after.changes(from: started).filter { !$0.reloads }
        #expect(taken.map(\.key) == ["sinks.a.word"])
        #expect(
            Set(waiting.map(\.key)) == [
                "sinks.b.type", "sinks.b.word", "sinks.c.type", "sinks.c.word",
            ])
    }

    private struct Word: SinkConfiguration {
        init(_ keys: inout SinkKeys) {
            _ = keys.value("word", .text(0...9), default: "", "A word.")
        }
    }

    @Test func `a password that changes within a URL is a change, and no secret is shown`() throws {
        let before = try folder.load("[database]\nurl = \"postgresql://hw:one@db/hw\"\n")

        let after = try folder.load("[database]\nurl = \"postgresql://hw:two@db/hw\"\n")

        let change = try #require(after.changes(from: before).first)
        #expect(change.key == "database.url")
        #expect(change.value == "postgresql://hw:***@db/hw")
        #expect(!change.reloads)
    }
}
