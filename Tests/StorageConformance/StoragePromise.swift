package import HealthWorkerModel
package import HealthWorkerStorage

/// One sentence that holds for every storage, and how it is found out.
///
/// A driver's tests run all of them in one line:
///
///     @Test(arguments: StoragePromise.all)
///     func `the storage keeps its promises`(_ promise: StoragePromise) async throws {
///         try await promise.ask(of: MyFixture())
///     }
package struct StoragePromise: Sendable {
    package var sentence: String
    private let body: @Sendable (any StorageFixture) async throws -> Void

    init(_ sentence: String, _ body: @escaping @Sendable (any StorageFixture) async throws -> Void)
    {
        self.sentence = sentence
        self.body = body
    }

    /// - Throws: ``BrokenPromise``, or what the storage threw.
    package func ask(of fixture: any StorageFixture) async throws {
        try await body(fixture)
    }

    package static let all: [StoragePromise] =
        writing + madeChecks + epochs + claiming + completing + wheel + takingOver + cutting
        + interleavings + sharing + properties + evaluating + deliveries + arrivals + overrides
        + listings + census + fleet + settings + events + keys + audit + secrets + trust
        + maintenance + dependencies + hours
}

extension StoragePromise: CustomStringConvertible {
    package var description: String { sentence }
}

/// What a driver gives the suite: an empty storage of its own for each promise.
package protocol StorageFixture: Sendable {
    /// A process that begins to work on the storage.
    func storage(process: ProcessID) async throws -> any Storage

    /// Shifts every stored time back, as if so much time had passed; a negative duration is a clock
    /// that was set back.
    func age(by duration: Duration) async throws

    /// Drops every evaluation that waits, as no call of the storage does.
    func loseEvaluations() async throws

    /// Adds an evaluation that is due, as a turn does whose policy is deleted at that moment where
    /// statements see snapshots.
    func leaveEvaluation(of policy: PolicyID) async throws

    /// Gives every live job another time-out and other locations than its check's, as an enqueue at
    /// the moment of an edit leaves behind where statements see snapshots.
    func leaveJobsBehind(timeout: Duration, locations: [String]) async throws

    /// Whether outcomes are removed a part of time at once, when all of it is old enough, and not one
    /// by one.
    var prunesByParts: Bool { get }
}

extension StorageFixture {
    package var prunesByParts: Bool { false }
}

/// A storage that a server keeps: connections to it may be cut, and another one may take over whose
/// clock is behind.
package protocol ServerFixture: StorageFixture {
    /// Ends every connection of the storages that were opened.
    func cutConnections() throws
}

/// What a storage did that it must not do.
package struct BrokenPromise: Error, CustomStringConvertible {
    package var description: String
}

func expect(
    _ condition: Bool, _ sentence: @autoclosure () -> String, file: String = #fileID,
    line: Int = #line
) throws {
    if !condition { throw BrokenPromise(description: "\(sentence()) (\(file):\(line))") }
}

func expectEqual<Value: Equatable>(
    _ found: Value, _ wanted: Value, _ what: @autoclosure () -> String, file: String = #fileID,
    line: Int = #line
) throws {
    try expect(
        found == wanted, "\(what()): \(found) instead of \(wanted)", file: file, line: line)
}

func unwrap<Value>(
    _ value: Value?, _ what: @autoclosure () -> String, file: String = #fileID, line: Int = #line
) throws -> Value {
    guard let value else {
        throw BrokenPromise(description: "There is no \(what()) (\(file):\(line))")
    }
    return value
}

/// The refusals that a call was answered with.
func refusals(
    file: String = #fileID, line: Int = #line, of call: () async throws -> Void
) async throws -> [Refusal] {
    do {
        try await call()
    } catch StorageError.refused(let refusals) {
        return refusals
    }
    throw BrokenPromise(description: "Nothing was refused (\(file):\(line))")
}
