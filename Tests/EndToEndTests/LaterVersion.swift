import Foundation

/// The program as a later version of it: linked again, beside the one under test, with another number
/// and more migrations.
enum LaterVersion {
    /// It adds to the schema, which this version may go on with.
    static let next = Result { try link("99.1.0", steps: 1) }
    /// It takes away what only versions before the next one read.
    static let overnext = Result { try link("99.2.0", steps: 2) }

    private static func link(_ version: String, steps: Int) throws -> URL {
        let output = Here.healthWorker.deletingLastPathComponent()
            .appending(path: "health-worker-\(version)")
        let process = Process()
        process.executableURL = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "LaterVersion/link")
        process.arguments = [Here.healthWorker.path, output.path, version, "\(steps)"]
        _ = try process.output()
        return output
    }
}
