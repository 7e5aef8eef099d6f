import Foundation
import HealthWorkerStorage
import NIOPosix

/// A file that holds every route, for a process that starts while the storage is away.
///
/// It is replaced as a whole, so that a reader finds one or the other. When its content was last known
/// to hold is its modification time, which is renewed while nothing changes.
package struct SnapshotFile: Sendable {
    package let path: String

    private struct Content: Codable {
        var format: Int
        var routes: [StoredRoute]
    }

    private static let format = 1

    package init(path: String) {
        self.path = path
    }

    /// Puts what the file holds before consumers.
    /// - Returns: false where there is no file.
    /// - Throws: where there is one that cannot be read.
    package func load(into watch: RouteWatch) async throws -> Bool {
        let path = path
        let found = try await Self.blocking { () -> (snapshot: RouteSnapshot, age: Duration)? in
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            let content = try JSONDecoder().decode(
                Content.self, from: try Data(contentsOf: URL(filePath: path)))
            guard content.format == Self.format else { throw SnapshotFileError.format }
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            // By the wall clock, the only one that both processes share.
            let age = (attributes[.modificationDate] as? Date).map { -$0.timeIntervalSinceNow } ?? 0
            return (RouteSnapshot(content.routes), .seconds(max(0, age)))
        }
        guard let found else { return false }
        watch.hold(found.snapshot, age: found.age)
        return true
    }

    func write(_ snapshot: RouteSnapshot) async throws {
        let path = path
        try await Self.blocking {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let data = try encoder.encode(
                Content(format: Self.format, routes: snapshot.routes))
            // Several processes may keep the same file.
            let new = "\(path).\(getpid()).new"
            guard
                FileManager.default.createFile(
                    atPath: new, contents: data, attributes: [.posixPermissions: 0o600])
            else { throw SnapshotFileError.system(errno) }
            let handle = try FileHandle(forWritingTo: URL(filePath: new))
            try handle.synchronize()
            try handle.close()
            guard rename(new, path) == 0 else { throw SnapshotFileError.system(errno) }
        }
    }

    /// What the file holds is still so.
    func confirm() async throws {
        let path = path
        try await Self.blocking {
            try FileManager.default.setAttributes(
                [.modificationDate: Date()], ofItemAtPath: path)
        }
    }

    /// Files may be on disks that take their time.
    private static func blocking<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(work)
    }
}

package enum SnapshotFileError: Error, CustomStringConvertible {
    case format
    case system(Int32)

    package var description: String {
        switch self {
        case .format:
            "another version of the program wrote it; it is replaced once there are routes"
        case .system(let number): String(cString: strerror(number))
        }
    }
}
