package import HealthWorkerModel

/// What the API tells of a route, in a few words.
package enum RouteText {
    /// `192.0.2.10, 192.0.2.11`, or `nothing`.
    package static func values(of route: JSONValue) -> String {
        let values = route["records"]?.elements.compactMap { $0["value"]?.shown } ?? []
        return values.isEmpty ? "nothing" : values.joined(separator: ", ")
    }
}

/// What the API tells of an override, in one line.
package enum OverrideText {
    /// `acme-www fra1 drain until 10:00:00 (in 2h 0m), by key:ops/…: kernel update`.
    package static func line(of override: JSONValue) -> String {
        "\(override["policy"]?.shown ?? "?") \(override["member"]?.shown ?? "?") "
            + "\(override["word"]?.shown ?? "?") \(end(of: override)), by "
            + "\(override["actor"]?.shown ?? "?"): " + (override["reason"]?.shown ?? "")
    }

    /// When an order ends: an override, or a freeze.
    package static func end(of order: JSONValue) -> String {
        order["until"]?.text.map {
            "until \(Moments.clock($0)) (\(Moments.relative($0)))"
        } ?? "without end"
    }
}
