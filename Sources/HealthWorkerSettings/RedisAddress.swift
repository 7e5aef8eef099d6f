extension SettingType where Value == String? {
    /// The URL of a Redis server, or nothing: then runs are counted from the rows alone.
    static var redisURL: Self {
        let remedy = "write redis://USER:PASSWORD@HOST:6379/0 or unix:///PATH."
        return Self(
            name: "Redis URL",
            read: { (given) throws(Refusal) in
                let text = try given.text("a Redis URL in quotes such as \"redis://HOST:6379\"")
                if text.isEmpty { return nil }
                let scheme = text.prefix { $0 != ":" }
                switch scheme.lowercased() {
                case "redis", "unix":
                    guard text.contains("://"), text.isPrintable else {
                        throw Refusal("is no Redis URL; \(remedy)")
                    }
                    return text
                case "rediss":
                    throw Refusal(
                        "asks for TLS, which this program does not speak to Redis: run stunnel beside "
                            + "it and give its local address, such as redis://127.0.0.1:6379.")
                default:
                    // Not shown: without a known scheme, any part of it may be a password.
                    throw Refusal("is no Redis URL; \(remedy)")
                }
            },
            show: { $0?.withoutPasswords ?? "" }, toml: { ($0 ?? "").quoted })
    }
}
