//! The cuts of a made edit beside those that were found.

use audio_fingerprint::{Origin, RATE, Shot};

use crate::conforming::{Made, NEAR};
use crate::library::Library;

/// Prints the shots as they were made and as they were found, in order of time.
pub(crate) fn print(library: &Library, made: &[Made], shots: &[Shot]) {
    let seconds = |samples: usize| samples as f64 / f64::from(RATE);
    let starts: Vec<f64> = made
        .iter()
        .scan(0, |at, shot| {
            *at += shot.length;
            Some(seconds(*at - shot.length))
        })
        .collect();
    let found: Vec<f64> = shots.iter().map(|shot| shot.edit.start().as_secs_f64()).collect();
    let is_near = |all: &[f64], at: f64| all.iter().any(|other| (other - at).abs() <= NEAR);
    let mut rows = Vec::new();
    for (shot, start) in made.iter().zip(&starts) {
        let kind = if is_near(&found, *start) { "" } else { "MISSED" };
        let (place, length) = (seconds(shot.place.start), seconds(shot.length));
        let name = library.name(shot.place.recording as i64);
        rows.push((*start, format!("made  {start:9.3} s, {length:.3} s: {place:.3} s of {name} {kind}")));
    }
    for (shot, start) in shots.iter().zip(&found) {
        let kind = if is_near(&starts, *start) { "" } else { "FALSE" };
        let length = shot.edit.duration().as_secs_f64();
        let place = shot.origin.as_ref().map_or_else(
            || "unknown".to_owned(),
            |origin| {
                let Origin { gain_db, residual_db, .. } = origin;
                let (place, name) = (origin.start.as_secs_f64(), library.name(origin.source_id));
                format!("{place:.3} s of {name}, {gain_db:.1} dB, other audio {residual_db:.1} dB")
            },
        );
        rows.push((*start, format!("found {start:9.3} s, {length:.3} s: {place} {kind}")));
    }
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.iter().for_each(|(_, row)| println!("{row}"));
}
