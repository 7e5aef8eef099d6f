import HealthWorkerCounters
import HealthWorkerModel
import Testing

@Suite struct `Counts from the base` {
    private func request(
        _ health: Health, inARow: Int, isSuccess: Bool
    ) -> CountRequest {
        CountRequest(
            check: 1, job: 1, attempt: 1,
            base: HealthState(
                epoch: 1, health: health, since: Timestamp(seconds: 0), inARow: inARow),
            isSuccess: isSuccess, interval: .seconds(10))
    }

    @Test(arguments: [
        (Health.healthy, 0, false, -1), (.healthy, 2, false, -3), (.healthy, 2, true, 1),
        (.unknown, 0, true, 1), (.unknown, 1, false, -2),
        (.unhealthy, 0, true, 1), (.unhealthy, 1, true, 2), (.unhealthy, 4, false, -1),
    ])
    func `a row goes on from what the claim handed out, or begins anew`(
        health: Health, inARow: Int, isSuccess: Bool, run: Int
    ) async {
        let runs = await BaseCounts().count([
            request(health, inARow: inARow, isSuccess: isSuccess)
        ])

        #expect(runs == [run])
    }

    @Test func `a batch is answered in its order`() async {
        let runs = await BaseCounts().count([
            request(.healthy, inARow: 1, isSuccess: false),
            request(.unhealthy, inARow: 1, isSuccess: true),
            request(.healthy, inARow: 0, isSuccess: false),
        ])

        #expect(runs == [-2, 2, -1])
    }
}
