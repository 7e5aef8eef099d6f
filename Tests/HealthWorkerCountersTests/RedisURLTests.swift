import HealthWorkerCounters
import Testing

@Suite struct RedisURLTests {
    @Test(arguments: [
        ("redis://cache.example.com", RedisURL.Endpoint.tcp(host: "cache.example.com", port: 6379)),
        ("redis://192.0.2.1:7000/3", .tcp(host: "192.0.2.1", port: 7000)),
        ("redis://ann:p%40ss@[2001:db8::1]:6380", .tcp(host: "2001:db8::1", port: 6380)),
        ("REDIS://:secret@192.0.2.1/", .tcp(host: "192.0.2.1", port: 6379)),
        ("unix:///run/redis/redis.sock", .unix(path: "/run/redis/redis.sock")),
        ("unix://ann:secret@/run/a%20b.sock?db=4", .unix(path: "/run/a b.sock")),
    ])
    func `a URL says where the server is`(text: String, endpoint: RedisURL.Endpoint) throws {
        #expect(try RedisURL(text).endpoint == endpoint)
    }

    @Test func `user, password and database are read`() throws {
        let url = try RedisURL("redis://ann:hidden@192.0.2.1/12")

        #expect(url.user == "ann")
        #expect(url.database == 12)
        #expect(try RedisURL("unix:///s?db=4").database == 4)
        #expect(try url != RedisURL("redis://ann:other@192.0.2.1/12"))
    }

    @Test func `nothing that prints a URL shows its password`() throws {
        let url = try RedisURL("redis://ann:hidden@192.0.2.1:6379/1")
        var dumped = ""
        dump(url, to: &dumped)

        #expect("\(url)" == "redis://192.0.2.1:6379/1")
        #expect(!String(reflecting: url).contains("hidden"))
        #expect(!dumped.contains("hidden"))
    }

    @Test(arguments: [
        ("192.0.2.1:6379", "is no URL"),
        ("http://ann:hidden@192.0.2.1", "scheme that is not known"),
        ("redis://", "names no host"),
        ("redis://:hidden@:6379", "names no host"),
        ("redis://hidden@192.0.2.1", "one word before the @"),
        ("redis://ann:@192.0.2.1", "no password behind its user"),
        ("redis://ann:hid/den@192.0.2.1", "%2F"),
        ("redis://ann:hid%zzden@192.0.2.1", "two hexadecimal digits"),
        ("redis://ann:hid%0Aden@192.0.2.1", "control character in the password"),
        ("redis://192.0.2.1:hidden", "port that is no number"),
        ("redis://192.0.2.1:0", "port that is no number"),
        ("redis://2001:db8::1", "more than one colon"),
        ("redis://[2001:db8::1", "without its end"),
        ("redis://192.0.2.1/hidden", "database that is no number"),
        ("redis://192.0.2.1?db=hidden", "has parameters"),
        ("unix://run/redis.sock", "three slashes"),
        ("unix:run", "is no URL"),
        ("unix:///run/s?password=hidden", "only db=NUMBER"),
    ])
    func `what is wrong is said without repeating it`(text: String, part: String) {
        #expect {
            _ = try RedisURL(text)
        } throws: { error in
            "\(error)".contains(part) && !"\(error)".contains("hid")
        }
    }

    @Test func `TLS is refused and stunnel is named`() {
        #expect {
            _ = try RedisURL("rediss://ann:hidden@cache.example.com:6380")
        } throws: { error in
            "\(error)".contains("stunnel") && !"\(error)".contains("hidden")
        }
    }

    @Test func `a socket whose path the system cannot take is refused`() {
        #expect(throws: RedisURLError.self) {
            try RedisURL("unix:///" + String(repeating: "a", count: 107))
        }
    }
}
