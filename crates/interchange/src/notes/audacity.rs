//! Writer for Audacity's label tracks (`.txt`).

use std::fmt::Write;

use media_time::MediaTime;

use crate::loss::Export;
use crate::notes::{Annotations, one_line};

/// Formats events as regions and beats as points, in order of time; seconds to the microsecond.
#[must_use]
pub fn audacity(annotations: &Annotations) -> Export {
    let events =
        annotations.events.iter().map(|event| (event.window.start(), event.window.end(), event.label()));
    let beats = annotations.beats.iter().map(|beat| (beat.time, beat.time, beat.label()));
    let mut labels: Vec<_> = events.chain(beats).collect();
    labels.sort_by_key(|&(start, end, _)| (start, end));
    let mut text = String::new();
    for (start, end, label) in labels {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}\t{}\t{}", seconds(start), seconds(end), one_line(label));
    }
    Export { content: text.into_bytes(), losses: Vec::new() }
}

/// Seconds with six digits.
fn seconds(time: MediaTime) -> String {
    let micros = time.as_micros().max(0);
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
