import Foundation
import Testing

/// Roles in processes of their own that are killed and stopped, servers that restart and crash,
/// targets that fail, all at random; and afterwards everything that must hold.
///
/// `scripts/chaos` runs one engine for as long as it is told, with the seed that it is told.
@Suite(.serialized) struct `A fleet in chaos` {
    /// What the environment asks for; without it each engine's short form.
    private struct Wish {
        var engines: [Engine]
        var seed: UInt64
        var length: Duration

        init(_ environment: [String: String] = ProcessInfo.processInfo.environment) {
            engines =
                environment["HEALTH_WORKER_CHAOS_ENGINE"].flatMap(Engine.init).map { [$0] }
                ?? Engine.servers + [.sqlite]
            seed = environment["HEALTH_WORKER_CHAOS_SEED"].flatMap(UInt64.init) ?? 1
            length = .seconds(
                environment["HEALTH_WORKER_CHAOS_SECONDS"].flatMap(Int.init) ?? 30)
        }
    }

    @Test(.timeLimit(.minutes(120)), arguments: Wish().engines)
    func `keeps every promise`(_ engine: Engine) async throws {
        let wish = Wish()
        let scratch = try Scratch()
        print(
            "scripts/chaos \(engine.rawValue) --seconds \(Int(wish.length / .seconds(1))) "
                + "--seed \(wish.seed)")

        let result = try await ChaosRun(engine: engine, seed: wish.seed, length: wish.length)
            .run(in: scratch)

        print(
            (result.plan.disturbances.map(\.description) + result.figures)
                .joined(separator: "\n"))
        let violations = result.ledger.violations()
        for violation in violations { Issue.record("\(violation)") }
        #expect(result.codes == result.codes.mapValues { _ in 0 }, "every role drains")
        #expect(result.surfacedDeadlocks == 0, "a deadlock is done again")
        #expect(result.ledger.outcomes.count > 100)
        #expect(result.ledger.changes.contains { $0.to == "unhealthy" })
        if violations.isEmpty {
            scratch.remove()
        } else {
            print("logs are kept in \(scratch.folder.path)")
        }
    }

    @Test func `is drawn from a seed alone`() {
        func plan(_ seed: UInt64) -> [String] {
            ChaosPlan(
                seed: seed, lasting: .seconds(60), roles: ["a", "b"], targets: 5,
                engine: .postgresql
            ).disturbances.map(\.description)
        }

        #expect(plan(1) == plan(1))
        #expect(plan(1) != plan(2))
        #expect(plan(1).count > 20)
    }
}
