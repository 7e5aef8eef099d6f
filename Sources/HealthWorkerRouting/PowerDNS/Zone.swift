/// A zone as PowerDNS tells of it, with the record sets of one name.
struct Zone: Hashable, Sendable, Decodable {
    var name: String
    /// Native, Master, Slave, Producer, Consumer; Primary and Secondary in later versions.
    var kind: String
    /// How the serial rises at a change through the API; empty: not at all.
    var soaEditAPI: String?
    /// Where a secondary has it from.
    var masters: [String]?
    var recordSets: [RecordSet]?

    enum CodingKeys: String, CodingKey {
        case name, kind, masters
        case soaEditAPI = "soa_edit_api"
        case recordSets = "rrsets"
    }

    /// Whether secondaries have to be told of a change.
    var hasSecondaries: Bool { ["Master", "Primary", "Producer"].contains(kind) }
    var isSecondary: Bool { ["Slave", "Secondary", "Consumer"].contains(kind) }
}

struct RecordSet: Hashable, Sendable, Codable {
    var name: String
    var type: String
    var ttl: Int
    var records: [Record]
    var comments: [Comment]?

    struct Record: Hashable, Sendable, Codable {
        var content: String
        var disabled: Bool
    }

    struct Comment: Hashable, Sendable, Codable {
        var content: String
        var account: String
    }

    /// What is answered for it, in one order.
    var values: [String] {
        records.filter { !$0.disabled }.map { Self.canonical($0.content, type) }.sorted()
    }

    var hasDisabled: Bool { records.contains(where: \.disabled) }

    /// Those that are no mark of ours.
    var commentsOfOthers: [Comment] { (comments ?? []).filter { !OwnerMark.isMark($0) } }

    /// `A 192.0.2.1, 192.0.2.2 (TTL 30)`
    var text: String {
        let disabled = records.filter(\.disabled)
            .map { "\(Self.canonical($0.content, type)) (disabled)" }.sorted()
        return "\(type) \((values + disabled).joined(separator: ", ")) (TTL \(ttl))"
    }
}

/// One entry of a PATCH.
struct RecordSetChange: Hashable, Sendable, Encodable {
    enum Kind: String, Encodable {
        case replace = "REPLACE"
        case delete = "DELETE"
    }

    var name: String
    var type: String
    var changetype: Kind
    var ttl: Int?
    var records: [RecordSet.Record]?
    var comments: [RecordSet.Comment]?

    static func replace(with set: RecordSet) -> Self {
        Self(
            name: set.name, type: set.type, changetype: .replace, ttl: set.ttl,
            records: set.records, comments: set.comments ?? [])
    }

    static func delete(_ set: RecordSet) -> Self {
        // The comments are replaced on their own: without this they would outlive the records.
        Self(name: set.name, type: set.type, changetype: .delete)
    }
}
