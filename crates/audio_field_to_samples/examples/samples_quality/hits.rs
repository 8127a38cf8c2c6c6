//! Hits, as they are reported, against the drum-only recordings of `drums/`.

use std::fs::File;
use std::path::Path;

use audio_field_to_samples::hits::{Hit, detect};
use audio_field_to_samples::listen::{Wanted, listen};
use audio_field_to_samples::params::HitParams;
use media_time::MediaTime;

use crate::corpus;
use crate::score::{f_measure, matches, mean, median};

/// Drums hit together are one onset, seconds.
const ONE: f64 = 0.03;

/// Prints the tables.
pub(crate) fn print() {
    let open =
        HitParams { min_peak_db: -60.0, min_interval_ms: MediaTime::from_millis(30), ..HitParams::default() };
    table("default parameters: peaks from -40 dBFS, 50 ms apart", &HitParams::default());
    table("as the truth counts them: peaks from -60 dBFS, 30 ms apart", &open);
}

fn table(what: &str, params: &HitParams) {
    println!("\nhits (time_ms), drum-only; {what}");
    println!(
        "{:<16}{:>9}{:>9}{:>11}{:>8}{:>13}{:>17}",
        "file", "F ±50 ms", "F ±25 ms", "precision", "recall", "median error", "rises before by"
    );
    let recordings = corpus::recordings(&corpus::root().join("drums"));
    let drum_only = recordings.iter().filter(|path| !path.to_string_lossy().contains("_mix"));
    let mut rows = Vec::new();
    for path in drum_only {
        let truth = truth(path);
        let file = File::open(path).expect("the recording");
        let heard = listen(file, Wanted { hits: true, loops: false }, &|| false).expect("a recording");
        let hits = detect(&heard.rhythm.onsets, &heard.envelope, params);
        let found: Vec<f64> = hits.iter().map(|hit| hit.time.as_millis_round() as f64 / 1e3).collect();
        let rise = |hit: &Hit| hit.sound.start as f64 / f64::from(heard.format.rate);
        let leads: Vec<f64> = hits.iter().map(|hit| (hit.time.as_secs_f64() - rise(hit)) * 1e3).collect();
        let (wide, narrow) = (f_measure(&truth, &found, 0.05), f_measure(&truth, &found, 0.025));
        let errors: Vec<f64> =
            matches(&truth, &found, 0.05).into_iter().map(|(t, f)| (found[f] - truth[t]) * 1e3).collect();
        println!(
            "{:<16}{:>9.3}{:>9.3}{:>11.3}{:>8.3}{:>10.1} ms{:>14.1} ms",
            corpus::name(path),
            wide.f,
            narrow.f,
            wide.precision,
            wide.recall,
            median(&errors).unwrap_or(f64::NAN),
            median(&leads).unwrap_or(f64::NAN),
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

/// The annotated onsets, seconds; drums hit together (within [`ONE`]) are one.
fn truth(path: &Path) -> Vec<f64> {
    let time = |fields: Vec<String>| fields[0].parse::<f64>().expect("a number");
    let mut times: Vec<f64> = corpus::fields(path, "onsets").into_iter().map(time).collect();
    times.sort_unstable_by(f64::total_cmp);
    times.dedup_by(|later, kept| *later - *kept <= ONE);
    times
}
