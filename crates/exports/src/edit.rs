//! Sequences as edited timelines.

use std::collections::BTreeMap;

use interchange::edit::{Clip, EditTimeline, Media, Track, TrackKind, layered};
use interchange::frame_rate::FrameRate;
use interchange::loss::Loss;
use media_time::{MediaTime, Window};
use primitives::Id;

/// Tracks that overlapping clips of one track are distributed over, at most.
pub(crate) const MAX_LAYERS: usize = 64;

/// A sequence with its tracks and clips, in their order.
pub(crate) struct StoredSequence {
    pub(crate) sequence: video_timeline::Sequence,
    pub(crate) tracks: Vec<(video_timeline::Track, Vec<video_timeline::Clip>)>,
}

/// The sequence as an edited timeline. `separate_audio`: whether the audio of video clips is on tracks of its own.
pub(crate) fn timeline(
    stored: &StoredSequence,
    media: Vec<Media>,
    indices: &BTreeMap<Id, usize>,
    separate_audio: bool,
) -> (EditTimeline, Vec<Loss>) {
    let mut losses = Vec::new();
    let (mut video, mut audio) = (Vec::new(), Vec::new());
    for (track, clips) in &stored.tracks {
        losses.extend(properties_lost(&track.label, clips));
        let known: Vec<Clip> = clips.iter().filter_map(|clip| edit_clip(clip, indices)).collect();
        losses.extend(missing(&track.label, clips.len() - known.len()));
        let clips = known;
        if track.kind == video_timeline::TrackKind::Video {
            let sounding =
                clips.iter().filter(|clip| media[clip.media].audio_channels > 0).cloned().collect();
            let (seen, silent): (Vec<_>, Vec<_>) =
                clips.into_iter().partition(|clip| media[clip.media].rate.is_some());
            add(&mut video, TrackKind::Video, seen, &mut losses);
            // Recordings without video on a video track keep their audio.
            let of_audio = if separate_audio { sounding } else { silent };
            add(&mut audio, TrackKind::Audio, of_audio, &mut losses);
        } else {
            add(&mut audio, TrackKind::Audio, clips, &mut losses);
        }
    }
    let rate = stored.sequence.fps.and_then(FrameRate::from_f64);
    let rate = rate.or_else(|| first_rate(&video, &media)).unwrap_or(FrameRate::PAL);
    let tracks = numbered(video).into_iter().chain(numbered(audio)).collect();
    let name = stored.sequence.name.clone();
    (EditTimeline { name, rate, size: None, media, tracks, markers: Vec::new() }, losses)
}

/// The frame rate of the first clip's file.
pub(crate) fn first_rate(video: &[Track], media: &[Media]) -> Option<FrameRate> {
    let first = video.iter().flat_map(|track| &track.clips).min_by_key(|clip| clip.target.start())?;
    media.get(first.media)?.rate
}

/// Distributes clips over tracks without overlap and adds those.
pub(crate) fn add(tracks: &mut Vec<Track>, kind: TrackKind, clips: Vec<Clip>, losses: &mut Vec<Loss>) {
    let (layers, omitted) = layered(kind, clips, MAX_LAYERS);
    if omitted > 0 {
        let place = format!("{omitted} clips beyond {MAX_LAYERS} overlapping ones");
        losses.push(Loss { what: "layer_omitted", place, time: None });
    }
    tracks.extend(layers);
}

/// The tracks named V1, V2 …, A1, A2 ….
pub(crate) fn numbered(tracks: Vec<Track>) -> Vec<Track> {
    let name = |(number, track): (usize, Track)| {
        let letter = if track.kind == TrackKind::Video { 'V' } else { 'A' };
        Track { name: format!("{letter}{number}"), ..track }
    };
    (1..).zip(tracks).map(name).collect()
}

fn edit_clip(clip: &video_timeline::Clip, indices: &BTreeMap<Id, usize>) -> Option<Clip> {
    let media = *indices.get(&clip.asset_id)?;
    let played = MediaTime::from_micros(
        ((clip.out_point - clip.in_point).as_micros() as f64 / clip.speed).round() as i64,
    );
    let mut metadata = vec![("clip_id".to_owned(), clip.id.to_string())];
    metadata.extend(clip.artifact_id.iter().map(|id| ("artifact_id".to_owned(), id.to_string())));
    let label = clip.meta.get("label").and_then(|label| label.as_str()).map(str::to_owned);
    Some(Clip {
        name: label.unwrap_or_else(|| clip.id.to_string()),
        media,
        target: Window::starting_at(clip.timeline_start.since_zero(), played),
        source_start: clip.in_point.since_zero(),
        speed: clip.speed,
        metadata,
    })
}

/// Clips whose file is unknown.
pub(crate) fn missing(track: &str, count: usize) -> Option<Loss> {
    let place = format!("track {track}, {count} clips");
    (count > 0).then_some(Loss { what: "media_missing", place, time: None })
}

/// Gain and opacity, which the neutral model does not have.
fn properties_lost(track: &str, clips: &[video_timeline::Clip]) -> Vec<Loss> {
    let gains = clips.iter().filter(|clip| clip.volume_db != 0.0).count();
    let opacities = clips.iter().filter(|clip| clip.opacity != 1.0).count();
    let lost =
        [("gain_omitted", gains), ("opacity_omitted", opacities)].into_iter().filter(|(_, count)| *count > 0);
    lost.map(|(what, count)| Loss { what, place: format!("track {track}, {count} clips"), time: None })
        .collect()
}
