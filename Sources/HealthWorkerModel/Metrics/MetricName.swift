/// Every metric that this program exposes, by the name that Prometheus sees.
///
/// A new figure is one case here with its kind and its sentence, and the place that measures it; the
/// guide to watching lists it, and a test finds both out. Units are seconds and bytes, labels have
/// few values: never a URL, never free text.
package enum MetricName: String, CaseIterable, Sendable {
    // Of each process.
    case buildInfo = "health_worker_build_info"
    case storageUp = "health_worker_storage_up"
    case storageFailures = "health_worker_storage_failures_total"
    case seriesDropped = "health_worker_metrics_series_dropped_total"
    case processCPU = "process_cpu_seconds_total"
    case processResidentMemory = "process_resident_memory_bytes"
    case processVirtualMemory = "process_virtual_memory_bytes"
    case processOpenDescriptors = "process_open_fds"
    case processMostDescriptors = "process_max_fds"
    case processStart = "process_start_time_seconds"

    // Of workers.
    case workerConcurrency = "health_worker_worker_concurrency"
    case workerClaimed = "health_worker_worker_claimed"
    case workerProbing = "health_worker_worker_probing"
    case workerPaused = "health_worker_worker_paused"
    case isolated = "health_worker_isolated"
    case queueLag = "health_worker_queue_lag_seconds"
    case claim = "health_worker_claim_seconds"
    case jobsClaimed = "health_worker_jobs_claimed_total"
    case probe = "health_worker_probe_seconds"
    case probePhase = "health_worker_probe_phase_seconds"
    case outcomes = "health_worker_outcomes_total"
    case completion = "health_worker_completion_seconds"
    case jobsCompleted = "health_worker_jobs_completed_total"
    case completionsStale = "health_worker_completions_stale_total"
    case healthChanges = "health_worker_health_changes_total"
    case counts = "health_worker_counts_total"
    case countsCorrected = "health_worker_counts_corrected_total"
    case countsStale = "health_worker_counts_stale_total"
    case countingWithoutRedis = "health_worker_counting_without_redis"
    case dnsLookups = "health_worker_dns_lookups_total"
    case dnsQueries = "health_worker_dns_queries_total"
    case dnsUnanswered = "health_worker_dns_unanswered_total"

    // Of registers.
    case registerStep = "health_worker_register_step_seconds"
    case registerStepAge = "health_worker_register_step_age_seconds"
    case jobsEnqueued = "health_worker_jobs_enqueued_total"
    case evaluationsMissed = "health_worker_evaluations_missed_total"
    case historyBehind = "health_worker_history_behind_seconds"
    case deliveries = "health_worker_deliveries_total"
    case routeDelivery = "health_worker_route_delivery_seconds"
    case arrivals = "health_worker_route_arrivals_total"
    case timeToFailover = "health_worker_time_to_failover_seconds"

    // Of whoever evaluates policies: workers after a turn, registers, and the API after an order.
    case evaluation = "health_worker_evaluation_seconds"
    case routeChanges = "health_worker_route_changes_total"
    case holds = "health_worker_holds_total"

    // Of the API.
    case apiRequest = "health_worker_api_request_seconds"

    // Of the whole installation, as its storage has it: told alike by each register and each API.
    case queueJobs = "health_worker_queue_jobs"
    case queueOldestDue = "health_worker_queue_oldest_due_seconds"
    case queueLateSlots = "health_worker_queue_late_slots"
    case queueEnqueued = "health_worker_queue_enqueued_total"
    case queueEnded = "health_worker_queue_ended_total"
    case queueRescued = "health_worker_queue_rescued_total"
    case queueSuperseded = "health_worker_queue_superseded_total"
    case queueMissedTicks = "health_worker_queue_missed_ticks_total"
    case oldestTransaction = "health_worker_storage_oldest_transaction_seconds"
    case processes = "health_worker_processes"
    case quarantined = "health_worker_quarantined"
    case checks = "health_worker_checks"
    case checksPaused = "health_worker_checks_paused"
    case checksStale = "health_worker_checks_stale"
    case checksWithoutWorker = "health_worker_checks_without_worker"
    case policies = "health_worker_policies"
    case policiesWaiting = "health_worker_policies_waiting"
    case policiesUnprotected = "health_worker_policies_unprotected"
    case policiesFrozen = "health_worker_policies_frozen"
    case policiesHolding = "health_worker_policies_holding"
    case evaluationOldestDue = "health_worker_evaluation_oldest_due_seconds"
    case overrides = "health_worker_overrides"
    case overridePermanentOldest = "health_worker_override_permanent_oldest_seconds"
    case routesNotInSync = "health_worker_routes_not_in_sync"
    case routeOldestWaiting = "health_worker_route_oldest_waiting_seconds"
    case deadLetters = "health_worker_dead_letters"

    // Of single checks, where `metrics.per_check` is set: told alike by each register and each API.
    case checkHealthy = "health_worker_check_healthy"
    case checkLastDuration = "health_worker_check_last_duration_seconds"
    case checksNotShown = "health_worker_checks_not_shown"
}

extension MetricName {
    /// What Prometheus takes it for.
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    package var kind: Kind {
        switch self {
        case .queueLag, .claim, .probe, .probePhase, .completion, .registerStep, .routeDelivery,
            .evaluation, .apiRequest, .timeToFailover:
            .histogram
        default:
            rawValue.hasSuffix("_total") ? .counter : .gauge
        }
    }

    /// One sentence for people, with the labels.
    package var help: String {
        switch self {
        case .buildInfo:
            "Always 1; the version of this process and the engine of its database."
        case .storageUp:
            "Whether the database answered this process at this scrape."
        case .storageFailures:
            "Calls that the database did not answer, by the step of the worker or register that made them."
        case .seriesDropped:
            "Times that a metric was refused a set of labels, or a second kind."
        case .processCPU: "CPU time of this process, in its own code and in the kernel."
        case .processResidentMemory: "Memory of this process that is in RAM."
        case .processVirtualMemory: "Address space of this process."
        case .processOpenDescriptors: "Descriptors that are open."
        case .processMostDescriptors: "Descriptors that may be open."
        case .processStart: "When this process started, since 1970."

        case .workerConcurrency: "Probes that may be in flight at once."
        case .workerClaimed: "Jobs that this worker holds: being probed, or on their way back."
        case .workerProbing: "Probes in flight."
        case .workerPaused: "1 while this worker claims nothing, whatever the cause."
        case .isolated: "1 while no reference target answers this worker."
        case .queueLag: "From when a job was due to when its probe began."
        case .claim:
            "How long the database took to hand out a batch of jobs that was not empty, with their checks."
        case .jobsClaimed: "Jobs that were claimed."
        case .probe: "How long probes took, from their begin to their outcome."
        case .probePhase: "How long a phase of a probe took that it reached."
        case .outcomes:
            "Outcomes of probes by class (success, failure, inconclusive) and reason (none for a success)."
        case .completion: "How long the database took to complete a batch of jobs."
        case .jobsCompleted: "Jobs that this worker completed."
        case .completionsStale: "Completions that came after their lease and changed nothing."
        case .healthChanges: "Turns of health by what they turned to, and why."
        case .counts:
            "Outcomes that were counted, by what counted: Redis, or the base of the claim."
        case .countsCorrected: "Counts for which Redis had something else than the claim's base."
        case .countsStale: "Counts for which Redis had seen a later job."
        case .countingWithoutRedis:
            "1 while the Redis of redis.url does not count; not there where none is configured."
        case .dnsLookups: "Names that were looked up, by what answered: hosts, cache or servers."
        case .dnsQueries: "Queries that were sent to name servers."
        case .dnsUnanswered: "Queries that a name server did not answer in time."

        case .registerStep:
            "How long a step of the register took: enqueue, sweep, housekeeping or hours."
        case .registerStepAge: "Time since the register last finished a step."
        case .jobsEnqueued: "Jobs that this register put into the queue."
        case .evaluationsMissed:
            "Policies whose route was decided from other inputs than the present ones; stays 0."
        case .historyBehind:
            "Time that is over and whose figures are still to be made, in whole hours, as this register sees it."

        case .deliveries:
            "Deliveries to sinks by sink and result: delivered, quiet, late, differs, or why not."
        case .routeDelivery:
            "From when a route was decided to the word of its sink, where the first attempt reached it."

        case .evaluation: "How long one evaluation of a policy took, reading and storing included."
        case .routeChanges: "New generations of routes that this process decided, by their cause."
        case .holds:
            "Members that were not taken out although they turned unhealthy, by what holds them: guard or budget."

        case .arrivals:
            "Routes that a sink took, by sink and what became of them: observed, replaced, or not_observed."
        case .timeToFailover:
            "From the first failed probe to the answer without the member, as seen at the sink."

        case .apiRequest: "How long requests took, by endpoint, method and status."

        case .queueJobs:
            "Live jobs: due (nobody holds them), leased, or later (not due yet)."
        case .queueOldestDue:
            "How long the oldest job that nobody holds has been due; 0 without one."
        case .queueLateSlots: "Slots of the wheel that have been due for more than a second."
        case .queueEnqueued: "Jobs that were put into the queue, by all processes."
        case .queueEnded: "Jobs that ended, by how: completed, lost or void."
        case .queueRescued: "Claims of jobs whose lease had ended."
        case .queueSuperseded: "Ticks that fell while the check's job was still live."
        case .queueMissedTicks: "Ticks that fell while no register ran."
        case .oldestTransaction:
            "Age of the oldest open transaction, which keeps ended jobs from being vacuumed; 0 without one."
        case .processes:
            "Processes that are alive, by role and location; 0 for a location that checks name and where nobody is."
        case .quarantined:
            "Workers that their peers contradict, by state: named, quarantined, on_trial, or disputed (too many are)."
        case .checks: "Checks by the health that is held of their targets."
        case .checksPaused: "Checks that are not probed because they are disabled."
        case .checksStale: "Checks whose health is not backed by fresh outcomes, by why."
        case .checksWithoutWorker:
            "Enabled checks that no worker which is alive and claims may probe."
        case .policies: "Policies."
        case .policiesWaiting: "Policies that have no route yet."
        case .policiesUnprotected: "Policies that publish a family without any healthy member."
        case .policiesFrozen: "Policies that an operator froze."
        case .policiesHolding:
            "Policies that publish members which turned unhealthy, because too many did at once."
        case .evaluationOldestDue:
            "How long a policy has been waiting to be evaluated; 0 without one."
        case .overrides: "Operators' words over measured health, by whether they end by themselves."
        case .overridePermanentOldest: "Age of the oldest override that has no end; 0 without one."

        case .routesNotInSync:
            "Publications by sink and why: waiting (not delivered yet), or differs (the sink holds something else)."
        case .routeOldestWaiting:
            "How long a route has been waiting for its sink; 0 without one."
        case .deadLetters: "Generations of routes that a sink never took and that were given up."

        case .checkHealthy: "1 healthy, 0 unhealthy; not there while unknown."
        case .checkLastDuration: "How long the last probe took whose outcome is kept."
        case .checksNotShown:
            "Checks that are not shown one by one because of metrics.per_check_limit."
        }
    }

    /// Upper bounds in seconds where the usual ones, from a millisecond on, would not tell near targets
    /// or quick statements apart.
    package static var buckets: [String: [Double]] {
        let fine = [
            0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
            2.5,
            5, 10, 30, 60,
        ]
        let names: [MetricName] = [.probe, .probePhase, .claim, .completion]
        var buckets = Dictionary(uniqueKeysWithValues: names.map { ($0.rawValue, fine) })
        buckets[timeToFailover.rawValue] = [
            0.5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600,
        ]
        return buckets
    }

    /// By name, as an exposition wants them.
    package static var helpByName: [String: String] {
        Dictionary(uniqueKeysWithValues: allCases.map { ($0.rawValue, $0.help) })
    }
}
