import Foundation
import FreePorts
import NIOCore
import NIOPosix
import Synchronization

/// A real program, started by a test and ended with it.
final class Program: Sendable {
    // Process is a reference that is only touched under the lock.
    private let process: Mutex<Process>
    let log: URL

    /// Starts `executable`; what it writes goes to `log`, after what is there.
    ///
    /// - Parameter namespace: The network that it is in; nil: this process's own.
    init(
        _ executable: URL, _ arguments: [String], environment: [String: String] = [:],
        inside namespace: Namespace? = nil, log: URL
    ) throws {
        let process = Process()
        process.executableURL = namespace?.entering.executable ?? executable
        process.arguments =
            namespace.map { $0.entering.arguments + [executable.path] + arguments } ?? arguments
        var all = ProcessInfo.processInfo.environment.filter {
            !$0.key.hasPrefix("HEALTH_WORKER_") && $0.key != "DATABASE_URL"
        }
        all.merge(environment) { $1 }
        process.environment = all
        if !FileManager.default.fileExists(atPath: log.path) {
            try Data().write(to: log)
        }
        let output = try FileHandle(forWritingTo: log)
        try output.seekToEnd()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        self.log = log
        self.process = Mutex(process)
    }

    var id: Int32 { process.withLock { $0.processIdentifier } }

    var isRunning: Bool { process.withLock { $0.isRunning } }

    func send(_ signal: Int32) {
        let pid = process.withLock { $0.isRunning ? $0.processIdentifier : nil }
        if let pid { kill(pid, signal) }
    }

    /// Its exit code, negative for a signal; nil when it still runs after `limit`.
    func end(within limit: Duration) async -> Int32? {
        let deadline = ContinuousClock.now + limit
        while isRunning {
            guard ContinuousClock.now < deadline else { return nil }
            try? await Task.sleep(for: .milliseconds(5))
        }
        return process.withLock { process in
            process.terminationReason == .uncaughtSignal
                ? -process.terminationStatus : process.terminationStatus
        }
    }

    /// Ends it whatever it does, so that no test leaves anything behind.
    func destroy() async {
        send(SIGKILL)
        _ = await end(within: .seconds(5))
    }

    /// Returns once something accepts connections at `port` of loopback, which this is to listen at.
    func listens(at port: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline, isRunning {
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            // Refused until it listens.
            if let channel = try? await bootstrap.connect(host: "127.0.0.1", port: port).get() {
                try await channel.close()
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw EndToEndError("nobody listens at port \(port): \(written)")
    }

    var written: String {
        (try? String(contentsOf: log, encoding: .utf8)) ?? ""
    }

    /// Starts `executable` and waits for its end.
    /// - Returns: its exit code, nil where it had to be ended; and what it wrote.
    static func run(
        _ executable: URL, _ arguments: [String], in scratch: Scratch,
        environment: [String: String] = [:]
    ) async throws -> (code: Int32?, text: String) {
        let program = try Program(
            executable, arguments, environment: environment,
            log: scratch.file("\(UUID().uuidString).log"))
        let code = await program.end(within: .seconds(60))
        await program.destroy()
        return (code, program.written)
    }
}

/// A folder of one test, gone with it unless the test failed to remove it.
struct Scratch {
    let folder: URL

    /// A folder that is there, and part of another's.
    init(folder: URL) {
        self.folder = folder
    }

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(
            path: "health-worker-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func file(_ name: String) -> URL { folder.appending(path: name) }

    func write(_ text: String, to name: String) throws -> URL {
        let url = file(name)
        try Data(text.utf8).write(to: url)
        return url
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }
}

enum Here {
    /// The program under test: what `scripts/test` says, else the one built beside these tests.
    static let healthWorker: URL = {
        if let path = ProcessInfo.processInfo.environment["HEALTH_WORKER_TEST_BINARY"] {
            return URL(filePath: path)
        }
        return URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appending(path: "health-worker")
    }()

    static let python = URL(filePath: "/usr/bin/python3")

    /// A port of loopback that nothing listens at and nobody else is given.
    static func freePort() throws -> Int { try FreePorts.freePort() }
}
