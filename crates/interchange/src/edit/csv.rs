//! Writer for a table of clips (`.csv`, RFC 4180), with times in ms and as timecode.

use media_time::MediaTime;

use crate::edit::{EditTimeline, TrackKind};
use crate::loss::Export;

const HEADER: [&str; 13] = [
    "track",
    "kind",
    "name",
    "start_ms",
    "end_ms",
    "start_timecode",
    "end_timecode",
    "source_start_ms",
    "source_end_ms",
    "speed",
    "media_id",
    "media_name",
    "media_url",
];

/// Formats the clips of all tracks as rows, in order of tracks and times. Times are exact; nothing of the clips is lost.
#[must_use]
pub fn csv(timeline: &EditTimeline) -> Export {
    let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to a Vec cannot fail, and all rows have as many fields as the header.
    let _ = table.write_record(HEADER);
    for track in &timeline.tracks {
        for clip in &track.clips {
            let Some(media) = timeline.media.get(clip.media) else { continue };
            let timecode = |time| timeline.rate.timecode(timeline.rate.frames(time));
            let fields: [String; HEADER.len()] = [
                track.name.clone(),
                match track.kind {
                    TrackKind::Video => "video".to_owned(),
                    TrackKind::Audio => "audio".to_owned(),
                },
                clip.name.clone(),
                millis(clip.target.start()),
                millis(clip.target.end()),
                timecode(clip.target.start()),
                timecode(clip.target.end()),
                millis(clip.source_start),
                millis(clip.source_start + clip.source_duration()),
                clip.speed.to_string(),
                media.id.clone(),
                media.name.clone(),
                media.url.clone().unwrap_or_default(),
            ];
            let _ = table.write_record(&fields);
        }
    }
    Export { content: table.into_inner().unwrap_or_default(), losses: Vec::new() }
}

fn millis(time: MediaTime) -> String {
    time.as_millis_f64().to_string()
}
