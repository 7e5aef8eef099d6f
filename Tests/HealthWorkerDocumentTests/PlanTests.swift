import HealthWorkerDocument
import HealthWorkerModel
import Testing

@Suite struct PlanTests {
    private func check(_ name: String, interval: TimeSpan = .seconds(10)) -> CheckSpec {
        CheckSpec(name: name, type: .http, target: Target(host: "192.0.2.1"), interval: interval)
    }

    private func document(_ lines: String, set: String? = "s") throws -> CompiledDocument {
        try compiled("format: 1\n" + (set.map { "set: \($0)\n" } ?? "") + lines)
    }

    private let one = "checks:\n- {name: a, type: http, target: {host: 192.0.2.1}, interval: 30s}\n"

    @Test func `nothing stored: all is created`() throws {
        let plan = Plan(try compiled(example), checks: [stored(check("some-check"))], policies: [])

        #expect(plan.problems == [])
        #expect(
            plan.text == """
                + check shop-login-fra1
                + policy acme-www
                    + check acme-www.fra1

                2 to create

                """)
    }

    @Test func `the same again: nothing to do`() throws {
        let document = try compiled(example)
        let objects = applied(document)

        let plan = Plan(
            document, checks: objects.checks + [stored(check("some-check"))],
            policies: objects.policies)

        #expect(plan.isEmpty)
        #expect(plan.problems == [])
        #expect(plan.text == "nothing to do: 2 unchanged\n")
    }

    @Test(.timeLimit(.minutes(10)))
    func `ten thousand stored checks are planned in one pass, not in one for each policy`() throws {
        let policies = (0..<600).map { number in
            "- {name: p\(number), type: detach, member_check: {type: tcp, target: {port: 80}}, "
                + "members: [{name: m, value: 192.0.2.1}]}\n"
        }
        let document = try document("policies:\n" + policies.joined())
        let objects = applied(document)
        let gone = (0..<600).flatMap { policy in
            (0..<16).map { stored(check("p\(policy).gone\($0)"), set: "s", madeBy: "p\(policy)") }
        }

        let update = Plan(
            document, checks: objects.checks + gone, policies: objects.policies)
        let pruning = Plan(
            try self.document("checks: []\n"), checks: objects.checks + gone,
            policies: objects.policies)

        #expect(update.counts.update == 600 && update.counts.changes == 600)
        #expect(update.changes.map(\.checks.count) == Array(repeating: 17, count: 600))
        #expect(pruning.counts.delete == 600 && pruning.counts.changes == 600)
        #expect(pruning.changes.map(\.checks.count) == Array(repeating: 17, count: 600))
        #expect(update.changes[0].checks.map(\.name).prefix(3) == ["p0.m", "p0.gone0", "p0.gone1"])
    }

    @Test(.timeLimit(.minutes(10)))
    func `a thousand missing checks are all told, and the first few with a suggestion`() throws {
        let members = (0..<1000).map {
            "  - {name: m\($0), value: m\($0).example.com, check: server-\($0)-htpt}\n"
        }
        let document = try document(
            "policies:\n- name: p\n  type: detach\n  members:\n" + members.joined())

        let plan = Plan(
            document, checks: (0..<4000).map { stored(check("server-\($0)-http")) }, policies: [])

        #expect(plan.problems.count == 1000)
        #expect(plan.problems[0].suggestion == "`server-0-http`")
        #expect(plan.problems[999].suggestion == nil)
    }

    @Test func `an update tells every field, from what to what`() throws {
        let plan = Plan(
            try document(
                """
                checks:
                - name: a
                  type: https
                  target: {host: 192.0.2.1, port: 8443}
                  interval: 30s
                  labels: {site: fra1}
                  http: {headers: {X-Token: new}}
                """),
            checks: [
                stored(
                    CheckSpec(
                        name: "a", type: .http, target: Target(host: "192.0.2.1"),
                        timeout: .seconds(2), http: HTTPRequest(headers: ["X-Token": "old"])),
                    set: "s")
            ], policies: [])

        #expect(
            plan.text == """
                ~ check a
                    labels: (none) → {site: fra1}
                    type: http → https
                    target.port: (none) → 8443
                    interval: 10s → 30s
                    timeout: 2s → (none)
                    http.headers.X-Token: "(not shown)" → "(not shown)"

                1 to update

                """)
        #expect(
            plan.json["counts"]
                == .object([
                    "create": .integer(0), "update": .integer(1), "rename": .integer(0),
                    "delete": .integer(0), "unchanged": .integer(0),
                ]))
        guard case .array(let changes)? = plan.json["changes"],
            case .array(let fields)? = changes.first?["fields"]
        else {
            Issue.record("the plan has no fields")
            return
        }
        #expect(changes.first?["action"] == .string("update"))
        #expect(
            fields[3]
                == .object([
                    "path": .string("interval"), "old": .string("10s"), "new": .string("30s"),
                ]))
    }

    @Test func `members are compared by name, and their order is a field`() throws {
        let policy = PolicySpec(
            name: "p", type: .detach,
            members: [
                Member(name: "a", value: "192.0.2.1"), Member(name: "b", value: "192.0.2.2"),
                Member(name: "c", value: "192.0.2.3"),
            ])

        let plan = Plan(
            try document(
                """
                policies:
                - name: p
                  type: detach
                  members:
                  - {name: b, value: 192.0.2.2, weight: 5}
                  - {name: a, value: 192.0.2.1}
                  - {name: d, value: 192.0.2.4}
                """), checks: [], policies: [stored(policy, set: "s")])

        #expect(
            plan.text == """
                ~ policy p
                    members[b].weight: 1 → 5
                    members[d]: (none) → {enabled: true, name: d, value: 192.0.2.4, weight: 1}
                    members[c]: {enabled: true, name: c, value: 192.0.2.3, weight: 1} → (none)
                    members (order): [a, b, c] → [b, a, d]

                1 to update

                """)
    }

    @Test func `a rename keeps the object, and is over once it is done`() throws {
        let renaming = try document(
            "checks:\n- {name: new, renamed_from: old, type: http, target: {host: 192.0.2.1}, interval: 30s}\n"
        )

        let first = Plan(renaming, checks: [stored(check("old"), set: "s")], policies: [])
        let second = Plan(
            renaming, checks: [stored(check("new", interval: .seconds(30)), set: "s")], policies: []
        )

        #expect(
            first.text == "~ check new, renamed from old\n    interval: 10s → 30s\n\n1 to rename\n")
        #expect(second.isEmpty)
    }

    @Test func `a renamed policy renames the checks that it makes`() throws {
        let before = try document(
            "policies:\n- {name: p, type: simple, member_check: {type: http}, members: [{name: m, value: 192.0.2.1}]}\n"
        )
        let after = try document(
            "policies:\n- {name: q, renamed_from: p, type: simple, member_check: {type: http}, members: [{name: m, value: 192.0.2.1}]}\n"
        )
        let objects = applied(before)

        let plan = Plan(after, checks: objects.checks, policies: objects.policies)

        #expect(
            plan.text
                == "~ policy q, renamed from p\n    ~ check q.m, renamed from p.m\n\n1 to rename\n")
        #expect(plan.problems == [])
    }

    @Test func `a member that leaves takes its check along`() throws {
        let text =
            "policies:\n- {name: p, type: simple, member_check: {type: http}, members: [{name: m, value: 192.0.2.1}]}\n"
        let more = text.replacing("]}", with: ", {name: k, value: 192.0.2.2}]}")
        let objects = applied(try document(more))

        let plan = Plan(try document(text), checks: objects.checks, policies: objects.policies)

        #expect(
            plan.text == """
                ~ policy p
                    members[k]: {enabled: true, name: k, value: 192.0.2.2, weight: 1} → (none)
                    - check p.k

                1 to update

                """)
    }

    @Test func `what left the document goes, inside its set only`() throws {
        let stored_ = [
            stored(check("a", interval: .seconds(30)), set: "s"), stored(check("gone"), set: "s"),
            stored(check("other"), set: "t"), stored(check("free")),
        ]
        let policy = stored(
            PolicySpec(name: "p", type: .simple, members: [Member(name: "m", value: "192.0.2.1")]),
            set: "s")
        let made = stored(check("p.m"), set: "s", madeBy: "p")

        let plan = Plan(try document(one), checks: stored_ + [made], policies: [policy])
        let kept = Plan(
            try document(one), checks: stored_ + [made], policies: [policy], isPruning: false)
        let unowned = Plan(try document(one, set: nil), checks: stored_, policies: [])

        #expect(
            plan.text == "- policy p\n    - check p.m\n- check gone\n\n2 to delete, 1 unchanged\n")
        #expect(plan.problems == [])
        #expect(kept.isEmpty)
        #expect(unowned.isEmpty)
    }

    @Test func `a check that another policy uses is not deleted`() throws {
        let policy = stored(
            PolicySpec(
                name: "p", type: .simple,
                members: [Member(name: "m", value: "192.0.2.1", check: "gone")]),
            set: "t")

        let plan = Plan(
            try document(one), checks: [stored(check("gone"), set: "s")], policies: [policy])

        #expect(
            plan.problems.map(\.sentence) == [
                "the check gone would be deleted, and the policy p uses it for its member m: keep the check in the document, or change that policy first"
            ])
    }

    @Test func `an object of no set is taken in, one of another set is refused`() throws {
        let free = Plan(
            try document(one), checks: [stored(check("a", interval: .seconds(30)))], policies: [])
        let other = Plan(try document(one), checks: [stored(check("a"), set: "t")], policies: [])
        let unowned = Plan(
            try document(one, set: nil), checks: [stored(check("a"), set: "t")], policies: [])

        #expect(free.text == "~ check a\n    set: (none) → s\n\n1 to update\n")
        #expect(free.problems == [])
        #expect(
            other.problems.map(\.description) == [
                "f.yaml:4: checks[a]: the check a belongs to the set t: change it there, write another name, or take it over (take_over=true, --take-over)"
            ])
        #expect(unowned.problems.count == 1)
    }

    @Test func `a check that a policy made is edited there`() throws {
        let written = Plan(
            try document(one), checks: [stored(check("a"), set: "s", madeBy: "p")], policies: [])
        let made = Plan(
            try document(
                "policies:\n- {name: p, type: simple, member_check: {type: http}, members: [{name: m, value: 192.0.2.1}]}\n"
            ),
            checks: [stored(check("p.m"), set: "s")], policies: [])

        #expect(
            written.problems.map(\.sentence) == [
                "the check a is made by the policy p: edit that policy's `member_check`, or write another name"
            ])
        #expect(
            made.problems.map(\.sentence) == [
                "`member_check` of the policy p makes a check called p.m, and there is one already: delete or rename it, or name it at the member"
            ])
    }

    @Test func `a member's check must exist once the plan is carried out`() throws {
        func plan(_ stored: [Check], _ more: String = "") throws -> [String] {
            Plan(
                try document(
                    "\(more)policies:\n- {name: p, type: simple, members: [{name: m, value: 192.0.2.1, check: shop}]}\n"
                ),
                checks: stored, policies: []
            ).problems.map(\.sentence)
        }
        let renaming =
            "checks:\n- {name: new, renamed_from: shop, type: http, target: {host: 192.0.2.1}}\n"

        #expect(try plan([stored(check("shop"))]) == [])
        #expect(
            try plan([stored(check("shops"))]) == [
                "there is no check shop: write it under `checks`, or name one that exists; did you mean `shops`?"
            ])
        #expect(
            try plan([stored(check("shop"), set: "s")]) == [
                "the check shop is in the set and not in the document, so it would be deleted: write it under `checks`, or name another"
            ])
        #expect(
            try plan([stored(check("shop"), set: "s")], renaming) == [
                "the check shop is renamed to new by this document: write new"
            ])
    }

    @Test func `a stored policy of the same name and type is a conflict`() throws {
        let policy = stored(
            PolicySpec(
                name: "old", type: .simple, members: [Member(name: "m", value: "192.0.2.9")],
                publish: [Publication(sink: "dns", name: "WWW.example.com")]), set: "t")

        let plan = Plan(
            try document(
                "policies:\n- {name: p, type: simple, members: [{name: m, value: 192.0.2.1}], publish: [{sink: dns, name: www.example.com}]}\n"
            ),
            checks: [], policies: [policy])

        #expect(
            plan.problems.map(\.description) == [
                "f.yaml:4: policies[p].publish[0]: www.example.com at the sink dns gets its A records from the policy old: one name and type has one policy"
            ])
    }
}
