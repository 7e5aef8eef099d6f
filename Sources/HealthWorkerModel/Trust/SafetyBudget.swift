/// How many members, of those that a selector admits, may leave by themselves within a time. What is beyond
/// stays published until a person says otherwise.
package struct SafetyBudget: Hashable, Sendable {
    package enum Limit: Hashable, Sendable {
        case members(Int)
        /// Of those that were published before any left, rounded down.
        case percent(Int)
    }

    package var name: String
    /// Of members by their labels; those of their policy count for each of them.
    package var selector: LabelSelector
    package var limit: Limit
    package var window: TimeSpan

    package init(name: String, selector: LabelSelector, limit: Limit, window: TimeSpan) {
        self.name = name
        self.selector = selector
        self.limit = limit
        self.window = window
    }

    /// So many there may be: each evaluation in which a member leaves reads all of them.
    package static let most = 100

    /// The holds on those of `leaving` that the budget does not pay for.
    ///
    /// Members leave in the order of their turns, so that all who evaluate at the same moment give the
    /// same ones leave to go. Those that have left come first: a turn is numbered before it is seen, and
    /// a later one may have been seen earlier. One that turned before the window and leaves only now comes
    /// last.
    ///
    /// - Parameters:
    ///   - leaving: Members of `policy` that the selector admits.
    ///   - departures: All of the window that it admits.
    ///   - published: Members published now that it admits, at all policies; only asked for a percentage.
    package func holds(
        on leaving: [String], of policy: PolicyID, among departures: [Departure], published: Int,
        at now: Timestamp
    ) -> [String: Hold] {
        let most =
            switch limit {
            case .members(let most): most
            case .percent(let percent):
                departures.publishedBefore(published) * percent / 100
            }
        func place(_ departure: Departure) -> (Int, HealthChangeID, PolicyID, String) {
            (departure.hasLeft ? 0 : 1, departure.change, departure.policy, departure.member)
        }
        let order = departures.sorted { place($0) < place($1) }
        let inOrder = Set(order.filter { $0.policy == policy }.map(\.member))
        let late = leaving.filter { !inOrder.contains($0) }
        let unpaid = Set(order.dropFirst(most).filter { $0.policy == policy }.map(\.member))
            .union(late.dropFirst(max(0, most - order.count)))
        let hold = Hold(since: now, until: nil, budget: name)
        return Dictionary(
            leaving.filter(unpaid.contains).map { ($0, hold) }, uniquingKeysWith: { $1 })
    }
}

extension SafetyBudget: Codable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case name, selector
        case members = "at_most"
        case percent = "at_most_percent"
        case window
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let percent = try container.decodeIfPresent(Int.self, forKey: .percent)
        // As a selector that requires nothing is written.
        let text = try container.decode(String.self, forKey: .selector)
        self.init(
            name: try container.decode(String.self, forKey: .name),
            selector: text.isEmpty ? LabelSelector() : try LabelSelector(text),
            limit: try percent.map(Limit.percent)
                ?? .members(container.decode(Int.self, forKey: .members)),
            window: try container.decode(TimeSpan.self, forKey: .window))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(selector.description, forKey: .selector)
        switch limit {
        case .members(let most): try container.encode(most, forKey: .members)
        case .percent(let most): try container.encode(most, forKey: .percent)
        }
        try container.encode(window, forKey: .window)
    }
}
