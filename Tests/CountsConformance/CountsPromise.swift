package import HealthWorkerModel

/// One sentence that holds for every kind of counts, and how it is found out.
///
/// A kind's tests run all of them in one line:
///
///     @Test(arguments: CountsPromise.all)
///     func `the counts keep their promises`(_ promise: CountsPromise) async throws {
///         try await promise.ask(of: MyFixture())
///     }
package struct CountsPromise: Sendable {
    package var sentence: String
    private let body: @Sendable (any CountsFixture) async throws -> Void

    init(_ sentence: String, _ body: @escaping @Sendable (any CountsFixture) async throws -> Void) {
        self.sentence = sentence
        self.body = body
    }

    /// - Throws: ``BrokenPromise``, or what the fixture threw.
    package func ask(of fixture: any CountsFixture) async throws {
        try await body(fixture)
    }

    package static let all: [CountsPromise] = counting + losing + simulated
}

extension CountsPromise: CustomStringConvertible {
    package var description: String { sentence }
}

/// What a kind of counts gives the suite: counts with an empty memory of their own for each promise.
package protocol CountsFixture: Sendable {
    /// The counts of one more worker, on the same memory.
    func counts() async throws -> any Counts

    /// Everything that is kept outside the storage is lost.
    func lose() async throws

    /// Notes what is kept at present, for ``restoreCopy()``.
    func takeCopy() async throws

    /// What is kept is as it was when ``takeCopy()`` was last called, or empty where it never was.
    func restoreCopy() async throws
}

/// What counts did that they must not do.
package struct BrokenPromise: Error, CustomStringConvertible {
    package var description: String
}

func expectEqual<Value: Equatable>(
    _ found: Value, _ wanted: Value, _ what: @autoclosure () -> String, file: String = #fileID,
    line: Int = #line
) throws {
    guard found == wanted else {
        throw BrokenPromise(
            description: "\(what()): \(found) instead of \(wanted) (\(file):\(line))")
    }
}

extension Counts {
    func count(_ request: CountRequest) async throws -> Int {
        let runs = await count([request])
        try expectEqual(runs.count, 1, "runs for one outcome")
        return runs[0]
    }
}

extension CountRequest {
    /// What a sample leaves out is that of a check that fails for the first time.
    static func sample(
        check: CheckID = 1, job: JobID = 1, attempt: Int = 1, epoch: Int64 = 1,
        _ health: Health = .healthy, inARow: Int = 0, isSuccess: Bool = false
    ) -> CountRequest {
        CountRequest(
            check: check, job: job, attempt: attempt,
            base: HealthState(
                epoch: epoch, health: health, since: Timestamp(seconds: 0), inARow: inARow),
            isSuccess: isSuccess, interval: .seconds(10))
    }

    /// How much of `run` is counted towards the other health.
    func towards(_ run: Int) -> Int {
        max(0, base.health == .unhealthy ? run : -run)
    }
}

/// `run` must count towards the other health as the base does, and have the outcome's sign.
func expectAgrees(
    _ run: Int, _ request: CountRequest, _ what: @autoclosure () -> String = "counted",
    file: String = #fileID, line: Int = #line
) throws {
    try expectEqual(
        request.towards(run), request.towards(request.runFromBase), what(), file: file, line: line)
    try expectEqual(
        run.signum(), request.isSuccess ? 1 : -1, "\(what()), the sign", file: file, line: line)
}
