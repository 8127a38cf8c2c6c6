//! Shot lists as edited timelines.

use std::collections::{BTreeMap, BTreeSet};

use audio_to_video_origin::VideoShot;
use interchange::edit::{Clip, EditTimeline, Media, TrackKind};
use interchange::frame_rate::FrameRate;
use interchange::loss::{Loss, LossKind, Losses};
use media_time::{MediaTime, Window};
use primitives::Id;

use crate::edit::{add, first_rate, shortened, with_separate_audio};

/// Where shots are, in losses.
const PLACE: &str = "shots";

/// A shot, with what exports read of it.
#[derive(Debug)]
pub(crate) struct ReadShot {
    asset_id: Id,
    /// The sample that the shot accompanies.
    sample_id: Option<Id>,
    /// The window of the source, with no media yet; `None` if it ends before it starts.
    source: Option<Clip>,
    /// The sample, with no media yet.
    sample: Clip,
    has_gain: bool,
    has_long_name: bool,
}

impl ReadShot {
    /// Reads the shot with this number.
    pub(crate) fn of(number: usize, shot: &VideoShot) -> Self {
        let text = |name: &str| shot.meta.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let start = shot.target_start.since_zero();
        let names = ["track", "role", "label", "audio_artifact_id"];
        let named = Clip {
            name: text("label").or_else(|| text("role")).unwrap_or_else(|| format!("shot {number}")),
            media: 0,
            target: Window::starting_at(start, shot.target_duration),
            source_start: offset(shot),
            speed: 1.0,
            metadata: names.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?))).collect(),
        };
        let name_length = named.name.len();
        let sample = shortened(named);
        let length = (shot.source_end - shot.source_start).min(shot.target_duration);
        let source = Window::new(start, start + length).ok();
        Self {
            asset_id: shot.source_asset_id.clone(),
            sample_id: text("audio_artifact_id").and_then(|id| id.parse().ok()),
            source: source.map(|target| Clip {
                target,
                source_start: shot.source_start.since_zero(),
                ..sample.clone()
            }),
            has_gain: shot.meta.get("gain_db").and_then(|gain| gain.as_f64()).is_some_and(|gain| gain != 0.0),
            has_long_name: sample.name.len() < name_length,
            sample,
        }
    }
}

/// Start of the played part in the sample.
fn offset(shot: &VideoShot) -> MediaTime {
    let millis = shot.meta.get("source_offset_ms").and_then(|millis| millis.as_f64()).unwrap_or(0.0);
    MediaTime::try_from_millis_f64(millis).unwrap_or_default().max(MediaTime::ZERO)
}

/// The assets and the artifacts that the shots name.
pub(crate) fn media_ids(shots: &[ReadShot]) -> (Vec<Id>, Vec<Id>) {
    let assets: BTreeSet<Id> = shots.iter().map(|shot| shot.asset_id.clone()).collect();
    let samples: BTreeSet<Id> = shots.iter().filter_map(|shot| shot.sample_id.clone()).collect();
    (assets.into_iter().collect(), samples.into_iter().collect())
}

/// The shots as an edited timeline: frames of their sources; below them the samples, or the sources' own audio if a shot
/// has no sample. `indices` has the id of each medium; `embedded_audio` is that of [`EditTimeline`], for the sources' own
/// audio.
pub(crate) fn timeline(
    name: String,
    shots: Vec<ReadShot>,
    media: Vec<Media>,
    indices: &BTreeMap<Id, usize>,
    embedded_audio: bool,
) -> (EditTimeline, Vec<Loss>) {
    let mut losses = Losses::default();
    let count = |is_lost: fn(&ReadShot) -> bool| shots.iter().filter(|shot| is_lost(shot)).count();
    losses.count(LossKind::WindowInvalid, PLACE, count(|shot| shot.source.is_none()), "clip");
    losses.count(LossKind::GainOmitted, PLACE, count(|shot| shot.has_gain), "clip");
    losses.count(LossKind::NameShortened, PLACE, count(|shot| shot.has_long_name), "clip");
    let samples: Option<Vec<usize>> =
        shots.iter().map(|shot| indices.get(shot.sample_id.as_ref()?).copied()).collect();
    let mut sources = Vec::with_capacity(shots.len());
    let mut sounds = Vec::new();
    for (number, shot) in shots.into_iter().enumerate() {
        match (shot.source, indices.get(&shot.asset_id)) {
            (Some(source), Some(&media)) => sources.push(Clip { media, ..source }),
            (Some(_), None) => losses.count(LossKind::MediaMissing, PLACE, 1, "clip"),
            (None, _) => {}
        }
        sounds.extend(samples.iter().map(|samples| Clip { media: samples[number], ..shot.sample.clone() }));
    }
    // With samples the sources are silent.
    let embedded_audio = embedded_audio && samples.is_none();
    if samples.is_none() {
        sounds = with_separate_audio(&sources, &media, embedded_audio);
    }
    let found = sources.len();
    sources.retain(|clip| media[clip.media].has_video);
    losses.count(LossKind::VideoOmitted, PLACE, found - sources.len(), "clip");
    let (mut video, mut audio) = (Vec::new(), Vec::new());
    add(&mut video, TrackKind::Video, None, sources, &mut losses);
    add(&mut audio, TrackKind::Audio, None, sounds, &mut losses);
    let rate = first_rate(&video, &media).unwrap_or(FrameRate::PAL);
    let tracks = video.into_iter().chain(audio).collect();
    (EditTimeline { name, rate, media, tracks, embedded_audio }, losses.finish())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn shot(change: &Value) -> ReadShot {
        let mut meta = json!({"role": "kick", "audio_artifact_id": "hit"});
        meta.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let shot = json!({
            "source_asset_id": "film", "source_start_ms": 10_050, "source_end_ms": 10_150, "target_start_ms": 500,
            "target_duration_ms": 200, "meta": meta,
        });
        ReadShot::of(1, &serde_json::from_value(shot).unwrap())
    }

    fn exported(shots: Vec<ReadShot>, embedded_audio: bool) -> (EditTimeline, Vec<Loss>) {
        let film = Media {
            id: "film".to_owned(),
            name: "film.mp4".to_owned(),
            url: None,
            duration: None,
            has_video: true,
            rate: Some(FrameRate::PAL),
            start_timecode: None,
            audio_channels: Some(2),
            sample_rate: None,
        };
        let hit = Media { id: "hit".to_owned(), has_video: false, rate: None, ..film.clone() };
        let indices = ["film", "hit"].into_iter().map(|id| id.parse().unwrap()).zip(0..).collect();
        timeline("list".to_owned(), shots, vec![film, hit], &indices, embedded_audio)
    }

    #[test]
    fn sample_starts_at_its_offset_and_replaces_the_audio_of_its_source() {
        let shots = vec![shot(&json!({"source_offset_ms": 50.5, "gain_db": -3.0}))];
        let (timeline, losses) = exported(shots, true);
        assert!(!timeline.embedded_audio);
        let clips: Vec<(&str, usize, [i64; 3])> = timeline
            .tracks
            .iter()
            .map(|track| {
                let clip = &track.clips[0];
                let times = [clip.target.start(), clip.target.end(), clip.source_start];
                (track.name.as_str(), clip.media, times.map(MediaTime::as_micros))
            })
            .collect();
        let expected = [("V1", 0, [500_000, 600_000, 10_050_000]), ("A1", 1, [500_000, 700_000, 50_500])];
        assert_eq!(clips, expected);
        let loss = Loss { what: LossKind::GainOmitted, place: "shots, 1 clip".to_owned(), time: None };
        assert_eq!(losses, [loss]);
    }

    #[test]
    fn sources_keep_their_audio_if_a_shot_has_no_sample() {
        let shots = || vec![shot(&json!({})), shot(&json!({"audio_artifact_id": null}))];
        let (timeline, _) = exported(shots(), true);
        assert!(timeline.embedded_audio);
        assert_eq!(timeline.tracks.iter().filter(|track| track.kind == TrackKind::Audio).count(), 0);
        let (timeline, _) = exported(shots(), false);
        let audio = timeline.tracks.iter().filter(|track| track.kind == TrackKind::Audio);
        assert_eq!(audio.map(|track| track.clips[0].media).collect::<Vec<_>>(), [0, 0]);
    }
}
