//! Writer for OpenTimelineIO's JSON (`.otio`): schemas Timeline.1, Stack.1, Track.1, Clip.2, Gap.1, Marker.2.

use serde_json::{Value, json};

use crate::edit::{
    Clip, Colour, EditTimeline, GridClip, GridTrack, Marker, Media, SourceGrid, Track, TrackKind, grid,
};
use crate::frame_rate::FrameRate;
use crate::loss::{Export, LossKind, Losses};
use media_time::Window;

/// Formats a timeline as OpenTimelineIO JSON. Cuts and positions in files are rounded to frames, and clips end with their
/// files. There is no standard effect for a gain, which is a loss.
#[must_use]
pub fn otio(timeline: &EditTimeline) -> Export {
    with_markers(timeline, &[])
}

fn with_markers(timeline: &EditTimeline, markers: &[Marker]) -> Export {
    let mut losses = Losses::default();
    let rate = timeline.rate;
    timeline.gain_omitted(&mut losses, |gain_db| gain_db != 0.0);
    let tracks = grid(timeline, SourceGrid::Timecode, &mut losses);
    let tracks: Vec<Value> = tracks.iter().map(|track| otio_track(rate, track)).collect();
    for marker in markers {
        losses.rounding(LossKind::RoundedToFrame, "", "marker", rate.rounding(marker.window));
    }
    let markers: Vec<Value> = markers.iter().map(|marker| otio_marker(rate, marker)).collect();
    let document = document(&timeline.name, &tracks, &markers);
    Export { content: text(&document), losses: losses.finish() }
}

/// Formats markers of `part`, a window of a recording, as a timeline of one clip, which plays it; markers are relative to
/// its start.
#[must_use]
pub fn otio_markers(media: &Media, part: Window, markers: &[Marker]) -> Export {
    // The annotated part is rounded up to a millisecond and may end a few packets after the declared duration.
    let duration = media.duration.map(|duration| duration.max(part.end()));
    let media = Media { duration, ..media.clone() };
    let rate = media.rate.unwrap_or(FrameRate::MILLISECONDS);
    let kind = if media.has_video { TrackKind::Video } else { TrackKind::Audio };
    let clip = Clip {
        name: media.name.clone(),
        media: 0,
        target: part.relative_to(part.start()),
        source_start: part.start(),
        speed: 1.0,
        gain_db: 0.0,
        metadata: Vec::new(),
    };
    let timeline = EditTimeline {
        name: media.name.clone(),
        rate,
        tracks: vec![Track {
            name: if kind == TrackKind::Video { "V1" } else { "A1" }.to_owned(),
            kind,
            clips: vec![clip],
        }],
        media: vec![media],
        embedded_audio: false,
    };
    with_markers(&timeline, markers)
}

fn document(name: &str, tracks: &[Value], markers: &[Value]) -> Value {
    json!({
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {},
        "name": name,
        "global_start_time": null,
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "metadata": {},
            "name": "tracks",
            "source_range": null,
            "effects": [],
            "markers": markers,
            "enabled": true,
            "children": tracks,
        },
    })
}

fn otio_track(rate: FrameRate, track: &GridTrack<'_>) -> Value {
    let mut children = Vec::with_capacity(track.clips.len());
    let mut end = 0;
    for clip in &track.clips {
        if clip.start > end {
            children.push(gap(rate, clip.start - end));
        }
        children.push(otio_clip(rate, clip));
        end = clip.end;
    }
    let kind = match track.track.kind {
        TrackKind::Video => "Video",
        TrackKind::Audio => "Audio",
    };
    json!({
        "OTIO_SCHEMA": "Track.1",
        "metadata": {},
        "name": track.track.name,
        "kind": kind,
        "source_range": null,
        "effects": [],
        "markers": [],
        "enabled": true,
        "children": children,
    })
}

fn gap(rate: FrameRate, frames: i64) -> Value {
    json!({
        "OTIO_SCHEMA": "Gap.1",
        "metadata": {},
        "name": "",
        "source_range": range(rate, 0, frames),
        "effects": [],
        "markers": [],
        "enabled": true,
    })
}

fn otio_clip(rate: FrameRate, clip: &GridClip<'_>) -> Value {
    let speed = clip.clip.speed;
    let effects = if speed == 1.0 {
        json!([])
    } else {
        json!([{
            "OTIO_SCHEMA": "LinearTimeWarp.1",
            "metadata": {},
            "name": "",
            "effect_name": "LinearTimeWarp",
            "enabled": true,
            "time_scalar": speed,
        }])
    };
    json!({
        "OTIO_SCHEMA": "Clip.2",
        "metadata": metadata(&clip.clip.metadata),
        "name": clip.clip.name,
        "source_range": range(rate, clip.source_frame, clip.frames()),
        "effects": effects,
        "markers": [],
        "enabled": true,
        "active_media_reference_key": "DEFAULT_MEDIA",
        "media_references": {"DEFAULT_MEDIA": reference(clip.media, rate)},
    })
}

fn reference(media: &Media, rate: FrameRate) -> Value {
    let rate = media.rate.unwrap_or(rate);
    let available =
        media.duration.map(|duration| range(rate, rate.frames(media.timecode(rate)), rate.frames(duration)));
    let mut reference = json!({
        "OTIO_SCHEMA": "MissingReference.1",
        "metadata": {"harkback": {"id": media.id}},
        "name": media.name,
        "available_range": available,
        "available_image_bounds": null,
    });
    if let Some(url) = &media.url {
        reference["OTIO_SCHEMA"] = json!("ExternalReference.1");
        reference["target_url"] = json!(url);
    }
    reference
}

fn otio_marker(rate: FrameRate, marker: &Marker) -> Value {
    let (start, end) = (rate.frames(marker.window.start()), rate.frames(marker.window.end()));
    json!({
        "OTIO_SCHEMA": "Marker.2",
        "metadata": {},
        "name": marker.name,
        "comment": marker.note,
        "color": Colour::upper(marker.colour),
        "marked_range": range(rate, start, end - start),
    })
}

fn metadata(properties: &[(String, String)]) -> Value {
    if properties.is_empty() {
        return json!({});
    }
    let own: serde_json::Map<_, _> =
        properties.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    json!({"harkback": own})
}

fn range(rate: FrameRate, start: i64, frames: i64) -> Value {
    json!({
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": time(rate, start),
        "duration": time(rate, frames),
    })
}

fn time(rate: FrameRate, frames: i64) -> Value {
    json!({"OTIO_SCHEMA": "RationalTime.1", "rate": rate.as_f64(), "value": frames as f64})
}

fn text(document: &Value) -> Vec<u8> {
    let mut text = format!("{document:#}").into_bytes();
    text.push(b'\n');
    text
}
