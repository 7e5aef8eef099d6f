import Foundation
import HealthWorkerCounters
import Synchronization

/// A redis-server of its own on a socket in a folder of its own. Ends with the last reference to it,
/// or with this process, however that ends.
final class RedisServer: Sendable {
    struct NotStarted: Error {
        var output: String
    }

    let folder: URL
    private let options: [String]
    private let running = Mutex<Running?>(nil)

    private struct Running {
        var keeper: Process
        /// The keeper kills the server when this closes.
        var lifeline: Pipe
        var pid: pid_t
    }

    /// - Parameter options: as on redis-server's command line.
    init(_ options: String...) async throws {
        self.options = options
        folder = FileManager.default.temporaryDirectory.appending(
            path: "hw-redis-\(UInt32.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try await start()
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(at: folder)
    }

    var socket: String { folder.appending(path: "s").path }
    var dump: URL { folder.appending(path: "dump.rdb") }

    func url(database: Int = 0, login: String = "") throws -> RedisURL {
        try RedisURL("unix://\(login)\(socket)?db=\(database)")
    }

    /// Returns when it takes connections.
    func start() async throws {
        let keeper = Process()
        keeper.executableURL = URL(filePath: "/bin/sh")
        keeper.arguments =
            [
                "-c", #"redis-server "$@" & echo "pid $!"; read -r _; kill -9 $!"#, "sh",
                "--port", "0", "--unixsocket", socket, "--dir", folder.path, "--save", "",
                "--databases", "2000",
            ] + options
        let (output, lifeline) = (Pipe(), Pipe())
        keeper.standardOutput = output
        keeper.standardInput = lifeline
        let (lines, continuation) = AsyncStream.makeStream(of: String.self)
        output.fileHandleForReading.readabilityHandler = { handle in
            let data = handle.availableData
            guard !data.isEmpty else {
                handle.readabilityHandler = nil
                continuation.finish()
                return
            }
            continuation.yield(String(decoding: data, as: UTF8.self))
        }
        try keeper.run()

        var text = ""
        for await part in lines {
            text += part
            if text.contains("ready to accept connections") { break }
        }
        guard text.contains("ready to accept connections"),
            let pid = text.firstMatch(of: /pid (\d+)/).flatMap({ pid_t($0.output.1) })
        else {
            throw NotStarted(output: text)
        }
        running.withLock { $0 = Running(keeper: keeper, lifeline: lifeline, pid: pid) }
    }

    /// As kill -9. Returns when it is gone.
    func kill() {
        guard let ended = running.withLock({ $0.take() }) else { return }
        try? ended.lifeline.fileHandleForWriting.close()
        ended.keeper.waitUntilExit()
    }

    func freeze() { signal(SIGSTOP) }
    func thaw() { signal(SIGCONT) }

    private func signal(_ number: Int32) {
        running.withLock { running in
            if let running { _ = Foundation.kill(running.pid, number) }
        }
    }

    /// One command, by a connection made for it.
    @discardableResult
    func ask(
        _ command: String..., database: Int = 0, login: String = ""
    ) async throws -> RedisReply {
        let url = try url(database: database, login: login)
        let thread = CallingThread(name: "redis-control") { 0 }
        return try await thread.run { _ in
            Result {
                let deadline = ContinuousClock.now + .seconds(30)
                return try RedisConnection(url, by: deadline).ask(command, by: deadline)
            }
        }.get()
    }
}
