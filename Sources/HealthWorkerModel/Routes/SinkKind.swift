/// What a sink wants to know of the routes that it is sent.
package enum SinkKind: String, Hashable, Sendable, Codable, CaseIterable {
    /// It holds the newest route: generations in between need not reach it.
    case state
    /// It is told of every generation, in order.
    case event
}
