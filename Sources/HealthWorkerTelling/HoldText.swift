package import HealthWorkerModel

/// What the API tells of a member that is held, in one line.
package enum HoldText {
    /// `fra1 by guard until 10:00:00 (in 90 s)`.
    package static func line(of hold: JSONValue) -> String {
        let end =
            hold["until"]?.text.map { "until \(Moments.clock($0)) (\(Moments.relative($0)))" }
            ?? "until a person releases it"
        return "\(hold["member"]?.shown ?? "?") by \(hold["by"]?.shown ?? "?") \(end)"
    }
}

/// What the API tells of why a policy would not get over a loss.
package enum ExposureText {
    /// Nil: it would, or it was not asked.
    ///
    /// - Parameter without: Reasons that are told elsewhere.
    package static func sentence(
        _ told: JSONValue?, without: Set<Protection.Reason> = []
    ) -> String? {
        let sentences = (told?["exposures"]?.elements ?? []).compactMap { exposure -> String? in
            let reason = exposure["reason"]?.text.flatMap(Protection.Reason.init)
            if let reason, without.contains(reason) { return nil }
            let members = exposure["members"]?.elements.compactMap(\.shown) ?? []
            let few = members.prefix(5).joined(separator: ", ")
            let rest = members.count > 5 ? " and \(members.count - 5) more" : ""
            return reason?.sentence(about: few + rest) ?? exposure["reason"]?.shown
        }
        return sentences.isEmpty ? nil : sentences.joined(separator: "; ")
    }
}
