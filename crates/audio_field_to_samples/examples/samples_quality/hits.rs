//! Scores the reported hits against the drum-only recordings of `drums/`.

use std::fs::File;

use audio_field_to_samples::extract::{FeatureSet, extract};
use audio_field_to_samples::hits::{Hit, HitParams, detect};
use audio_signal::Control;
use media_time::MediaTime;

use crate::corpus;
use crate::drums::{self, HEADER, Onsets};
use crate::score::median;

/// Prints one table per set of parameters.
pub(crate) fn print() {
    let open =
        HitParams { min_peak_db: -60.0, min_interval: MediaTime::from_millis(30), ..HitParams::default() };
    table("default parameters: peaks from -40 dBFS, 50 ms apart", &HitParams::default());
    table("as the truth counts them: peaks from -60 dBFS, 30 ms apart", &open);
}

fn table(what: &str, params: &HitParams) {
    println!("\nhits (time_ms), drum-only; {what}\n{HEADER}  rises before by");
    let mut scores = Onsets::default();
    for path in drums::recordings(&corpus::root()) {
        let file = File::open(&path).expect("the recording");
        let features = extract(&file.into(), FeatureSet { rhythm: true, bands: false }, &Control::none())
            .expect("a recording");
        let hits = detect(&features.rhythm.onsets, &features.envelope, params);
        let found: Vec<f64> = hits.iter().map(|hit| hit.time.as_millis_round() as f64 / 1e3).collect();
        let rise = |hit: &Hit| hit.sound.start as f64 / f64::from(features.format.rate);
        let leads: Vec<f64> = hits.iter().map(|hit| (hit.time.as_secs_f64() - rise(hit)) * 1e3).collect();
        println!("{}{:>14.1} ms", scores.row(&path, &found), median(&leads).unwrap_or(f64::NAN));
    }
    scores.summary().iter().for_each(|line| println!("{line}"));
}
