//! Onsets against the drum-only recordings of `drums/`.

use std::path::Path;

use crate::corpus;
use crate::score::{f_measure, matches, mean, median};

/// Drums hit together are one onset, seconds.
const ONE: f64 = 0.03;

/// Prints the table.
pub(crate) fn print(root: &Path) {
    println!("\nonsets, drum-only; truth within 30 ms counts as one");
    println!(
        "{:<16}{:>9}{:>9}{:>11}{:>8}{:>13}",
        "file", "F ±50 ms", "F ±25 ms", "precision", "recall", "median error"
    );
    let recordings = corpus::recordings(&root.join("drums"));
    let drum_only = recordings.iter().filter(|path| !path.to_string_lossy().contains("_mix"));
    let mut rows = Vec::new();
    for path in drum_only {
        let truth = truth(path);
        let found: Vec<f64> =
            corpus::rhythm(path).onsets.iter().map(|onset| onset.time.as_secs_f64()).collect();
        let (wide, narrow) = (f_measure(&truth, &found, 0.05), f_measure(&truth, &found, 0.025));
        let errors: Vec<f64> =
            matches(&truth, &found, 0.05).into_iter().map(|(t, f)| (found[f] - truth[t]) * 1e3).collect();
        let error = median(&errors).unwrap_or(f64::NAN);
        let name = corpus::name(path);
        println!(
            "{name:<16}{:>9.3}{:>9.3}{:>11.3}{:>8.3}{error:>10.1} ms",
            wide.f, narrow.f, wide.precision, wide.recall
        );
        rows.push((wide.f, narrow.f, errors));
    }
    if rows.is_empty() {
        return;
    }
    let errors: Vec<f64> = rows.iter().flat_map(|row| row.2.iter().copied()).collect();
    println!(
        "mean: ±50 ms {:.3}, ±25 ms {:.3}; median signed error {:.1} ms",
        mean(rows.iter().map(|row| row.0)),
        mean(rows.iter().map(|row| row.1)),
        median(&errors).unwrap_or(f64::NAN)
    );
}

/// The annotated onsets, seconds; of those closer together than [`ONE`] the first.
fn truth(path: &Path) -> Vec<f64> {
    let time = |fields: Vec<String>| fields[0].parse::<f64>().expect("a number");
    let mut times: Vec<f64> = corpus::fields(path, "onsets").into_iter().map(time).collect();
    times.sort_unstable_by(f64::total_cmp);
    times.dedup_by(|later, kept| *later - *kept <= ONE);
    times
}
