import HealthWorkerDocument
import HealthWorkerModel
import Testing

@Suite struct PolicyTests {
    @Test(arguments: [
        ("min_healthy: 0", "8: policies[p].min_healthy: 0 is out of range: write 1 to 1000"),
        (
            "min_healthy: 3",
            "8: policies[p].min_healthy: 3 of 1 member can never be healthy: write at most 1"
        ),
        (
            "min_healthy: 2",
            "8: policies[p].min_healthy: no tier has 2 members of one record type: write at most 1"
        ),
        (
            "on_all_unhealthy: fallback",
            "8: policies[p].on_all_unhealthy: there is nothing to fall back to: add `fallback: [VALUE]`"
        ),
        (
            "fallback: [203.0.113.1]",
            "8: policies[p].fallback: is used with `on_all_unhealthy: fallback` only: write that, or remove the values"
        ),
        ("ttl: 0", "8: policies[p].ttl: 0 is out of range: write 1 to 86400"),
        ("ttl: 30s", "8: policies[p].ttl: must be a whole number, and is the text \"30s\""),
        (
            "ttl_degraded: 86401",
            "8: policies[p].ttl_degraded: 86401 is out of range: write 1 to 86400"
        ),
        (
            "failback: later",
            "8: policies[p].failback: \"later\" is not known: write auto or manual"
        ),
        ("failback_delay: 8d", "8: policies[p].failback_delay: 8d is too long: write 0s to 7d"),
        (
            "publish: [{name: www.example.com}]",
            "8: policies[p].publish[www.example.com]: has no `sink`: add one, such as `sink: dns`"
        ),
        (
            "publish: [{sink: dns, name: a b}]",
            "8: policies[p].publish[a b].name: \"a b\" cannot be published: write a name such as www.example.com"
        ),
        (
            "publish: [{sink: dns, name: a.example.com}, {sink: dns, name: A.example.com.}]",
            "8: policies[p].publish[A.example.com.]: A.example.com. at the sink dns is already written in line 8: keep one of them"
        ),
        (
            "member_check: {type: https, name: x}",
            "8: policies[p].member_check.name: cannot be set: the check of a member is called POLICY.MEMBER; remove it"
        ),
        (
            "member_check: {type: https, target: {host: a}}",
            "8: policies[p].member_check.target.host: cannot be set: what is probed is the value of the member; remove it, or name a check at the member"
        ),
        (
            "member_check: {type: https, interval: 5}",
            "8: policies[p].member_check.interval: 5 has no unit: write `5s` or `5ms`"
        ),
        (
            "member_check: {type: https, interval: 2s, timeout: 3s}",
            "8: policies[p].member_check.timeout: 3s is longer than the interval of 2s: a probe ends before the next one begins"
        ),
        (
            "member_check: {type: tcp}",
            "8: policies[p].member_check.target: a tcp check has no usual port: add `port` to `target`"
        ),
        (
            "member_check: {interval: 2s}",
            "8: policies[p].member_check: has no `type`: add one, such as `type: https`"
        ),
        (
            "member_check: {type: https, expect: {body_matches: (}}",
            "8: policies[p].member_check.expect.body_matches: is no regular expression: a ) is missing"
        ),
    ])
    func `each rule of a policy names the key, the line and the remedy`(
        lines: String, sentence: String
    ) {
        #expect(problems(policy: lines) == ["f.yaml:\(sentence)"])
    }

    private func refusals(members: [String], type: String = "detach", more: String = "") -> [String]
    {
        problems(
            "format: 1\npolicies:\n- name: p\n  type: \(type)\n\(more)  members:\n"
                + members.map { "  - {\($0)}\n" }.joined())
    }

    @Test func `failover asks every member for its priority, and two tiers of the policy`() {
        #expect(
            refusals(
                members: ["name: a, value: 192.0.2.1, priority: 1", "name: b, value: 192.0.2.2"],
                type: "failover")
                == [
                    "f.yaml:7: policies[p].members[b]: has no `priority`, which failover needs of every member: add one, lower is preferred"
                ])
        #expect(
            refusals(
                members: [
                    "name: a, value: 192.0.2.1, priority: 1",
                    "name: b, value: 192.0.2.2, priority: 1",
                ],
                type: "failover")
                == [
                    "f.yaml:6: policies[p].members: one tier only: use detach, or give at least two different priorities"
                ])
        #expect(
            refusals(
                members: [
                    "name: a, value: 192.0.2.1, priority: 1",
                    "name: b, value: '2001:db8::1', priority: 2",
                ],
                type: "failover") == [])
    }

    @Test func `names and values of members are unique, however they are spelt`() {
        #expect(
            refusals(members: [
                "name: a, value: '2001:db8::1'", "name: a, value: '2001:db8:0::1'",
                "name: b, value: x.example.com",
                "name: c, value: X.example.com.",
            ]) == [
                "f.yaml:7: policies[p].members[a].name: the member a is already written in line 6: give one of them another name",
                "f.yaml:7: policies[p].members[a].value: 2001:db8:0::1 is already a member, in line 6: keep one of them",
                "f.yaml:9: policies[p].members[c].value: X.example.com. is already a member, in line 8: keep one of them",
            ])
    }

    @Test func `a text stands in quotes, and beside addresses`() {
        #expect(
            refusals(members: ["name: a, value: 192.0.2.1", "name: b, value: '\"site=fra1\"'"])
                == [])
        #expect(
            refusals(members: ["name: a, value: '\"site'", "name: b, value: '\"a\"b\"'"]) == [
                "f.yaml:6: policies[p].members[a].value: \"\"site\" is no text in quotes: write it as `'\"TEXT\"'`, in ASCII and without quotes and backslashes inside",
                "f.yaml:7: policies[p].members[b].value: \"\"a\"b\"\" is no text in quotes: write it as `'\"TEXT\"'`, in ASCII and without quotes and backslashes inside",
            ])
    }

    @Test func `a policy has members, and a value is an address or a name`() {
        #expect(
            problems("format: 1\npolicies:\n- {name: p, type: simple, members: []}\n")
                == ["f.yaml:3: policies[p].members: is empty: write at least 1"])
        #expect(
            refusals(members: ["name: a, value: 'http://a'", "name: b, value: '192.0.2.1:80'"]) == [
                "f.yaml:6: policies[p].members[a].value: \"http://a\" is a URL: write the host alone, without scheme and path",
                "f.yaml:7: policies[p].members[b].value: \"192.0.2.1:80\" contains a port: the port goes to the check's `target.port`",
            ])
    }

    @Test func `only failover has a primary tier`() {
        #expect(
            refusals(members: ["name: a, value: 192.0.2.1"], more: "  on_all_unhealthy: primary\n")
                == [
                    "f.yaml:5: policies[p].on_all_unhealthy: only failover has a primary tier: write all, last, fallback or empty"
                ])
    }

    @Test func `a name beside addresses cannot be published, and can be pulled`() {
        let members = ["name: a, value: 192.0.2.1", "name: b, value: b.example.com"]

        #expect(refusals(members: members) == [])
        #expect(
            refusals(members: members, more: "  publish: [{sink: dns, name: www.example.com}]\n")
                == [
                    "f.yaml:8: policies[p].members[b].value: b.example.com is a name, to be published as a CNAME, which cannot stand beside the addresses of www.example.com: write addresses only, or names only"
                ])
    }

    @Test func `a member's check is made by member_check, or named`() throws {
        let document = try compiled(example)

        let made = try #require(document.checks.first { $0.madeBy != nil })

        #expect(document.checks.map(\.spec.name) == ["shop-login-fra1", "acme-www.fra1"])
        #expect(
            made.spec
                == CheckSpec(
                    name: "acme-www.fra1",
                    labels: ["customer": "acme", "tier": "gold", "site": "fra1"],
                    type: .https, target: Target(host: "192.0.2.10"),
                    http: HTTPRequest(path: "/health", host: "www.example.com")))
        #expect(made.madeBy == "acme-www")
        #expect(made.position?.line == 42)
        #expect(document.references.map(\.check) == ["some-check"])
        #expect(
            document.references.map(\.problem.description) == [
                "f.yaml:43: policies[acme-www].members[ams1].check: there is no check some-check: write it under `checks`, or name one that exists"
            ])
    }

    @Test func `a made check's name may not grow too long`() {
        let long = String(repeating: "p", count: 128)

        #expect(
            problems(
                "format: 1\npolicies:\n- name: \(long)\n  type: simple\n  member_check: {type: http}\n  members: [{name: a, value: 192.0.2.1}]\n"
            ) == [
                "f.yaml:6: policies[\(long)].members[a].name: its check would be called \"\(long.prefix(60))…\", which has more than 128 characters: write a shorter name"
            ])
    }

    @Test func `the API's single policy comes with the checks that it makes`() throws {
        let policy = try compiler.compile(
            policy: Node.readJSON(
                #"{"type": "detach", "member_check": {"type": "http", "threshold": 2}, "members": [{"name": "a", "value": "192.0.2.1", "observed": {}}, {"name": "b", "value": "192.0.2.2", "check": "c"}]}"#
            ),
            named: "p")

        #expect(policy.checks.map(\.spec.name) == ["p.a"])
        #expect(policy.checks.map(\.spec.rise) == [2])
        #expect(policy.references.map(\.check) == ["c"])
        #expect(policy.spec.members.map(\.name) == ["a", "b"])
        #expect(
            policy.spec.memberCheck
                == .object(["type": .string("http"), "fall": .integer(2), "rise": .integer(2)]))
    }
}
