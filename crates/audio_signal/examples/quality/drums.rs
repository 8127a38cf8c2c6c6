//! Scores onsets in the drum-only recordings of `drums/` against their annotations.

use std::path::{Path, PathBuf};

use crate::corpus;
use crate::score::{f_measure, matches, mean, median};

/// Drums struck within this time count as one onset, in seconds.
const ONE: f64 = 0.03;
/// The columns of [`Onsets::row`].
pub(crate) const HEADER: &str = "file              F ±50 ms F ±25 ms  precision  recall median error";

/// The recordings with drums only.
pub(crate) fn recordings(root: &Path) -> Vec<PathBuf> {
    let mut found = corpus::recordings(&root.join("drums"));
    found.retain(|path| !path.to_string_lossy().contains("_mix"));
    found
}

/// Scores of several recordings.
#[derive(Default)]
pub(crate) struct Onsets {
    wide: Vec<f64>,
    narrow: Vec<f64>,
    errors_ms: Vec<f64>,
}

impl Onsets {
    /// Scores the onsets `found` in a recording, in seconds, and returns a table row.
    pub(crate) fn row(&mut self, recording: &Path, found: &[f64]) -> String {
        let truth = truth(recording);
        let (wide, narrow) = (f_measure(&truth, found, 0.05), f_measure(&truth, found, 0.025));
        let errors_ms: Vec<f64> =
            matches(&truth, found, 0.05).into_iter().map(|(t, f)| (found[f] - truth[t]) * 1e3).collect();
        let error = median(&errors_ms).unwrap_or(f64::NAN);
        let row = format!(
            "{:<16}{:>9.3}{:>9.3}{:>11.3}{:>8.3}{error:>10.1} ms",
            corpus::name(recording),
            wide.f,
            narrow.f,
            wide.precision,
            wide.recall
        );
        self.wide.push(wide.f);
        self.narrow.push(narrow.f);
        self.errors_ms.extend(errors_ms);
        row
    }

    /// The table row of all recordings; `None` if there were none.
    pub(crate) fn summary(&self) -> Option<String> {
        let error = median(&self.errors_ms)?;
        let [wide, narrow] = [&self.wide, &self.narrow].map(|scores| mean(scores.iter().copied()));
        Some(format!("mean: ±50 ms {wide:.3}, ±25 ms {narrow:.3}; median signed error {error:.1} ms"))
    }
}

/// The annotated onsets in seconds; of those closer together than [`ONE`], the first.
pub(crate) fn truth(recording: &Path) -> Vec<f64> {
    let time = |fields: Vec<String>| fields[0].parse::<f64>().expect("a number");
    let mut times: Vec<f64> = corpus::fields(recording, "onsets").into_iter().map(time).collect();
    times.sort_unstable_by(f64::total_cmp);
    times.dedup_by(|later, kept| *later - *kept <= ONE);
    times
}
