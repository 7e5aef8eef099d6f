import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A program that a test started and ends.
final class Running: Sendable {
    // Process is a reference that is only touched under the lock.
    private let process: Mutex<Process>

    init(_ executable: URL, _ arguments: [String], in folder: URL) throws {
        let process = Process()
        process.executableURL = executable
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process = Mutex(process)
    }

    func stop() {
        process.withLock { process in
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }
    }
}

/// Returns once something accepts connections at a port of loopback.
func awaitListener(at port: Int) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        // Refused until it listens.
        if let channel = try? await bootstrap.connect(host: "127.0.0.1", port: port).get() {
            try await channel.close()
            return
        }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw OracleFailure(sentence: "nobody listens at port \(port)")
}

/// A program that ran to its end, and what it wrote.
struct Ran: Sendable {
    var output: String
    /// What it wrote to descriptor 3, else to standard error.
    var errors: String

    init(_ executable: URL, _ arguments: [String], in folder: URL) async throws {
        let name = UUID().uuidString
        let out = folder.appending(path: "\(name).out")
        let errors = folder.appending(path: "\(name).err")
        defer {
            try? FileManager.default.removeItem(at: out)
            try? FileManager.default.removeItem(at: errors)
        }
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments =
            ["-c", "exec \"$@\" >\"$0\" 2>\"$ERRORS\" 3>&2", out.path, executable.path] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["ERRORS": errors.path]) { $1 }
        process.currentDirectoryURL = folder
        process.standardInput = FileHandle.nullDevice
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in done.resume() }
            do {
                try process.run()
            } catch {
                done.resume(throwing: error)
            }
        }
        output = String(decoding: try Data(contentsOf: out), as: UTF8.self)
        self.errors = String(decoding: try Data(contentsOf: errors), as: UTF8.self)
    }
}
