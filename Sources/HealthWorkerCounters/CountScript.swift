import HealthWorkerModel

/// The script that counts one outcome in Redis, its arguments, and what it says.
enum CountScript {
    /// `e`, `j`, `a`: epoch, job and attempt of the last outcome; `r`: the signed run with it; `b`:
    /// the run before it, from which a rescued attempt of the same job is counted.
    static let text = """
        -- KEYS[1] = hw:{check_id}   ARGV: epoch job attempt ok side n ttl_ms force
        local c = redis.call('HMGET', KEYS[1], 'e','j','a','r','b')
        local e,j,a = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local side,n,base,flag = tonumber(ARGV[5]), tonumber(ARGV[6]), nil, 'counted'
        local ce,cj,ca = tonumber(c[1]), tonumber(c[2]), tonumber(c[3])
        if ce and ARGV[8] ~= '1' then
          if ce==e and cj==j and ca==a then return {'replayed', tonumber(c[4])} end
          if ce>e or (ce==e and (cj>j or (cj==j and ca>a))) then return {'stale', tonumber(c[4])} end
          if ce==e then base = tonumber(cj==j and c[5] or c[4]) end   -- same job: the run before it
        end
        if base==nil then base = side*n; flag = 'seeded'
        elseif math.max(0, side*base) ~= n then base = side*n; flag = 'corrected' end
        local r
        if ARGV[4]=='1' then r = base>0 and base+1 or 1 else r = base<0 and base-1 or -1 end
        redis.call('HSET', KEYS[1], 'e',ARGV[1], 'j',ARGV[2], 'a',ARGV[3], 'r',r, 'b',base)
        redis.call('PEXPIRE', KEYS[1], ARGV[7])
        return {flag, r}   -- r: signed run, > 0 successes, < 0 failures
        """

    /// What follows the script or its digest in `EVAL` and `EVALSHA`.
    static func arguments(_ request: CountRequest, prefix: String, isForced: Bool) -> [String] {
        [
            "1", "\(prefix)hw:{\(request.check)}", "\(request.base.epoch)", "\(request.job)",
            "\(request.attempt)", request.isSuccess ? "1" : "0", "\(request.side)",
            "\(request.base.inARow)", "\(request.keptFor.milliseconds)", isForced ? "1" : "0",
        ]
    }
}

/// What the script said of one outcome.
enum CountReply: Sendable {
    case counted(Int)
    case replayed(Int)
    /// What was kept, and what became of it, did not agree with the base.
    case corrected(Int)
    case stale
    case error(String)
    case unreadable

    init(_ reply: RedisReply) {
        switch reply {
        case .error(let error):
            self = .error(error)
        case .list(let parts):
            switch (parts.first, parts.dropFirst().first) {
            case (.text("stale"), _): self = .stale
            case (.text("counted"), .number(let run)): self = .counted(run)
            case (.text("seeded"), .number(let run)): self = .counted(run)
            case (.text("replayed"), .number(let run)): self = .replayed(run)
            case (.text("corrected"), .number(let run)): self = .corrected(run)
            default: self = .unreadable
            }
        default:
            self = .unreadable
        }
    }
}

extension CountRequest {
    /// The sign of what is counted towards the other health.
    var side: Int { base.health == .unhealthy ? 1 : -1 }

    /// A check that is probed seldom must not lose its run between two probes.
    fileprivate var keptFor: Duration { max(.hours(1), interval * 10) }

    /// Whether `run` is of this outcome's sign and counts as much towards the other health as the
    /// base does.
    ///
    /// Asked of every answer. The script corrects what it counts on, but not what it replays: where
    /// the database was restored, a job's number and attempt come a second time with another base.
    func agrees(with run: Int) -> Bool {
        (run > 0) == isSuccess && run != 0 && max(0, side * run) == max(0, side * runFromBase)
    }
}
