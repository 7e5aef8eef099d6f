import HealthWorkerModel
import Testing

@Suite struct StalenessTests {
    let check = CheckSpec.sample(interval: .seconds(30), locations: ["fra1", "ams1"])

    @Test func `the limit is three intervals and the time-out, at least a minute`() {
        #expect(Staleness.limit(for: check) == .seconds(95))
        #expect(Staleness.limit(for: .sample(interval: .seconds(10))) == .seconds(60))
    }

    @Test func `health is fresh until the limit is passed`() {
        let due = Timestamp.noon - .seconds(95)

        let atLimit = Staleness(
            of: check, inconclusiveSince: due, jobDue: due, slotDue: due, now: .noon)
        let past = Staleness(
            of: check, inconclusiveSince: nil, jobDue: due, slotDue: nil,
            now: .noon + .microseconds(1))

        #expect(atLimit == nil)
        #expect(past != nil)
    }

    @Test func `a job that nobody ends tells the locations without a worker`() {
        let due = Timestamp.noon - .minutes(5)

        let stale = Staleness(
            of: check, inconclusiveSince: due, jobDue: due, slotDue: due, now: .noon)

        #expect(stale == Staleness(why: .noWorker(locations: ["fra1", "ams1"]), since: due))
        #expect(stale?.why.description == "no worker in fra1, ams1")
    }

    @Test func `a slot that nobody served is not enqueued`() {
        let due = Timestamp.noon - .minutes(5)

        let stale = Staleness(
            of: check, inconclusiveSince: due, jobDue: nil, slotDue: due, now: .noon)

        #expect(stale == Staleness(why: .notEnqueued, since: due))
        #expect(stale?.why.description == "not enqueued")
    }

    @Test func `probes that say nothing for long are told as such`() {
        let since = Timestamp.noon - .minutes(5)

        let stale = Staleness(
            of: check, inconclusiveSince: since, jobDue: .noon, slotDue: .noon, now: .noon)

        #expect(stale == Staleness(why: .inconclusive, since: since))
        #expect(stale?.why.description == "inconclusive")
    }

    @Test func `a paused check is never stale`() {
        let due = Timestamp.noon - .hours(5)

        let stale = Staleness(
            of: .sample(isEnabled: false), inconclusiveSince: due, jobDue: due, slotDue: due,
            now: .noon)

        #expect(stale == nil)
    }
}
