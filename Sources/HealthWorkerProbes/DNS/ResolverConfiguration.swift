import HealthWorkerModel
package import NIOCore

/// Whom to ask, and how, by `/etc/resolv.conf` (resolv.conf(5)).
package struct ResolverConfiguration: Hashable, Sendable {
    /// At least one, in the order of the file.
    package private(set) var servers: [NameServer] = []
    package private(set) var search: [DomainName] = []
    /// A name with as many dots is tried as it stands before the search list.
    package private(set) var dots = 1
    /// The longest wait for one server before the next is asked as well.
    package private(set) var timeout = TimeAmount.seconds(5)
    /// How often each server is asked.
    package private(set) var attempts = 2
    /// Whether questions begin with each server in turn.
    package private(set) var rotates = false

    /// As many as the C library takes.
    private static let mostServers = 3

    /// Reads the file as the C library does, which passes over what it does not know.
    ///
    /// - Parameter hostName: This machine's; what follows its first dot is searched where the file
    ///   names nothing to search.
    package init(_ text: String, hostName: String) {
        var searched: [DomainName]?
        for line in text.split(whereSeparator: \.isNewline) {
            guard let first = line.first, !first.isWhitespace else { continue }
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            let values = words.dropFirst()
            switch words.first {
            case "nameserver":
                guard servers.count < Self.mostServers, let text = values.first,
                    let server = NameServer(text)
                else { continue }
                servers.append(server)
            case "search": searched = Self.names(values)
            case "domain": searched = Self.names(values.prefix(1))
            case "options": for value in values { take(option: value) }
            default: continue
            }
        }
        if servers.isEmpty { servers = [NameServer(address: .v4(0x7f00_0001))] }
        search = searched ?? Self.names([String(hostName.drop { $0 != "." }.dropFirst())])
    }

    private static func names(_ texts: some Sequence<String>) -> [DomainName] {
        // A lone dot stands for the name as it is, which is tried anyhow.
        texts.compactMap { try? DomainName($0) }
    }

    private mutating func take(option: String) {
        let parts = option.split(separator: ":", maxSplits: 1)
        let number = parts.count == 2 ? Int(parts[1]) : nil
        switch (parts.first, number) {
        case ("rotate", nil): rotates = true
        case ("ndots", let number?) where number >= 0: dots = min(number, 15)
        case ("timeout", let number?) where number > 0: timeout = .seconds(Int64(min(number, 30)))
        case ("attempts", let number?) where number > 0: attempts = min(number, 5)
        default: break
        }
    }

    /// The names to ask for in turn until one exists; at least one.
    ///
    /// - Parameters:
    ///   - name: What `text` means where it stands alone.
    ///   - text: As it was written; a dot at the end says that nothing may be added.
    func candidates(for name: DomainName, writtenAs text: String) -> [DomainName] {
        guard !text.hasSuffix("."), !search.isEmpty else { return [name] }
        let searched = search.compactMap { name.under($0) }
        let isComplete = text.utf8.count { $0 == UInt8(ascii: ".") } >= dots
        return isComplete ? [name] + searched : searched + [name]
    }
}
