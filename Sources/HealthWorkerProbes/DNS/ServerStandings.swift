package import NIOCore

/// In which order name servers are asked.
///
/// The order of the configuration holds, for the first server may know names that the others do not. A
/// server that has answered nothing at all for a while comes last: one dead server must not cost each
/// question its wait. A server that is silent about one name is not dead, or whoever owns that name
/// could send the questions of all others elsewhere.
package struct ServerStandings: Sendable {
    private struct Standing {
        var unanswered = 0
        /// What the waits were for, as far as it matters: two names.
        var names: Set<DomainName> = []
        var isLastUntil: NIODeadline?
    }

    /// As many waits in vain, for two names at least and no answer between them, make a server silent.
    static let mostUnanswered = 3
    /// After this a silent server is tried again.
    static let rest = TimeAmount.seconds(10)

    private var standings: [NameServer: Standing] = [:]
    private var turn = 0

    package init() {}

    package mutating func order(
        of configuration: ResolverConfiguration, at now: NIODeadline
    ) -> [NameServer] {
        var servers = configuration.servers
        if configuration.rotates {
            turn = (turn + 1) % servers.count
            servers = Array(servers[turn...] + servers[..<turn])
        }
        guard !standings.isEmpty else { return servers }
        let silent = servers.filter { server in
            standings[server]?.isLastUntil.map { $0 > now } ?? false
        }
        return servers.filter { !silent.contains($0) } + silent
    }

    package mutating func noteAnswer(of server: NameServer) {
        if !standings.isEmpty { standings[server] = nil }
    }

    package mutating func noteSilence(
        of server: NameServer, about name: DomainName, at now: NIODeadline
    ) {
        var standing = standings[server] ?? Standing()
        standing.unanswered += 1
        if standing.names.count < 2 { standing.names.insert(name) }
        if standing.unanswered >= Self.mostUnanswered, standing.names.count > 1 {
            standing.isLastUntil = now + Self.rest
        }
        standings[server] = standing
    }

    /// Forgets servers that are no longer configured.
    mutating func keepOnly(_ servers: [NameServer]) {
        standings = standings.filter { servers.contains($0.key) }
        turn = 0
    }
}
