package import HealthWorkerModel
package import HealthWorkerStorage

/// A storage that does what another one does, but for what a conforming type does itself.
package protocol ForwardingStorage: Storage {
    associatedtype Base: Storage

    var base: Base { get }
}

extension ForwardingStorage {
    package var process: ProcessID { base.process }

    package func ping() async throws(StorageError) {
        try await base.ping()
    }

    package func close() async {
        await base.close()
    }

    package func now() async throws(StorageError) -> Timestamp {
        try await base.now()
    }

    package func write(_ batch: WriteBatch) async throws(StorageError) -> [WriteResult] {
        try await base.write(batch)
    }

    package func checks(named names: [String]) async throws(StorageError) -> [Check] {
        try await base.checks(named: names)
    }

    package func checks(ids: [CheckID]) async throws(StorageError) -> [Check] {
        try await base.checks(ids: ids)
    }

    package func checks(matching filter: ObjectFilter, after: String?, limit: Int)
        async throws(StorageError) -> [Check]
    {
        try await base.checks(matching: filter, after: after, limit: limit)
    }

    package func policies(named names: [String]) async throws(StorageError) -> [Policy] {
        try await base.policies(named: names)
    }

    package func policies(ids: [PolicyID]) async throws(StorageError) -> [Policy] {
        try await base.policies(ids: ids)
    }

    package func policies(matching filter: ObjectFilter, after: String?, limit: Int)
        async throws(StorageError) -> [Policy]
    {
        try await base.policies(matching: filter, after: after, limit: limit)
    }

    package func policyNames(using checks: [CheckID]) async throws(StorageError) -> [CheckID:
        [String]]
    {
        try await base.policyNames(using: checks)
    }

    package func enqueueDue(maxSlots: Int) async throws(StorageError) -> EnqueueReport {
        try await base.enqueueDue(maxSlots: maxSlots)
    }

    package func claim(_ request: ClaimRequest) async throws(StorageError) -> [Claim] {
        try await base.claim(request)
    }

    package func complete(_ batch: [Completion]) async throws(StorageError) -> CompletionReport {
        try await base.complete(batch)
    }

    package func release(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try await base.release(jobs)
    }

    package func discard(_ jobs: [JobReference]) async throws(StorageError) -> Int {
        try await base.discard(jobs)
    }

    package func oldestJob(from: JobID) async throws(StorageError) -> JobID? {
        try await base.oldestJob(from: from)
    }

    package func expireLost(limit: Int, from: JobID) async throws(StorageError) -> Int {
        try await base.expireLost(limit: limit, from: from)
    }

    package func enqueueNow(_ check: CheckID) async throws(StorageError) {
        try await base.enqueueNow(check)
    }

    package func updateJobs() async throws(StorageError) -> Int {
        try await base.updateJobs()
    }

    package func nextSlotDue() async throws(StorageError) -> Timestamp? {
        try await base.nextSlotDue()
    }

    package func census() async throws(StorageError) -> Census {
        try await base.census()
    }

    package func queueStatus() async throws(StorageError) -> QueueStatus {
        try await base.queueStatus()
    }

    package func pruneOutcomes(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try await base.pruneOutcomes(keep: keep, limit: limit)
    }

    package func observations(of checks: [CheckID]) async throws(StorageError) -> [CheckID:
        Observation]
    {
        try await base.observations(of: checks)
    }

    package func outcomes(of check: CheckID, before: JobID?, limit: Int) async throws(StorageError)
        -> [RecordedOutcome]
    {
        try await base.outcomes(of: check, before: before, limit: limit)
    }

    package func healthChanges(of check: CheckID?, before: HealthChangeID?, limit: Int)
        async throws(StorageError) -> [RecordedHealthChange]
    {
        try await base.healthChanges(of: check, before: before, limit: limit)
    }

    package func dueEvaluations(limit: Int) async throws(StorageError) -> [DueEvaluation] {
        try await base.dueEvaluations(limit: limit)
    }

    package func nextEvaluationDue() async throws(StorageError) -> Timestamp? {
        try await base.nextEvaluationDue()
    }

    package func evaluationInputs(of policy: PolicyID) async throws(StorageError)
        -> EvaluationInputs?
    {
        try await base.evaluationInputs(of: policy)
    }

    package func commit(_ commit: EvaluationCommit) async throws(StorageError) -> CommitOutcome {
        try await base.commit(commit)
    }

    package func commit(
        all commits: [EvaluationCommit]
    ) async throws(StorageError) -> [CommitOutcome]? {
        try await base.commit(all: commits)
    }

    package func dropEvaluations(ofGone policy: PolicyID) async throws(StorageError) {
        try await base.dropEvaluations(ofGone: policy)
    }

    package func insertMissedEvaluations() async throws(StorageError) -> Int {
        try await base.insertMissedEvaluations()
    }

    package func route(of policy: PolicyID) async throws(StorageError) -> StoredRoute? {
        try await base.route(of: policy)
    }

    package func routes(after: String?, limit: Int) async throws(StorageError) -> [StoredRoute] {
        try await base.routes(after: after, limit: limit)
    }

    package func routes(of policies: [PolicyID]) async throws(StorageError) -> [StoredRoute] {
        try await base.routes(of: policies)
    }

    package func routesMark() async throws(StorageError) -> RoutesMark {
        try await base.routesMark()
    }

    package func budgets() async throws(StorageError) -> [SafetyBudget] {
        try await base.budgets()
    }

    package func change(_ change: BudgetChange) async throws(StorageError) {
        try await base.change(change)
    }

    package func maintenances(in state: MaintenanceState?, before: MaintenanceID?, limit: Int)
        async throws(StorageError) -> [Maintenance]
    {
        try await base.maintenances(in: state, before: before, limit: limit)
    }

    package func maintenance(id: MaintenanceID) async throws(StorageError) -> Maintenance? {
        try await base.maintenance(id: id)
    }

    package func change(_ change: MaintenanceChange) async throws(StorageError) -> Maintenance {
        try await base.change(change)
    }

    package func pruneMaintenances(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try await base.pruneMaintenances(keep: keep, limit: limit)
    }

    package func unhealthyDependencies(of checks: [CheckID])
        async throws(StorageError) -> [CheckID: [String]]
    {
        try await base.unhealthyDependencies(of: checks)
    }

    package func falls(within window: Duration) async throws(StorageError) -> [Fall] {
        try await base.falls(within: window)
    }

    package func publishedMembers() async throws(StorageError) -> Int {
        try await base.publishedMembers()
    }

    package func holdingPolicies() async throws(StorageError) -> [PolicyID] {
        try await base.holdingPolicies()
    }

    package func routeEvaluations() async throws(StorageError) -> [PolicyID: Int64] {
        try await base.routeEvaluations()
    }

    package func routeChanges(of policy: PolicyID, before: Int64?, limit: Int)
        async throws(StorageError)
        -> [Route]
    {
        try await base.routeChanges(of: policy, before: before, limit: limit)
    }

    package func overrides(of policy: PolicyID?) async throws(StorageError) -> [Override] {
        try await base.overrides(of: policy)
    }

    package func override(id: OverrideID) async throws(StorageError) -> Override? {
        try await base.override(id: id)
    }

    package func installation() async throws(StorageError) -> String {
        try await base.installation()
    }

    package func claimDeliveries(
        to sinks: [String], of kind: SinkKind, limit: Int, lease: Duration,
        gathering: Gathering?
    ) async throws(StorageError) -> [Delivery] {
        try await base.claimDeliveries(
            to: sinks, of: kind, limit: limit, lease: lease, gathering: gathering)
    }

    package func acknowledge(
        _ delivery: Delivery, memory: String?
    ) async throws(StorageError) -> Acknowledgement {
        try await base.acknowledge(delivery, memory: memory)
    }

    package func remember(
        _ memory: String, of delivery: Delivery
    ) async throws(StorageError) -> Bool {
        try await base.remember(memory, of: delivery)
    }

    package func hasten(to sink: String) async throws(StorageError) {
        try await base.hasten(to: sink)
    }

    package func outdo(
        _ generation: Int64, of policy: PolicyID
    ) async throws(StorageError) -> Bool {
        try await base.outdo(generation, of: policy)
    }

    package func release(_ delivery: Delivery, after delay: Duration, error: String?)
        async throws(StorageError)
    {
        try await base.release(delivery, after: delay, error: error)
    }

    package func giveUp(
        _ delivery: Delivery, error: String
    ) async throws(StorageError) -> Bool {
        try await base.giveUp(delivery, error: error)
    }

    package func retryDeliveries(
        to sink: String, of policy: PolicyID?
    ) async throws(StorageError) -> Int {
        try await base.retryDeliveries(to: sink, of: policy)
    }

    package func pendingDeliveries(of policy: PolicyID?) async throws(StorageError)
        -> [PendingDelivery]
    {
        try await base.pendingDeliveries(of: policy)
    }

    package func deadLetters(of policy: PolicyID?) async throws(StorageError) -> [DeadLetter] {
        try await base.deadLetters(of: policy)
    }

    package func holdings(of policy: PolicyID) async throws(StorageError) -> [Holding] {
        try await base.holdings(of: policy)
    }

    package func arrivals(
        of policy: PolicyID, from first: Int64, through last: Int64
    ) async throws(StorageError) -> [Arrival] {
        try await base.arrivals(of: policy, from: first, through: last)
    }

    package func conclude(
        _ place: Arrival.Place, _ end: Arrival.End
    ) async throws(StorageError) -> Bool {
        try await base.conclude(place, end)
    }

    package func hourMark() async throws(StorageError) -> HourMark {
        try await base.hourMark()
    }

    package func checks(
        of hour: Hour, after: CheckID, limit: Int
    ) async throws(StorageError) -> [CheckOfHour] {
        try await base.checks(of: hour, after: after, limit: limit)
    }

    package func outcomes(
        of check: CheckID, from start: Timestamp, after job: JobID, limit: Int
    ) async throws(StorageError) -> [HourOutcome] {
        try await base.outcomes(of: check, from: start, after: job, limit: limit)
    }

    package func policies(
        of hour: Hour, after: PolicyID, limit: Int
    ) async throws(StorageError) -> [PolicyID] {
        try await base.policies(of: hour, after: after, limit: limit)
    }

    package func keep(
        _ hours: MadeHours, from mark: HourMark, to next: HourMark
    ) async throws(StorageError) -> Bool {
        try await base.keep(hours, from: mark, to: next)
    }

    package func checkHours(
        of check: CheckID, from start: Hour, until end: Hour
    ) async throws(StorageError) -> [CheckHour] {
        try await base.checkHours(of: check, from: start, until: end)
    }

    package func policyHours(
        of policy: PolicyID, from start: Hour, until end: Hour
    ) async throws(StorageError) -> [PolicyHour] {
        try await base.policyHours(of: policy, from: start, until: end)
    }

    package func pruneHours(
        before hour: Hour, limit: Int
    ) async throws(StorageError) -> Int {
        try await base.pruneHours(before: hour, limit: limit)
    }

    package func places(
        at sink: String, after: PolicyID, limit: Int
    ) async throws(StorageError) -> [PublishedPlace] {
        try await base.places(at: sink, after: after, limit: limit)
    }

    package func note(
        difference: String?, at place: PublishedPlace
    ) async throws(StorageError) {
        try await base.note(difference: difference, at: place)
    }

    package func redeliver(to place: PublishedPlace) async throws(StorageError) {
        try await base.redeliver(to: place)
    }

    package func announce(_ presence: Presence) async throws(StorageError) {
        try await base.announce(presence)
    }

    package func withdraw() async throws(StorageError) {
        try await base.withdraw()
    }

    package func processes(seenWithin window: Duration) async throws(StorageError)
        -> [RunningProcess]
    {
        try await base.processes(seenWithin: window)
    }

    package func takeDuty(_ name: String, for lease: Duration) async throws(StorageError) -> Bool {
        try await base.takeDuty(name, for: lease)
    }

    package func liveSettings() async throws(StorageError) -> LiveSettings {
        try await base.liveSettings()
    }

    package func change(_ change: SettingsChange) async throws(StorageError) -> LiveSettings {
        try await base.change(change)
    }

    package func key(id: String) async throws(StorageError) -> APIKey? {
        try await base.key(id: id)
    }

    package func keys() async throws(StorageError) -> [APIKey] {
        try await base.keys()
    }

    package func change(_ change: KeyChange) async throws(StorageError) {
        try await base.change(change)
    }

    package func touchKey(id: String) async throws(StorageError) {
        try await base.touchKey(id: id)
    }

    package func appendAudit(_ entries: [AuditEntry]) async throws(StorageError) {
        try await base.appendAudit(entries)
    }

    package func audit(
        matching filter: AuditFilter, before: Int64?, limit: Int
    ) async throws(StorageError) -> [AuditEntry] {
        try await base.audit(matching: filter, before: before, limit: limit)
    }

    package func events(_ query: EventQuery) async throws(StorageError) -> [Event] {
        try await base.events(query)
    }

    package func pruneDeadLetters(
        keep: Duration, limit: Int
    ) async throws(StorageError) -> Int {
        try await base.pruneDeadLetters(keep: keep, limit: limit)
    }
    package func pruneAudit(keep: Duration, limit: Int) async throws(StorageError) -> Int {
        try await base.pruneAudit(keep: keep, limit: limit)
    }

    package func secrets(
        unlessRevision known: Int64?
    ) async throws(StorageError) -> StoredSecrets? {
        try await base.secrets(unlessRevision: known)
    }

    package func change(_ change: SecretChange) async throws(StorageError) -> WriteResult {
        try await base.change(change)
    }

    package func secretUsers() async throws(StorageError) -> [String: [String]] {
        try await base.secretUsers()
    }
}
