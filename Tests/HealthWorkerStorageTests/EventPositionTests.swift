import HealthWorkerModel
import HealthWorkerStorage
import Testing

struct EventPositionTests {
    @Test func `a position is read from what it is written as`() {
        let position = EventPosition(
            at: Timestamp(microseconds: 1_800_000_000_000_001), source: .route, first: 17,
            second: 3)

        #expect(position.description == "1800000000000001.r17.3")
        #expect(EventPosition(position.description) == position)
    }

    @Test(arguments: [
        "", "1", "1.t", "1.t2", "1.x2.0", "1.t2.0.0", "a.t2.0", "1.t2.+0", "01.t2.0", "1..0",
        "1.t.0", "99999999999999999999.t1.0",
    ])
    func `what is no position is not taken for one`(text: String) {
        #expect(EventPosition(text) == nil)
    }

    @Test func `events of one moment are ordered by their source and id`() {
        func position(_ source: EventPosition.Source, _ first: Int64, _ second: Int64 = 0)
            -> EventPosition
        {
            EventPosition(
                at: Timestamp(seconds: 7), source: source, first: first, second: second)
        }
        let positions = [
            position(.turn, 9), position(.route, 1, 2), position(.route, 1, 3),
            position(.deed, 1),
        ]

        #expect(positions.shuffled().sorted() == positions)
    }

    @Test func `every entry of the audit log is of one kind at most`() {
        for document in [nil, "shop"] {
            for action in Set(EventKind.allCases.flatMap(\.actions)) {
                let entry = AuditEntry(
                    at: Timestamp(seconds: 0), actor: "ann", action: action, object: "x",
                    document: document)

                let kinds = EventKind.allCases.filter { kind in
                    EventQuery(kinds: [kind], applies: .both, limit: 1).admits(.deed(entry))
                }

                #expect(kinds.count <= 1, "\(action) of \(document ?? "nobody's document")")
            }
        }
    }
}
