import AsyncHTTPClient
import Foundation
import HealthWorkerModel
import HealthWorkerSettings
import HealthWorkerStorage
import Testing

@testable import HealthWorkerRouting

@Suite struct `A kind of sink that is added` {
    // As the guide says, but for the table's own name.
    static let table: [any RouteSink.Type] = [
        FileSink.self
    ]

    private func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test func `works as the guide's example says`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "health-worker-files-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let configuration = folder.appending(path: "worker.toml")
        try Data(
            """
            [sinks.files]
            type = "file"
            folder = "\(folder.path)"
            """.utf8
        ).write(to: configuration)
        let settings = try Settings.load(
            file: configuration.path, environment: [:], sinks: Self.table.map { $0.settingsType })
        let stage = Stage()
        let sinks = try settings.sinks.map {
            try SinkTable.sink(
                $0,
                SinkContext(
                    name: $0.name, installation: "x", http: HTTPClient.shared,
                    askNameServer: Stage.nobodyAnswers, logger: Stage.quiet), among: Self.table)
        }
        let publisher = Publisher(
            storage: stage.storage, sinks: LiveSinks(sinks), logger: Stage.quiet)
        let file = folder.appending(path: "www.example.com")
        func held() -> String? { try? String(contentsOf: file, encoding: .utf8) }
        func publish(_ values: [String]) async throws {
            try await stage.publish(
                values,
                at: [
                    Publication(sink: "files", name: "www.example.com", onDelete: .remove)
                ])
            _ = try await publisher.publish(to: sinks[0])
        }

        try await publish(["192.0.2.1", "192.0.2.2"])
        let first = held()
        try await publish(["192.0.2.2"])
        let second = held()
        try Data("by hand\n".utf8).write(to: file)
        _ = try await publisher.reconcile(sinks[0])
        _ = try await publisher.publish(to: sinks[0])
        let mended = held()
        let findings = await sinks[0].sink.test([])
        try await stage.delete()
        _ = try await publisher.publish(to: sinks[0])

        #expect(first == "192.0.2.1\n192.0.2.2\n")
        #expect(second == "192.0.2.2\n")
        #expect(mended == "192.0.2.2\n")
        #expect(findings.map(\.word) == [.ok])
        #expect(held() == nil)
        #expect(Settings.sample(sinks: Self.table.map { $0.settingsType }).contains("#folder = "))
    }

    @Test func `is quoted by the guide word for word`() throws {
        let guide = try text("Sources/HealthWorker/HealthWorker.docc/AddingASink.md")
        let example = try text("Tests/HealthWorkerRoutingTests/FileSink.swift")
        let table = try text("Tests/HealthWorkerRoutingTests/AddingASinkTests.swift")
        let marker = "@testable import HealthWorkerRouting\n\n"
        let body = try #require(example.ranges(of: marker).first.map { example[$0.upperBound...] })
        let line = "        FileSink.self,\n"

        #expect(guide.contains("```swift\n\(body)```\n"))
        #expect(guide.contains("```swift\n\(line)```\n"))
        // One alone has no comma behind it.
        #expect(table.contains("[\n\(line.dropLast(2))\n    ]"))
    }

    @Test func `has a name of its own in the table`() {
        let names = SinkTable.all.map { $0.type }

        #expect(Set(names).count == names.count)
        #expect(SinkTable.types.map(\.name) == names)
    }
}
