package import HealthWorkerModel

/// What one lookup asks in turn until it has its addresses, by rules alone.
///
/// A candidate about which the servers cannot say ends the search: to go on to the next one would
/// probe another host whenever a server has trouble.
package struct NameSearch: Sendable {
    package enum Step: Hashable, Sendable {
        case found([IPAddress])
        /// This is to be answered before it goes on.
        case ask(Question)
        case failed(NameResolverError)
    }

    let configuration: ResolverConfiguration
    private let text: String
    private let candidates: [DomainName]
    private let types: [RecordType]
    private var findings: [Question: Result<DNSAnswer, NameResolverError>] = [:]

    /// - Parameter text: The name as it was written, for messages.
    package init(
        _ text: String, name: DomainName, family: IPFamily, by configuration: ResolverConfiguration
    ) {
        self.text = text
        self.configuration = configuration
        candidates = configuration.candidates(for: name, writtenAs: text)
        types =
            switch family {
            case .any: [.a, .aaaa]
            case .v4: [.a]
            case .v6: [.aaaa]
            }
    }

    package mutating func note(
        _ finding: Result<DNSAnswer, NameResolverError>, about question: Question
    ) {
        findings[question] = finding
    }

    /// What comes next, from what was noted and what `known` has.
    ///
    /// Of a name for which both families would do, IPv6 is asked for only where it has no IPv4: its
    /// first address is probed, and one query is less than two.
    package mutating func step(known: (Question) -> DNSAnswer?) -> Step {
        var code = ResponseCode.noSuchName
        candidates: for name in candidates {
            for type in types {
                switch follow(Question(name: name, type: type), known: known) {
                case .open(let question): return .ask(question)
                case .failed(let error): return .failed(error)
                case .addresses(let addresses): return .found(addresses)
                // A name that does not exist has nothing of the other type either (RFC 8020).
                case .nothing(.noSuchName): continue candidates
                case .nothing(let found): code = found
                }
            }
        }
        return .failed(
            .noSuchName(
                code == .noSuchName
                    ? "\(text) does not exist" : "\(text) has no address of this family"))
    }

    private enum End {
        case open(Question)
        case addresses([IPAddress])
        case nothing(ResponseCode)
        case failed(NameResolverError)
    }

    /// Where the aliases end that begin with the name of `question`.
    private mutating func follow(_ question: Question, known: (Question) -> DNSAnswer?) -> End {
        var question = question
        for _ in 0...DNSReply.mostAliases {
            if findings[question] == nil, let answer = known(question) {
                // It may be forgotten before the next question is answered.
                findings[question] = .success(answer)
            }
            switch findings[question] {
            case nil: return .open(question)
            case .failure(let error): return .failed(error)
            case .success(.addresses(let addresses)): return .addresses(addresses)
            case .success(.nothing(let code)): return .nothing(code)
            case .success(.alias(let target)): question.name = target
            }
        }
        return .failed(.failed("\(text): more than \(DNSReply.mostAliases) aliases in a row"))
    }
}
