//! Writers for markers: OpenTimelineIO, Resolve's marker lists, and the tables of Reaper and Audition.

use std::fmt::Write;

use media_time::{MediaTime, Window};

use crate::clock::h_mm_ss_millis;
use crate::edit::{Colour, Marker, otio};
use crate::frame_rate::FrameRate;
use crate::loss::{Export, LossKind, Losses};
use crate::notes::{Annotations, Event, Held, HeldEvents};
use crate::text::one_line;

/// Greatest frame rate whose frames have two digits.
const MAX_RATE: u32 = 60;
/// What markers hold: the speaker and the text of an event are in the note.
const HELD: Held =
    Held { events: HeldEvents::All, texts: true, speakers: true, beats: true, ..Held::NOTHING };

/// Markers of all events and beats, in order of time.
#[must_use]
pub fn markers(annotations: &Annotations) -> Vec<Marker> {
    let events = annotations.events.iter().map(|event| Marker {
        window: event.window,
        name: event.kind.clone(),
        note: note(event),
        colour: colour(&event.kind),
    });
    let beats = annotations.beats.iter().map(|beat| Marker {
        window: Window::starting_at(beat.time, MediaTime::ZERO),
        name: beat.label().to_owned(),
        note: beat.position.map(|position| format!("beat {position} of the bar")).unwrap_or_default(),
        colour: if beat.position == Some(1) { Colour::Red } else { Colour::Magenta },
    });
    let mut markers: Vec<Marker> = events.chain(beats).collect();
    markers.sort_by_key(|marker| (marker.window.start(), marker.window.end()));
    markers
}

/// A timeline of one clip, which plays the whole recording, with markers.
#[must_use]
pub fn otio(annotations: &Annotations) -> Export {
    let part = Window::starting_at(annotations.source_start, annotations.duration);
    let Export { content, losses } = otio::otio_markers(&annotations.media, part, &markers(annotations));
    Export { content, losses: [annotations.losses(HELD).finish(), losses].concat() }
}

/// An edit decision list of markers as Resolve imports it, for a timeline of `rate` that starts at 01:00:00:00.
#[must_use]
pub fn resolve_edl(annotations: &Annotations, rate: FrameRate) -> Export {
    let mut losses = annotations.losses(HELD);
    let rate = rate.at_most(MAX_RATE, &mut losses);
    let drop = if rate.is_drop_frame() { "DROP FRAME" } else { "NON-DROP FRAME" };
    let mut text = format!("TITLE: {}\nFCM: {drop}\n\n", one_line(&annotations.media.name));
    let offset = rate.first_frame_of_hour(1);
    for (index, marker) in markers(annotations).iter().enumerate() {
        let (start, end) = (rate.frames(marker.window.start()), rate.frames(marker.window.end()));
        // A marker is not shorter than a frame.
        let end = end.max(start + 1);
        round_to_frames(marker, rate, &mut losses);
        let [from, to] = [offset + start, offset + start + 1].map(|frame| rate.timecode(frame));
        // `|` separates the fields.
        let name = one_line(&marker.text()).replace('|', "/");
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{:03}  001      V     C        {from} {to} {from} {to}  \n |C:{} |M:{name} |D:{}\n\n",
            index + 1,
            marker.colour.resolve(),
            end - start
        );
    }
    Export { content: text.into_bytes(), losses: losses.finish() }
}

/// The table that Reaper's region and marker manager imports: events are regions, beats markers; times as `h:mm:ss.mmm`.
#[must_use]
pub fn reaper_csv(annotations: &Annotations) -> Export {
    let mut losses = annotations.losses(HELD);
    let mut rows = vec![["#", "Name", "Start", "End", "Length"].map(str::to_owned)];
    let (mut regions, mut points) = (0, 0);
    for marker in markers(annotations) {
        let name = one_line(&marker.text());
        let start = h_mm_ss_millis(marker.window.start());
        round_to_millis(&marker, marker.window.end(), &mut losses);
        if marker.window.is_empty() {
            points += 1;
            rows.push([format!("M{points}"), name, start, String::new(), String::new()]);
        } else {
            regions += 1;
            let [end, length] = [marker.window.end(), marker.window.duration()].map(h_mm_ss_millis);
            rows.push([format!("R{regions}"), name, start, end, length]);
        }
    }
    Export { content: table(b',', &rows), losses: losses.finish() }
}

/// The table that Audition imports: tab-separated, times as `h:mm:ss.mmm`.
#[must_use]
pub fn audition_csv(annotations: &Annotations) -> Export {
    let mut losses = annotations.losses(HELD);
    let header = ["Name", "Start", "Duration", "Time Format", "Type", "Description"];
    let mut rows = vec![header.map(str::to_owned)];
    for marker in markers(annotations) {
        let (start, duration) = (marker.window.start(), marker.window.duration());
        // The end follows from the rounded start and duration.
        round_to_millis(&marker, rounded(start) + rounded(duration), &mut losses);
        rows.push([
            one_line(&marker.name),
            h_mm_ss_millis(start),
            h_mm_ss_millis(duration),
            "decimal".to_owned(),
            "Cue".to_owned(),
            one_line(&marker.note),
        ]);
    }
    Export { content: table(b'\t', &rows), losses: losses.finish() }
}

fn table<const N: usize>(delimiter: u8, rows: &[[String; N]]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
    for row in rows {
        // Writing to a Vec cannot fail, and all rows have N fields.
        let _ = writer.write_record(row);
    }
    writer.into_inner().unwrap_or_default()
}

fn note(event: &Event) -> String {
    match (event.speaker.as_deref(), event.text.as_deref()) {
        (Some(speaker), Some(text)) => format!("{speaker}: {text}"),
        (Some(either), None) | (None, Some(either)) => either.to_owned(),
        (None, None) => String::new(),
    }
}

fn colour(kind: &str) -> Colour {
    match kind {
        "speech" => Colour::Blue,
        "music" => Colour::Green,
        "silence" => Colour::Cyan,
        _ => Colour::Yellow,
    }
}

fn rounded(time: MediaTime) -> MediaTime {
    MediaTime::from_millis(time.as_millis_round())
}

/// Records the greater of the errors of a marker's ends on the frames of `rate`.
fn round_to_frames(marker: &Marker, rate: FrameRate, losses: &mut Losses) {
    losses.rounding(LossKind::RoundedToFrame, "", "marker", rate.rounding(marker.window));
}

/// Records the greater of the errors of a marker's ends in whole milliseconds; `end` is the end that is written.
fn round_to_millis(marker: &Marker, end: MediaTime, losses: &mut Losses) {
    let (start, exact) = (marker.window.start(), marker.window.end());
    let errors = [start - rounded(start), exact - rounded(end)];
    let greatest = errors.map(|error| error.max(-error)).into_iter().max().unwrap_or_default();
    losses.rounding(LossKind::RoundedToMs, "", "marker", greatest);
}
