//! Writer for Audacity's label tracks (`.txt`).

use std::fmt::Write;

use crate::clock::seconds_micros;
use crate::loss::Export;
use crate::notes::{Annotations, Held, HeldEvents};
use crate::text::one_line;

/// Formats events as regions and beats as points, in order of time; seconds to the microsecond.
#[must_use]
pub fn audacity(annotations: &Annotations) -> Export {
    let held = Held { events: HeldEvents::All, texts: true, beats: true, ..Held::NOTHING };
    let events =
        annotations.events.iter().map(|event| (event.window.start(), event.window.end(), event.label()));
    let beats = annotations.beats.iter().map(|beat| (beat.time, beat.time, beat.label()));
    let mut labels: Vec<_> = events.chain(beats).collect();
    labels.sort_by_key(|&(start, end, _)| (start, end));
    let mut text = String::new();
    for (start, end, label) in labels {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}\t{}\t{}", seconds_micros(start), seconds_micros(end), one_line(label));
    }
    Export { content: text.into_bytes(), losses: annotations.losses(held).finish() }
}
