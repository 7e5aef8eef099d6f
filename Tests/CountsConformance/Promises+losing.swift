import HealthWorkerModel

extension CountsPromise {
    static let losing: [CountsPromise] = [
        CountsPromise("what is lost in the middle of a row is counted on from the base") {
            fixture in
            let counts = try await fixture.counts()
            _ = try await counts.count(.sample(job: 1))
            _ = try await counts.count(.sample(job: 2, inARow: 1))

            try await fixture.lose()
            let third = try await counts.count(.sample(job: 3, inARow: 2))

            try expectEqual(third, -3, "failures")
        },

        CountsPromise("an old copy that counts too little is corrected") { fixture in
            let counts = try await fixture.counts()
            _ = try await counts.count(.sample(job: 1))
            try await fixture.takeCopy()
            _ = try await counts.count(.sample(job: 2, inARow: 1))
            _ = try await counts.count(.sample(job: 3, inARow: 2))

            try await fixture.restoreCopy()
            let fourth = try await counts.count(.sample(job: 4, inARow: 3))

            try expectEqual(fourth, -4, "failures")
        },

        CountsPromise("an old copy that counts too much is corrected") { fixture in
            let counts = try await fixture.counts()
            _ = try await counts.count(.sample(job: 1))
            _ = try await counts.count(.sample(job: 2, inARow: 1))
            try await fixture.takeCopy()
            _ = try await counts.count(.sample(job: 3, inARow: 2, isSuccess: true))

            try await fixture.restoreCopy()
            let failure = try await counts.count(.sample(job: 4))

            try expectEqual(failure, -1, "failures")
        },

        CountsPromise("a copy of before an edit says nothing of the new target") { fixture in
            let counts = try await fixture.counts()
            _ = try await counts.count(.sample(job: 1))
            _ = try await counts.count(.sample(job: 2, inARow: 1))
            try await fixture.takeCopy()
            _ = try await counts.count(.sample(job: 3, epoch: 2, .unknown))

            try await fixture.restoreCopy()
            let request = CountRequest.sample(job: 4, epoch: 2, .unknown, inARow: 1)

            try expectEqual(try await counts.count(request), -2, "failures")
        },

        CountsPromise("a database that was restored is believed, not what is ahead of it") {
            fixture in
            let counts = try await fixture.counts()
            for step in 0..<5 {
                _ = try await counts.count(.sample(job: JobID(Int64(step + 1)), inARow: step))
            }

            // The jobs' numbers come a second time, with other bases and other outcomes.
            for (job, request) in [
                (2, CountRequest.sample(job: 2, inARow: 0)),
                (3, .sample(job: 3, inARow: 1, isSuccess: true)),
                (4, .sample(job: 4, inARow: 0)),
                (5, .sample(job: 5, inARow: 1)),
                (6, .sample(job: 6, inARow: 2, isSuccess: true)),
                (7, .sample(job: 7, .unhealthy, inARow: 0, isSuccess: true)),
            ] {
                let run = try await counts.count(request)
                try expectAgrees(run, request, "job \(job)")
                await counts.force([request])
            }
        },

        CountsPromise("a job whose number comes a second time with another base is not replayed") {
            fixture in
            let counts = try await fixture.counts()
            _ = try await counts.count(.sample(job: 3, inARow: 2))

            let turnedBack = CountRequest.sample(job: 3, inARow: 0)
            let otherOutcome = CountRequest.sample(job: 3, inARow: 0, isSuccess: true)
            let otherHealth = CountRequest.sample(job: 3, .unhealthy, inARow: 1, isSuccess: true)

            for request in [turnedBack, otherOutcome, otherHealth] {
                try expectAgrees(try await counts.count(request), request)
            }
        },

        CountsPromise("what was forced is counted on") { fixture in
            let counts = try await fixture.counts()
            _ = try await counts.count(.sample(job: 100, epoch: 5, inARow: 2))
            let restored = CountRequest.sample(job: 10, epoch: 3, inARow: 0)

            let first = try await counts.count(restored)
            await counts.force([restored])
            let second = try await counts.count(.sample(job: 11, epoch: 3, inARow: 1))
            let third = try await counts.count(.sample(job: 12, epoch: 3, inARow: 2))

            try expectEqual([first, second, third], [-1, -2, -3], "failures")
        },
    ]
}
