import Testing

/// The judge is worth what it catches: each of these ledgers is that of a program that breaks one
/// rule.
@Suite struct `The judge of a chaotic run` {
    /// Two jobs of one check, the second of which was rescued from a killed worker; then a third,
    /// which is live.
    private var intact: Ledger {
        var ledger = Ledger()
        ledger.inserted = [
            .init(job: 1, check: 7), .init(job: 2, check: 7), .init(job: 3, check: 7),
        ]
        ledger.claimed = [
            .init(job: 1, check: 7, attempt: 1, attemptBefore: 0, until: 30, at: 10),
            .init(job: 2, check: 7, attempt: 1, attemptBefore: 0, until: 60, at: 40),
            .init(job: 2, check: 7, attempt: 2, attemptBefore: 1, until: 90, at: 70),
        ]
        ledger.ended = [.init(job: 1, check: 7, attempt: 1), .init(job: 2, check: 7, attempt: 2)]
        ledger.ticks = [.init(interval: 10, slot: 3, before: 5, after: 25)]
        ledger.outcomes = [
            .init(job: 1, check: 7, attempt: 1, startedAt: 12, kind: "success"),
            .init(job: 2, check: 7, attempt: 2, startedAt: 72, kind: "failure"),
        ]
        ledger.changes = [.init(check: 7, at: 15, to: "healthy", job: 1)]
        ledger.held = [.init(check: 7, name: "web", health: "healthy", inARow: 1)]
        ledger.live = [.init(job: 3, check: 7, isHeld: false)]
        ledger.tally = .init(enqueued: 3, completed: 2, rescued: 1)
        ledger.routeChanges = [
            .init(
                policy: 1, generation: 100, cause: "first", decidedAt: 16,
                members: [.init(name: "first", published: true, measured: "healthy")])
        ]
        ledger.routes = [1: ledger.routeChanges[0].members]
        ledger.counted = [.init(check: 7, job: 2, run: -1)]
        ledger.probes = [7: 3]
        ledger.roles = ["register-1", "worker-1"]
        return ledger
    }

    @Test func `finds nothing where nothing is wrong`() {
        #expect(intact.violations().map(\.description) == [])
        #expect(intact.repeatedClaims == 1)
        #expect(intact.repeatedProbes == 1)
    }

    private static let broken: [(what: String, Invariant, @Sendable (inout Ledger) -> Void)] = [
        (
            "completions are not fenced: the late worker's outcome was taken", .fence,
            { ledger in
                ledger.ended[1].attempt = 1
                ledger.outcomes[1].attempt = 1
            }
        ),
        (
            "claims do not skip what another one takes", .oneHand,
            { ledger in
                ledger.claimed.append(
                    .init(job: 1, check: 7, attempt: 1, attemptBefore: 0, until: 30, at: 10))
            }
        ),
        (
            "a rescue goes by the id alone and brings an ended job back", .oneOutcome,
            { $0.inserted.append(.init(job: 1, check: 7)) }
        ),
        (
            "an outcome is recorded twice", .oneOutcome,
            { $0.outcomes.append($0.outcomes[0]) }
        ),
        (
            "a check has two jobs", .oneLiveJob,
            { $0.live.append(.init(job: 4, check: 7, isHeld: false)) }
        ),
        ("a rescue keeps the attempt", .risingAttempts, { $0.claimed[2].attemptBefore = 2 }),
        ("a job is lost", .conservation, { $0.live = [] }),
        ("a tally is written outside its transaction", .conservation, { $0.tally.enqueued = 2 }),
        ("a job is probed after its claim was given back", .boundedProbes, { $0.probes[7] = 4 }),
        ("two registers advance one slot", .wheel, { $0.ticks[0].after = 5 }),
        ("a slot loses its phase", .wheel, { $0.ticks[0].after = 26 }),
        (
            "a rescue forgets a check", .punctual,
            { ledger in
                ledger.outcomes[1].startedAt += 60_000_000
                ledger.claimed[2].at += 60_000_000
                ledger.claimed[2].until += 60_000_000
            }
        ),
        ("a failure is not counted", .history, { $0.held[0].inARow = 0 }),
        (
            "health turns after one failure", .history,
            { ledger in
                ledger.changes.append(.init(check: 7, at: 75, to: "unhealthy", job: 2))
                ledger.held[0] = .init(check: 7, name: "web", health: "unhealthy", inARow: 0)
                ledger.downs = [7: [60...80]]
            }
        ),
        ("Redis counts on its own", .redis, { $0.counted[0].run = -4 }),
        (
            "a worker writes down its own wall clock, which is an hour ahead", .ownClocks,
            { $0.outcomes[0].startedAt += 3_600_000_000 }
        ),
        (
            "a busy column gets an index", .inPlace,
            { $0.updates = [.init(table: "probe_jobs", all: 2000, inPlace: 3)] }
        ),
        ("a drained worker keeps its job", .drained, { $0.live[0].isHeld = true }),
        (
            "a worker that was stopped calls a target unhealthy", .truth,
            { $0.changes.append(.init(check: 8, at: 75, to: "unhealthy", job: 9)) }
        ),
        (
            "a generation comes twice", .generations,
            { $0.routeChanges.append($0.routeChanges[0]) }
        ),
        (
            "an unhealthy member stays published", .routes,
            { ledger in
                ledger.routeChanges[0].members = [
                    .init(name: "first", published: true, measured: "unhealthy"),
                    .init(name: "second", published: false, measured: "healthy"),
                ]
            }
        ),
        ("an evaluation is forgotten", .answered, { $0.unanswered = 1 }),
        (
            "the last change did not reach the route", .answered,
            { ledger in
                ledger.routes[1] = [
                    .init(name: "first", published: false, measured: "healthy"),
                    .init(name: "second", published: true, measured: "healthy"),
                ]
            }
        ),
    ]

    @Test(arguments: 0..<broken.count) func `names what is broken`(index: Int) {
        let (what, invariant, breakIt) = Self.broken[index]
        var ledger = intact
        breakIt(&ledger)

        let violations = ledger.violations()

        #expect(violations.contains { $0.invariant == invariant }, "\(what): \(violations)")
    }

    @Test func `knows a broken program for every rule`() {
        #expect(Set(Self.broken.map(\.1)) == Set(Invariant.allCases))
    }
}
