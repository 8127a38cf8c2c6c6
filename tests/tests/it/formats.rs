//! Every container × codec: length, loudness and instants in the service's answers, compared with a coded source.
//!
//! Each file is encoded from one source whose samples are located by cross-correlation and whose frames carry their
//! number, so the truth is the coded source, not another decoder's output. A third of the rows is measured by default,
//! all with `HARKBACK_FORMATS=all`, which also writes the table of `docs/formats.md`, and with any other value the rows
//! whose name contains it.

mod catalog;
mod codec;
mod family;
pub(crate) mod ffmpeg;
mod frames;
mod locate;
mod measure;
mod service;
mod source;
mod table;
mod verdict;

use std::collections::HashMap;
use std::sync::Arc;

use e2e::{Api, Deployment, binary};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use family::Row;
use measure::{Bench, Measurement};
use source::{Layout, Sources};

const CONCURRENT_ROWS: usize = 2;
/// Render profiles: one with the source's frame rate, one with a fixed rate.
const PROFILES: [&str; 2] = ["draft_480p_fast", "1080p_30_web"];

#[tokio::test(flavor = "multi_thread")]
async fn formats_are_analysed_and_rendered_as_coded() {
    let selection = Selection::from_environment();
    let rows = selection.rows();
    let folder = tempfile::Builder::new().prefix("harkback-formats-").tempdir().unwrap();
    let sources = Arc::new(Sources::write(folder.path(), rows.iter().map(|row| row.codec.layout)));
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let loudness = source_loudness(&api, &sources).await;
    let measurements = measure_all(&api, &sources, &rows, &selection).await;

    let (mut lines, mut failures) = (String::new(), Vec::new());
    for (row, measurement) in rows.iter().zip(&measurements) {
        let lufs = loudness[&row.codec.layout];
        lines += &table::line(row, lufs, measurement);
        let deviations = verdict::deviations(row, lufs, measurement);
        if !deviations.is_empty() {
            failures.push(format!("{row}: {}", deviations.join("; ")));
        }
    }
    println!("{lines}");
    if selection == Selection::All {
        table::write(&binary::workspace_root().join("docs/formats.md"), &lines);
    }
    let summary = format!("{} of {} rows are out of tolerance", failures.len(), rows.len());
    assert!(failures.is_empty(), "{summary}:\n{}", failures.join("\n"));
    server.stop().await;
}

/// Selection of the rows to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Selection {
    /// Every third row, without `HARKBACK_FORMATS`.
    Third,
    All,
    /// Rows whose name contains this text.
    Named(String),
}

impl Selection {
    #[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
    fn from_environment() -> Self {
        match std::env::var("HARKBACK_FORMATS") {
            Ok(all) if all == "all" => Self::All,
            Ok(name) => Self::Named(name),
            Err(_) => Self::Third,
        }
    }

    fn rows(&self) -> Vec<Row> {
        let rows = catalog::families()
            .flat_map(|family| family.codecs.iter().map(move |codec| Row { family, codec: *codec }));
        match self {
            Self::Third => rows.step_by(3).collect(),
            Self::All => rows.collect(),
            Self::Named(name) => rows.filter(|row| row.to_string().contains(name)).collect(),
        }
    }

    /// The profiles to render a row with: both for the first codec of each container, except in the default selection.
    fn profiles(&self, row: &Row) -> &'static [&'static str] {
        let is_first = row.family.codecs[0].name == row.codec.name;
        let is_thorough = *self != Self::Third && row.has_video() && is_first;
        &PROFILES[..if is_thorough { 2 } else { 1 }]
    }
}

/// The integrated loudness of the source in each layout, in LUFS as the service measures it.
async fn source_loudness(api: &Api, sources: &Sources) -> HashMap<Layout, f64> {
    let mut loudness = HashMap::new();
    for (layout, source) in sources.layouts() {
        let asset = service::upload(api, &source.wav).await.unwrap();
        let analysis = service::analyze(api, &asset).await.unwrap();
        loudness.insert(layout, analysis.integrated_lufs.unwrap());
    }
    loudness
}

/// Measures the rows, a few at once, and returns them in order. A row that panics becomes a row with an error.
#[expect(clippy::print_stdout, reason = "the progress of a test that takes minutes")]
async fn measure_all(
    api: &Api,
    sources: &Arc<Sources>,
    rows: &[Row],
    selection: &Selection,
) -> Vec<Measurement> {
    let permits = Arc::new(Semaphore::new(CONCURRENT_ROWS));
    let mut tasks = JoinSet::new();
    let mut indices = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        let (api, sources, permits, row) = (api.clone(), sources.clone(), permits.clone(), *row);
        let profiles = selection.profiles(&row);
        let task = tasks.spawn(async move {
            let _permit = permits.acquire().await.unwrap();
            let folder = tempfile::Builder::new().prefix("harkback-format-").tempdir().unwrap();
            let (source, video) = (sources.audio(row.codec.layout), &sources.video);
            let bench = Bench { api: &api, row: &row, source, video, folder: folder.path() };
            let measurement = bench.measure(profiles).await;
            println!("measured: {row}");
            measurement
        });
        indices.insert(task.id(), index);
    }
    let mut measurements = vec![Measurement::default(); rows.len()];
    while let Some(result) = tasks.join_next_with_id().await {
        let (id, measurement) = result.unwrap_or_else(|error| {
            (error.id(), Measurement { error: Some(error.to_string()), ..Measurement::default() })
        });
        measurements[indices[&id]] = measurement;
    }
    measurements
}
