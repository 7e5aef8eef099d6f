import Foundation
import HTTPTypes
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import NIOCore
import StorageConformance
import Synchronization
import Testing

@testable import HealthWorkerAPI

@Suite struct LimitsTests {
    @Test func `a bucket lets a burst through, then one at each turn`() {
        let time = Mutex(ContinuousClock.now)
        let limiter = RateLimiter(.init(perSecond: 2, burst: 2)) { time.withLock { $0 } }
        func taken(_ count: Int) -> [Bool] {
            (0..<count).map { _ in limiter.take(for: "a") == nil }
        }

        let burst = taken(5)
        let wait = limiter.wait(of: "a")
        let other = limiter.take(for: "b")
        time.withLock { $0 += .milliseconds(600) }
        let later = taken(2)
        time.withLock { $0 += .seconds(3600) }
        let rested = taken(5)

        #expect(burst == [true, true, true, true, false])
        #expect(wait == .milliseconds(500))
        #expect(other == nil)
        #expect(later == [true, false])
        #expect(rested == burst)
    }

    @Test func `a rate below one a second holds one token, and none means no limit`() {
        let time = Mutex(ContinuousClock.now)
        let slow = RateLimiter(.init(perSecond: 0.1, burst: 2)) { time.withLock { $0 } }
        let free = RateLimiter(nil)

        #expect(slow.take(for: "a") == nil)
        #expect(slow.take(for: "a") == .seconds(10))
        for _ in 0..<1000 { #expect(free.take(for: "a") == nil) }
        #expect(free.wait(of: "a") == nil)
    }

    @Test func `another rate holds at once, and what was taken stays taken`() {
        let time = Mutex(ContinuousClock.now)
        let limiter = RateLimiter(.init(perSecond: 1, burst: 2)) { time.withLock { $0 } }
        func taken(_ count: Int) -> [Bool] {
            (0..<count).map { _ in limiter.take(for: "a") == nil }
        }

        let slow = taken(3)
        limiter.use(.init(perSecond: 4, burst: 2))
        let empty = taken(1)
        time.withLock { $0 += .seconds(1) }
        let fast = taken(5)
        limiter.use(nil)
        let free = taken(100)

        #expect(slow == [true, true, false])
        #expect(empty == [false])
        #expect(fast == [true, true, true, true, false])
        #expect(free.allSatisfy { $0 })
        #expect(!limiter.isLimited)
    }

    @Test func `those who rested are forgotten first, and memory stays bounded`() {
        let time = Mutex(ContinuousClock.now)
        let limiter = RateLimiter(.init(perSecond: 1, burst: 1), limit: 10) {
            time.withLock { $0 }
        }
        for number in 0..<9 { #expect(limiter.take(for: "old\(number)") == nil) }
        time.withLock { $0 += .seconds(2) }
        #expect(limiter.take(for: "busy") == nil)

        #expect(limiter.take(for: "new") == nil)
        let busy = limiter.take(for: "busy")
        for number in 0..<100 { #expect(limiter.take(for: "flood\(number)") == nil) }

        #expect(busy != nil)
        #expect(limiter.count <= 10)
    }

    /// Limits by a clock that stands still.
    private func settings(
        perCaller: Int? = nil, perAddress: Int? = nil, refusedKeys: Int? = nil
    ) -> APISettings {
        let start = ContinuousClock.now
        return APISettings(
            keyMemory: .zero,
            limits: APISettings.Limits(
                perCaller: perCaller, perAddress: perAddress, refusedKeysPerMinute: refusedKeys,
                now: { start }))
    }

    @Test func `a key that is used too often waits, and no other one`() async throws {
        try await TestAPI.run(settings: settings(perCaller: 5)) { api in
            var answers: [TestAnswer] = []
            for _ in 0..<11 { answers.append(try await api.get("/v1/queue")) }
            let other = try await api.get("/v1/queue", as: .write)

            let last = try #require(answers.last)
            #expect(answers.dropLast().allSatisfy { $0.status == .ok })
            #expect(last.status == .tooManyRequests)
            #expect(last.headers[.retryAfter] == "1")
            #expect(last.kind == "too-many-requests")
            #expect(last.string("/detail")?.contains("Try again in 1 second.") == true)
            #expect(other.status == .ok)
        }
    }

    @Test func `whoever sends no key waits after too many, and keys go on`() async throws {
        try await TestAPI.run(settings: settings(perAddress: 5)) { api in
            for path in ["/openapi.json", "/v1/queue", "/docs", "/v1/checks", "/"] {
                for _ in 0..<2 {
                    let answer = try await api.get(path, as: nil)
                    #expect(answer.status != .tooManyRequests, "\(path)")
                }
            }
            for path in ["/openapi.json", "/v1/queue", "/"] {
                let answer = try await api.get(path, as: nil)
                #expect(answer.status == .tooManyRequests, "\(path)")
                #expect(answer.headers[.retryAfter] == "1")
            }
            for path in ["/livez", "/readyz", "/readyz?verbose"] {
                // What balancers go by is nobody's to use up.
                #expect(try await api.get(path, as: nil).status == .ok, "\(path)")
            }
            #expect(try await api.get("/v1/queue").status == .ok)
        }
    }

    @Test func `where too many wrong keys come from, every right one is let in`()
        async throws
    {
        try await TestAPI.run(settings: settings(refusedKeys: 3)) { api in
            func send(_ key: String) async throws -> TestAnswer {
                try await api.get(
                    "/v1/queue", as: nil, headers: [.authorization: "Bearer \(key)"])
            }
            let known = try await api.get("/v1/queue", as: .read)
            var refused: [TestAnswer] = []
            for number in 0..<5 {
                refused.append(try await send("hw_planted\(number)_plantedsecret\(number)"))
            }
            let guess = try await send("hw_\(api.id(of: .read))_plantedguess")
            let after = try await api.get("/v1/queue", as: .read)
            let firstUse = try await api.get("/v1/queue", as: .write)
            let (revoked, revokedText) = KeyMint.mint(
                role: .admin, name: "revoked", now: api.clock.now)
            try await api.storage.insertKey(revoked)
            try await api.storage.revokeKey(id: revoked.id)
            let ended = try await send(revokedText)

            #expect(known.status == .ok)
            #expect(
                refused.map(\.status)
                    == Array(repeating: .unauthorized, count: 3)
                    + Array(repeating: .tooManyRequests, count: 2))
            #expect(guess.status == .tooManyRequests)
            #expect(after.status == .ok)
            #expect(firstUse.status == .ok)
            #expect(ended.status == .tooManyRequests)
            #expect(ended.headers[.retryAfter] == "20")
            let log = api.log.joined
            #expect(log.components(separatedBy: "A key was refused").count == 4)
            #expect(log.components(separatedBy: "Too many refused keys").count == 2)
            #expect(log.contains("unknown_id"))
            #expect(!log.contains("planted"))
        }
    }

    @Test func `addresses are told apart by what nobody else has`() throws {
        func place(_ text: String) throws -> String {
            try #require(IPAddress(SocketAddress(ipAddress: text, port: 1))).place
        }

        #expect(try place("192.0.2.1") == "192.0.2.1")
        #expect(try place("::ffff:192.0.2.1") == "192.0.2.1")
        #expect(try place("::ffff:192.0.2.2") == "192.0.2.2")
        #expect(try place("2001:db8:1:2:3::4") == "2001:db8:1:2::/64")
        #expect(try place("2001:db8:1:2:5::6") == "2001:db8:1:2::/64")
        #expect(try place("::1") == "::1")
    }

    @Test func `many who ask whether it is ready cost the storage one question`() async throws {
        let storage = KeyReads(base: MemoryStorage())
        let answer = SharedReading(memory: .seconds(3600)) { () throws(StorageError) in
            try await storage.keys().count
        }

        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { try await answer.value() } }
            for try await count in group { #expect(count == 0) }
        }

        #expect(storage.listReads.withLock { $0 } == 1)
    }

    @Test func `wrong keys cost no read each where too many come from`() async throws {
        let storage = KeyReads(base: MemoryStorage())
        var settings = self.settings(refusedKeys: 1)
        settings.keyMemory = .seconds(3600)
        try await TestAPI.run(
            storage: storage.base, apiStorage: storage, keys: [:], settings: settings
        ) { api in
            for number in 0..<50 {
                _ = try await api.get(
                    "/v1/queue", as: nil,
                    headers: [.authorization: "Bearer hw_planted\(number)_planted"])
            }

            #expect(storage.listReads.withLock { $0 } == 1)
            #expect(storage.keyReads.withLock { $0 } == 1)
        }
    }

    @Test func `a refused key is logged with why, and with its public part where there is one`()
        async throws
    {
        try await TestAPI.run { api in
            let now = api.clock.now
            let (ended, endedText) = KeyMint.mint(
                role: .admin, name: "ended", now: now, expiresAt: now - .seconds(1))
            try await api.storage.insertKey(ended)
            let (revoked, revokedText) = KeyMint.mint(role: .admin, name: "revoked", now: now)
            try await api.storage.insertKey(revoked)
            try await api.storage.revokeKey(id: revoked.id)
            let texts = [
                "planted", "hw_plantedid_plantedsecret", "hw_\(ended.id)_planted", endedText,
                revokedText,
            ]
            for text in texts {
                _ = try await api.get(
                    "/v1/queue", as: nil, headers: [.authorization: "Bearer \(text)"])
            }

            let lines = api.log.joined.split(separator: "\n").filter {
                $0.contains("A key was refused")
            }
            let whys = ["no_key", "unknown_id", "wrong_secret", "expired", "revoked"]
            #expect(lines.count == whys.count)
            for (line, why) in zip(lines, whys) { #expect(line.contains(why)) }
            for (line, id) in zip(lines.dropFirst(2), [ended.id, ended.id, revoked.id]) {
                #expect(line.contains(id))
            }
            #expect(!api.log.joined.contains("planted"))
            for text in [endedText, revokedText] {
                #expect(!api.log.joined.contains(text.split(separator: "_")[2]))
            }
        }
    }
}

/// Counts how often keys are read.
private final class KeyReads: ForwardingStorage {
    let base: MemoryStorage
    let listReads = Mutex(0)
    let keyReads = Mutex(0)

    init(base: MemoryStorage) {
        self.base = base
    }

    func key(id: String) async throws(StorageError) -> APIKey? {
        keyReads.withLock { $0 += 1 }
        return try await base.key(id: id)
    }

    func keys() async throws(StorageError) -> [APIKey] {
        listReads.withLock { $0 += 1 }
        return try await base.keys()
    }
}

extension TestAPI {
    func id(of role: KeyRole) -> String {
        (keys[role] ?? "").split(separator: "_").dropFirst().first.map(String.init) ?? ""
    }

    /// As the audit log shows who used the key.
    func actor(of role: KeyRole) -> String { "key:test-\(role.rawValue)/\(id(of: role))" }
}
