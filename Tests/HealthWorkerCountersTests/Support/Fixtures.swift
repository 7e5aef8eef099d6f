import CountsConformance
import HealthWorkerCounters
import HealthWorkerModel
import Logging
import Synchronization
import Testing

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

extension RedisCounts.Limits {
    /// For what is not about time: machines that run tests may be very slow.
    static let patient = Self(patience: .seconds(600), connecting: .seconds(600))
}

/// Counts that keep nothing, so that there is nothing to lose.
struct BaseFixture: CountsFixture {
    func counts() async throws -> any Counts { BaseCounts() }
    func lose() async throws {}
    func takeCopy() async throws {}
    func restoreCopy() async throws {}
}

/// One database of a server that many fixtures share.
final class RedisFixture: CountsFixture {
    private static let databases = Mutex(0)

    let server: RedisServer
    let database: Int
    private let copy = Mutex<[String: [String]]>([:])
    private let made = Mutex<[RedisCounts]>([])

    init(_ server: RedisServer) {
        self.server = server
        database = Self.databases.withLock { last in
            last += 1
            return last
        }
    }

    func counts() async throws -> any Counts {
        let counts = RedisCounts(
            try server.url(database: database), prefix: "test:", limits: .patient, logger: quiet)
        made.withLock { $0.append(counts) }
        return counts
    }

    /// What each of the counts that were made counts with.
    var sources: [CountSource] {
        made.withLock { $0.map(\.source) }
    }

    func lose() async throws {
        try await server.ask("FLUSHDB", database: database)
    }

    func takeCopy() async throws {
        var taken: [String: [String]] = [:]
        for key in try await server.ask("KEYS", "*", database: database).texts {
            taken[key] = try await server.ask("HGETALL", key, database: database).texts
        }
        copy.withLock { [taken] in $0 = taken }
    }

    func restoreCopy() async throws {
        try await lose()
        for (key, fields) in copy.withLock({ $0 }) {
            for place in stride(from: 0, to: fields.count, by: 2) {
                try await server.ask(
                    "HSET", key, fields[place], fields[place + 1], database: database)
            }
        }
    }
}

extension RedisReply {
    var texts: [String] {
        guard case .list(let parts) = self else { return [] }
        return parts.compactMap { if case .text(let text) = $0 { text } else { nil } }
    }
}

/// The server that the tests of one suite share, stopped when they have ended.
struct SharedServer: SuiteTrait, TestScoping {
    @TaskLocal static var current: RedisServer?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let server = try await RedisServer()
        defer { server.kill() }
        try await Self.$current.withValue(server) { try await function() }
    }
}

extension Trait where Self == SharedServer {
    static var sharedServer: Self { SharedServer() }
}

/// A time that goes on only when it is told to.
final class ManualTime: Sendable {
    private let time = Mutex(Duration.zero)

    func pass(_ duration: Duration) { time.withLock { $0 += duration } }
    func now() -> Duration { time.withLock { $0 } }
}
