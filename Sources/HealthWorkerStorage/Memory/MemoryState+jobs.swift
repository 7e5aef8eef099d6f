import HealthWorkerModel

// The steps of which the queue's calls are made.
extension MemoryState {
    /// Gives a check that is there and has no live job one.
    mutating func insertJob(
        for check: CheckID, dueAt: Timestamp, visibleAt: Timestamp, avoiding: ProcessID? = nil,
        avoidedLocation: String? = nil
    ) {
        guard let spec = checks[check]?.spec else { return }
        let id = lastIDs.job.advance()
        jobs[id] = MemoryJob(
            id: id, check: check, dueAt: dueAt, visibleAt: visibleAt, terms: MemoryJobTerms(spec),
            avoiding: avoiding, avoidedLocation: avoidedLocation)
        jobOfCheck[check] = id
        jobOrder.append(id)
        tally.enqueued += 1
    }

    /// Gives a check's live job what the check asks for now.
    /// - Returns: whether it was behind.
    @discardableResult
    mutating func updateJob(of check: CheckID) -> Bool {
        guard let id = jobOfCheck[check], let spec = checks[check]?.spec else { return false }
        let terms = MemoryJobTerms(spec)
        if jobs[id]?.terms == terms { return false }
        jobs[id]?.terms = terms
        return true
    }

    mutating func removeJob(_ job: MemoryJob) {
        jobs[job.id] = nil
        jobOfCheck[job.check] = nil
        if jobOrder.count > 64, jobOrder.count > 2 * jobs.count {
            jobOrder.removeAll { jobs[$0] == nil }
        }
    }

    /// Ends the live job of a check, held or not, as void.
    mutating func voidJob(of check: CheckID) {
        guard let job = jobOfCheck[check].flatMap({ jobs[$0] }) else { return }
        removeJob(job)
        tally.void += 1
    }

    /// Moves a live job that nobody holds, or inserts one that is due now.
    mutating func makeDue(_ check: CheckID, visibleAt: Timestamp, now: Timestamp) {
        guard let id = jobOfCheck[check], var job = jobs[id] else {
            insertJob(for: check, dueAt: now, visibleAt: visibleAt)
            return
        }
        if job.isHeld(at: now) { return }
        job.dueAt = now
        job.visibleAt = visibleAt
        job.worker = nil
        jobs[id] = job
    }

    /// The live jobs with an id of at least `first`, in order of their ids.
    func jobs(from first: JobID) -> some Sequence<MemoryJob> {
        var low = 0
        var high = jobOrder.count
        while low < high {
            let middle = (low + high) / 2
            if jobOrder[middle] < first { low = middle + 1 } else { high = middle }
        }
        return jobOrder[low...].lazy.compactMap { jobs[$0] }
    }
}
