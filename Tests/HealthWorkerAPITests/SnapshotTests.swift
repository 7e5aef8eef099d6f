import Foundation
import HealthWorkerAPI
import Testing

/// What callers rely on changes only on purpose: `openapi.json` beside this file is the description
/// that was agreed to.
@Suite struct SnapshotTests {
    private static let file = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "openapi.json")

    @Test func `the description is the one that was agreed to`() async throws {
        try await TestAPI.run { api in
            let served = Data(try await api.get("/openapi.json", as: nil).text.utf8)
            let text = try Self.spread(served)
            // scripts/update-openapi sets it.
            if ProcessInfo.processInfo.environment["HEALTH_WORKER_TEST_REWRITE"] == "1" {
                try text.write(to: Self.file)
            }
            let agreed = try Data(contentsOf: Self.file)

            let differences = Self.differences(
                from: try JSONSerialization.jsonObject(with: agreed),
                to: try JSONSerialization.jsonObject(with: text))
            #expect(
                differences.isEmpty,
                """
                The API's description has changed in \(differences.count) places:
                \(differences.prefix(40).joined(separator: "\n"))
                If that is meant, run scripts/update-openapi and commit the file that it writes.
                """)
            #expect(
                !differences.isEmpty || agreed == text,
                "openapi.json says the same in another layout: run scripts/update-openapi")
        }
    }

    @Test func `a difference is told by its place and by what was and is`() {
        let old: [String: Any] = ["a": ["b": 1, "c": [1, 2]], "d": "x"]
        let new: [String: Any] = ["a": ["b": 2, "c": [1]], "e/f": true]

        #expect(
            Self.differences(from: old, to: new) == [
                "~ /a/b: 1 → 2", "- /a/c/1: 2", "- /d: \"x\"", "+ /e~1f: true",
            ])
    }

    /// One member a line, in an order of its own, so that a difference of it can be read.
    private static func spread(_ document: Data) throws -> Data {
        try JSONSerialization.data(
            withJSONObject: try JSONSerialization.jsonObject(with: document),
            options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]) + Data("\n".utf8)
    }

    private static func differences(from old: Any, to new: Any, at pointer: String = "") -> [String]
    {
        switch (old, new) {
        case (let old as [String: Any], let new as [String: Any]):
            return Set(old.keys).union(new.keys).sorted().flatMap { key in
                let step = key.replacing("~", with: "~0").replacing("/", with: "~1")
                return differences(of: old[key], new[key], at: "\(pointer)/\(step)")
            }
        case (let old as [Any], let new as [Any]):
            return (0..<max(old.count, new.count)).flatMap { index in
                differences(
                    of: old.indices.contains(index) ? old[index] : nil,
                    new.indices.contains(index) ? new[index] : nil, at: "\(pointer)/\(index)")
            }
        default:
            let (was, isNow) = (shown(old), shown(new))
            return was == isNow ? [] : ["~ \(pointer): \(was) → \(isNow)"]
        }
    }

    private static func differences(of old: Any?, _ new: Any?, at pointer: String) -> [String] {
        switch (old, new) {
        case (let old?, let new?): differences(from: old, to: new, at: pointer)
        case (let old?, nil): ["- \(pointer): \(shown(old))"]
        case (nil, let new?): ["+ \(pointer): \(shown(new))"]
        case (nil, nil): []
        }
    }

    private static func shown(_ value: Any) -> String {
        let options: JSONSerialization.WritingOptions = [
            .fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes,
        ]
        guard let data = try? JSONSerialization.data(withJSONObject: value, options: options) else {
            return "\(value)"
        }
        let text = String(decoding: data, as: UTF8.self)
        return text.count > 120 ? "\(text.prefix(120))…" : text
    }
}
