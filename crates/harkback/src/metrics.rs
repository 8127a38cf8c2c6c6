//! What is measured of the service while it runs, and what each number means.

use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

const HTTP: &str = "http_request_duration_seconds";
const WORK: &str = "work_duration_seconds";

/// From a look-up in the database to an analysis that its caller waits for.
const HTTP_BUCKETS: [f64; 9] = [0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0, 300.0];
/// From seconds of sound to a render that takes as long as it may.
const WORK_BUCKETS: [f64; 11] = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1_800.0, 3_600.0];

/// How often recorded durations are counted into their buckets. Until then each is kept by itself, so that without it a
/// service that nobody asks for its metrics would grow.
const UPKEEP: Duration = Duration::from_secs(5);

/// Begins to record, for this whole process. Within a runtime.
pub(crate) fn install() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(HTTP.to_owned()), &HTTP_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(WORK.to_owned()), &WORK_BUCKETS)?
        .set_buckets_for_metric(Matcher::Prefix("job_".to_owned()), &WORK_BUCKETS)?
        .install_recorder()?;
    describe();
    tokio::spawn({
        let handle = handle.clone();
        async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                handle.run_upkeep();
            }
        }
    });
    Ok(handle)
}

/// Every metric of the workspace; docs/configuration.md has the same list with the labels.
fn describe() {
    describe_counter!("http_requests_total", "Requests answered");
    describe_histogram!(HTTP, Unit::Seconds, "Time from a request to its answer");
    describe_counter!("semantic_timeline_requests_total", "Semantic timelines made or found");
    describe_counter!("sample_requests_total", "Sets of samples cut or found");
    describe_counter!("renders_total", "Renders made or found");
    describe_gauge!("jobs", "Jobs that wait or run, of all processes");
    describe_counter!("job_starts_total", "Starts of jobs");
    describe_histogram!("job_wait_seconds", Unit::Seconds, "Time from the acceptance of a job to its start");
    describe_histogram!("job_duration_seconds", Unit::Seconds, "Time that a job ran");
    describe_histogram!(WORK, Unit::Seconds, "Time that heavy work ran, without its wait for a turn");
}
