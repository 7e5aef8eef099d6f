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

/// What the API tells of a maintenance, in one line.
package enum MaintenanceText {
    /// `site=fra1 from 08:00:00 (in 1h 0m) until 10:00:00 (in 3h 0m), by key:ops/…: new switches`; what
    /// has begun is without its beginning.
    package static func line(of maintenance: JSONValue) -> String {
        let start = maintenance["starts_at"]?.text
        let isUpcoming = maintenance["state"]?.text == MaintenanceState.upcoming.rawValue
        let from =
            isUpcoming ? " from \(Moments.clock(start)) (\(Moments.relative(start)))" : ""
        return "\(maintenance["selector"]?.shown ?? "?")\(from) "
            + "\(OverrideText.end(of: maintenance)), by \(maintenance["actor"]?.shown ?? "?"): "
            + (maintenance["reason"]?.shown ?? "")
    }

    /// `until 10:00:00 (in 3h 0m): new switches`, of a member that is in one; nil: it is in none.
    package static func sentence(of member: JSONValue) -> String? {
        member["maintenance"].map {
            "\(OverrideText.end(of: $0)): \($0["reason"]?.shown ?? "")"
        }
    }
}
