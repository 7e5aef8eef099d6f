package import HealthWorkerModel

/// Which processes run.
package protocol FleetStore: Sendable {
    /// Says that this process is alive; called every 2 s.
    func announce(_ presence: Presence) async throws(StorageError)
    /// Says that this process ends; its tally stays.
    func withdraw() async throws(StorageError)
    /// Processes that were seen within `window`, by the storage's clock.
    func processes(seenWithin window: Duration) async throws(StorageError) -> [RunningProcess]

    /// Takes a duty that one process at a time does, such as the sweep, until `lease` ends.
    /// - Returns: false if another process holds it.
    func takeDuty(_ name: String, for lease: Duration) async throws(StorageError) -> Bool
}

package enum Role: String, Hashable, Sendable, Codable, CaseIterable {
    case register
    case worker
    case api
}

/// What a process says of itself.
package struct Presence: Hashable, Sendable, Codable {
    package var name: String
    package var roles: [Role]
    package var location: String
    package var version: String
    package var startedAt: Timestamp?
    package var claimed: Int
    package var probing: Int
    /// Why a worker claims nothing at present; nil: it does.
    package var paused: String?
    /// What a worker works by; nil for who is none.
    package var settings: SettingsInForce?
    /// Of two words of one process the one with the higher number is the later, whatever the clocks
    /// of the places say where they were left. Nil: by a version that did not count.
    package var beat: Int?
    /// How late probes began in the last minutes; nil: it makes none.
    package var lags: LagHistogram?
    /// The sinks that a register reaches; nil: it delivers to none.
    package var sinks: [String]?
    /// What a worker found out lately, and where it contradicts others; nil for who is none, and by a
    /// version that did not compare.
    package var testimony: Testimony?
    /// Nil while its peers do not contradict it.
    package var quarantine: QuarantineTerm?

    package init(
        name: String, roles: [Role], location: String, version: String,
        startedAt: Timestamp? = nil, claimed: Int = 0, probing: Int = 0, paused: String? = nil,
        settings: SettingsInForce? = nil, lags: LagHistogram? = nil, sinks: [String]? = nil,
        testimony: Testimony? = nil, quarantine: QuarantineTerm? = nil
    ) {
        self.name = name
        self.roles = roles
        self.location = location
        self.version = version
        self.startedAt = startedAt
        self.claimed = claimed
        self.probing = probing
        self.paused = paused
        self.settings = settings
        self.lags = lags
        self.sinks = sinks
        self.testimony = testimony
        self.quarantine = quarantine
    }
}

package struct RunningProcess: Hashable, Sendable {
    package var id: ProcessID
    package var seenAt: Timestamp
    package var presence: Presence

    package init(id: ProcessID, seenAt: Timestamp, presence: Presence) {
        self.id = id
        self.seenAt = seenAt
        self.presence = presence
    }
}

extension [RunningProcess] {
    /// Who one of both places saw, with the later of two words, ordered by name.
    package func joined(with others: [RunningProcess]) -> [RunningProcess] {
        let latest = (self + others).reduce(into: [ProcessID: RunningProcess]()) {
            latest, process in
            let known = latest[process.id]?.presence.beat ?? -1
            if latest[process.id] == nil || process.presence.beat ?? -1 > known {
                latest[process.id] = process
            }
        }
        return latest.values.sorted { ($0.presence.name, $0.id) < ($1.presence.name, $1.id) }
    }

    /// Where its workers stand of whom there is something to say.
    package var quarantine: [ProcessID: Quarantine.Standing] {
        Quarantine.standings(
            of: filter { $0.presence.roles.contains(.worker) }.map { process in
                let presence = process.presence
                return Quarantine.Worker(
                    id: process.id, testimony: presence.testimony, term: presence.quarantine,
                    isPaused: presence.paused != nil)
            })
    }
}
