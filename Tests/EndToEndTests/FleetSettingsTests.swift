import Foundation
import HealthWorkerModel
import Testing

/// What operators set while workers run, on processes of their own with PostgreSQL and Redis.
@Suite(.serialized) struct `Live settings, from end to end` {
    @Test(.timeLimit(.minutes(4)))
    func `a paused worker claims nothing more, whatever is lost or started again`() async throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let port = try Here.freePort()
        let targets = try Targets(scratch, port: port)
        try await targets.start("127.0.0.1")
        let checks = (1...20).map {
            """
            - name: check-\($0)
              type: tcp
              target: {host: 127.0.0.1, port: \(port)}
              interval: 1s
              timeout: 1s
            """
        }
        let fleet = try await Fleet.start(
            in: scratch,
            Fleet.Plan(
                registers: 1, workers: ["fra1", "fra1"],
                document: "format: 1\nchecks:\n\(checks.joined(separator: "\n"))\n"))
        do {
            try await pauseAndResume(fleet)
        } catch {
            print(fleet.logs)
            await fleet.stop()
            await targets.stop()
            throw error
        }
        await fleet.stop()
        await targets.stop()
    }

    private static let second: Int64 = 1_000_000

    private func pauseAndResume(_ fleet: Fleet) async throws {
        let timeline = Timeline()
        let first = try await worker("worker-1", of: fleet) { $0.settings != nil }
        let other = try await worker("worker-2", of: fleet) { $0.settings != nil }
        for process in [first, other] {
            try await fleet.until("\(process.name) probes") {
                try fleet.probes(by: process.id, after: 0) > 20
            }
        }

        // One is paused, and stays so.
        timeline.begin("paused")
        try fleet.tell("fleet", "pause", "--name", "worker-1", "-m", "kernel update")
        let paused = try await moment(of: "names/worker-1", in: fleet)
        let said = try await worker("worker-1", of: fleet) { $0.paused != nil }
        let known = try fleet.databaseTime()
        timeline.note("the fleet says: \(said.paused ?? "")")
        #expect(said.paused?.hasPrefix("paused by key:test/") == true)
        #expect(said.paused?.hasSuffix(" for worker worker-1: kernel update") == true)
        #expect(said.settings?.paused == .init(value: true, from: "name"))
        try await goOn(other, of: fleet, past: paused + 4 * Self.second)
        let late = try fleet.lastProbe(by: first.id) - paused
        // Nothing is claimed any more when it says so; what it had claimed begins at once.
        #expect(paused + late <= known + 2 * Self.second)
        timeline.note(
            "worker-1 began its last probe \(late / 1000) ms after that was stored, worker-2 goes on"
        )

        // Redis forgets everything.
        try fleet.flushRedis()
        let flushed = try fleet.databaseTime()
        try await goOn(other, of: fleet, past: flushed + 3 * Self.second)
        #expect(try fleet.lastProbe(by: first.id) - paused == late)
        timeline.note("it began none when Redis was flushed")

        // The worker is started again, under the same name.
        fleet.send(SIGTERM, to: "worker-1")
        #expect(await fleet.end(of: "worker-1", within: .seconds(20)) == 0)
        try fleet.startWorker("worker-1", location: "fra1")
        let second = try await worker("worker-1", of: fleet) { $0.id != first.id }
        #expect(second.paused == said.paused)
        let restarted = try fleet.databaseTime()
        try await goOn(other, of: fleet, past: restarted + 3 * Self.second)
        #expect(try fleet.probes(by: second.id, after: 0) == 0)
        timeline.note("nor when it was started again")

        // Without Redis the rows say it.
        await fleet.kill("redis")
        timeline.begin("Redis killed, worker-1 resumed, worker-2 paused by its location's settings")
        try fleet.tell(
            "fleet", "set", "--location", "fra1", "--concurrency", "7", "--paused", "true")
        try fleet.tell("fleet", "set", "--name", "worker-1", "--paused", "false")
        let limit = try await moment(of: "locations/fra1", in: fleet)
        let resumed = try await moment(of: "names/worker-1", in: fleet)
        let limited = try await worker("worker-1", of: fleet) {
            $0.settings?.concurrency.value == 7 && $0.paused == nil
        }
        #expect(limited.settings?.concurrency.from == "location")
        #expect(limited.settings?.paused == .init(value: false, from: "name"))
        _ = try await worker("worker-2", of: fleet) { $0.paused != nil }
        let knownUnaided = try fleet.databaseTime()
        try await goOn(second, of: fleet, past: resumed + 4 * Self.second)
        let unaided = try fleet.lastProbe(by: other.id) - limit
        #expect(limit + unaided <= knownUnaided + 2 * Self.second)
        timeline.note(
            "worker-1 probes, worker-2 began its last \(unaided / 1000) ms after that was stored")

        let nobody = try fleet.tell("fleet", "pause", "--location", "ams1")
        #expect(nobody.contains("No worker that runs is meant"))
        let left = try fleet.tell("fleet", "resume", "--location", "ams1")
        #expect(!left.contains("Still paused"), "fra1 is not ams1")
        let still = try fleet.tell("fleet", "resume", "--name", "worker-2")
        #expect(still.contains("Still paused: location fra1, by key:test/"))
        let table = try fleet.tell("fleet", "list")
        #expect(table.contains("7 (location)"))
        #expect(table.contains(/paused by key:test\/[a-z2-7]+ for location fra1/))
        let codes = await fleet.drain()
        #expect(codes == codes.mapValues { _ in 0 })
        print(timeline.text)
    }

    /// When the settings of a scope were stored, by the database's clock, in microseconds.
    private func moment(of scope: String, in fleet: Fleet) async throws -> Int64 {
        struct Seen: Decodable { var updatedAt: String }
        let seen = try await fleet.client.read("/v1/settings/worker/\(scope)", as: Seen.self)
        return try #require(Timestamp(seen.updatedAt)).microseconds
    }

    /// A probe of `process` began after `moment`.
    private func goOn(_ process: ProcessSeen, of fleet: Fleet, past moment: Int64) async throws {
        try await fleet.until("\(process.name) goes on") {
            try fleet.probes(by: process.id, after: moment) > 0
        }
    }

    private func worker(
        _ name: String, of fleet: Fleet, _ isWanted: (ProcessSeen) -> Bool
    ) async throws -> ProcessSeen {
        var found: ProcessSeen?
        try await fleet.until("\(name) is as it should be") {
            let seen = try await fleet.client.read("/v1/fleet", as: FleetSeen.self)
            found = seen.items.first { $0.name == name && isWanted($0) }
            return found != nil
        }
        return try #require(found)
    }
}

/// What is read of `/v1/fleet`.
private struct FleetSeen: Decodable {
    var items: [ProcessSeen]
}

private struct ProcessSeen: Decodable {
    struct Settings: Decodable {
        var concurrency: Value<Int>
        var paused: Value<Bool>
    }

    struct Value<Setting: Decodable & Equatable>: Decodable, Equatable {
        var value: Setting
        var from: String
    }

    var id: String
    var name: String
    var paused: String?
    var settings: Settings?
}
