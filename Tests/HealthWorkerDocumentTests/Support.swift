import HealthWorkerDocument
import HealthWorkerModel

/// A stand-in for the probers' engine: refuses what has an open bracket without its end.
let compiler = Compiler(isValidPattern: { pattern in
    pattern.filter { $0 == "(" }.count == pattern.filter { $0 == ")" }.count
        ? nil : "a ) is missing"
})

/// What is wrong with a file called `f.yaml`, a line for each.
func problems(_ text: String, file: String = "f.yaml") -> [String] {
    do throws(Problems) {
        _ = try compiler.compile([DocumentText(file: file, text: text)])
        return []
    } catch {
        return error.list.map(\.description)
    }
}

/// A check with these lines more, in a document; its own lines begin at 6.
func problems(check lines: String) -> [String] {
    problems(
        """
        format: 1
        checks:
        - name: a
          type: https
          target: {host: 192.0.2.1}
        """ + "\n" + lines.split(separator: "\n").map { "  \($0)\n" }.joined())
}

/// A failover policy with these lines more, in a document; its own lines begin at 8.
func problems(policy lines: String) -> [String] {
    problems(
        """
        format: 1
        policies:
        - name: p
          members:
          - {name: m1, value: 192.0.2.1, priority: 10}
          - {name: m2, value: 192.0.2.2, priority: 20}
          type: failover
        """ + "\n" + lines.split(separator: "\n").map { "  \($0)\n" }.joined())
}

func compiled(_ text: String) throws -> CompiledDocument {
    try compiler.compile([DocumentText(file: "f.yaml", text: text)])
}

func stored(_ spec: CheckSpec, set: String? = nil, madeBy: String? = nil) -> Check {
    Check(
        id: 1, revision: 1, epoch: 1, spec: spec, set: set, madeBy: madeBy,
        createdAt: Timestamp(seconds: 0), updatedAt: Timestamp(seconds: 0))
}

func stored(_ spec: PolicySpec, set: String? = nil) -> Policy {
    Policy(
        id: 1, revision: 1, spec: spec, set: set, createdAt: Timestamp(seconds: 0),
        updatedAt: Timestamp(seconds: 0))
}

/// What storage would hold after `document` was applied to nothing.
func applied(_ document: CompiledDocument) -> (checks: [Check], policies: [Policy]) {
    (
        document.checks.map { stored($0.spec, set: document.set, madeBy: $0.madeBy) },
        document.policies.map { stored($0.spec, set: document.set) }
    )
}

/// The example of the design, in one file.
let example = """
    format: 1
    set: shop
    defaults:
      checks: {confirm: other_worker}
    checks:
    - name: shop-login-fra1
      renamed_from: shop-login
      description: Login as a customer sees it
      labels: {customer: acme, site: fra1}
      enabled: true
      type: https
      target: {host: 192.0.2.10, port: 443, ip_family: any}
      locations: [fra1, ams1]
      interval: 10s
      fast_interval: 2s
      timeout: 5s
      confirm: other_worker
      fall: 3
      rise: 2
      dns_failure: inconclusive
      http:
        method: GET
        path: /health?deep=1
        host: shop.example.com
        headers: {Accept: application/json}
        secret_headers: {Authorization: secret:shop-probe}
        body: ""
        follow_redirects: false
      tls: {server_name: shop.example.com, verify: true, ca: system}
      expect:
        status: [200, "204-299"]
        body_contains: '"db":"ok"'
    policies:
    - name: acme-www
      labels: {customer: acme, tier: gold}
      type: failover
      mode: live
      member_check:
        type: https
        http: {host: www.example.com, path: /health}
      members:
      - {name: fra1, value: 192.0.2.10, priority: 10, labels: {site: fra1}}
      - {name: ams1, value: 198.51.100.10, priority: 20, check: some-check}
      min_healthy: 1
      failback: auto
      failback_delay: 5m
      on_all_unhealthy: primary
      fallback: []
      ttl: 30
      ttl_degraded: 10
      publish:
      - {sink: dns, name: www.example.com, adopt: false, drift: mend, on_delete: leave}
    """
