import HealthWorkerModel

/// Every row there is.
struct MemoryState: Sendable {
    /// The highest id given so far, of each table.
    var lastIDs = LastIDs()

    var checks: [CheckID: Check] = [:]
    var checkIDs: [String: CheckID] = [:]
    /// By the name of the policy that made them.
    var madeChecks: [String: Set<CheckID>] = [:]
    /// What each check depends on, and what depends on it.
    var dependencies: [CheckID: Set<CheckID>] = [:]
    var dependents: [CheckID: Set<CheckID>] = [:]

    var policies: [PolicyID: Policy] = [:]
    var policyIDs: [String: PolicyID] = [:]
    /// By member name.
    var memberChecks: [PolicyID: [String: CheckID]] = [:]
    var users: [CheckID: Set<PolicyID>] = [:]
    var publishers: [PublicationKey: PolicyID] = [:]

    /// When each slot is due.
    var slots: [Wheel.Slot: Timestamp] = [:]
    var checksOfSlot: [Wheel.Slot: Set<CheckID>] = [:]
    var jobs: [JobID: MemoryJob] = [:]
    var jobOfCheck: [CheckID: JobID] = [:]
    /// Rising; ids of ended jobs are taken out from time to time.
    var jobOrder: [JobID] = []
    var tally = Tally()

    var health: [CheckID: HealthState] = [:]
    /// Oldest first.
    var outcomes: [CheckID: [RecordedOutcome]] = [:]
    var healthChanges: [RecordedHealthChange] = []

    var routes: [PolicyID: MemoryRoute] = [:]
    var evaluations: [PolicyID: [MemoryEvaluation]] = [:]
    var overrides: [OverrideID: Override] = [:]
    var deliveries: [DeliveryID: MemoryDelivery] = [:]
    var holdings: [MemoryPlace: Holding] = [:]
    /// Oldest first.
    var deadLetters: [DeadLetter] = []
    var arrivals: [Arrival.Place: Arrival] = [:]

    var hourMark = HourMark.beginning
    var checkHours: [MemoryHour: CheckHour] = [:]
    var policyHours: [MemoryHour: PolicyHour] = [:]

    var processes: [ProcessID: RunningProcess] = [:]
    var duties: [String: MemoryDuty] = [:]
    var liveSettings = LiveSettings()
    /// By name.
    var budgets: [String: SafetyBudget] = [:]
    var maintenances: [MaintenanceID: Maintenance] = [:]
    var keys: [String: APIKey] = [:]
    var secrets = StoredSecrets()
    var auditLog: [AuditEntry] = []

    struct LastIDs {
        var check: CheckID = 0
        var policy: PolicyID = 0
        var job: JobID = 0
        var healthChange: HealthChangeID = 0
        var evaluation: EvaluationID = 0
        var override: OverrideID = 0
        var maintenance: MaintenanceID = 0
        var delivery: DeliveryID = 0
        var audit: Int64 = 0
    }
}

struct MemoryJob {
    var id: JobID
    var check: CheckID
    var dueAt: Timestamp
    /// Delay and lease in one.
    var visibleAt: Timestamp
    /// What it carries of its check, for the claim.
    var terms: MemoryJobTerms
    var attempt = 0
    /// Who claimed it last; nil: nobody yet, or it was given back.
    var worker: ProcessID?
    /// Where that worker is.
    var location = ""
    /// Whose word is not wanted again, and from where, until 1 s after it became visible.
    var avoiding: ProcessID?
    var avoidedLocation: String?

    func isHeld(at now: Timestamp) -> Bool {
        worker != nil && visibleAt > now
    }

    /// A third lease ended: whoever probes this check never comes back.
    func isLost(at now: Timestamp) -> Bool {
        attempt >= 3 && worker != nil && visibleAt <= now
    }
}

struct MemoryJobTerms: Hashable {
    var timeout: Duration
    /// Empty: anywhere.
    var locations: [String]

    init(_ check: CheckSpec) {
        self.init(timeout: check.effectiveTimeout, locations: check.locations)
    }

    init(timeout: Duration, locations: [String]) {
        self.timeout = timeout
        self.locations = locations
    }

    func allow(_ location: String) -> Bool {
        locations.isEmpty || locations.contains(location)
    }
}

struct MemoryRoute {
    var evaluation: Int64 = 0
    var members: [MemberVerdict] = []
    var lookAgainAt: Timestamp?
    var unprotected: [RecordFamily] = []
    var freeze: Freeze?
    var route: Route?
    /// What it was decided from; nil before the first evaluation.
    var inputs: String?
    /// Where the route went: a publication that is not among these has yet to get it.
    var announced: Set<MemoryPublication> = []
    /// Oldest first.
    var changes: [Route] = []
}

struct MemoryPublication: Hashable {
    var sink: String
    var name: String

    init(sink: String, name: String) {
        self.sink = sink
        self.name = name
    }

    init(_ publication: Publication) {
        self.init(sink: publication.sink, name: publication.name)
    }
}

/// A publication of a policy.
struct MemoryPlace: Hashable {
    var policy: PolicyID
    var publication: MemoryPublication
}

struct MemoryEvaluation {
    var id: EvaluationID
    var dueAt: Timestamp
    /// The one that a verdict asked for; the next verdict replaces it.
    var isTimer: Bool
}

struct MemoryDelivery {
    var id: DeliveryID
    var policy: PolicyID
    var publication: MemoryPublication
    /// The first generation that was not delivered, and the newest.
    var oldest: Int64
    var generation: Int64
    var withdrawal: Withdrawal?
    var attempt = 0
    var failures = 0
    var holder: ProcessID?
    var since: Timestamp
    var visibleAt: Timestamp
    var lastError: String?

    var place: MemoryPlace { MemoryPlace(policy: policy, publication: publication) }
}

struct MemoryDuty {
    var holder: ProcessID
    var until: Timestamp
}

extension Identifier {
    /// Counts up and gives the new id.
    mutating func advance() -> Self {
        rawValue += 1
        return self
    }
}
