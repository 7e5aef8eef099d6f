import HealthWorkerModel
import Testing

@testable import HealthWorkerDocument

@Suite struct `The rules of a kind of check that is added` {
    private let rules = CheckRules(
        isValidPattern: { _ in nil },
        kinds: CheckKind.all + [
            CheckKind(CheckType(rawValue: "certificate"), defaultPort: 443, parts: [.tls]),
            CheckKind(CheckType(rawValue: "echo"), parts: [.tcp]),
        ])

    private func problems(_ yaml: String) throws -> [String] {
        var findings = Findings()
        rules.apply(
            to: try DocumentText(file: "f.yaml", bytes: Array(yaml.utf8)).read(), at: .root,
            into: &findings)
        return findings.list.map(\.sentence)
    }

    @Test func `follow from what its line says`() throws {
        #expect(
            try problems(
                "{type: certificate, target: {host: a}, tls: {verify: false}, interval: 10s}") == []
        )
        #expect(
            try problems(
                "{type: certificate, target: {host: a}, http: {path: /}, expect: {tcp_contains: a}}"
            ) == [
                "a certificate check has none: remove it, or write another type",
                "a certificate check has no such answer: remove it, or write another type",
            ])
        #expect(
            try problems("{type: echo, target: {host: a}, tls: {}, expect: {body_contains: a}}")
                == [
                    "a echo check has no such answer: remove it, or write another type",
                    "a echo check has none: remove it, or write another type",
                    "a echo check has no usual port: add `port` to `target`",
                ])
    }
}
