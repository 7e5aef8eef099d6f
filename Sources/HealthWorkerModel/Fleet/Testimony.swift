/// What a worker says, with each heartbeat, of the last minutes: what it found out itself, and where
/// others had said something else.
package struct Testimony: Hashable, Sendable, Codable {
    /// Different checks of whose targets it found something out.
    package var probed: Int
    /// One for each of the peers that it contradicts, at most ``peersAtMost``.
    package var contradicted: [Contradicted]

    package static let peersAtMost = 8

    /// A peer said of these checks' targets that they do not answer, and nobody else did; the next that
    /// was found out, by who says this, was that they do.
    package struct Contradicted: Hashable, Sendable, Codable {
        package var worker: ProcessID
        package var checks: CheckSample
        /// When the peer said so first and last, by the storage's clock.
        package var from: Timestamp
        package var to: Timestamp

        package init(worker: ProcessID, checks: CheckSample, from: Timestamp, to: Timestamp) {
            self.worker = worker
            self.checks = checks
            self.from = from
            self.to = to
        }

        fileprivate mutating func add(_ other: Self) {
            checks.formUnion(other.checks)
            from = min(from, other.from)
            to = max(to, other.to)
        }
    }

    package init(probed: Int, contradicted: [Contradicted] = []) {
        self.probed = probed
        self.contradicted = contradicted
    }
}

/// What a worker remembers for its ``Testimony``: of the last two and a half to five minutes, in two
/// halves of which the older is forgotten whole. Its size does not grow with the number of checks.
package struct Contradictions: Sendable {
    package static let window: Duration = .minutes(5)
    /// More peers than a fleet has within the window.
    private static let remembered = 1000

    private struct Half: Sendable {
        var probed = CheckSample()
        var peers: [ProcessID: Testimony.Contradicted] = [:]
    }

    private var recent = Half()
    private var before = Half()
    private var since: Duration?

    package init() {}

    /// This worker found something out of the check's target.
    package mutating func probed(_ check: CheckID, at moment: Duration) {
        turn(at: moment)
        recent.probed.insert(check)
    }

    /// A peer whose failures began at `failed` was contradicted.
    package mutating func contradict(
        _ peer: ProcessID, on check: CheckID, failed: Timestamp, at moment: Duration
    ) {
        turn(at: moment)
        guard recent.peers[peer] != nil || recent.peers.count < Self.remembered else { return }
        let word = Testimony.Contradicted(
            worker: peer, checks: CheckSample([check]), from: failed, to: failed)
        recent.peers[peer, default: word].add(word)
    }

    /// What was said of a peer has had its effect: what it finds from now on is judged alone.
    package mutating func forget(_ peer: ProcessID) {
        recent.peers[peer] = nil
        before.peers[peer] = nil
    }

    /// The same of this worker itself.
    package mutating func forgetProbed() {
        recent.probed = CheckSample()
        before.probed = CheckSample()
    }

    package mutating func testimony(at moment: Duration) -> Testimony {
        turn(at: moment)
        var probed = recent.probed
        probed.formUnion(before.probed)
        let peers = recent.peers.merging(before.peers) { newer, older in
            var both = newer
            both.add(older)
            return both
        }.values.sorted {
            ($1.checks.count, $0.worker) < ($0.checks.count, $1.worker)
        }
        return Testimony(
            probed: probed.count, contradicted: Array(peers.prefix(Testimony.peersAtMost)))
    }

    private mutating func turn(at moment: Duration) {
        let half = Self.window / 2
        guard let since else {
            self.since = moment
            return
        }
        let turns = Int64((moment - since) / half)
        guard turns > 0 else { return }
        before = turns == 1 ? recent : Half()
        recent = Half()
        self.since = since + half * turns
    }
}
