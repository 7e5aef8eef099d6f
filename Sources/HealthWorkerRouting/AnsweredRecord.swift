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
        func record(_ value: String, _ ttl: Int) -> AnsweredRecord {
            let value =
                family == .txt
                ? "\"\(Self.text(in: value))\"" : RecordSet.canonical(value, type)
            return AnsweredRecord(value: value, ttl: ttl)
        }
        let wanted = Set(answer.records(of: family).map { record($0.value, answer.ttl) })
        let found = Set(records.map { record($0.value, $0.ttl) })
        if found == wanted { return nil }
        func text(_ records: Set<AnsweredRecord>) -> String {
            if records.isEmpty { return "nothing" }
            let values = records.map(\.value).sorted().joined(separator: ", ")
            let ttls = Set(records.map(\.ttl)).sorted().map(String.init).joined(separator: ", ")
            return "\(values) with TTL \(ttls)"
        }
        return "\(server) answers \(type) \(text(found)), and \(text(wanted)) is published."
    }

    /// What the strings of a TXT record say together: where one ends is a matter of writing
    /// (RFC 1035 §5.1, RFC 7208 §3.3).
    private static func text(in strings: String) -> String {
        var text: [UInt8] = []
        var isInside = false
        var rest = Array(strings.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let next = rest.popFirst() {
                let digits = String(decoding: [next] + rest.prefix(2), as: UTF8.self)
                if digits.utf8.count == 3, let code = UInt8(digits) {
                    rest = rest.dropFirst(2)
                    text.append(code)
                } else {
                    text.append(next)
                }
            } else if byte == UInt8(ascii: "\"") {
                isInside.toggle()
            } else if isInside {
                text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
