import HealthWorkerModel
import HealthWorkerStorage

/// A storage that does what another one does, but for what a conforming type does itself.
protocol ForwardingStorage: Storage {
    var base: MemoryStorage { get }
}

extension ForwardingStorage {
    var process: ProcessID { base.process }

    func ping() async throws(StorageError) {
        try await base.ping()
    }

    func close() async {
        await base.close()
    }

    func now() async throws(StorageError) -> Timestamp {
        try await base.now()
    }

    func write(_ batch: WriteBatch) async throws(StorageError) -> [WriteResult] {
        try await base.write(batch)
    }

    func checks(named names: [String]) async throws(StorageError) -> [Check] {
        try await base.checks(named: names)
    }

    func checks(ids: [CheckID]) async throws(StorageError) -> [Check] {
        try await base.checks(ids: ids)
    }

    func checks(matching filter: ObjectFilter, after: String?, limit: Int)
        async throws(StorageError) -> [Check]
    {
        try await base.checks(matching: filter, after: after, limit: limit)
    }

    func policies(named names: [String]) async throws(StorageError) -> [Policy] {
        try await base.policies(named: names)
    }

    func policies(ids: [PolicyID]) async throws(StorageError) -> [Policy] {
        try await base.policies(ids: ids)
    }

    func policies(matching filter: ObjectFilter, after: String?, limit: Int)
        async throws(StorageError) -> [Policy]
    {
        try await base.policies(matching: filter, after: after, limit: limit)
    }

    func policyNames(using checks: [CheckID]) async throws(StorageError) -> [CheckID: [String]] {
        try await base.policyNames(using: checks)
    }

    func enqueueDue(maxSlots: Int) async throws(StorageError) -> EnqueueReport {
        try await base.enqueueDue(maxSlots: maxSlots)
    }

    func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        try await base.claim(request)
    }

    func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        try await base.complete(batch)
    }

    func release(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try await base.release(jobs)
    }

    func discard(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try await base.discard(jobs)
    }

    func expireLost(limit: Int) async throws(StorageError) -> Int {
        try await base.expireLost(limit: limit)
    }

    func enqueueNow(_ check: CheckID) async throws(StorageError) {
        try await base.enqueueNow(check)
    }

    func nextSlotDue() async throws(StorageError) -> Timestamp? {
        try await base.nextSlotDue()
    }

    func queueStatus() async throws(StorageError) -> QueueStatus {
        try await base.queueStatus()
    }

    func pruneOutcomes(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try await base.pruneOutcomes(keep: keep, limit: limit)
    }

    func observations(of checks: [CheckID]) async throws(StorageError) -> [CheckID: Observation] {
        try await base.observations(of: checks)
    }

    func outcomes(of check: CheckID, before: JobID?, limit: Int) async throws(StorageError)
        -> [RecordedOutcome]
    {
        try await base.outcomes(of: check, before: before, limit: limit)
    }

    func healthChanges(of check: CheckID?, before: HealthChangeID?, limit: Int)
        async throws(StorageError) -> [RecordedHealthChange]
    {
        try await base.healthChanges(of: check, before: before, limit: limit)
    }

    func dueEvaluations(limit: Int) async throws(StorageError) -> [DueEvaluation] {
        try await base.dueEvaluations(limit: limit)
    }

    func nextEvaluationDue() async throws(StorageError) -> Timestamp? {
        try await base.nextEvaluationDue()
    }

    func evaluationInputs(of policy: PolicyID) async throws(StorageError) -> EvaluationInputs? {
        try await base.evaluationInputs(of: policy)
    }

    func commit(_ commit: EvaluationCommit) async throws(StorageError) -> CommitOutcome {
        try await base.commit(commit)
    }

    func insertMissedEvaluations() async throws(StorageError) -> Int {
        try await base.insertMissedEvaluations()
    }

    func route(of policy: PolicyID) async throws(StorageError) -> StoredRoute? {
        try await base.route(of: policy)
    }

    func routes(after: String?, limit: Int) async throws(StorageError) -> [StoredRoute] {
        try await base.routes(after: after, limit: limit)
    }

    func routeChanges(of policy: PolicyID, before: Int64?, limit: Int) async throws(StorageError)
        -> [Route]
    {
        try await base.routeChanges(of: policy, before: before, limit: limit)
    }

    func overrides(of policy: PolicyID?) async throws(StorageError) -> [Override] {
        try await base.overrides(of: policy)
    }

    func override(id: OverrideID) async throws(StorageError) -> Override? {
        try await base.override(id: id)
    }

    func claimDeliveries(to sinks: [String], limit: Int, lease: Duration) async throws(StorageError)
        -> [Delivery]
    {
        try await base.claimDeliveries(to: sinks, limit: limit, lease: lease)
    }

    func acknowledge(_ delivery: Delivery) async throws(StorageError) -> Bool {
        try await base.acknowledge(delivery)
    }

    func release(_ delivery: Delivery, after delay: Duration, error: String?)
        async throws(StorageError)
    {
        try await base.release(delivery, after: delay, error: error)
    }

    func pendingDeliveries(of policy: PolicyID?) async throws(StorageError) -> [PendingDelivery] {
        try await base.pendingDeliveries(of: policy)
    }

    func announce(_ presence: Presence) async throws(StorageError) {
        try await base.announce(presence)
    }

    func withdraw() async throws(StorageError) {
        try await base.withdraw()
    }

    func processes(seenWithin window: Duration) async throws(StorageError) -> [RunningProcess] {
        try await base.processes(seenWithin: window)
    }

    func takeDuty(_ name: String, for lease: Duration) async throws(StorageError) -> Bool {
        try await base.takeDuty(name, for: lease)
    }

    func liveSettings() async throws(StorageError) -> LiveSettings {
        try await base.liveSettings()
    }

    func change(_ change: SettingsChange) async throws(StorageError) -> LiveSettings {
        try await base.change(change)
    }

    func insertKey(_ key: APIKey) async throws(StorageError) {
        try await base.insertKey(key)
    }

    func key(id: String) async throws(StorageError) -> APIKey? {
        try await base.key(id: id)
    }

    func keys() async throws(StorageError) -> [APIKey] {
        try await base.keys()
    }

    func revokeKey(id: String) async throws(StorageError) {
        try await base.revokeKey(id: id)
    }

    func touchKey(id: String) async throws(StorageError) {
        try await base.touchKey(id: id)
    }

    func appendAudit(_ entries: [AuditEntry]) async throws(StorageError) {
        try await base.appendAudit(entries)
    }

    func audit(before: Int64?, limit: Int) async throws(StorageError) -> [AuditEntry] {
        try await base.audit(before: before, limit: limit)
    }

}
