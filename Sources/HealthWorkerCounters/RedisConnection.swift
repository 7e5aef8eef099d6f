import CHiredis
import Glibc
import HealthWorkerModel

/// One connection to Redis, for the thread that made it: its calls block, none longer than until
/// its deadline, but for the look-up of a host's name. After an error it is of no more use.
package final class RedisConnection {
    package let url: RedisURL
    private let context: UnsafeMutablePointer<redisContext>

    /// - Parameter deadline: until when it must be connected and let in.
    package init(_ url: RedisURL, by deadline: ContinuousClock.Instant) throws(RedisError) {
        let time = timeval(until: deadline)
        let made =
            switch url.endpoint {
            case .tcp(let host, let port): redisConnectWithTimeout(host, Int32(port), time)
            case .unix(let path): redisConnectUnixWithTimeout(path, time)
            }
        guard let made else { throw .silent(url, "no memory") }
        self.url = url
        context = made
        if made.pointee.err != 0 { throw .silent(url, Self.trouble(made)) }
        if case .tcp = url.endpoint { _ = redisEnableKeepAlive(made) }
        try greet(by: deadline)
    }

    deinit {
        redisFree(context)
    }

    private func greet(by deadline: ContinuousClock.Instant) throws(RedisError) {
        if let password = url.password {
            let auth = ["AUTH"] + (url.user.map { [$0] } ?? []) + [password]
            if case .error(let reply) = try ask(auth, by: deadline) {
                throw RedisError(replyToAuth: reply, from: url)
            }
        }
        if url.database != 0,
            case .error(let reply) = try ask(["SELECT", String(url.database)], by: deadline)
        {
            guard reply.hasPrefix("ERR ") else { throw RedisError(reply: reply, from: url) }
            throw .refused(
                "Redis at \(url) has no database \(url.database); correct its number in redis.url.")
        }
    }

    /// One command, one reply.
    package func ask(
        _ command: [String], by deadline: ContinuousClock.Instant
    ) throws(RedisError) -> RedisReply {
        let (replies, error) = ask([command], by: deadline)
        if let reply = replies.first { return reply }
        throw error ?? .silent(url, "no reply")
    }

    /// All commands at once, then the replies in their order: those that came in time, and why the
    /// rest did not.
    package func ask(
        _ commands: [[String]], by deadline: ContinuousClock.Instant
    ) -> (replies: [RedisReply], error: RedisError?) {
        if commands.isEmpty { return ([], nil) }
        do {
            try write(commands, by: deadline)
        } catch {
            return ([], error)
        }
        var replies: [RedisReply] = []
        replies.reserveCapacity(commands.count)
        while replies.count < commands.count {
            do {
                replies.append(try next(by: deadline))
            } catch {
                return (replies, error)
            }
        }
        return (replies, nil)
    }

    private func write(
        _ commands: [[String]], by deadline: ContinuousClock.Instant
    ) throws(RedisError) {
        for command in commands {
            guard append(command) == REDIS_OK else { throw .silent(url, Self.trouble(context)) }
        }
        // A server that reads nothing would hold the write until then.
        _ = redisSetTimeout(context, timeval(until: deadline))
        var isDone: Int32 = 0
        while isDone == 0 {
            guard ContinuousClock.now < deadline else { throw .silent(url, "it reads nothing") }
            guard redisBufferWrite(context, &isDone) == REDIS_OK else {
                throw .silent(url, Self.trouble(context))
            }
        }
    }

    private func append(_ command: [String]) -> Int32 {
        var bytes: [CChar] = []
        var lengths: [Int] = []
        for argument in command {
            bytes.append(contentsOf: argument.utf8.map(CChar.init(bitPattern:)))
            lengths.append(argument.utf8.count)
        }
        return bytes.withUnsafeBufferPointer { buffer in
            var start = buffer.baseAddress
            var arguments: [UnsafePointer<CChar>?] = []
            for length in lengths {
                arguments.append(start)
                start = start?.advanced(by: length)
            }
            return redisAppendCommandArgv(context, Int32(command.count), &arguments, lengths)
        }
    }

    // redisGetReply would begin its time-out anew with each byte that comes: here one deadline
    // bounds them all.
    private func next(by deadline: ContinuousClock.Instant) throws(RedisError) -> RedisReply {
        while true {
            var raw: UnsafeMutableRawPointer?
            guard redisGetReplyFromReader(context, &raw) == REDIS_OK else {
                throw .silent(url, Self.trouble(context))
            }
            if let raw {
                defer { freeReplyObject(raw) }
                return Self.reply(raw.assumingMemoryBound(to: redisReply.self).pointee)
            }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { throw .silent(url, "time-out") }
            var watched = pollfd(fd: context.pointee.fd, events: Int16(POLLIN), revents: 0)
            let ready = poll(&watched, 1, Int32(clamping: left.milliseconds + 1))
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            guard ready > 0, redisBufferRead(context) == REDIS_OK else {
                throw .silent(url, Self.trouble(context))
            }
        }
    }

    private static func reply(_ raw: redisReply) -> RedisReply {
        switch raw.type {
        case REDIS_REPLY_INTEGER: .number(Int(raw.integer))
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: .text(text(raw))
        case REDIS_REPLY_ERROR: .error(text(raw))
        case REDIS_REPLY_ARRAY:
            .list(
                UnsafeBufferPointer(start: raw.element, count: raw.elements).map {
                    $0.map { reply($0.pointee) } ?? .nothing
                })
        default: .nothing
        }
    }

    private static func text(_ raw: redisReply) -> String {
        raw.str.withMemoryRebound(to: UInt8.self, capacity: raw.len) {
            String(decoding: UnsafeBufferPointer(start: $0, count: raw.len), as: UTF8.self)
        }
    }

    /// hiredis's own words about what happened; they hold no argument of a command.
    private static func trouble(_ context: UnsafeMutablePointer<redisContext>) -> String {
        withUnsafeBytes(of: &context.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}

extension timeval {
    /// What is left until `deadline`, at least a millisecond: 0 would mean for ever.
    fileprivate init(until deadline: ContinuousClock.Instant) {
        let left = max(ContinuousClock.now.duration(to: deadline), .milliseconds(1)).microseconds
        self.init(tv_sec: Int(left / 1_000_000), tv_usec: Int(left % 1_000_000))
    }
}
