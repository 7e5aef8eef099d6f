/// What Redis answered to one command.
package enum RedisReply: Hashable, Sendable {
    case text(String)
    case number(Int)
    case list([RedisReply])
    case nothing
    case error(String)
}
