import HealthWorkerModel
import Testing

@Suite struct LabelSelectorTests {
    @Test(arguments: [
        ("env=prod", ["env": "prod"], true), ("env=prod", ["env": "dev"], false),
        ("env=prod", [:], false), ("env==prod", ["env": "prod"], true),
        ("env!=prod", ["env": "dev"], true), ("env!=prod", [:], true),
        ("env!=prod", ["env": "prod"], false),
        ("env in (prod, dev)", ["env": "dev"], true), ("env in (prod,dev)", ["env": "qa"], false),
        ("env in(prod)", ["env": "prod"], true),
        ("env notin (prod,dev)", ["env": "qa"], true), ("env notin (prod,dev)", [:], true),
        ("env notin (prod,dev)", ["env": "dev"], false),
        ("env", ["env": ""], true), ("env", ["tier": "gold"], false),
        ("has env", ["env": "x"], true), ("exists(env)", ["env": "x"], true), ("has", [:], false),
        ("!env", [:], true), ("!env", ["env": "prod"], false), ("!has(env)", [:], true),
        (" env = prod , tier != dev ", ["env": "prod", "tier": "gold"], true),
        ("env=prod,tier!=dev", ["env": "prod", "tier": "dev"], false),
        ("env in (a,b),!old", ["env": "b"], true),
        ("env=", ["env": ""], true), ("site=a=b", ["site": "a=b"], true),
        ("note=one two", ["note": "one two"], true),
    ])
    func `a selector admits what it says`(
        text: String, labels: [String: String], isAdmitted: Bool
    ) throws {
        let selector = try LabelSelector(text)

        #expect(selector.admits(labels) == isAdmitted)
    }

    @Test func `no requirement admits everything`() {
        #expect(LabelSelector().admits([:]))
    }

    @Test(arguments: [
        "", ",", "env=prod,", "=prod", "env in prod", "env in ()", "env prod", "!env=prod", "-x=1",
        "has (", "has()", "env in (a", String(repeating: "a", count: 129),
    ])
    func `what is no selector is refused with what to write`(text: String) {
        let error = #expect(throws: LabelSelectorError.self) { try LabelSelector(text) }

        #expect(error?.description.contains("write KEY=VALUE") == true)
    }

    @Test(arguments: [
        ("env == prod", "env=prod"), ("env != prod", "env!=prod"), ("has(env)", "env"),
        ("!exists env", "!env"), ("env in ( a, b )", "env in (a,b)"), ("env in (a)", "env=a"),
        ("env notin (a,b),!x", "env notin (a,b),!x"),
    ])
    func `its description is a selector that means the same`(
        text: String, canonical: String
    ) throws {
        let selector = try LabelSelector(text)

        #expect(selector.description == canonical)
        #expect(try LabelSelector(selector.description) == selector)
    }

    @Test func `a member has its own labels and those of its policy`() {
        let member = Member(name: "a", value: "192.0.2.1", labels: ["site": "fra1", "env": "qa"])
        let spec = PolicySpec(
            name: "www", labels: ["customer": "acme", "env": "prod"], type: .simple,
            members: [member])

        #expect(
            spec.labels(of: member) == ["customer": "acme", "env": "qa", "site": "fra1"])
    }
}
