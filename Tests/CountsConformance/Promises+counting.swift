import HealthWorkerModel

extension CountsPromise {
    static let counting: [CountsPromise] = [
        CountsPromise("every base is continued, or begun anew") { fixture in
            let counts = try await fixture.counts()
            var requests: [CountRequest] = []
            for health in Health.allCases {
                for inARow in 0...5 {
                    for isSuccess in [true, false] {
                        let number = Int64(requests.count + 1)
                        requests.append(
                            .sample(
                                check: CheckID(number), job: JobID(number), health, inARow: inARow,
                                isSuccess: isSuccess))
                    }
                }
            }

            let runs = await counts.count(requests)

            try expectEqual(runs, requests.map(\.runFromBase), "the runs of new checks, in order")
        },

        CountsPromise("no outcome at all is answered by no run at all") { fixture in
            let runs = await (try await fixture.counts()).count([])

            try expectEqual(runs, [], "runs")
        },

        CountsPromise("failures in a row are counted one by one by whichever worker") { fixture in
            let workers = [try await fixture.counts(), try await fixture.counts()]

            for step in 0..<6 {
                let request = CountRequest.sample(job: JobID(Int64(step + 1)), inARow: step)
                let run = try await workers[step % 2].count(request)
                try expectEqual(run, -(step + 1), "failures")
            }
        },

        CountsPromise("a success among failures begins anew") { fixture in
            let counts = try await fixture.counts()
            _ = try await counts.count(.sample(job: 1))
            _ = try await counts.count(.sample(job: 2, inARow: 1))

            let success = try await counts.count(.sample(job: 3, inARow: 2, isSuccess: true))
            let failure = try await counts.count(.sample(job: 4))

            try expectEqual(success, 1, "successes")
            try expectEqual(failure, -1, "failures behind it")
        },

        CountsPromise("an outcome counted again is the same run") { fixture in
            let counts = try await fixture.counts()
            let request = CountRequest.sample(job: 7, inARow: 2)

            let first = try await counts.count(request)
            let second = try await counts.count(request)
            let elsewhere = try await (try await fixture.counts()).count(request)

            try expectEqual([first, second, elsewhere], [-3, -3, -3], "failures")
        },

        CountsPromise("a rescued attempt is counted from the run before its job") { fixture in
            let counts = try await fixture.counts()
            _ = try await counts.count(.sample(job: 1))
            _ = try await counts.count(.sample(job: 2, attempt: 1, inARow: 1))

            let rescued = try await counts.count(.sample(job: 2, attempt: 2, inARow: 1))
            let contrary = try await counts.count(
                .sample(job: 2, attempt: 3, inARow: 1, isSuccess: true))
            let third = try await counts.count(.sample(job: 2, attempt: 4, inARow: 1))

            try expectEqual([rescued, contrary, third], [-2, 1, -2], "runs")
        },

        CountsPromise("a late attempt is counted from its own base") { fixture in
            let counts = try await fixture.counts()
            _ = try await counts.count(.sample(job: 1, attempt: 2))
            let late = CountRequest.sample(job: 1, attempt: 1)

            try expectAgrees(try await counts.count(late), late)
        },

        CountsPromise("a late job is counted from its own base") { fixture in
            let counts = try await fixture.counts()
            _ = try await counts.count(.sample(job: 9, inARow: 2))
            let late = CountRequest.sample(job: 8, inARow: 1)

            try expectAgrees(try await counts.count(late), late)
        },

        CountsPromise("an edited check is counted anew") { fixture in
            let counts = try await fixture.counts()
            _ = try await counts.count(.sample(job: 1, epoch: 1))
            _ = try await counts.count(.sample(job: 2, epoch: 1, inARow: 1))

            let edited = try await counts.count(.sample(job: 3, epoch: 2, .unknown))
            let next = try await counts.count(.sample(job: 4, epoch: 2, .unknown, inARow: 1))
            let old = CountRequest.sample(job: 5, epoch: 1, inARow: 2)

            try expectEqual([edited, next], [-1, -2], "failures of the new target")
            try expectAgrees(try await counts.count(old), old, "the old target")
        },

        CountsPromise("a check that turned is counted towards the other health") { fixture in
            let counts = try await fixture.counts()
            for step in 0..<3 {
                _ = try await counts.count(.sample(job: JobID(Int64(step + 1)), inARow: step))
            }

            let first = try await counts.count(.sample(job: 4, .unhealthy, isSuccess: true))
            let second = try await counts.count(
                .sample(job: 5, .unhealthy, inARow: 1, isSuccess: true))
            let failure = CountRequest.sample(job: 6, .unhealthy, inARow: 2)

            try expectEqual([first, second], [1, 2], "successes")
            try expectAgrees(try await counts.count(failure), failure)
        },

        CountsPromise("batches counted at once do not mix") { fixture in
            let counts = try await fixture.counts()

            let runs = try await withThrowingTaskGroup(of: (Int64, [Int]).self) { group in
                for worker in Int64(0)..<8 {
                    group.addTask {
                        let batch = (0..<50).map { place in
                            CountRequest.sample(
                                check: CheckID(worker * 100 + Int64(place)), inARow: place)
                        }
                        return (worker, await counts.count(batch))
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }

            for worker in Int64(0)..<8 {
                try expectEqual(runs[worker], (0..<50).map { -$0 - 1 }, "the batch of \(worker)")
            }
        },
    ]
}
