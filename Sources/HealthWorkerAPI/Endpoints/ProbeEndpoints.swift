import HTTPTypes
import HealthWorkerDocument
import HealthWorkerModel
import HealthWorkerStorage
import Hummingbird
import ServiceLifecycle

/// `/v1/checks/{name}/probe`: by a worker, through the queue, as every probe.
///
/// The check's one live job becomes due now, or it gets one. So the outcome counts like any other,
/// the worker's address rules hold, and two that ask at once get the same probe.
struct ProbeEndpoints {
    let backend: Backend

    var all: [Endpoint] { [probe] }

    private var probe: Endpoint {
        Endpoint(
            .post, "/v1/checks/{name}/probe", "probeCheck", tag: .checks, role: .operate,
            summary: "Probe a check now",
            description:
                "Its outcome counts as any other. A probe that is under way already is the "
                + "one that is answered. With `wait` it is answered as soon as it ended: 200. "
                + "Without, or when the time is over first, 202; `job` is then the outcome to look "
                + "for in `/outcomes`. Where no worker that may probe it is alive, 202 comes at "
                + "once, inconclusive, and the first worker that comes will probe it. A paused "
                + "check is refused.",
            parameters: [
                CheckEndpoints.name,
                .query(
                    "wait", .timeSpan(.milliseconds(1)...(.minutes(1))),
                    "How long to wait for the outcome."),
            ],
            answers: [
                Endpoint.Answer(.ok, "It ended.", .reference("ProbeAnswer")),
                Endpoint.Answer(
                    .accepted, "It is asked for, or under way.", .reference("ProbeAnswer")),
            ], problems: [.notFound, .conflict]
        ) { [backend] call in
            let check = try await backend.check(call.name())
            try backend.mayWrite(call, .check, call.name(), set: check.set)
            guard check.spec.isEnabled else { throw Self.paused(check) }
            let wait = call.text("wait").flatMap(TimeSpan.init)?.duration ?? .zero
            let end = ContinuousClock.now + wait
            let pause = max(backend.settings.longPollInterval, .milliseconds(100))

            var progress = try await ask(for: check)
            while case .waits(let job) = progress {
                let left = end - ContinuousClock.now
                if left <= .zero || Task.isShuttingDownGracefully { break }
                if try await obstacle(to: check) != nil { break }
                try await Task.sleep(for: min(left, pause))
                progress = try await look(for: job, of: check)
            }
            return try await answer(progress, of: check)
        }
    }

    private enum Progress {
        case waits(JobID)
        case ended(RecordedOutcome)
        /// It ended, and its outcome is not among those that are kept.
        case endedUnseen
    }

    private func ask(for check: Check) async throws -> Progress {
        let last = try await backend.storage.outcomes(of: check.id, before: nil, limit: 1).first
        try await backend.storage.enqueueNow(check.id)
        let observation = try await backend.storage.observations(of: [check.id])[check.id]
        if let job = observation?.job { return .waits(job.id) }
        // A worker was faster than this look.
        guard let outcome = observation?.lastOutcome, outcome.job != last?.job else {
            return .endedUnseen
        }
        return .ended(outcome)
    }

    private func look(for job: JobID, of check: Check) async throws -> Progress {
        let observation = try await backend.storage.observations(of: [check.id])[check.id]
        guard observation?.job?.id != job else { return .waits(job) }
        let outcome = try await backend.storage.outcomes(
            of: check.id, before: JobID(job.rawValue + 1), limit: 1
        ).first
        guard let outcome, outcome.job == job else { return .endedUnseen }
        return .ended(outcome)
    }

    /// Why nobody will probe it at present; nil where somebody will.
    private func obstacle(to check: Check) async throws -> String? {
        let stored = try await backend.storage.processes(seenWithin: .seconds(6))
        let workers = stored.joined(with: await backend.board?.processes() ?? []).filter {
            $0.presence.roles.contains(.worker)
                && (check.spec.locations.isEmpty
                    || check.spec.locations.contains($0.presence.location))
        }
        if workers.isEmpty {
            return Staleness.Why.noWorker(locations: check.spec.locations).description
        }
        let pauses = workers.compactMap(\.presence.paused)
        guard pauses.count == workers.count else { return nil }
        return "every worker that may probe it is paused: "
            + Set(pauses).sorted().joined(separator: "; ")
    }

    // MARK: - The answer

    private func answer(_ progress: Progress, of check: Check) async throws -> Response {
        guard let present = try await backend.storage.checks(ids: [check.id]).first else {
            throw ProblemDetails.missing(.check, check.spec.name)
        }
        let answer = try await CheckAnswer(of: [present], from: backend.storage)
        let health: [Node.Entry?] =
            [.init("check", .text(present.spec.name))] + answer.health(of: present)
        switch progress {
        case .ended(let outcome):
            return .json(
                .object(
                    health + [
                        .init("job", .number(outcome.job.rawValue)),
                        .init("outcome", .text(outcome.report.outcome.kind.rawValue)),
                        .init("found", answer.workers.node(of: outcome)),
                    ]))
        case .endedUnseen:
            guard present.spec.isEnabled else { throw Self.paused(present) }
            return .json(
                .object(
                    health + [
                        .init(
                            "because",
                            .text("its outcome is not kept: `history.outcomes` says which are"))
                    ]))
        case .waits(let job):
            let obstacle = try await obstacle(to: present)
            return .json(
                .object(
                    health + [
                        .init("job", .number(job.rawValue)),
                        obstacle.map { _ in
                            .init("outcome", .text(OutcomeKind.inconclusive.rawValue))
                        },
                        .init("because", .text(obstacle ?? "it has not ended yet")),
                    ]), status: .accepted)
        }
    }

    private static func paused(_ check: Check) -> ProblemDetails {
        ProblemDetails(
            .conflict,
            "The check \(check.spec.name) is paused: write enabled: true, and it is probed at once."
        )
    }
}
