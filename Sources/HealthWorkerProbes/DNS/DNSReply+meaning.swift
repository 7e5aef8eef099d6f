package import HealthWorkerModel

/// What is known about a question.
package enum DNSAnswer: Hashable, Sendable {
    /// At least one.
    case addresses([IPAddress])
    /// The name is another one's alias, whose addresses the server did not add.
    case alias(DomainName)
    /// There is no such name, or it has nothing of the type.
    case nothing(ResponseCode)
}

/// What a reply says about the question it answers.
package enum ReplyMeaning: Hashable, Sendable {
    /// With how long it holds, in seconds.
    case answer(DNSAnswer, holds: UInt32)
    /// The answer is too long for a datagram.
    case truncated
    /// The server may not have understood the extension of the query.
    case notUnderstood(ResponseCode)
    /// The server cannot say.
    case trouble(String)
}

extension DNSReply {
    /// How many aliases may follow each other until the name of an address comes.
    static let mostAliases = 16

    /// What this reply, which must be an answer to it, says about `question`.
    package func meaning(for question: Question) -> ReplyMeaning {
        if isTruncated { return .truncated }
        switch code {
        case .noError, .noSuchName: break
        case .formatError, .notImplemented: return .notUnderstood(code)
        default: return .trouble("\(code)")
        }

        var name = question.name
        var holds = UInt32.max
        for _ in 0...Self.mostAliases {
            let records = answers.filter { $0.name == name }
            if code == .noError, let answer = Self.addresses(in: records, type: question.type) {
                holds = min(holds, answer.holds)
                return .answer(.addresses(answer.addresses), holds: holds)
            }
            guard let (alias, target) = Self.alias(in: records) else {
                return nothing(about: question, ending: name, holds: holds)
            }
            holds = min(holds, alias.timeToLive)
            name = target
        }
        return .trouble("more than \(Self.mostAliases) aliases in a row")
    }

    private static func addresses(
        in records: [Record], type: RecordType
    ) -> (addresses: [IPAddress], holds: UInt32)? {
        var addresses: [IPAddress] = []
        var holds = UInt32.max
        for record in records {
            guard case .address(let address) = record.data, address.isV4 == (type == .a) else {
                continue
            }
            if !addresses.contains(address) { addresses.append(address) }
            holds = min(holds, record.timeToLive)
        }
        return addresses.isEmpty ? nil : (addresses, holds)
    }

    private static func alias(in records: [Record]) -> (record: Record, target: DomainName)? {
        for record in records {
            if case .alias(let target) = record.data { return (record, target) }
        }
        return nil
    }

    /// What a reply without addresses means (RFC 2308 §2).
    ///
    /// - Parameters:
    ///   - ending: The name that the aliases of the answer led to.
    ///   - holds: How long these hold.
    private func nothing(
        about question: Question, ending: DomainName, holds: UInt32
    ) -> ReplyMeaning {
        for record in authority {
            guard case .zone(let negative) = record.data else { continue }
            // RFC 2308 §5.
            return .answer(.nothing(code), holds: min(holds, record.timeToLive, negative))
        }
        // Without the zone's word a negative answer is not kept.
        if code == .noSuchName { return .answer(.nothing(code), holds: 0) }
        if ending != question.name { return .answer(.alias(ending), holds: holds) }
        if authority.contains(where: { $0.data == .nameServer }) {
            return .trouble("a referral to other servers")
        }
        return .answer(.nothing(code), holds: 0)
    }
}
