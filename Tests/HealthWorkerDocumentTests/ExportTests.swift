import HealthWorkerDocument
import HealthWorkerModel
import Testing

@Suite struct ExportTests {
    @Test(arguments: 0..<60)
    func `what is exported and applied again changes nothing`(seed: UInt64) throws {
        var specimens = Specimens(seed: seed)
        let checks =
            (0..<4).map { stored(specimens.check("check-\($0)"), set: "s") }
            + [
                stored(
                    CheckSpec(name: "some-check", type: .http, target: Target(host: "a")), set: "s"),
                stored(CheckSpec(name: "no", type: .http, target: Target(host: "a")), set: "s"),
            ]
        let policies = (0..<3).map { stored(specimens.policy("policy-\($0)"), set: "s") }

        let text = try Export.yaml(checks: checks, policies: policies)
        let document: CompiledDocument
        do {
            document = try compiled(text)
        } catch {
            Issue.record("\(error)\n\(text)")
            return
        }
        let made = document.checks.filter { $0.madeBy != nil }
            .map { stored($0.spec, set: "s", madeBy: $0.madeBy) }
        let plan = Plan(document, checks: checks + made, policies: policies)

        #expect(plan.problems == [])
        #expect(plan.isEmpty, "\(plan.text)\n\(text)")
        #expect(
            document.checks.filter { $0.madeBy == nil }.map(\.spec)
                == checks.map(\.spec).sorted { $0.name < $1.name })
        #expect(document.policies.map(\.spec) == policies.map(\.spec))
        #expect(document.set == "s")
    }

    @Test func `an exported document reads like one that a person wrote`() throws {
        let document = try compiled(example)
        let objects = applied(document)

        #expect(
            try Export.yaml(checks: objects.checks, policies: objects.policies) == """
                format: 1
                set: shop
                checks:
                - name: shop-login-fra1
                  description: Login as a customer sees it
                  labels: {customer: acme, site: fra1}
                  type: https
                  target: {host: 192.0.2.10, port: 443}
                  locations: [fra1, ams1]
                  fast_interval: 2s
                  timeout: 5s
                  http:
                    path: /health?deep=1
                    host: shop.example.com
                    headers: {Accept: application/json}
                    secret_headers: {Authorization: "secret:shop-probe"}
                  tls: {server_name: shop.example.com}
                  expect:
                    status: [200, "204-299"]
                    body_contains: "\\"db\\":\\"ok\\""
                policies:
                - name: acme-www
                  labels: {customer: acme, tier: gold}
                  type: failover
                  member_check:
                    type: https
                    confirm: other_worker
                    http: {path: /health, host: www.example.com}
                  members:
                  - {name: fra1, value: 192.0.2.10, priority: 10, labels: {site: fra1}}
                  - {name: ams1, value: 198.51.100.10, priority: 20, check: some-check}
                  on_all_unhealthy: primary
                  ttl_degraded: 10
                  publish:
                  - {sink: dns, name: www.example.com}

                """)
    }

    @Test func `objects of several sets are exported without one`() throws {
        let a = stored(CheckSpec(name: "a", type: .http, target: Target(host: "a")), set: "s")
        let b = stored(CheckSpec(name: "b", type: .http, target: Target(host: "b")), set: "t")

        let text = try Export.yaml(checks: [a, b], policies: [])

        #expect(!text.contains("set:"))
        #expect(Plan(try compiled(text), checks: [a, b], policies: []).isEmpty)
        #expect(try Export.yaml(checks: [], policies: []) == "format: 1\n")
    }

    @Test(arguments: 0..<40)
    func `the wire form of a specification is valid, and comes back the same`(seed: UInt64) throws {
        var specimens = Specimens(seed: 1000 + seed)
        let check = specimens.check("a")
        let policy = specimens.policy("p")

        let checkAgain = try compiler.compile(check: Node(json: JSONValue(encoding: check)))
        let policyAgain = try compiler.compile(policy: Node(json: JSONValue(encoding: policy)))

        #expect(checkAgain.spec == check)
        #expect(policyAgain.spec == policy)
    }
}
