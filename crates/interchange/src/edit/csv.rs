//! Writer for a table of clips (`.csv`, RFC 4180), with times in ms and as timecode.

use media_time::MediaTime;
use serde_json::{Map, Value};

use crate::edit::{EditTimeline, TrackKind};
use crate::loss::{Export, LossKind, Losses};

const HEADER: [&str; 17] = [
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
    "metadata",
    "gain_db",
    "source_start_timecode",
    "source_end_timecode",
];

/// Formats the clips of all tracks as rows, in order of tracks and times. Times in ms are exact, timecodes are of the nearest
/// frames; ids and other properties are a JSON object. Only clips whose file is unknown are lost.
#[must_use]
pub fn csv(timeline: &EditTimeline) -> Export {
    let mut losses = Losses::default();
    let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to a Vec cannot fail, and all rows have as many fields as the header.
    let _ = table.write_record(HEADER);
    for track in &timeline.tracks {
        for clip in &track.clips {
            let Some(media) = timeline.media.get(clip.media) else {
                losses.count(LossKind::MediaMissing, format!("track {}", track.name), 1, "clip");
                continue;
            };
            let rate = timeline.rate;
            let timecode = |time| rate.timecode(rate.frames(time));
            // Empty for a file of unknown timecode.
            let source_timecode = |time: MediaTime| {
                let frame = rate.frames(media.timecode(rate) + time);
                let label = || rate.timecode_in(frame, media.is_drop_frame(rate));
                media.start_timecode.map(|_| label()).unwrap_or_default()
            };
            let source_end = clip.source_start + clip.source_duration();
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
                millis(source_end),
                clip.speed.to_string(),
                media.id.clone(),
                media.name.clone(),
                media.url.clone().unwrap_or_default(),
                metadata(&clip.metadata),
                clip.gain_db.to_string(),
                source_timecode(clip.source_start),
                source_timecode(source_end),
            ];
            let _ = table.write_record(&fields);
        }
    }
    Export { content: table.into_inner().unwrap_or_default(), losses: losses.finish() }
}

/// A JSON object of the properties; empty without any.
fn metadata(properties: &[(String, String)]) -> String {
    if properties.is_empty() {
        return String::new();
    }
    let members = properties.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    Value::Object(members.collect::<Map<_, _>>()).to_string()
}

fn millis(time: MediaTime) -> String {
    time.as_millis_f64().to_string()
}
