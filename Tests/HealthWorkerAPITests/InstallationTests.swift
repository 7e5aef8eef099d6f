import HTTPTypes
import HealthWorkerAPI
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Testing

@Suite struct InstallationTests {
    @Test func `the queue tells what waits and what became of jobs`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))
            try await api.probe("mail", .success)

            let queue = try await api.get("/v1/queue")

            #expect(queue.status == .ok)
            #expect(queue.integer("/tally/completed") == 1)
            let enqueued = try #require(queue.integer("/tally/enqueued"))
            let live = try #require(queue.integer("/live"))
            #expect(enqueued == 1 + live)
        }
    }

    @Test
    func `the queue tells how late the probes of all workers began, and who waits for how long`()
        async throws
    {
        try await TestAPI.run { api in
            for (process, lag) in [(1, Duration.milliseconds(4)), (2, .milliseconds(900))] {
                var presence = Presence(
                    name: "host/\(process)", roles: [.worker], location: "fra1", version: "1")
                var lags = LagHistogram()
                lags.record(lag)
                presence.lags = lags
                try await MemoryStorage(
                    process: ProcessID(Int64(process)), shared: api.storage.shared
                ).announce(presence)
            }
            _ = try await api.post("/v1/checks", Samples.tcpCheck("mail"))
            api.clock.advance(by: .seconds(5))

            let queue = try await api.get("/v1/queue")

            #expect(queue.integer("/lag/probes") == 2)
            let p50 = try #require(queue.number("/lag/p50_seconds"))
            let p99 = try #require(queue.number("/lag/p99_seconds"))
            #expect((0.004...0.005).contains(p50))
            #expect((0.9...1.02).contains(p99))
            #expect(queue.integer("/waiting/under_1s") == 0)
            #expect(queue.integer("/waiting/under_10s") == 1)
            #expect(queue.integer("/late_slots") != nil)
        }
    }

    @Test func `the fleet is who was seen lately`() async throws {
        try await TestAPI.run { api in
            try await api.storage.announce(
                Presence(
                    name: "host/1", roles: [.worker], location: "fra1", version: "1", claimed: 3))

            let fleet = try await api.get("/v1/fleet")
            api.clock.advance(by: .seconds(5))
            let soon = try await api.get("/v1/fleet")
            // What decisions count as gone is not listed: three heartbeats.
            api.clock.advance(by: .seconds(2))
            let later = try await api.get("/v1/fleet")

            #expect(fleet.names() == ["host/1"])
            #expect(fleet.string("/items/0/location") == "fra1")
            #expect(fleet.integer("/items/0/claimed") == 3)
            #expect(soon.names() == ["host/1"])
            #expect(later.names() == [])
        }
    }

    @Test func `the fleet names a worker that its peers contradict, whether it heeds it or not`()
        async throws
    {
        try await TestAPI.run { api in
            func announce(_ number: Int64, _ presence: Presence) async throws {
                try await MemoryStorage(
                    process: ProcessID(number), shared: api.storage.shared
                ).announce(presence)
            }
            var accused = Presence(
                name: "host/1", roles: [.worker], location: "fra1", version: "1",
                testimony: Testimony(probed: 20))
            let now = api.clock.now
            let accuser = Presence(
                name: "host/2", roles: [.worker], location: "fra1", version: "1",
                testimony: Testimony(
                    probed: 20,
                    contradicted: [
                        .init(
                            worker: 11, checks: CheckSample((1...14).map { CheckID($0) }),
                            from: now - .minutes(1), to: now)
                    ]))
            try await announce(11, accused)
            try await announce(12, accuser)

            let named = try await api.get("/v1/fleet")
            let overview = try await api.look("/", as: .read)
            accused.paused = "quarantined: contradicted by peers on 14 of 20 checks"
            accused.quarantine = QuarantineTerm(
                since: now, until: now + .minutes(5), contradicted: 14, probed: 20)
            try await announce(11, accused)
            let quarantined = try await api.get("/v1/fleet")
            let page = try await api.look("/fleet", as: .read)

            #expect(named.string("/items/0/quarantine/state") == "named")
            #expect(named.integer("/items/0/quarantine/contradicted") == 14)
            #expect(named.integer("/items/0/quarantine/probed") == 20)
            #expect(named["/items/0/quarantine/until"] == nil)
            #expect(named["/items/1/quarantine"] == nil)
            #expect(
                overview.text.contains(
                    "is contradicted by its peers on 14 of 20 checks, and still claims"))
            #expect(quarantined.string("/items/0/quarantine/state") == "quarantined")
            #expect(
                quarantined.string("/items/0/quarantine/until") == "\(now + .minutes(5))")
            #expect(page.text.contains("contradicted by its peers on 14 of 20 checks"))
        }
    }

    @Test func `a fleet of which too many are contradicted disagrees`() async throws {
        try await TestAPI.run { api in
            let now = api.clock.now
            for number in 11...13 as ClosedRange<Int64> {
                let words = ([11, 12] as [ProcessID]).map {
                    Testimony.Contradicted(
                        worker: $0, checks: CheckSample((1...14).map { CheckID($0) }),
                        from: now - .minutes(1), to: now)
                }
                try await MemoryStorage(
                    process: ProcessID(number), shared: api.storage.shared
                ).announce(
                    Presence(
                        name: "host/\(number)", roles: [.worker], location: "fra1", version: "1",
                        testimony: Testimony(probed: 20, contradicted: number == 13 ? words : [])))
            }

            let fleet = try await api.get("/v1/fleet")
            let overview = try await api.look("/", as: .read)

            #expect(fleet.string("/items/0/quarantine/state") == "disputed")
            #expect(fleet.string("/items/1/quarantine/state") == "disputed")
            #expect(
                overview.text.contains("disagree: others do not see what host/11, host/12 see"))
        }
    }

    @Test func `who was killed is lost, and who said goodbye is not`() async throws {
        try await TestAPI.run { api in
            for (number, name) in [(11, "host/1"), (12, "host/2"), (13, "host/3")] {
                let process = MemoryStorage(
                    process: ProcessID(Int64(number)), shared: api.storage.shared)
                try await process.announce(
                    Presence(
                        name: name, roles: [.worker], location: "fra1", version: "1", probing: 4))
                if name == "host/2" { try await process.withdraw() }
            }
            api.clock.advance(by: .seconds(30))
            try await MemoryStorage(process: 13, shared: api.storage.shared).announce(
                Presence(name: "host/3", roles: [.worker], location: "fra1", version: "1"))

            let fleet = try await api.get("/v1/fleet?lost=1m")
            let unasked = try await api.get("/v1/fleet")
            let lately = try await api.get("/v1/fleet?lost=20s")
            let tooLong = try await api.get("/v1/fleet?lost=25h")

            #expect(fleet.names() == ["host/3"])
            #expect(fleet.names("/lost") == ["host/1"])
            #expect(fleet.integer("/lost/0/probing") == 4)
            #expect(fleet.string("/lost/0/seen_at") == "2027-01-15T08:00:00Z")
            #expect(unasked["/lost"] == nil)
            #expect(lately.names("/lost") == [])
            #expect(lately["/lost"] != nil)
            #expect(tooLong.status == .badRequest)
        }
    }

    @Test func `the audit log says who changed what`() async throws {
        try await TestAPI.run { api in
            _ = try await api.post(
                "/v1/checks?message=ticket%204711", Samples.tcpCheck("mail"), as: .write)
            _ = try await api.patch("/v1/checks/mail", #"{"interval": "30s"}"#)

            let first = try await api.get("/v1/audit?limit=1")
            let second = try await api.get(
                "/v1/audit?cursor=\(first.string("/next_cursor") ?? "")")

            #expect(first.string("/items/0/action") == "check.updated")
            #expect(first.string("/items/0/before/interval") == "10s")
            #expect(first.string("/items/0/after/interval") == "30s")
            #expect(second.string("/items/0/action") == "check.created")
            #expect(second.string("/items/0/actor") == api.actor(of: .write))
            #expect(second.string("/items/0/message") == "ticket 4711")
        }
    }
}
