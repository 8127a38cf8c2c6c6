//! Shot lists as edited timelines.

use std::collections::BTreeMap;

use audio_to_video_origin::VideoShot;
use interchange::edit::{Clip, EditTimeline, Media, TrackKind};
use interchange::frame_rate::FrameRate;
use interchange::loss::Loss;
use media_time::Window;
use primitives::Id;

use crate::edit::{add, first_rate, missing, numbered};

/// Id of the sample that a shot accompanies.
pub(crate) fn audio_artifact(shot: &VideoShot) -> Option<Id> {
    shot.meta.get("audio_artifact_id")?.as_str()?.parse().ok()
}

/// The shots as an edited timeline: frames of their sources; below them the samples, or the sources' own audio if a shot
/// has no sample. `separate_audio`: whether the sources' own audio is on tracks of its own.
pub(crate) fn timeline(
    name: &str,
    shots: &[VideoShot],
    media: Vec<Media>,
    indices: &BTreeMap<Id, usize>,
    separate_audio: bool,
) -> (EditTimeline, Vec<Loss>) {
    let mut losses = Vec::new();
    let sources: Vec<Clip> =
        (1..).zip(shots).filter_map(|(number, shot)| source(number, shot, indices)).collect();
    losses.extend(missing("of the shots", shots.len() - sources.len()));
    let samples: Option<Vec<Clip>> =
        (1..).zip(shots).map(|(number, shot)| sample(number, shot, indices)).collect();
    let audio = match samples {
        Some(samples) => samples,
        None if separate_audio => {
            sources.iter().filter(|clip| media[clip.media].audio_channels > 0).cloned().collect()
        }
        None => Vec::new(),
    };
    let frames = sources.into_iter().filter(|clip| media[clip.media].rate.is_some()).collect();
    let (mut video_tracks, mut audio_tracks) = (Vec::new(), Vec::new());
    add(&mut video_tracks, TrackKind::Video, frames, &mut losses);
    add(&mut audio_tracks, TrackKind::Audio, audio, &mut losses);
    let rate = first_rate(&video_tracks, &media).unwrap_or(FrameRate::PAL);
    let tracks = numbered(video_tracks).into_iter().chain(numbered(audio_tracks)).collect();
    (EditTimeline { name: name.to_owned(), rate, size: None, media, tracks, markers: Vec::new() }, losses)
}

fn source(number: usize, shot: &VideoShot, indices: &BTreeMap<Id, usize>) -> Option<Clip> {
    clip(number, shot, *indices.get(&shot.source_asset_id)?, false)
}

fn sample(number: usize, shot: &VideoShot, indices: &BTreeMap<Id, usize>) -> Option<Clip> {
    clip(number, shot, *indices.get(&audio_artifact(shot)?)?, true)
}

/// The window of a source, or a sample from its start.
fn clip(number: usize, shot: &VideoShot, media: usize, is_sample: bool) -> Option<Clip> {
    let text = |name: &str| shot.meta.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let length = (shot.source_end - shot.source_start).min(shot.target_duration);
    let target = Window::new(shot.target_start.since_zero(), shot.target_start.since_zero() + length).ok()?;
    let start = if is_sample { media_time::MediaTime::ZERO } else { shot.source_start.since_zero() };
    let names = ["track", "role", "label", "audio_artifact_id"];
    Some(Clip {
        name: text("label").or_else(|| text("role")).unwrap_or_else(|| format!("shot {number}")),
        media,
        target,
        source_start: start,
        speed: 1.0,
        metadata: names.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?))).collect(),
    })
}
