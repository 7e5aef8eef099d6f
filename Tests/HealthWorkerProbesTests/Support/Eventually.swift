import NIOCore
import Testing

/// Asks again and again until it is so, a minute at most.
func eventually(
    _ isSo: () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let end = NIODeadline.now() + .seconds(60)
    while try await !isSo() {
        guard .now() < end else {
            Issue.record("it did not become so in a minute", sourceLocation: sourceLocation)
            return
        }
        await Task.yield()
    }
}
