//! Shot lists as edited timelines.

use std::collections::{BTreeMap, BTreeSet};

use audio_to_video_origin::VideoShot;
use interchange::edit::{Clip, EditTimeline, Media, TrackKind};
use interchange::frame_rate::FrameRate;
use interchange::loss::{Loss, LossKind, Losses};
use media_time::{AssetTime, Window};
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
    /// The music that the shot is cut to, with no media yet, and its asset.
    music: Option<(Id, Clip)>,
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
            source_start: shot.source_offset(),
            speed: 1.0,
            gain_db: shot.gain_db(),
            metadata: names.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?))).collect(),
        };
        let name_length = named.name.len();
        let sample = shortened(named);
        let length = (shot.source_end - shot.source_start).min(shot.target_duration);
        let source = Window::new(start, start + length).ok();
        Self {
            asset_id: shot.source_asset_id.clone(),
            sample_id: shot.sample_id(),
            source: source.map(|target| Clip {
                target,
                source_start: shot.source_start.since_zero(),
                gain_db: 0.0,
                ..sample.clone()
            }),
            music: shot.music().map(|(id, start)| (id, music(shot, start))),
            has_long_name: sample.name.len() < name_length,
            sample,
        }
    }
}

/// The music of a shot, which starts at `start` of it.
fn music(shot: &VideoShot, start: AssetTime) -> Clip {
    Clip {
        name: "music".to_owned(),
        media: 0,
        target: Window::starting_at(shot.target_start.since_zero(), shot.target_duration),
        source_start: start.since_zero(),
        speed: 1.0,
        gain_db: 0.0,
        metadata: Vec::new(),
    }
}

/// The assets and the artifacts that the shots name.
pub(crate) fn media_ids(shots: &[ReadShot]) -> (Vec<Id>, Vec<Id>) {
    let music = shots.iter().filter_map(|shot| Some(shot.music.as_ref()?.0.clone()));
    let assets: BTreeSet<Id> = shots.iter().map(|shot| shot.asset_id.clone()).chain(music).collect();
    let samples: BTreeSet<Id> = shots.iter().filter_map(|shot| shot.sample_id.clone()).collect();
    (assets.into_iter().collect(), samples.into_iter().collect())
}

/// The shots as an edited timeline, with the audio that a film of the list has by default: the samples if every shot
/// names one, else the music of the shots, and the sources' own audio of shots without music. `indices` has the id of
/// each medium; `embedded_audio` is that of [`EditTimeline`], for the sources' own audio.
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
    losses.count(LossKind::NameShortened, PLACE, count(|shot| shot.has_long_name), "clip");
    let has_samples = shots.iter().all(|shot| shot.sample_id.is_some());
    // Samples and music replace the audio of the sources.
    let embedded_audio = embedded_audio && !has_samples && shots.iter().all(|shot| shot.music.is_none());
    let mut sources = Vec::with_capacity(shots.len());
    let (mut samples, mut music, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for shot in shots {
        let source = shot.source.and_then(|clip| of_medium(clip, &shot.asset_id, indices, &mut losses));
        if has_samples {
            let sample = shot.sample;
            samples.extend(shot.sample_id.and_then(|id| of_medium(sample, &id, indices, &mut losses)));
        } else if let Some((id, clip)) = shot.music {
            music.extend(of_medium(clip, &id, indices, &mut losses));
        } else {
            own.extend(source.clone());
        }
        sources.extend(source);
    }
    let mut sounds = with_separate_audio(&own, &media, embedded_audio);
    sounds.extend(samples.into_iter().chain(joined(music)));
    sounds.sort_by_key(|clip| clip.target.start());
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

/// A clip of the medium with this id; an unknown one is a loss.
fn of_medium(clip: Clip, id: &Id, indices: &BTreeMap<Id, usize>, losses: &mut Losses) -> Option<Clip> {
    let media = indices.get(id).copied();
    if media.is_none() {
        losses.count(LossKind::MediaMissing, PLACE, 1, "clip");
    }
    media.map(|media| Clip { media, ..clip })
}

/// The music of adjacent shots as one clip: cut at frames, it would click.
fn joined(clips: Vec<Clip>) -> Vec<Clip> {
    let continues = |last: &Clip, next: &Clip| {
        last.media == next.media
            && audio_to_video_origin::continues(last.target.end(), next.target.start())
            && audio_to_video_origin::continues(last.source_start + last.target.duration(), next.source_start)
    };
    let mut joined: Vec<Clip> = Vec::new();
    for clip in clips {
        match joined.last_mut() {
            Some(last) if continues(last, &clip) => {
                let length = clip.target.end() - last.target.start();
                last.target = Window::starting_at(last.target.start(), length);
            }
            _ => joined.push(clip),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use media_time::MediaTime;
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
        let audio = |id: &str| Media { id: id.to_owned(), has_video: false, rate: None, ..film.clone() };
        let media = vec![film.clone(), audio("hit"), audio("song")];
        let indices = ["film", "hit", "song"].into_iter().map(|id| id.parse().unwrap()).zip(0..).collect();
        timeline("list".to_owned(), shots, media, &indices, embedded_audio)
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
        let gains: Vec<f64> = timeline.tracks.iter().map(|track| track.clips[0].gain_db).collect();
        assert_eq!((gains, losses), (vec![0.0, -3.0], Vec::new()));
    }

    #[test]
    fn missing_samples_are_silent() {
        let shots = vec![shot(&json!({})), shot(&json!({"audio_artifact_id": "gone"}))];
        let (timeline, losses) = exported(shots, true);
        let audio = timeline.tracks.iter().filter(|track| track.kind == TrackKind::Audio);
        assert_eq!(audio.map(|track| track.clips.len()).sum::<usize>(), 1);
        let loss = Loss { what: LossKind::MediaMissing, place: "shots, 1 clip".to_owned(), time: None };
        assert_eq!(losses, [loss]);
    }

    #[test]
    fn music_of_adjacent_shots_is_one_clip() {
        let music = |target: i64, music: i64| {
            let meta = json!({"music_asset_id": "song", "music_start_ms": music});
            let shot = json!({
                "source_asset_id": "film", "source_start_ms": 0, "source_end_ms": 400, "target_start_ms": target,
                "target_duration_ms": 400, "meta": meta,
            });
            ReadShot::of(1, &serde_json::from_value(shot).unwrap())
        };
        let own = shot(&json!({"audio_artifact_id": null}));
        let (timeline, losses) = exported(vec![music(0, 5_000), music(400, 5_400), own], true);
        assert!(!timeline.embedded_audio && losses.is_empty(), "{losses:?}");
        let audio = timeline.tracks.iter().filter(|track| track.kind == TrackKind::Audio);
        let clips: Vec<(usize, [i64; 3])> = audio
            .flat_map(|track| &track.clips)
            .map(|clip| {
                let times = [clip.target.start(), clip.target.end(), clip.source_start];
                (clip.media, times.map(MediaTime::as_millis_round))
            })
            .collect();
        assert_eq!(clips, [(2, [0, 800, 5_000]), (0, [500, 600, 10_050])]);
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
