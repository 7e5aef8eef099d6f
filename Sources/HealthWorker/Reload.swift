import Foundation
import HealthWorkerMetrics
import HealthWorkerModel
import HealthWorkerSettings
import HealthWorkerStorage
import Logging
import NIOPosix
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Reads the configuration anew on SIGHUP, while the process runs.
///
/// What can change at run time does at once. What cannot is named, a line for each key, and holds from
/// the next start. One that is wrong changes nothing: each fault is named with its file and line.
///
/// Where the process had a terminal that has gone, SIGHUP tells of that instead, and ends it.
final class Reload: Service {
    typealias Adopting = @Sendable (Settings) -> Void

    private let signals: UnixSignalsSequence
    private let roles: [Role]
    private let read: @Sendable () throws(SettingsError) -> Settings
    private let manager: ServiceManager?
    private let logger: Logger
    private let state: Mutex<State>
    private let hasTerminal = isatty(STDIN_FILENO) == 1

    private struct State {
        /// What was read last; of what needs a restart, what holds is still `started`.
        var latest: Settings
        let started: Settings
        var adopting: [Adopting]
    }

    /// From here on SIGHUP no longer ends the process.
    init(
        _ settings: Settings, roles: [Role], manager: ServiceManager?, _ telemetry: Telemetry,
        read: @escaping @Sendable () throws(SettingsError) -> Settings
    ) async {
        signals = await UnixSignalsSequence(trapping: .sighup)
        self.roles = roles
        self.read = read
        self.manager = manager
        logger = telemetry.logger
        let threshold = telemetry.threshold
        state = Mutex(
            State(
                latest: settings, started: settings,
                adopting: [{ threshold.change(to: Logger.Level($0.log.level)) }]))
    }

    /// Calls `adopting` with each configuration that is taken up, and now with one that was already.
    func whenChanged(_ adopting: @escaping Adopting) {
        let latest = state.withLock { state in
            state.adopting.append(adopting)
            return state.latest
        }
        adopting(latest)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in self.signals {
                if self.hasTerminal, isatty(STDIN_FILENO) == 0 {
                    kill(getpid(), SIGTERM)
                } else {
                    await self.takeUp()
                }
            }
        }
    }

    private func takeUp() async {
        manager?.tellOfReloading()
        defer { manager?.tell("READY=1") }
        let settings: Settings
        do {
            // A file may lie where reading takes its time.
            settings = try await NIOThreadPool.singleton.runIfActive { [read] in try read() }
        } catch let error as SettingsError {
            for problem in error.problems {
                logger.error(
                    "the configuration is wrong: what was in force stays so",
                    metadata: ["problem": "\(problem)"])
            }
            return
        } catch {
            // The threads have ended: so does the process.
            return
        }
        let (before, started, adopting) = state.withLock { state in
            defer { state.latest = settings }
            return (state.latest, state.started, state.adopting)
        }
        let taken = settings.changes(from: before, since: started).filter(\.reloads)
        let waiting = settings.changes(from: started).filter { !$0.reloads }
        for adopt in adopting { adopt(settings) }
        let mine = (taken + waiting).filter { concernsUs($0.key) }
        for change in mine {
            let metadata: Logger.Metadata = [
                "key": "\(change.key)", "value": "\(change.value ?? "none")",
                "from": "\(change.source?.description ?? "nowhere any more")",
            ]
            if change.reloads {
                logger.notice("a setting was taken up", metadata: metadata)
            } else {
                logger.warning("a setting needs a restart of this process", metadata: metadata)
            }
        }
        logger.notice(
            "the configuration was read anew", metadata: ["changes": "\(mine.count)"])
    }

    /// Keys of roles that others have are theirs to tell of.
    private func concernsUs(_ key: String) -> Bool {
        switch key.prefix(while: { $0 != "." }) {
        case "api", "consumer", "agent": roles.contains(.api)
        case "register": roles.contains(.register)
        case "probe", "secrets": roles.contains { $0 != .register }
        default: true
        }
    }
}
