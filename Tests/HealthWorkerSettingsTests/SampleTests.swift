import Foundation
import HealthWorkerSettings
import Testing

struct SampleTests {
    let folder: ConfigurationFolder

    init() throws {
        folder = try ConfigurationFolder()
    }

    @Test func `the sample changes nothing`() throws {
        let settings = try folder.load(Settings.sample())

        #expect(settings.show() == (try Settings.load().show()))
    }

    @Test func `every key stands in the sample with its default`() throws {
        let commented = Settings.sample().split(separator: "\n", omittingEmptySubsequences: false)
        let text = commented.map { line in
            line.hasPrefix("#") && !line.hasPrefix("# ") && line.contains("=")
                ? line.dropFirst() : line
        }.joined(separator: "\n")

        let settings = try folder.load(text)
        let defaults = try Settings.load()

        for shown in settings.show() {
            guard case .file(_, let line?, _) = shown.source else {
                Issue.record("\(shown.key) is not in the sample")
                continue
            }
            #expect(commented[line - 1].hasPrefix("#"))
            if shown.key == "worker.name" {
                #expect(shown.value == "HOST/PID")
            } else {
                #expect(shown.value == defaults.shown(shown.key)?.value)
            }
        }
        #expect(
            settings.show().map(\.key) + ["secrets.NAME"] == SettingKey.all.map(\.path))
    }

    @Test func `the sample says that outcomes are what is kept for a while`() {
        // Changes of health, routes and the audit log stay.
        #expect(Settings.sample().contains("How long outcomes are kept;"))
    }

    @Test func `the sample's lines fit a terminal and name each variable`() {
        let sample = Settings.sample()

        #expect(sample.split(separator: "\n").allSatisfy { $0.count <= 100 })
        for key in SettingKey.all {
            #expect(sample.contains(key.variable))
            #expect(key.documentation.hasSuffix("."))
        }
        #expect(sample.contains("[secrets]"))
    }

    @Test func `a listing has each key, its value and its source as text`() throws {
        let settings = try folder.load("log.level = \"debug\"")
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]

        let json = String(
            decoding: try encoder.encode(settings.shown("log.level")), as: UTF8.self)

        #expect(
            json == """
                {"key":"log.level","source":"\(folder.path)/worker.toml:1","value":"debug"}
                """)
    }
}
