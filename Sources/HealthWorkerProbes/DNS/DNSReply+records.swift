package import HealthWorkerModel

extension RecordType {
    package init(_ family: RecordFamily) {
        switch family {
        case .a: self = .a
        case .aaaa: self = .aaaa
        case .cname: self = .cname
        case .txt: self = .txt
        }
    }
}

extension DNSReply {
    /// The records of a type that a name itself has; what its alias leads to is not among them.
    ///
    /// - Throws: ``DirectQuestion/Trouble`` where the server cannot say.
    package func records(
        of name: DomainName, _ family: RecordFamily
    ) throws -> [(value: String, ttl: Int)] {
        guard code == .noError || code == .noSuchName else {
            throw DirectQuestion.Trouble.failed("it answers \(code)")
        }
        return answers.filter { $0.name == name }.compactMap { record in
            let value: String
            switch (record.data, family) {
            case (.address(let address), .a) where address.isV4: value = "\(address)"
            case (.address(let address), .aaaa) where !address.isV4: value = "\(address)"
            case (.alias(let target), .cname): value = "\(target)"
            case (.text(let text), .txt): value = text
            default: return nil
            }
            return (value, Int(record.timeToLive))
        }
    }
}
