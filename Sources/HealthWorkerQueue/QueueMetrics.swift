import Metrics

/// What a worker tells Prometheus, looked up once: a look-up for each job would cost more than most
/// of the job.
struct QueueMetrics: Sendable {
    let lag = Timer(label: "health_worker_queue_lag_seconds")
    let completed = Counter(label: "health_worker_jobs_completed_total")
    let stale = Counter(label: "health_worker_completions_stale_total")
}
