import HealthWorkerDocument
import HealthWorkerModel
import Testing

@Suite struct DependencyTests {
    private static func document(_ checks: String, more: String = "") -> String {
        """
        format: 1
        set: shop
        defaults:
          checks: {type: tcp, target: {host: 192.0.2.1, port: 80}}
        checks:
        \(checks)
        \(more)
        """
    }

    @Test(arguments: [
        (
            "depends_on: [a]",
            "6: checks[a].depends_on[0]: a check cannot depend on itself: remove it"
        ),
        (
            "depends_on: b",
            "6: checks[a].depends_on: must be a list, and is the text \"b\""
        ),
    ])
    func `what no check can depend on is refused with its line`(lines: String, problem: String) {
        let found = problems(check: lines)

        #expect(found == ["f.yaml:\(problem)"])
    }

    @Test func `so many are allowed and no more`() {
        func list(_ count: Int) -> String {
            "depends_on: [\((0..<count).map { "c\($0)" }.joined(separator: ", "))]"
        }

        #expect(problems(check: list(16)).isEmpty)
        #expect(problems(check: list(17)).count == 1)
    }

    @Test func `a circle is refused with the line at which it can be taken apart`() {
        let found = problems(
            Self.document(
                """
                - {name: b, depends_on: [c]}
                - {name: c, depends_on: [a]}
                - name: a
                  depends_on:
                  - free
                  - b
                - {name: free}
                """))

        #expect(
            found == [
                "f.yaml:11: checks[a].depends_on[1]: checks depend on each other in a circle, "
                    + "a → b → c → a: take one of these out of `depends_on`"
            ])
    }

    @Test func `it is compiled, exported and compiled to the same`() throws {
        let document = try compiled(
            Self.document(
                """
                - {name: router}
                - {name: web, depends_on: [router]}
                """,
                more: """
                    policies:
                    - name: www
                      type: detach
                      member_check: {type: tcp, target: {port: 443}, depends_on: [router]}
                      members: [{name: m, value: 192.0.2.9}]
                    """))
        let (checks, policies) = applied(document)
        let text = try Export.yaml(checks: checks, policies: policies)
        let again = try compiled(text)

        #expect(
            document.checks.map(\.spec.dependsOn) == [[], ["router"], ["router"]])
        #expect(document.references.isEmpty)
        #expect(text.contains("depends_on:"))
        #expect(
            Set(again.checks.map(\.spec)) == Set(document.checks.map(\.spec)))
        #expect(Plan(again, checks: checks, policies: policies).isEmpty)
    }

    @Test func `what is not in the document must be stored`() throws {
        let document = try compiled(
            Self.document(
                "- {name: web, depends_on: [routr, switch]}",
                more: """
                    policies:
                    - name: www
                      type: detach
                      member_check: {type: tcp, target: {port: 443}, depends_on: [gone]}
                      members: [{name: m, value: 192.0.2.9}, {name: n, value: 192.0.2.8}]
                    """))
        let others = [
            stored(tcp("router"), set: "net"), stored(tcp("switch"), set: "net"),
        ]

        let plan = Plan(document, checks: others, policies: [])

        #expect(document.references.map(\.check) == ["routr", "switch", "gone"])
        #expect(
            plan.problems.map(\.description) == [
                "f.yaml:6: checks[web].depends_on[0]: there is no check routr: write it under "
                    + "`checks`, or name one that exists; did you mean `router`?",
                "f.yaml:10: policies[www].member_check.depends_on[0]: there is no check gone: write "
                    + "it under `checks`, or name one that exists",
            ])
    }

    @Test func `a plan shows the field, and refuses to delete what others depend on`() throws {
        var web = tcp("web")
        web.dependsOn = ["router"]
        var outsider = tcp("outsider")
        outsider.dependsOn = ["old"]
        let checks = [
            stored(tcp("router"), set: "shop"), stored(tcp("old"), set: "shop"),
            stored(web, set: "shop"), stored(outsider, set: "net"),
        ]
        let document = try compiled(
            Self.document(
                """
                - {name: router}
                - {name: web}
                """))

        let plan = Plan(document, checks: checks, policies: [], maxDelete: .objects(9))

        let change = plan.changes.first { $0.name == "web" }
        #expect(change?.fields.map(\.path) == ["depends_on"])
        #expect(
            plan.problems.map(\.description) == [
                "the check old would be deleted, and the check outsider depends on it: keep it in "
                    + "the document, or change that check first"
            ])
    }

    private func tcp(_ name: String) -> CheckSpec {
        CheckSpec(name: name, type: .tcp, target: Target(host: "192.0.2.1", port: 80))
    }
}
