/// How important a line of the log is, from the least to the most; spelled like the levels of
/// swift-log.
package enum LogLevel: String, Hashable, Sendable, Codable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}
