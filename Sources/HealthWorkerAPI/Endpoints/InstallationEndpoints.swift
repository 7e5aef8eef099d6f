import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird

/// `/v1/queue` and `/v1/fleet`
struct InstallationEndpoints {
    let backend: Backend

    var all: [Endpoint] { [queue, fleet] }

    private var queue: Endpoint {
        Endpoint(
            .get, "/v1/queue", "getQueue", tag: .installation, role: .read,
            summary: "Get how much waits, and what became of jobs",
            answers: [Endpoint.Answer(.ok, "The queue.", .reference("Queue"))]
        ) { [backend] _ in
            let status = try await backend.storage.queueStatus()
            let nextSlot = try await backend.storage.nextSlotDue()
            let processes = try await backend.storage.processes(seenWithin: .seconds(6))
            return .json(Self.node(of: status, nextSlot, processes))
        }
    }

    private static func node(
        of status: QueueStatus, _ nextSlot: Timestamp?, _ processes: [RunningProcess]
    ) -> Node {
        var lags = LagHistogram()
        for process in processes { lags.add(process.presence.lags ?? LagHistogram()) }
        return .object([
            .init("live", .number(status.live)), .init("ready", .number(status.ready)),
            .init("leased", .number(status.leased)),
            entry("oldest_ready_seconds", status.oldestReady.map(seconds)),
            .init("waiting", .encoding(status.waiting)),
            .init(
                "lag",
                .object([
                    .init("probes", .number(lags.count)),
                    entry("p50_seconds", lags.quantile(0.5).map(seconds)),
                    entry("p99_seconds", lags.quantile(0.99).map(seconds)),
                ])),
            entry("next_slot_due", nextSlot.map(Node.time)),
            .init("late_slots", .number(status.lateSlots)),
            entry(
                "oldest_transaction",
                status.oldestTransaction.map { transaction in
                    .object([
                        .init("age_seconds", seconds(transaction.age)),
                        .init("session", .text(transaction.session)),
                        .init("too_old", Node(.bool(transaction.isTooOld))),
                    ])
                }),
            .init("tally", .encoding(status.tally)),
        ])
    }

    private static func seconds(_ duration: Duration) -> Node {
        Node(.number(Double(duration.milliseconds) / 1000))
    }

    private var fleet: Endpoint {
        Endpoint(
            .get, "/v1/fleet", "getFleet", tag: .installation, role: .read,
            summary: "List the processes that run",
            parameters: [
                .query(
                    "lost", .timeSpan(.seconds(1)...Self.remembered),
                    "List also, as `lost`, who was seen within this time before now, is seen no more, "
                        + "and did not say that it ends.")
            ],
            answers: [
                Endpoint.Answer(
                    .ok, "Processes that were seen within the last 6 s.", .reference("Fleet"))
            ]
        ) { [backend] call in
            // Three heartbeats: as long as decisions count a process as alive.
            let stored = try await backend.storage.processes(seenWithin: .seconds(6))
            let alive = stored.joined(with: await backend.board?.processes() ?? [])
            var lost: [RunningProcess]?
            if let span = call.text("lost").flatMap(TimeSpan.init) {
                let known = Set(alive.map(\.id))
                lost = try await backend.storage.processes(seenWithin: span.duration)
                    .filter { !known.contains($0.id) }.sorted { $0.seenAt < $1.seenAt }
            }
            let standings = alive.quarantine
            return .json(
                .object([
                    .init("items", .list(alive.map { node(of: $0, standings[$0.id]) })),
                    entry("lost", lost.map { .list($0.map { node(of: $0) }) }),
                ]))
        }
    }

    /// A process that was killed is forgotten after a day.
    private static let remembered = TimeSpan.hours(24)

    private func node(
        of process: RunningProcess, _ standing: Quarantine.Standing? = nil
    ) -> Node {
        .object([
            // 64 bits: more than a number in JavaScript holds.
            .init("id", .text(process.id.description)), .init("name", .text(process.presence.name)),
            .init("roles", .names(process.presence.roles.map(\.rawValue))),
            .init("location", .text(process.presence.location)),
            .init("version", .text(process.presence.version)),
            entry("started_at", process.presence.startedAt.map(Node.time)),
            .init("seen_at", .time(process.seenAt)),
            .init("claimed", .number(process.presence.claimed)),
            .init("probing", .number(process.presence.probing)),
            entry("paused", process.presence.paused.map(Node.text)),
            entry("quarantine", standing.map(node)),
            entry("settings", process.presence.settings.map(node)),
            entry("sinks", process.presence.sinks.map(Node.names)),
        ])
    }

    private func node(of standing: Quarantine.Standing) -> Node {
        .object([
            .init("state", .text(standing.state.rawValue)),
            .init("contradicted", .number(standing.contradicted)),
            .init("probed", .number(standing.probed)),
            entry("since", (standing.term?.since).map(Node.time)),
            entry("until", (standing.term?.until).map(Node.time)),
            entry("times", (standing.term?.times).map { .number($0) }),
        ])
    }

    private func node(of settings: SettingsInForce) -> Node {
        .object([
            .init("revision", .number(settings.revision)),
            .init("concurrency", node(of: settings.concurrency) { .number($0) }),
            .init("batch_size", node(of: settings.batchSize) { .number($0) }),
            .init("paused", node(of: settings.isPaused) { .flag($0) }),
            settings.logLevel.map { level in
                .init("log_level", node(of: level) { .text($0.rawValue) })
            },
        ])
    }

    private func node<Setting>(
        of setting: SettingsInForce.Value<Setting>, _ value: (Setting) -> Node
    ) -> Node {
        .object([
            .init("value", value(setting.value)), .init("from", .text(setting.origin.rawValue)),
        ])
    }
}
