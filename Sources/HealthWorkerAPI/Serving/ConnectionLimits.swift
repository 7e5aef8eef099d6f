/// What one client may take of the server.
package struct ConnectionLimits: Sendable {
    /// So many connections at once; further ones wait in the system's queue until one is closed.
    package var connections: Int
    /// How long a connection may be without a request, and how long the head of one may take.
    /// Longer than the longest long poll, shorter than what idle clients may hold.
    package var idle: Duration
    /// A body may take so long, and a second more for each `bytesPerSecond` that arrived.
    package var bodyGrace: Duration
    package var bytesPerSecond: Int
    /// How long an answer may wait for its reader.
    package var stalledAnswer: Duration
    /// What is read and thrown away of a body whose answer is out already: closing at once could
    /// take the answer away from a client that still sends.
    package var unreadBytes: Int
    /// The head of a request: a field, all of them, and how many.
    package var headerFieldBytes: Int
    package var headerBytes: Int
    package var headerFields: Int

    package init(
        connections: Int = 8192, idle: Duration = .seconds(90), bodyGrace: Duration = .seconds(20),
        bytesPerSecond: Int = 8192, stalledAnswer: Duration = .seconds(60),
        unreadBytes: Int = 4 * 1_048_576, headerFieldBytes: Int = 16 * 1024,
        headerBytes: Int = 32 * 1024, headerFields: Int = 100
    ) {
        self.connections = connections
        self.idle = idle
        self.bodyGrace = bodyGrace
        self.bytesPerSecond = bytesPerSecond
        self.stalledAnswer = stalledAnswer
        self.unreadBytes = unreadBytes
        self.headerFieldBytes = headerFieldBytes
        self.headerBytes = headerBytes
        self.headerFields = headerFields
    }
}
