package import HealthWorkerModel

/// What the API tells of a month, for people and for spreadsheets.
package struct ReportText {
    /// One policy, or all together.
    package struct Line {
        fileprivate let json: JSONValue

        /// Nil: all together.
        package var policy: String? { json["policy"]?.shown }
        package var type: String { json["type"]?.shown ?? "" }
        package var failovers: String { json["failovers"]?.shown ?? "?" }
        package var falseSwitches: String { json["false_switches"]?.shown ?? "–" }

        /// `99.9534 %`, rounded down; a dash where nothing is known.
        package var availability: String {
            guard let share = json["availability"]?.number else { return "–" }
            return Self.decimals(Int64((share * 1_000_000).rounded()), 4) + " %"
        }

        /// `12m30s`, in whole seconds from a minute on.
        package func span(_ key: String) -> String { Self.span(json[key]?.number) }

        /// `4.2s`; a dash where there was none of which it is known.
        package func failoverTime(_ key: String) -> String {
            json["time_to_failover"].map { Self.span($0[key]?.number) } ?? "–"
        }

        /// Up to what the times were measured: `3 observed, 1 applied`.
        package var measuredUpTo: String {
            let words = ["observed", "applied", "decided"].compactMap { word -> String? in
                guard let count = json["time_to_failover"]?[word]?.shown, count != "0" else {
                    return nil
                }
                return "\(count) \(word)"
            }
            return words.joined(separator: ", ")
        }

        /// From when on, where that is later than `start`.
        package func measuredFrom(after start: String) -> String? {
            guard let from = json["measured_from"]?.shown else { return "nothing is known" }
            guard let moment = Timestamp(from), let first = Timestamp(start), moment > first else {
                return nil
            }
            return "measured from \(from.prefix(16).replacing("T", with: " "))"
        }

        private static func span(_ seconds: Double?) -> String {
            guard let seconds else { return "–" }
            if seconds >= 60 { return TimeSpan.seconds(Int64(seconds.rounded())).description }
            return decimals(Int64((seconds * 10).rounded()), 1) + "s"
        }

        private static func decimals(_ number: Int64, _ places: Int) -> String {
            let digits = String(number)
            let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
            return "\(padded.dropLast(places)).\(padded.suffix(places))"
        }
    }

    package let month: String
    package let from: String
    package let lines: [Line]
    package let total: Line

    package init(_ answer: JSONValue) {
        month = answer["month"]?.shown ?? "?"
        from = answer["from"]?.shown ?? "?"
        lines = (answer["policies"]?.elements ?? []).map { Line(json: $0) }
        total = Line(json: answer["total"] ?? .null)
    }

    /// The definitions, for who reads the figures.
    package static let definitions = [
        "Availability: the share of the measured time in which what was published held a member that "
            + "was measured healthy. Unknown time, in which nothing was probed or what was published "
            + "has no check, does not count as available.",
        "Degraded: available, while another member was unhealthy.",
        "Failovers: changes by which a published member left because of its health, and not by an "
            + "operator's word. Their time goes from the first of the failures in a row to the moment "
            + "at which the new answer was observed at the last of its places; where none was, to when "
            + "it was applied, or decided.",
        "False switches: failovers whose member was healthy again without one more failure after it "
            + "had turned.",
    ]
}

// Comma-separated values (RFC 4180): one header line, CRLF, seconds and shares as plain numbers.
extension ReportText {
    package var csv: String {
        let header = [
            "month", "policy", "type", "mode", "measured_from", "measured_seconds",
            "available_seconds", "degraded_seconds", "unknown_seconds", "availability",
            "failovers", "false_switches",
        ]
        let times = ["observed", "applied", "decided", "p50_seconds", "p95_seconds", "max_seconds"]
        let rows = (lines + [total]).map { line -> [String] in
            header.map { column in
                switch column {
                case "month": month
                case "policy": line.policy ?? "(all)"
                default: line.json[column]?.shown ?? ""
                }
            } + times.map { line.json["time_to_failover"]?[$0]?.shown ?? "" }
        }
        return ([header + times.map { "time_to_failover_\($0)" }] + rows).map { row in
            row.map(Self.cell).joined(separator: ",") + "\r\n"
        }.joined()
    }

    private static func cell(_ text: String) -> String {
        guard text.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else {
            return text
        }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
