/// The scripts with which processes leave word for each other in Redis.
enum BoardScript {
    /// Who is alive is one hash, process → when it said so, by Redis's clock, and what it said. Who
    /// was silent for too long is taken out by whoever looks, also what an old dump brought back.
    static let announce = """
        -- KEYS[1] = hw:fleet   ARGV: window_ms process presence; without a process it only looks
        local t = redis.call('TIME')
        local now, window = t[1] * 1000000 + t[2], ARGV[1] * 1000
        if ARGV[2] then
          redis.call('HSET', KEYS[1], ARGV[2], string.format('%.0f', now) .. ' ' .. ARGV[3])
        end
        local all, alive = redis.call('HGETALL', KEYS[1]), {}
        for i = 1, #all, 2 do
          local at, presence = string.match(all[i + 1], '^(%d+) (.*)$')
          local age = at and now - at
          if age and age >= 0 and age < window then
            alive[#alive + 1] = all[i]
            alive[#alive + 1] = at
            alive[#alive + 1] = presence
          else
            redis.call('HDEL', KEYS[1], all[i])
          end
        end
        redis.call('PEXPIRE', KEYS[1], ARGV[1])
        return alive
        """

    /// The copy of the settings is one hash: `r`, its revision, and `d`, the document.
    static let post = """
        -- KEYS[1] = hw:settings:worker   ARGV: revision document known
        local r = redis.call('HGET', KEYS[1], 'r')
        if r and r ~= ARGV[3] and (tonumber(r) or 0) >= tonumber(ARGV[1]) then return 0 end
        redis.call('HSET', KEYS[1], 'r', ARGV[1], 'd', ARGV[2])
        return 1
        """
}
