//! Metrics of the running service, and their descriptions.

use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sqlx::PgPool;

const HTTP: &str = "http_request_duration_seconds";
const WORK: &str = "work_duration_seconds";

/// Bucket bounds in seconds: from a look-up in the database to an analysis that its caller waits for.
const HTTP_BUCKETS: [f64; 9] = [0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 300.0];
/// Bucket bounds in seconds: from the decoding of a short recording to the longest permitted render.
const WORK_BUCKETS: [f64; 11] = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1_800.0, 3_600.0];

/// Interval at which recorded durations are added to their buckets. Until then each is stored individually: without
/// this task, the memory of a service whose metrics are never requested would grow.
const UPKEEP: Duration = Duration::from_secs(5);

/// Starts recording, for the whole process. Call it within a runtime.
pub(crate) fn install(pool: PgPool) -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(HTTP.to_owned()), &HTTP_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(WORK.to_owned()), &WORK_BUCKETS)?
        .set_buckets_for_metric(Matcher::Prefix("job_".to_owned()), &WORK_BUCKETS)?
        .install_recorder()?;
    describe();
    let process = metrics_process::Collector::default();
    process.describe();
    tokio::spawn({
        let handle = handle.clone();
        async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                handle.run_upkeep();
                process.collect();
                let idle = pool.num_idle();
                let busy = (pool.size() as usize).saturating_sub(idle);
                metrics::gauge!("database_connections", "state" => "idle").set(idle as f64);
                metrics::gauge!("database_connections", "state" => "busy").set(busy as f64);
            }
        }
    });
    Ok(handle)
}

/// Describes every metric of the workspace; docs/configuration.md has the same list with the labels.
fn describe() {
    describe_counter!("http_requests_total", "Requests answered");
    describe_histogram!(HTTP, Unit::Seconds, "Time from a request to its answer");
    describe_gauge!("http_requests_in_flight", "Requests without an answer yet");
    describe_gauge!("database_connections", "Connections of the pool");
    describe_gauge!("harkback_build_info", "1, with the version of the program");
    metrics::gauge!("harkback_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    describe_counter!("semantic_timeline_requests_total", "Semantic timelines made or found");
    describe_counter!("sample_requests_total", "Sets of samples cut or found");
    describe_counter!("renders_total", "Renders made or found");
    describe_gauge!("jobs", "Jobs that wait or run, of all processes");
    describe_counter!("job_starts_total", "Starts of jobs");
    describe_histogram!("job_wait_seconds", Unit::Seconds, "Time from the acceptance of a job to its start");
    describe_histogram!("job_duration_seconds", Unit::Seconds, "Time that a job ran");
    describe_histogram!(WORK, Unit::Seconds, "Time that heavy work ran, without its wait for a slot");
}
