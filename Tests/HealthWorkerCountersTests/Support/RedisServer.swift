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
        /// A shell that kills the server when the lifeline closes.
        var keeper: pid_t
        var server: pid_t
        var lifeline: CInt
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
        let log = folder.appending(path: "log")
        try Data().write(to: log)
        let (keeper, lifeline) = try spawnKeeper(log: log)
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            let text = try String(contentsOf: log, encoding: .utf8)
            if text.contains("ready to accept connections"),
                let server = text.firstMatch(of: /pid (\d+)\n/).flatMap({ pid_t($0.output.1) })
            {
                running.withLock {
                    $0 = Running(keeper: keeper, server: server, lifeline: lifeline)
                }
                return
            }
            try await Task.sleep(for: .milliseconds(5))
        }
        end(keeper, lifeline)
        throw NotStarted(output: try String(contentsOf: log, encoding: .utf8))
    }

    /// Not with Foundation's `Process`, which learns of an end and of output by descriptors that
    /// processes started meanwhile by other tests inherit and hold open.
    private func spawnKeeper(log: URL) throws -> (keeper: pid_t, lifeline: CInt) {
        var ends: [CInt] = [-1, -1]
        let kind = CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw NotStarted(output: "no socket")
        }
        defer { close(ends[0]) }
        // What others opened is closed, so that nobody waits for its end.
        let script = """
            for descriptor in /proc/$$/fd/*; do
                number=${descriptor##*/}
                if [ "$number" -gt 2 ]; then eval "exec $number>&-"; fi
            done
            /usr/bin/redis-server "$@" <&- & echo "pid $!"; read -r _; kill -9 $!; wait $!
            """
        let words =
            [
                "bash", "-c", script, "bash", "--port", "0", "--unixsocket", socket, "--dir",
                folder.path, "--save", "", "--databases", "2000",
            ] + options
        var arguments = words.map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        defer { for argument in arguments { free(argument) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        posix_spawn_file_actions_addopen(&actions, 1, log.path, O_WRONLY | O_APPEND, 0)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var keeper: pid_t = 0
        let status = posix_spawn(&keeper, "/bin/bash", &actions, nil, &arguments, &environment)
        guard status == 0 else {
            close(ends[1])
            throw NotStarted(output: "/bin/bash: \(String(cString: strerror(status)))")
        }
        return (keeper, ends[1])
    }

    /// As kill -9. Returns when it is gone.
    func kill() {
        guard let ended = running.withLock({ $0.take() }) else { return }
        end(ended.keeper, ended.lifeline)
    }

    private func end(_ keeper: pid_t, _ lifeline: CInt) {
        close(lifeline)
        var status: CInt = 0
        while waitpid(keeper, &status, 0) < 0, errno == EINTR {}
    }

    func freeze() { signal(SIGSTOP) }
    func thaw() { signal(SIGCONT) }

    private func signal(_ number: Int32) {
        running.withLock { running in
            if let running { _ = Foundation.kill(running.server, number) }
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
