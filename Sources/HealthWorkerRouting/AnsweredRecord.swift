package import HealthWorkerModel
package import HealthWorkerSettings

/// A record as a name server answers it.
package struct AnsweredRecord: Hashable, Sendable {
    package var value: String
    package var ttl: Int

    package init(value: String, ttl: Int) {
        self.value = value
        self.ttl = ttl
    }
}

/// Asks one name server, now, for the records of one type that a name itself has.
///
/// Throws a sentence about the server where it does not say.
package typealias AskNameServer =
    @Sendable (_ server: TargetAddress, _ name: String, _ family: RecordFamily)
    async throws(SinkError) -> [AnsweredRecord]

extension Route {
    /// The families in which something is answered, or nothing is although the policy has members of it.
    var families: [RecordFamily] {
        Set(members.map(\.family) + answer.records.map(\.family)).sorted()
    }

    /// How records that a server answers differ from this route's, in a sentence; nil: not at all.
    func difference(
        of records: [AnsweredRecord], in family: RecordFamily, from server: String
    ) -> String? {
        let type = family.rawValue
        let wanted = Set(
            answer.records(of: family).map {
                AnsweredRecord(value: RecordSet.canonical($0.value, type), ttl: answer.ttl)
            })
        let found = Set(
            records.map {
                AnsweredRecord(value: RecordSet.canonical($0.value, type), ttl: $0.ttl)
            })
        if found == wanted { return nil }
        func text(_ records: Set<AnsweredRecord>) -> String {
            if records.isEmpty { return "nothing" }
            let values = records.map(\.value).sorted().joined(separator: ", ")
            let ttls = Set(records.map(\.ttl)).sorted().map(String.init).joined(separator: ", ")
            return "\(values) with TTL \(ttls)"
        }
        return "\(server) answers \(type) \(text(found)), and \(text(wanted)) is published."
    }
}
