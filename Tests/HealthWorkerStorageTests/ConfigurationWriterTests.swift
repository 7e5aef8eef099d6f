import HealthWorkerModel
import HealthWorkerStorage
import Testing

struct ConfigurationWriterTests {
    /// What every driver pays per call: it must not depend on how long the document is.
    @Test(arguments: [1, 400])
    func `a batch costs the same few calls however long it is`(length: Int) async throws {
        var transaction = CountingTransaction()
        let changes: [ObjectChange] = (0..<length).flatMap { number -> [ObjectChange] in
            [
                .putCheck(
                    CheckSpec(
                        name: "web\(number)", type: .tcp, target: Target(host: "192.0.2.1")),
                    set: nil),
                .putPolicy(
                    PolicySpec(
                        name: "www\(number)", type: .detach,
                        members: [
                            Member(name: "m", value: "192.0.2.1", check: "web\(number)")
                        ], publish: [Publication(sink: "dns", name: "\(number).example.com")]),
                    makes: [], set: nil),
            ]
        }

        let results = try ConfigurationWriter.carryOut(
            WriteBatch(changes, actor: "ann"), in: &transaction)

        #expect(results == Array(repeating: .created(revision: 1), count: 2 * length))
        #expect(transaction.reads == 4)
        #expect(
            transaction.writes == [
                "insert checks", "ensure slots", "enqueue", "insert policies", "evaluate", "audit",
            ])
        #expect(transaction.bound.last?.checks == ["m": CheckID(Int64(length))])
    }

    @Test func `nothing is written when anything is refused`() throws {
        var transaction = CountingTransaction()

        #expect(throws: StorageError.refused([.missing(.check, "gone")])) {
            try ConfigurationWriter.carryOut(
                WriteBatch(
                    [
                        .putCheck(
                            CheckSpec(name: "web", type: .tcp, target: Target(host: "h")), set: nil),
                        .deleteCheck("gone"),
                    ], actor: "ann"), in: &transaction)
        }

        #expect(transaction.writes.isEmpty)
    }
}

/// An empty storage that notes how it is called.
private struct CountingTransaction: ConfigurationTransaction {
    let now = Timestamp(seconds: 1_767_225_600)
    var writes: [String] = []
    var bound: [BoundPolicy] = []
    // Reading does not mutate, so that the count lives beside the value.
    private let counter = Counter()
    var reads: Int { counter.reads }

    private final class Counter {
        var reads = 0
    }

    func checks(named names: Set<String>) throws(StorageError) -> [Check] {
        counter.reads += 1
        return []
    }

    func checks(madeBy policies: Set<String>) throws(StorageError) -> [Check] {
        counter.reads += 1
        return []
    }

    func policies(named names: Set<String>) throws(StorageError) -> [Policy] {
        counter.reads += 1
        return []
    }

    func policies(using checks: Set<CheckID>) throws(StorageError) -> [Policy] {
        counter.reads += 1
        return []
    }

    func checks(dependingOn checks: Set<CheckID>) throws(StorageError) -> [Check] {
        counter.reads += 1
        return []
    }

    func publishers(
        of keys: Set<PublicationKey>
    ) throws(StorageError) -> [PublicationKey: String] {
        counter.reads += 1
        return [:]
    }

    mutating func insert(checks: [Check]) throws(StorageError) -> [CheckID] {
        writes.append("insert checks")
        return checks.indices.map { CheckID(Int64($0 + 1)) }
    }

    mutating func update(checks: [Check]) throws(StorageError) { writes.append("update checks") }

    mutating func bind(dependencies: [CheckID: [CheckID]]) throws(StorageError) {
        writes.append("bind")
    }

    mutating func delete(checks: [CheckID]) throws(StorageError) { writes.append("delete checks") }

    mutating func forgetHealth(
        of checks: [CheckID], cause: TurnCause
    ) throws(StorageError) { writes.append("forget") }

    mutating func ensureSlots(of checks: [Check]) throws(StorageError) {
        writes.append("ensure slots")
    }

    mutating func enqueue(
        _ jobs: [(check: Check, id: CheckID, visibleAt: Timestamp)]
    ) throws(StorageError) { writes.append("enqueue") }

    mutating func endJobs(of checks: [CheckID]) throws(StorageError) { writes.append("end jobs") }

    mutating func insert(policies: [BoundPolicy]) throws(StorageError) -> [PolicyID] {
        writes.append("insert policies")
        bound = policies
        return policies.indices.map { PolicyID(Int64($0 + 1)) }
    }

    mutating func update(policies: [BoundPolicy]) throws(StorageError) {
        writes.append("update policies")
    }

    mutating func delete(policies: [PolicyID]) throws(StorageError) {
        writes.append("delete policies")
    }

    mutating func part(with partings: [Parting]) throws(StorageError) { writes.append("part") }

    mutating func evaluate(policies: [PolicyID]) throws(StorageError) { writes.append("evaluate") }

    mutating func audit(_ entries: [AuditEntry]) throws(StorageError) { writes.append("audit") }
}
