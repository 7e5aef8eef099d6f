import CountsConformance

/// What a chaotic run does to a fleet.
enum Fault: Hashable, Sendable {
    /// SIGKILL to a role, which is started again afterwards.
    case kill(String)
    /// SIGSTOP to a role, and SIGCONT afterwards.
    case stop(String)
    /// The server ends every session, again and again.
    case terminateSessions
    /// One session is killed; PostgreSQL then ends all of them and recovers.
    case killSession
    case restartServer
    /// A restart after which the server recovers from its log.
    case crashServer
    case killRedis
    case flushRedis
    /// A transaction that keeps the oldest snapshot from moving on, as a long dump does.
    case pinSnapshot
    /// Somebody else's write lock on an SQLite file.
    case lockFile
    /// A target that answers wrongly, hangs, or closes.
    case target(Int, Manner)

    enum Manner: String, CaseIterable, Sendable {
        case refusing = "503"
        case hanging = "hang"
        case closing = "close"
    }

    /// What only one fault at a time is done to.
    var subject: String {
        switch self {
        case .kill(let role), .stop(let role): role
        case .terminateSessions, .killSession, .restartServer, .crashServer, .lockFile: "database"
        case .killRedis, .flushRedis: "redis"
        case .pinSnapshot: "snapshot"
        case .target(let number, _): "target \(number)"
        }
    }
}

extension Fault: CustomStringConvertible {
    var description: String {
        switch self {
        case .kill(let role): "SIGKILL \(role)"
        case .stop(let role): "SIGSTOP \(role)"
        case .terminateSessions: "terminate all sessions"
        case .killSession: "kill a session of the server"
        case .restartServer: "restart the server"
        case .crashServer: "crash the server"
        case .killRedis: "SIGKILL Redis"
        case .flushRedis: "FLUSHALL"
        case .pinSnapshot: "pin the oldest snapshot"
        case .lockFile: "lock the file"
        case .target(let number, let manner): "target \(number): \(manner.rawValue)"
        }
    }
}

/// Everything that a run will do, drawn before it begins: the same seed draws the same run.
struct ChaosPlan: Sendable {
    struct Disturbance: Sendable, CustomStringConvertible {
        var at: Duration
        var fault: Fault
        var lasts: Duration

        var description: String {
            let seconds = { (duration: Duration) in
                String((duration / .milliseconds(100)).rounded() / 10)
            }
            return "\(seconds(at)) s  \(fault) for \(seconds(lasts)) s"
        }
    }

    let disturbances: [Disturbance]

    init(
        seed: UInt64, lasting limit: Duration, roles: [String], targets: Int,
        engine: Engine
    ) {
        var chance = Generator(seed: seed)
        var busy: [String: Duration] = [:]
        var all: [Disturbance] = []
        var at = Duration.seconds(2)
        while at < limit {
            let (fault, lasts) = Self.draw(&chance, roles, targets, engine)
            // One after the other to each, with time to come back in between.
            if busy[fault.subject, default: .zero] <= at {
                all.append(Disturbance(at: at, fault: fault, lasts: lasts))
                busy[fault.subject] = at + lasts + .seconds(2)
            }
            at += .milliseconds(Int64(chance.number(200...1200)))
        }
        disturbances = all
    }

    private static func draw(
        _ chance: inout Generator, _ roles: [String], _ targets: Int, _ engine: Engine
    ) -> (Fault, Duration) {
        func milliseconds(_ range: ClosedRange<Int>) -> Duration {
            .milliseconds(Int64(chance.number(range)))
        }
        let weight = chance.number(0...99)
        switch weight {
        case 0..<35:
            let manner = chance.one(of: Fault.Manner.allCases)
            return (.target(chance.number(1...targets), manner), milliseconds(500...8000))
        case 35..<55:
            return (.kill(chance.one(of: roles)), milliseconds(100...3000))
        case 55..<75:
            // Shorter and longer than a lease, which is 3 s, and than a process may be silent, 6 s.
            return (.stop(chance.one(of: roles)), milliseconds(500...9000))
        default:
            break
        }
        guard engine != .sqlite else { return (.lockFile, milliseconds(500...4000)) }
        switch weight {
        case 75..<80: return (.terminateSessions, milliseconds(100...1500))
        case 80..<83: return (.killSession, .seconds(2))
        case 83..<86: return (.restartServer, .seconds(2))
        case 86..<88: return (.crashServer, .seconds(2))
        case 88..<92: return (.killRedis, milliseconds(200...6000))
        case 92..<96: return (.flushRedis, .zero)
        default: return (.pinSnapshot, milliseconds(3000...12000))
        }
    }
}
