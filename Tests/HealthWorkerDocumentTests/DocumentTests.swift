import Foundation
import HealthWorkerDocument
import HealthWorkerModel
import Testing

@Suite struct DocumentTests {
    @Test func `a name that every policy publishes is told once for each of them`() {
        let policies = (0..<40).map { number in
            "- {name: p\(number), type: detach, members: [{name: m, value: 192.0.2.1, check: c}], "
                + "publish: [{sink: dns, name: www.example.com}]}\n"
        }

        let found = problems("format: 1\npolicies:\n" + policies.joined())

        #expect(found.count == 39)
        #expect(found.allSatisfy { $0.contains("from the policy p0 (line 3)") })
    }

    @Test func `the design's example compiles, in YAML and in JSON`() throws {
        let yaml = try compiled(example)
        let json = try JSONEncoder().encode(Node.readYAML(example).json())

        let check = try #require(yaml.checks.first)
        #expect(yaml.set == "shop")
        #expect(check.renamedFrom == "shop-login")
        #expect(check.spec.fastInterval == .seconds(2))
        #expect(check.spec.expect.status == [StatusRange(200...200), StatusRange(204...299)])
        #expect(check.spec.http?.secretHeaders == ["Authorization": "secret:shop-probe"])
        let policy = try #require(yaml.policies.first)
        #expect(policy.spec.members.map(\.priority) == [10, 20])
        #expect(policy.spec.publish == [Publication(sink: "dns", name: "www.example.com")])

        let other = try compiler.compile([DocumentText(file: "f.json", bytes: Array(json))])
        #expect(other.checks.map(\.spec) == yaml.checks.map(\.spec))
        #expect(other.policies.map(\.spec) == yaml.policies.map(\.spec))
    }

    @Test func `YAML and JSON have the same problems`() {
        let text =
            #"{"format": 1, "checks": [{"name": "a", "type": "htps", "target": {"hst": "x"}}]}"#

        #expect(
            problems(text, file: "f.yaml")
                == problems(text, file: "f.json").map {
                    $0.replacingOccurrences(of: "f.json", with: "f.yaml")
                })
        #expect(problems(text, file: "f.json").count == 3)
    }

    @Test(arguments: [
        ("checks: []", "f.yaml:1: has no `format`: add one, such as `format: 1`"),
        (
            "format: 2",
            "f.yaml:1: format: format 2 is unknown to this version, which knows 1: write `format: 1`, or use a newer health-worker"
        ),
        ("format: '1'", "f.yaml:1: format: must be the number 1, and is the text \"1\""),
        (
            "format: 1\nset: A",
            "f.yaml:2: set: \"A\" contains \"A\", which a name cannot: write it in lower case"
        ),
        ("format: 1\nchecs: []", "f.yaml:2: checs: is no known key here; did you mean `checks`?"),
        ("format: 1\nchecks: {a: b}", "f.yaml:2: checks: must be a list, and is a map"),
        (
            "format: 1\nchecks: [5]",
            "f.yaml:2: checks[0]: must be a map of keys and values, and is the number 5"
        ),
        ("- a", "f.yaml:1: must be a map with `format: 1`, `checks` and `policies`, and is a list"),
        (
            "format: 1\ndefaults: {interval: 30s}",
            "f.yaml:2: defaults.interval: is no known key here; did you mean `checks.interval`?"
        ),
        (
            "format: 1\ndefaults: {checks: {name: a}}",
            "f.yaml:2: defaults.checks.name: is no known key here: remove it, or write one of description, labels, depends_on, enabled, type, target, locations, interval, fast_interval, timeout, confirm, fall, rise, threshold, dns_failure, http, tls, tcp, expect"
        ),
    ])
    func `the frame of a file is tested as well`(text: String, sentence: String) {
        #expect(problems(text) == [sentence])
    }

    @Test func `defaults lie under each object: maps merge, lists replace, null takes away`() throws
    {
        let document = try compiled(
            """
            format: 1
            defaults:
              checks:
                type: https
                target: {port: 8443}
                interval: 30s
                timeout: 3s
                labels: {customer: acme, site: none}
                locations: [fra1, ams1]
                threshold: 4
                tls: {verify: false}
                http: {path: /health, headers: {A: b}}
              policies:
                ttl: 60
                member_check: {type: http, http: {host: www.example.com}}
            checks:
            - name: a
              target: {host: 192.0.2.1}
              timeout: null
              labels: {site: fra1}
              locations: [lon1]
              rise: 1
              http: {headers: {C: d}}
            - {name: b, type: http, target: {host: 192.0.2.1}}
            - {name: c, type: tcp, target: {host: 192.0.2.1}}
            policies:
            - name: p
              type: simple
              member_check: {type: https, interval: 1m}
              members: [{name: m, value: 192.0.2.1}]
            """)

        let a = try #require(document.checks.first { $0.spec.name == "a" }).spec
        #expect(a.target == Target(host: "192.0.2.1", port: 8443))
        #expect(a.interval == .seconds(30))
        #expect(a.timeout == nil)
        #expect(a.labels == ["customer": "acme", "site": "fra1"])
        #expect(a.locations == ["lon1"])
        #expect((a.fall, a.rise) == (4, 1))
        #expect(a.tls == TLSOptions(verify: false))
        #expect(a.http == HTTPRequest(path: "/health", headers: ["A": "b", "C": "d"]))

        let b = try #require(document.checks.first { $0.spec.name == "b" }).spec
        #expect(b.tls == nil)
        let c = try #require(document.checks.first { $0.spec.name == "c" }).spec
        #expect(c.http == nil)
        #expect(c.tls == nil)

        let made = try #require(document.checks.first { $0.spec.name == "p.m" }).spec
        #expect(made.type == .https)
        #expect(made.interval == .minutes(1))
        #expect(made.target == Target(host: "192.0.2.1", port: 8443))
        #expect(made.http?.host == "www.example.com")
        #expect(document.policies.first?.spec.ttl == 60)
    }

    @Test func `what is wrong in defaults is told once, and there`() {
        #expect(
            problems(
                """
                format: 1
                defaults:
                  checks:
                    interval: 5
                    timeot: 1s
                checks:
                - {name: a, type: http, target: {host: a}}
                - {name: b, type: http, target: {host: b}, fall: 0}
                """) == [
                    "f.yaml:4: defaults.checks.interval: 5 has no unit: write `5s` or `5ms`",
                    "f.yaml:5: defaults.checks.timeot: is no known key here; did you mean `timeout`?",
                    "f.yaml:8: checks[b].fall: 0 is out of range: write 1 to 100",
                ])
    }

    @Test func `a rule that an object breaks together with defaults points at what was written`() {
        #expect(
            problems(
                """
                format: 1
                defaults: {checks: {timeout: 20s, interval: 30s}}
                checks:
                - {name: a, type: http, target: {host: a}, interval: 10s}
                """) == [
                    "f.yaml:2: checks[a].timeout: 20s is longer than the interval of 10s: a probe ends before the next one begins"
                ])
    }

    private func refusals(files: [(String, String)]) -> [String] {
        do throws(Problems) {
            _ = try compiler.compile(files.map { DocumentText(file: $0.0, text: $0.1) })
            return []
        } catch {
            return error.list.map(\.description)
        }
    }

    @Test func `names are unique over all files, and both places are named`() {
        let check = "{name: a, type: http, target: {host: a}}"

        #expect(
            refusals(files: [
                ("one.yaml", "format: 1\nchecks:\n- \(check)\n- \(check)\n"),
                ("two.yaml", "format: 1\nchecks:\n- \(check)\n"),
            ]) == [
                "one.yaml:4: checks[a].name: the check a is already written in line 3: give one of them another name",
                "two.yaml:3: checks[a].name: the check a is already written in one.yaml:3: give one of them another name",
            ])
    }

    @Test func `problems of all files are told, also of one that cannot be read`() {
        #expect(
            refusals(files: [
                ("one.yaml", "format: 1\nchecks: [{name: a}]\n"), ("two.yaml", "a: [\n"),
                ("three.json", "{"),
            ]).map { String($0.prefix(32)) } == [
                "one.yaml:2: checks[a]: has no `t", "one.yaml:2: checks[a]: has no `t",
                "two.yaml:2: is not valid YAML: d", "three.json:1: is not valid JSON:",
            ])
    }

    @Test func `one apply is one set`() {
        #expect(
            refusals(files: [
                ("one.yaml", "format: 1\nset: a\n"), ("two.yaml", "format: 1\nset: b\n"),
                ("three.yaml", "format: 1\n"),
            ]) == [
                "two.yaml:2: set: the set is \"b\" here and \"a\" in one.yaml:2: apply one set at a time"
            ])
    }

    @Test func `a rename is from a name that nobody has any more`() {
        #expect(
            problems(
                """
                format: 1
                checks:
                - {name: a, type: http, target: {host: a}}
                - {name: b, renamed_from: a, type: http, target: {host: a}}
                - {name: c, renamed_from: x, type: http, target: {host: a}}
                - {name: d, renamed_from: x, type: http, target: {host: a}}
                """) == [
                    "f.yaml:4: checks[b].renamed_from: a is itself written in line 3, so it was not renamed: remove this key, or that object",
                    "f.yaml:6: checks[d].renamed_from: x was already renamed in line 5: only one can be it",
                ])
    }

    @Test func `a made check and a written one cannot share a name`() {
        #expect(
            problems(
                """
                format: 1
                checks:
                - {name: p.m, type: http, target: {host: a}}
                policies:
                - name: p
                  type: simple
                  member_check: {type: http}
                  members:
                  - {name: m, value: 192.0.2.1}
                """) == [
                    "f.yaml:9: policies[p].members[m]: `member_check` makes a check called p.m for this member, and one is already written in line 3: rename either, or name the check at the member"
                ])
    }

    @Test func `one name and record type at a sink has one policy`() {
        func policy(_ name: String, _ value: String, _ published: String = "www.example.com")
            -> String
        {
            "- {name: \(name), type: simple, members: [{name: m, value: '\(value)'}], publish: [{sink: dns, name: \(published)}]}\n"
        }

        #expect(
            problems(
                "format: 1\npolicies:\n" + policy("a", "192.0.2.1") + policy("b", "2001:db8::1"))
                == [])
        #expect(
            problems(
                "format: 1\npolicies:\n" + policy("a", "192.0.2.1")
                    + policy("b", "192.0.2.2", "WWW.example.com.")) == [
                    "f.yaml:4: policies[b].publish[0]: www.example.com at the sink dns gets its A records from the policy a (line 3): one name and type has one policy"
                ])
        #expect(
            problems(
                "format: 1\npolicies:\n" + policy("a", "192.0.2.1") + policy("b", "b.example.com"))
                == [
                    "f.yaml:4: policies[b].publish[0]: www.example.com at the sink dns is also published by the policy a (line 3), and a CNAME cannot stand beside other records: use another name"
                ])
    }

    @Test func `observed is accepted wherever objects are read back`() throws {
        let document = try compiled(
            """
            format: 1
            checks:
            - {name: a, type: http, target: {host: a}, observed: {health: healthy, x: [1]}}
            policies:
            - name: p
              type: simple
              observed: {generation: 5}
              members: [{name: m, value: 192.0.2.1, observed: null}]
            """)

        #expect(
            document.checks.map(\.spec) == [
                CheckSpec(name: "a", type: .http, target: Target(host: "a"))
            ])
    }

    @Test(arguments: StartingDocument.allCases)
    func `what init prints compiles, and creates what it shows`(document: StartingDocument) throws {
        let compiled = try compiled(document.text)

        let plan = Plan(compiled, checks: [], policies: [])

        #expect(plan.problems == [])
        #expect(plan.counts.create == 1)
        #expect(plan.counts.changes == 1)
        #expect(document.text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }
}
