import HealthWorkerModel
import HealthWorkerStorage

/// A storage that cannot be reached.
struct AbsentStorage: Storage {
    let process: ProcessID

    private var away: StorageError { .unavailable("no connection to db.example.com:5432") }

    func now() throws(StorageError) -> Timestamp { throw away }
    func ping() throws(StorageError) { throw away }
    func close() {}

    func write(_: WriteBatch) throws(StorageError) -> [WriteResult] { throw away }
    func checks(named _: [String]) throws(StorageError) -> [Check] { throw away }
    func checks(ids _: [CheckID]) throws(StorageError) -> [Check] { throw away }
    func checks(matching _: ObjectFilter, after _: String?, limit _: Int)
        throws(StorageError) -> [Check]
    { throw away }
    func policies(named _: [String]) throws(StorageError) -> [Policy] { throw away }
    func policies(ids _: [PolicyID]) throws(StorageError) -> [Policy] { throw away }
    func policies(matching _: ObjectFilter, after _: String?, limit _: Int)
        throws(StorageError) -> [Policy]
    { throw away }
    func policyNames(using _: [CheckID]) throws(StorageError) -> [CheckID: [String]] { throw away }

    func enqueueDue(maxSlots _: Int) throws(StorageError) -> EnqueueReport { throw away }
    func claim(_: ClaimRequest) throws(StorageError) -> [Claim] { throw away }
    func complete(_: [Completion]) throws(StorageError) -> CompletionReport { throw away }
    func release(_: [JobReference]) throws(StorageError) -> Int { throw away }
    func discard(_: [JobReference]) throws(StorageError) -> Int { throw away }
    func oldestJob(from _: JobID) throws(StorageError) -> JobID? { throw away }
    func expireLost(limit _: Int, from _: JobID) throws(StorageError) -> Int { throw away }
    func enqueueNow(_: CheckID) throws(StorageError) { throw away }
    func updateJobs() throws(StorageError) -> Int { throw away }
    func nextSlotDue() throws(StorageError) -> Timestamp? { throw away }
    func queueStatus() throws(StorageError) -> QueueStatus { throw away }
    func pruneOutcomes(keep _: Duration, limit _: Int) throws(StorageError) -> Int { throw away }

    func hourMark() throws(StorageError) -> HourMark { throw away }
    func checks(of _: Hour, after _: CheckID, limit _: Int)
        throws(StorageError) -> [CheckOfHour]
    { throw away }
    func outcomes(of _: CheckID, from _: Timestamp, after _: JobID, limit _: Int)
        throws(StorageError) -> [HourOutcome]
    { throw away }
    func policies(of _: Hour, after _: PolicyID, limit _: Int) throws(StorageError) -> [PolicyID] {
        throw away
    }
    func keep(_: MadeHours, from _: HourMark, to _: HourMark) throws(StorageError) -> Bool {
        throw away
    }
    func checkHours(of _: CheckID, from _: Hour, until _: Hour) throws(StorageError) -> [CheckHour]
    { throw away }
    func policyHours(of _: PolicyID, from _: Hour, until _: Hour)
        throws(StorageError) -> [PolicyHour]
    { throw away }
    func pruneHours(before _: Hour, limit _: Int) throws(StorageError) -> Int { throw away }

    func observations(of _: [CheckID]) throws(StorageError) -> [CheckID: Observation] { throw away }
    func outcomes(of _: CheckID, before _: JobID?, limit _: Int)
        throws(StorageError) -> [RecordedOutcome]
    { throw away }
    func healthChanges(of _: CheckID?, before _: HealthChangeID?, limit _: Int)
        throws(StorageError) -> [RecordedHealthChange]
    { throw away }

    func census() throws(StorageError) -> Census { throw away }

    func dueEvaluations(limit _: Int) throws(StorageError) -> [DueEvaluation] { throw away }
    func nextEvaluationDue() throws(StorageError) -> Timestamp? { throw away }
    func evaluationInputs(of _: PolicyID) throws(StorageError) -> EvaluationInputs? { throw away }
    func commit(_: EvaluationCommit) throws(StorageError) -> CommitOutcome { throw away }
    func commit(all _: [EvaluationCommit]) throws(StorageError) -> [CommitOutcome]? { throw away }
    func dropEvaluations(ofGone _: PolicyID) throws(StorageError) { throw away }
    func insertMissedEvaluations() throws(StorageError) -> Int { throw away }
    func route(of _: PolicyID) throws(StorageError) -> StoredRoute? { throw away }
    func routes(after _: String?, limit _: Int) throws(StorageError) -> [StoredRoute] { throw away }
    func routes(of _: [PolicyID]) throws(StorageError) -> [StoredRoute] { throw away }
    func routesMark() throws(StorageError) -> RoutesMark { throw away }
    func budgets() throws(StorageError) -> [SafetyBudget] { throw away }
    func change(_ change: BudgetChange) throws(StorageError) { throw away }
    func maintenances(in _: MaintenanceState?, before _: MaintenanceID?, limit _: Int)
        throws(StorageError) -> [Maintenance]
    { throw away }
    func maintenance(id _: MaintenanceID) throws(StorageError) -> Maintenance? { throw away }
    func change(_ change: MaintenanceChange) throws(StorageError) -> Maintenance { throw away }
    func pruneMaintenances(keep _: Duration, limit _: Int) throws(StorageError) -> Int {
        throw away
    }
    func unhealthyDependencies(of _: [CheckID]) throws(StorageError) -> [CheckID: [String]] {
        throw away
    }
    func falls(within window: Duration) throws(StorageError) -> [Fall] { throw away }
    func publishedMembers() throws(StorageError) -> Int { throw away }
    func holdingPolicies() throws(StorageError) -> [PolicyID] { throw away }
    func routeEvaluations() throws(StorageError) -> [PolicyID: Int64] { throw away }
    func routeChanges(of _: PolicyID, before _: Int64?, limit _: Int)
        throws(StorageError) -> [Route]
    { throw away }
    func overrides(of _: PolicyID?) throws(StorageError) -> [Override] { throw away }
    func override(id _: OverrideID) throws(StorageError) -> Override? { throw away }

    func installation() throws(StorageError) -> String { throw away }
    func claimDeliveries(
        to _: [String], of _: SinkKind, limit _: Int, lease _: Duration, gathering _: Gathering?
    ) throws(StorageError) -> [Delivery] { throw away }
    func acknowledge(_: Delivery, memory _: String?) throws(StorageError) -> Acknowledgement {
        throw away
    }
    func release(_: Delivery, after _: Duration, error _: String?) throws(StorageError) {
        throw away
    }
    func remember(_: String, of _: Delivery) throws(StorageError) -> Bool { throw away }
    func hasten(to _: String) throws(StorageError) { throw away }
    func outdo(_: Int64, of _: PolicyID) throws(StorageError) -> Bool { throw away }
    func giveUp(_: Delivery, error _: String) throws(StorageError) -> Bool { throw away }
    func retryDeliveries(to _: String, of _: PolicyID?) throws(StorageError) -> Int { throw away }
    func pendingDeliveries(of _: PolicyID?) throws(StorageError) -> [PendingDelivery] { throw away }
    func deadLetters(of _: PolicyID?) throws(StorageError) -> [DeadLetter] { throw away }
    func holdings(of _: PolicyID) throws(StorageError) -> [Holding] { throw away }
    func arrivals(of _: PolicyID, from _: Int64, through _: Int64) throws(StorageError) -> [Arrival]
    { throw away }
    func conclude(_: Arrival.Place, _: Arrival.End) throws(StorageError) -> Bool { throw away }
    func places(at _: String, after _: PolicyID, limit _: Int)
        throws(StorageError) -> [PublishedPlace]
    { throw away }
    func note(difference _: String?, at _: PublishedPlace) throws(StorageError) { throw away }
    func redeliver(to _: PublishedPlace) throws(StorageError) { throw away }

    func announce(_: Presence) throws(StorageError) { throw away }
    func withdraw() throws(StorageError) { throw away }
    func processes(seenWithin _: Duration) throws(StorageError) -> [RunningProcess] { throw away }
    func takeDuty(_: String, for _: Duration) throws(StorageError) -> Bool { throw away }

    func liveSettings() throws(StorageError) -> LiveSettings { throw away }
    func change(_: SettingsChange) throws(StorageError) -> LiveSettings { throw away }

    func key(id _: String) throws(StorageError) -> APIKey? { throw away }
    func keys() throws(StorageError) -> [APIKey] { throw away }
    func change(_: KeyChange) throws(StorageError) { throw away }
    func touchKey(id _: String) throws(StorageError) { throw away }

    func events(_: EventQuery) throws(StorageError) -> [Event] { throw away }

    func appendAudit(_: [AuditEntry]) throws(StorageError) { throw away }
    func audit(matching _: AuditFilter, before _: Int64?, limit _: Int)
        throws(StorageError) -> [AuditEntry]
    { throw away }
    func pruneDeadLetters(keep _: Duration, limit _: Int) throws(StorageError) -> Int {
        throw away
    }
    func pruneAudit(keep _: Duration, limit _: Int) throws(StorageError) -> Int { throw away }

    func secrets(unlessRevision _: Int64?) throws(StorageError) -> StoredSecrets? { throw away }
    func change(_: SecretChange) throws(StorageError) -> WriteResult { throw away }
    func secretUsers() throws(StorageError) -> [String: [String]] { throw away }
}
