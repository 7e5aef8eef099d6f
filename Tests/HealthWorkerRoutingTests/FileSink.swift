import Foundation
import HealthWorkerModel
import HealthWorkerSettings
import HealthWorkerStorage

@testable import HealthWorkerRouting

struct FileConfiguration: SinkConfiguration {
    var folder: String

    init(_ keys: inout SinkKeys) {
        folder = keys.required(
            "folder", .text(1...4096), specimen: "/var/lib/routes",
            "The folder that gets a file for each name.")
    }
}

/// Keeps a file for each name, with one published value in each line: for whatever reads lists of
/// addresses. A reader sees the old file or the new one, never half of it.
struct FileSink: RouteSink {
    static let type = "file"
    static let summary = "A folder with a file for each name: its values, one in each line."
    static let kind = SinkKind.state

    private let files: Files

    init(_ configuration: FileConfiguration, _ context: SinkContext) {
        files = Files(folder: URL(filePath: configuration.folder))
    }

    func deliver(_ delivery: Delivery) async throws(SinkError) -> SinkReceipt {
        if let route = delivery.route {
            try await files.put(Self.text(of: route), delivery.publication.name)
        }
        return SinkReceipt()
    }

    func withdraw(_ delivery: Delivery) async throws(SinkError) {
        if delivery.publication.onDelete == .remove {
            try await files.put(nil, delivery.publication.name)
        }
    }

    func difference(from place: PublishedPlace) async throws(SinkError) -> SinkDifference? {
        let held = await files.text(of: place.publication.name)
        guard let route = place.route, held != Self.text(of: route) else { return nil }
        return SinkDifference("The file of \(place.publication.name) holds something else.")
    }

    func test(_ places: [PublishedPlace]) async -> [SinkFinding] {
        await files.isWritable
            ? [SinkFinding(.ok, "\(files.folder.path) can be written.")]
            : [
                SinkFinding(
                    .problem, "\(files.folder.path) cannot be written.",
                    mend: "mkdir -p \(files.folder.path), as the user of the register")
            ]
    }

    private static func text(of route: Route) -> String {
        route.answer.records.map { $0.value + "\n" }.joined()
    }
}

/// Files may block: they have a thread of their own.
private actor Files {
    nonisolated let folder: URL
    private let executor = BlockingExecutor(label: "file sink")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(folder: URL) {
        self.folder = folder
    }

    var isWritable: Bool { FileManager.default.isWritableFile(atPath: folder.path) }

    func text(of name: String) -> String? {
        try? String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    func put(_ text: String?, _ name: String) throws(SinkError) {
        let file = folder.appending(path: name)
        do {
            if let text {
                try Data(text.utf8).write(to: file, options: .atomic)
            } else if FileManager.default.fileExists(atPath: file.path) {
                try FileManager.default.removeItem(at: file)
            }
        } catch {
            throw .notNow("\(file.path) cannot be written: \(error.localizedDescription)")
        }
    }
}
