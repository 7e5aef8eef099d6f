import HealthWorkerDocument
import HealthWorkerModel
import Testing

@Suite struct CheckTests {
    @Test(arguments: [
        ("interval: 500ms", "6: checks[a].interval: 500ms is too short: write 1s to 24h"),
        ("interval: 25h", "6: checks[a].interval: 25h is too long: write 1s to 24h"),
        ("interval: 10", "6: checks[a].interval: 10 has no unit: write `10s` or `10ms`"),
        (
            "interval: soon",
            "6: checks[a].interval: \"soon\" is not a time: write one such as `10s`, `1m30s` or `250ms`"
        ),
        ("timeout: 50ms", "6: checks[a].timeout: 50ms is too short: write 100ms to 1m"),
        (
            "timeout: 11s",
            "6: checks[a].timeout: 11s is longer than the interval of 10s: a probe ends before the next one begins"
        ),
        (
            "fast_interval: 20s",
            "6: checks[a].fast_interval: 20s is longer than the interval of 10s: write at most 10s"
        ),
        ("fall: 0", "6: checks[a].fall: 0 is out of range: write 1 to 100"),
        ("rise: 101", "6: checks[a].rise: 101 is out of range: write 1 to 100"),
        ("fall: three", "6: checks[a].fall: must be a whole number, and is the text \"three\""),
        ("threshold: 0", "6: checks[a].threshold: 0 is out of range: write 1 to 100"),
        (
            "threshold: 3\nfall: 2",
            "6: checks[a].threshold: `threshold` sets `fall` and `rise`, and `fall` is written as well: write either"
        ),
        ("enabled: yes", "6: checks[a].enabled: must be true or false, and is the text \"yes\""),
        (
            "intervall: 10s",
            "6: checks[a].intervall: is no known key here; did you mean `interval`?"
        ),
        ("port: 443", "6: checks[a].port: is no known key here; did you mean `target.port`?"),
        (
            "host: x",
            "6: checks[a].host: is no known key here; did you mean `target.host` or `http.host`?"
        ),
        (
            "labels: {version: 1.10}",
            "6: checks[a].labels.version: must be text, and 1.10 is a number in YAML: write \"1.10\" in quotes"
        ),
        (
            "labels: {a b: c}",
            "6: checks[a].labels.a b: \"a b\" is no label name: write letters, digits, `.`, `_`, `/`, `-`"
        ),
        (
            "labels: {a: 'b,c'}",
            "6: checks[a].labels.a: \"b,c\" contains a comma, which selectors split at"
        ),
        (
            "confirm: others",
            "6: checks[a].confirm: \"others\" is not known: write other_worker or none"
        ),
        (
            "dns_failure: failur",
            "6: checks[a].dns_failure: \"failur\" is not known: write inconclusive or failure; did you mean `failure`?"
        ),
        (
            "locations: [fra1, fra1]",
            "6: checks[a].locations[1]: the text \"fra1\" is in the list twice: keep one"
        ),
        ("locations: fra1", "6: checks[a].locations: must be a list, and is the text \"fra1\""),
        (
            "tcp: {send: x}",
            "6: checks[a].tcp: only a tcp check has it: write `http`, or `type: tcp`"
        ),
        ("http: {path: health}", "6: checks[a].http.path: begins without `/`: write `/health`"),
        (
            "http: {path: 'https://example.com/'}",
            "6: checks[a].http.path: is a whole URL: write the path alone, the host goes to `target.host`"
        ),
        (
            "http: {path: '/a b'}",
            "6: checks[a].http.path: contains \" \": write it percent-encoded"
        ),
        (
            "http: {path: '/a#b'}",
            "6: checks[a].http.path: contains `#`, which is never sent: leave out what follows"
        ),
        (
            "http: {body: x}",
            "6: checks[a].http.body: a GET request has no body: write `method: POST`, or remove `body`"
        ),
        (
            "http: {method: PUT}",
            "6: checks[a].http.method: \"PUT\" is not known: write GET, HEAD, POST or OPTIONS"
        ),
        (
            "http: {headers: {X-A: \"s3cret\\r\\nB: c\"}}",
            "6: checks[a].http.headers.X-A: contains a line end, which no header value may: write it on one line"
        ),
        (
            "http: {headers: {X A: b}}",
            "6: checks[a].http.headers.X A: \"X A\" is no header name: write letters, digits and `-`"
        ),
        (
            "http: {headers: {Host: b}}",
            "6: checks[a].http.headers.Host: Host is not set here: write it as `http.host`"
        ),
        (
            "http: {headers: {Content-Length: '1'}}",
            "6: checks[a].http.headers.Content-Length: Content-Length is written by the prober: remove it"
        ),
        (
            "http: {headers: {Accept: a, accept: b}}",
            "6: checks[a].http.headers.accept: the header accept is already written in line 6: keep one"
        ),
        (
            "http: {secret_headers: {Authorization: Bearer s3cret}}",
            "6: checks[a].http.secret_headers.Authorization: must be `secret:NAME`, the name of a stored secret, and not the secret itself"
        ),
        (
            "http: {secret_headers: {X-Pin: 123456}}",
            "6: checks[a].http.secret_headers.X-Pin: must be `secret:NAME`, the name of a stored secret, and not the secret itself"
        ),
        (
            "http: {headers: {X-Pin: 123456}}",
            "6: checks[a].http.headers.X-Pin: must be text: write it in quotes"
        ),
        (
            "http: {host: '2001:db8::1'}",
            "6: checks[a].http.host: 2001:db8::1 needs brackets in a Host header: write `[2001:db8::1]`"
        ),
        (
            "http: {host: 'a:99999'}",
            "6: checks[a].http.host: \"a:99999\" ends in a port that is not within 1 to 65535"
        ),
        (
            "http: {method: HEAD}\nexpect: {body_contains: ok}",
            "7: checks[a].expect.body_contains: the answer to a HEAD request has no body: write `method: GET`, or remove it"
        ),
        (
            "tls: {ca: ca.pem}",
            "6: checks[a].tls.ca: \"ca.pem\" is neither `system` nor a path that begins with `/`: write where the PEM file is on the worker"
        ),
        (
            "expect: {status: [600]}",
            "6: checks[a].expect.status[0]: 600 is out of range: write 100 to 599"
        ),
        (
            "expect: {status: ['300-200']}",
            "6: checks[a].expect.status[0]: \"300-200\" is no HTTP status: write one such as 200, or a range such as `200-299`, within 100 to 599"
        ),
        ("expect: {status: []}", "6: checks[a].expect.status: is empty: write at least 1"),
        (
            "expect: {body_matches: '(a'}",
            "6: checks[a].expect.body_matches: is no regular expression: a ) is missing"
        ),
        (
            "expect: {body_limit: 2MiB}",
            "6: checks[a].expect.body_limit: 2MiB is out of range: write 1 to 1MiB"
        ),
        (
            "expect: {body_limit: 5k}",
            "6: checks[a].expect.body_limit: \"5k\" is not a number of bytes: write one such as `64KiB` or 500"
        ),
        (
            "expect: {tcp_contains: x}",
            "6: checks[a].expect.tcp_contains: only a tcp check has it: write `body_contains`"
        ),
        (
            "renamed_from: a",
            "6: checks[a].renamed_from: is the name that it has now: write the name of before, or remove the key"
        ),
    ])
    func `each rule of a check names the key, the line and the remedy`(
        lines: String, sentence: String
    ) {
        #expect(problems(check: lines) == ["f.yaml:\(sentence)"])
    }

    @Test(arguments: [
        (
            "https://example.com/x",
            "\"https://example.com/x\" is a URL: write the host alone, without scheme and path"
        ),
        ("example.com:8080", "\"example.com:8080\" contains a port: the port goes to `port`"),
        ("[2001:db8::1]", "\"[2001:db8::1]\" has brackets: write the address without them"),
        (
            "192.0.2.300",
            "\"192.0.2.300\" is no IPv4 address: write four numbers from 0 to 255 without leading zeros"
        ),
        (
            "0x7f000001",
            "\"0x7f000001\" is no IPv4 address: write four numbers from 0 to 255 without leading zeros"
        ),
        (
            "2130706433",
            "\"2130706433\" is no IPv4 address: write four numbers from 0 to 255 without leading zeros"
        ),
        ("fe80::1%eth0", "\"fe80::1%eth0\" has a zone: write the address without it"),
        ("a..b", "\"a..b\" has an empty part between its dots"),
        ("-a.example.com", "\"-a.example.com\" has a part that begins or ends with `-`"),
        (
            "bücher.example.com",
            "\"bücher.example.com\" contains \"ü\": write the name in its `xn--` form"
        ),
        ("a b", "\"a b\" contains \" \": leave it out"),
        ("", "is empty: write an IP address or a DNS name"),
    ])
    func `a host is an address or a name, and nothing else`(host: String, sentence: String) {
        let found = problems(
            "format: 1\nchecks:\n- name: a\n  type: http\n  target: {host: \"\(host)\"}\n")

        #expect(found == ["f.yaml:5: checks[a].target.host: \(sentence)"])
    }

    @Test(arguments: [
        "192.0.2.1", "2001:db8::1", "example.com", "example.com.", "_sip.example.com",
        "xn--bcher-kva.example",
        "localhost", "a-b.c1",
    ])
    func `addresses and names are hosts`(host: String) throws {
        let check = try compiler.compile(
            check: Node.readJSON(#"{"name": "a", "type": "http", "target": {"host": "\#(host)"}}"#))

        #expect(check.spec.target.host == host)
    }

    @Test func `what only other types have is refused at its key`() {
        #expect(
            problems(
                """
                format: 1
                checks:
                - name: a
                  type: tcp
                  target: {host: 192.0.2.1, ip_family: v6}
                  http:
                    path: /
                  expect:
                    body_contains: x
                - name: b
                  type: http
                  target: {host: b.example.com}
                  tls: {verify: false}
                """) == [
                    "f.yaml:5: checks[a].target: a tcp check has no usual port: add `port` to `target`",
                    "f.yaml:5: checks[a].target.ip_family: 192.0.2.1 is an IPv4 address, so there is nothing to probe with v6: write `any`",
                    "f.yaml:6: checks[a].http: a tcp check sends no HTTP: write `type: http` or https, or remove `http`",
                    "f.yaml:9: checks[a].expect.body_contains: a tcp check has no HTTP answer: write `tcp_contains`, or another type",
                    "f.yaml:13: checks[b].tls: an http check speaks no TLS: write `type: https`, or remove `tls`",
                ])
    }

    @Test func `limits are counted in bytes and entries`() {
        let headers = (0..<33).map { "H\($0): a" }.joined(separator: ", ")
        let some = (0..<20).map { "H\($0): a" }.joined(separator: ", ")
        let others = (0..<20).map { "S\($0): 'secret:a'" }.joined(separator: ", ")
        let body = String(repeating: "é", count: 2049)
        let statuses = (200..<217).map(String.init).joined(separator: ", ")

        #expect(
            problems(check: "http: {headers: {\(headers)}}") == [
                "f.yaml:6: checks[a].http.headers: has 33 entries: at most 32 are allowed"
            ])
        #expect(
            problems(check: "http: {headers: {\(some)}, secret_headers: {\(others)}}") == [
                "f.yaml:6: checks[a].http.headers: has 40 headers together with `secret_headers`: at most 32 are allowed"
            ])
        #expect(
            problems(check: "http: {method: POST, body: \(body)}") == [
                "f.yaml:6: checks[a].http.body: has 4098 bytes: at most 4096 are allowed"
            ])
        #expect(
            problems(check: "expect: {status: [\(statuses)]}") == [
                "f.yaml:6: checks[a].expect.status: has 17 entries: at most 16 are allowed"
            ])
    }

    @Test func `a text with a NUL is refused, because databases cannot store it`() {
        #expect(
            problems(check: "description: \"a\\0b\"") == [
                "f.yaml:6: checks[a].description: contains a NUL character, which cannot be stored: remove it"
            ])
    }

    @Test func `a text may not begin with a byte order mark, which would not come back`() throws {
        #expect(
            Schema.text().problems(in: try Node.readJSON(#""\ufeffa""#)).map(\.message)
                == ["begins with an invisible byte order mark: remove it"])
    }

    @Test(arguments: [
        ("A", "\"A\" contains \"A\", which a name cannot: write it in lower case"),
        ("a b", "\"a b\" contains \" \", which a name cannot: leave it out"),
        ("-a", "\"-a\" begins with `-`: a name begins with a-z or 0-9"),
    ])
    func `a name is a handle`(name: String, sentence: String) {
        #expect(
            problems("format: 1\nchecks:\n- {name: '\(name)', type: http, target: {host: a}}\n")
                == ["f.yaml:3: checks[\(name)].name: \(sentence)"])
    }

    @Test func `all problems of an object are told at once`() {
        #expect(
            problems(
                """
                format: 1
                checks:
                - name: a
                  typ: https
                  interval: 2s
                  timeout: 5s
                  fall: 0
                """) == [
                    "f.yaml:3: checks[a]: has no `type`: add one, such as `type: https`",
                    "f.yaml:3: checks[a]: has no `target`: add one, such as `target: {host: 192.0.2.10, port: 443}`",
                    "f.yaml:4: checks[a].typ: is no known key here; did you mean `type`?",
                    "f.yaml:6: checks[a].timeout: 5s is longer than the interval of 2s: a probe ends before the next one begins",
                    "f.yaml:7: checks[a].fall: 0 is out of range: write 1 to 100",
                ])
    }

    @Test func `the API's single check has pointers, and may leave its name to the path`() throws {
        let node = try Node.readJSON(
            #"{"type": "https", "target": {"host": "a"}, "observed": {"health": "healthy"}}"#)

        #expect(try compiler.compile(check: node, named: "a").spec.name == "a")
        #expect {
            try compiler.compile(
                check: try Node.readJSON(#"{"name": "b", "interval": 5}"#), named: "a")
        } throws: { error in
            (error as? Problems)?.list.map { "\($0.pointer) \($0.sentence)" } == [
                "/name \"b\" is not the name in the path, which is \"a\": write the same, or use rename",
                "/interval 5 has no unit: write `5s` or `5ms`",
                " has no `type`: add one, such as `type: https`",
                " has no `target`: add one, such as `target: {host: 192.0.2.10, port: 443}`",
            ]
        }
    }

    @Test func `threshold sets fall and rise`() throws {
        let check = try compiler.compile(
            check: Node.readYAML("{name: a, type: http, target: {host: a}, threshold: 4}"))

        #expect(check.spec.fall == 4)
        #expect(check.spec.rise == 4)
    }

    @Test func `empty blocks say nothing, but a tcp check's tls makes it speak TLS`() throws {
        let https = try compiler.compile(
            check: Node.readYAML("{name: a, type: https, target: {host: a}, http: {}, tls: {}}"))
        let tcp = try compiler.compile(
            check: Node.readYAML(
                "{name: a, type: tcp, target: {host: a, port: 1}, tcp: {}, tls: {}}"))

        #expect(https.spec == CheckSpec(name: "a", type: .https, target: Target(host: "a")))
        #expect(tcp.spec.tls == TLSOptions())
        #expect(tcp.spec.tcp == nil)
    }

    @Test func `a null is the same as no key`() throws {
        let check = try compiler.compile(
            check: Node.readJSON(
                #"{"name": "a", "type": "http", "target": {"host": "a", "port": null}, "timeout": null, "tls": null, "http": null}"#
            ))

        #expect(check.spec == CheckSpec(name: "a", type: .http, target: Target(host: "a")))
    }
}
