import HealthWorkerModel

/// Why Redis did not answer as it should. The address is in it, a password never.
package enum RedisError: Error, Hashable, Sendable {
    /// It may answer another time.
    case unreachable(String)
    /// It answers, and will say the same until its or our configuration is mended.
    case refused(String)
}

extension RedisError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let sentence), .refused(let sentence): sentence
        }
    }
}

extension RedisError {
    static func silent(_ url: RedisURL, _ why: String) -> Self {
        .unreachable(
            "Redis at \(url) does not answer (\(why)); start it, or correct redis.url.")
    }

    static func late(_ url: RedisURL, after patience: Duration) -> Self {
        .unreachable("Redis at \(url) did not answer within \(patience.milliseconds) ms.")
    }

    /// What an error reply means. Its own words are shown only where it repeats no argument of ours:
    /// an unknown command is answered with its arguments, and those of AUTH are the password.
    init(reply: String, from url: RedisURL) {
        let code = String(reply.prefix { $0 != " " })
        self =
            switch code {
            case "WRONGPASS":
                .refused(
                    "Redis at \(url) refused the user or password; correct them in redis.url.")
            case "NOAUTH":
                .refused(
                    "Redis at \(url) wants a password; write redis.url as "
                        + "redis://USER:PASSWORD@HOST:PORT, or :PASSWORD@ without a user.")
            case "NOPERM":
                .refused(
                    "Redis at \(url) does not permit this user what is needed; grant +@scripting "
                        + "+hmget +hget +hgetall +hset +hdel +pexpire +time +select ~hw:*.")
            case "DENIED":
                .refused(
                    "Redis at \(url) is in protected mode; set a password or a bind address there.")
            case "READONLY":
                .refused(
                    "Redis at \(url) is a replica that cannot be written; name its primary in "
                        + "redis.url.")
            case "MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN":
                .refused(
                    "Redis at \(url) is part of a cluster, which is not supported; name a server "
                        + "that stands alone in redis.url.")
            case "LOADING":
                .unreachable("Redis at \(url) is still loading its data.")
            case "OOM":
                .refused("Redis at \(url) has no memory left for writes; raise its maxmemory.")
            case "MISCONF":
                .refused(
                    "Redis at \(url) takes no writes since it cannot save to its disk; look into "
                        + "its log.")
            case "BUSY":
                .unreachable("Redis at \(url) is busy with another script.")
            case "MASTERDOWN", "NOREPLICAS":
                .unreachable("Redis at \(url) has lost its primary or replicas (\(code)).")
            default:
                .refused("Redis at \(url) refused a command (\(code)).")
            }
    }

    /// What an error reply to AUTH means.
    init(replyToAuth reply: String, from url: RedisURL) {
        let code = String(reply.prefix { $0 != " " })
        guard code == "ERR" else {
            self.init(reply: reply, from: url)
            return
        }
        // A server without a password, one older than users (Redis 6), or older wording.
        self = .refused(
            "Redis at \(url) does not take the user and password of redis.url: it has none, or is "
                + "older than Redis 6 and knows no users; leave out what it does not know.")
    }
}
