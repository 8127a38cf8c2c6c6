//! Distributes the shots of a list over the tracks of a timeline. Pure functions.

use std::collections::{HashMap, HashSet};

use audio_to_video_origin::VideoShot;
use media_time::{AssetTime, MediaTime, TimelineTime};
use media_v2::Meta;
use primitives::Id;
use video_timeline::{
    NewClip, NewFurtherTrack, NewProject, NewSequence, NewTimeline, NewTrack, ProjectTarget, TrackKind,
};

use crate::{Error, MAX_SHOTS};

/// Maximum number of shots at the same time, each on a track of its own.
pub(crate) const MAX_LAYERS: usize = 64;
/// Gain of the source's own audio below samples or music: the lowest of a clip, in dB.
const MUTED_DB: f64 = -200.0;
/// The members of a shot's meta that its clips keep.
const KEPT_META: [&str; 6] =
    ["track", "role", "label", "audio_artifact_id", "music_asset_id", "music_start_ms"];

/// The recordings and samples of a list that exist.
#[derive(Debug, Default)]
pub(crate) struct KnownMedia {
    /// Durations of the recordings, where known.
    pub(crate) durations: HashMap<Id, MediaTime>,
    pub(crate) samples: HashSet<Id>,
}

/// A project with the shots on video tracks, one for each layer of overlapping shots. Below them, audio tracks have the
/// samples or the music that the shots accompany, and the audio of those shots is muted.
///
/// # Errors
/// [`Error::TooManyShots`], [`Error::TooManyLayers`].
pub(crate) fn timeline(
    shots: &[VideoShot],
    known: &KnownMedia,
    shot_list_id: &Id,
    title: Option<String>,
) -> Result<NewTimeline, Error> {
    if shots.len() > MAX_SHOTS {
        return Err(Error::TooManyShots { shots: shots.len() });
    }
    let video = shots.iter().filter_map(|shot| video_clip(shot, known)).collect();
    let samples = shots.iter().filter_map(|shot| sample_clip(shot, known)).collect();
    let video = tracks(TrackKind::Video, 'V', video)?;
    let samples = tracks(TrackKind::Audio, 'A', samples)?;
    let music = tracks(TrackKind::Audio, 'M', music_clips(shots, known))?;
    let mut tracks = video.into_iter().chain(samples).chain(music);
    let first = tracks.next().unwrap_or_else(|| track(TrackKind::Video, 'V', 1));
    let title = title.unwrap_or_else(|| format!("Shot list {shot_list_id}"));
    let meta = Meta::from_iter([("shot_list_artifact_id".to_owned(), shot_list_id.as_str().into())]);
    Ok(NewTimeline {
        sequence: NewSequence { name: title.clone(), meta: meta.clone(), ..NewSequence::default() },
        project: ProjectTarget::New(NewProject { title, render_profile: None, meta }),
        track: first.track,
        clips: first.clips,
        further_tracks: tracks.collect(),
    })
}

/// Ids of the recordings that the clips of a list play: sources and music.
pub(crate) fn recordings(shots: &[VideoShot]) -> HashSet<Id> {
    let music = shots.iter().filter_map(|shot| Some(shot.music()?.0));
    shots.iter().map(|shot| shot.source_asset_id.clone()).chain(music).collect()
}

/// Ids of the samples that the shots of a list accompany.
pub(crate) fn samples(shots: &[VideoShot]) -> HashSet<Id> {
    shots.iter().filter_map(VideoShot::sample_id).collect()
}

fn sample(shot: &VideoShot, known: &KnownMedia) -> Option<Id> {
    shot.sample_id().filter(|id| known.samples.contains(id))
}

/// The frames of a shot; `None` for an empty one.
fn video_clip(shot: &VideoShot, known: &KnownMedia) -> Option<NewClip> {
    let length = (shot.source_end - shot.source_start).min(shot.target_duration);
    let mut clip = clip(shot, &shot.source_asset_id, shot.source_start, length, known)?;
    clip.artifact_id = sample(shot, known);
    if clip.artifact_id.is_some() || shot.music().is_some() {
        clip.volume_db = MUTED_DB;
    }
    Some(clip)
}

/// The sample of a shot with its gain: the recording at its origin, from which the frames may be shifted.
fn sample_clip(shot: &VideoShot, known: &KnownMedia) -> Option<NewClip> {
    let sample = sample(shot, known)?;
    let start = shot.origin_start();
    let mut clip = clip(shot, &shot.source_asset_id, start, shot.target_duration, known)?;
    clip.artifact_id = Some(sample);
    clip.volume_db = shot.gain_db();
    Some(clip)
}

/// The music of the shots; that of adjacent shots is one clip.
fn music_clips(shots: &[VideoShot], known: &KnownMedia) -> Vec<NewClip> {
    let mut clips: Vec<NewClip> = Vec::new();
    for shot in shots {
        let Some((music, start)) = shot.music() else { continue };
        let Some(next) = clip(shot, &music, start, shot.target_duration, known) else { continue };
        match clips.last_mut() {
            Some(last) if continues(last, &next) => last.out_point = next.out_point,
            _ => clips.push(NewClip { meta: Meta::new(), ..next }),
        }
    }
    clips
}

/// Whether a clip plays what follows another one, at the time that follows.
fn continues(last: &NewClip, next: &NewClip) -> bool {
    let end = last.timeline_start + (last.out_point - last.in_point);
    last.asset_id == next.asset_id && last.out_point == next.in_point && end == next.timeline_start
}

/// A clip at the time of the shot, up to the end of the recording; `None` for an empty one.
fn clip(
    shot: &VideoShot,
    asset_id: &Id,
    start: AssetTime,
    length: MediaTime,
    known: &KnownMedia,
) -> Option<NewClip> {
    let end = known.durations.get(asset_id).map_or(AssetTime::MAX, |duration| AssetTime::at(*duration));
    let end = (start + length).min(end);
    if end <= start {
        return None;
    }
    let mut clip = NewClip::window(asset_id.clone(), start, end, shot.target_start);
    let kept =
        shot.meta.iter().filter(|(name, value)| KEPT_META.contains(&name.as_str()) && !value.is_null());
    clip.meta = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    Some(clip)
}

fn track(kind: TrackKind, letter: char, number: usize) -> NewFurtherTrack {
    let track = NewTrack { kind, label: format!("{letter}{number}"), position: None, meta: Meta::new() };
    NewFurtherTrack { track, clips: Vec::new() }
}

/// Distributes clips over tracks without overlap: each goes to the lowest track that is free.
fn tracks(kind: TrackKind, letter: char, mut clips: Vec<NewClip>) -> Result<Vec<NewFurtherTrack>, Error> {
    clips.sort_by_key(|clip| clip.timeline_start);
    let mut tracks: Vec<(TimelineTime, NewFurtherTrack)> = Vec::new();
    for clip in clips {
        let end = clip.timeline_start + (clip.out_point - clip.in_point);
        let free = tracks.iter().position(|(busy_until, _)| *busy_until <= clip.timeline_start);
        let index = free.unwrap_or(tracks.len());
        if free.is_none() {
            if tracks.len() == MAX_LAYERS {
                return Err(Error::TooManyLayers);
            }
            tracks.push((end, track(kind, letter, index + 1)));
        }
        tracks[index].0 = end;
        tracks[index].1.clips.push(clip);
    }
    Ok(tracks.into_iter().map(|(_, track)| track).collect())
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn shot(source_start: i64, target_start: i64, length: i64, meta: Value) -> VideoShot {
        VideoShot {
            source_asset_id: "film".parse().unwrap(),
            source_start: AssetTime::from_millis(source_start),
            source_end: AssetTime::from_millis(source_start + length),
            target_start: TimelineTime::from_millis(target_start),
            target_duration: MediaTime::from_millis(length),
            meta: meta.as_object().unwrap().clone(),
        }
    }

    fn known() -> KnownMedia {
        let durations = [("film", 60_000), ("song", 2_500)];
        KnownMedia {
            durations: durations
                .map(|(id, ms)| (id.parse::<Id>().unwrap(), MediaTime::from_millis(ms)))
                .into(),
            samples: HashSet::from(["hit".parse::<Id>().unwrap()]),
        }
    }

    fn made(shots: &[VideoShot]) -> Vec<(String, Vec<NewClip>)> {
        let new = timeline(shots, &known(), &"list".parse().unwrap(), None).unwrap();
        let first = NewFurtherTrack { track: new.track, clips: new.clips };
        std::iter::once(first)
            .chain(new.further_tracks)
            .map(|track| (track.track.label, track.clips))
            .collect()
    }

    fn labels(tracks: &[(String, Vec<NewClip>)]) -> Vec<(&str, usize)> {
        tracks.iter().map(|(label, clips)| (label.as_str(), clips.len())).collect()
    }

    #[test]
    fn overlapping_shots_are_layers() {
        let shots = [
            shot(0, 0, 1_000, json!({})),
            shot(0, 500, 200, json!({})),
            shot(0, 700, 900, json!({})),
            shot(5, 1_000, 5, json!({})),
        ];
        assert_eq!(labels(&made(&shots)), [("V1", 2), ("V2", 2)]);
        let stacked = vec![shot(0, 0, 10, json!({})); 65];
        let refused = timeline(&stacked, &known(), &"list".parse().unwrap(), None);
        assert!(matches!(refused, Err(Error::TooManyLayers)));
    }

    #[test]
    fn samples_are_clips_at_their_origin_below_muted_frames() {
        let meta = json!({
            "audio_artifact_id": "hit", "label": "kick", "semantic_offset_ms": 40, "offset_clamped": true,
            "gain_db": -3.0, "role": null,
        });
        let tracks =
            made(&[shot(1_040, 0, 400, meta), shot(0, 400, 100, json!({"audio_artifact_id": "gone"}))]);
        assert_eq!(labels(&tracks), [("V1", 2), ("A1", 1)]);
        let (video, audio) = (&tracks[0].1[0], &tracks[1].1[0]);
        assert_eq!(
            (video.in_point, audio.in_point),
            (AssetTime::from_millis(1_040), AssetTime::from_millis(1_000))
        );
        assert_eq!((video.volume_db, audio.volume_db), (MUTED_DB, -3.0));
        assert_eq!(video.artifact_id, audio.artifact_id);
        assert_eq!(Value::Object(video.meta.clone()), json!({"audio_artifact_id": "hit", "label": "kick"}));
        assert_eq!(
            (tracks[0].1[1].volume_db, &tracks[0].1[1].artifact_id),
            (0.0, &None),
            "an unknown sample"
        );
    }

    #[test]
    fn music_of_adjacent_shots_is_one_clip() {
        let music = |start: i64| json!({"music_asset_id": "song", "music_start_ms": start});
        let tracks = made(&[shot(0, 0, 1_000, music(500)), shot(0, 1_000, 1_500, music(1_500))]);
        assert_eq!(labels(&tracks), [("V1", 2), ("M1", 1)]);
        let clip = &tracks[1].1[0];
        let times = (clip.in_point, clip.out_point, clip.timeline_start);
        let ends = AssetTime::from_millis(2_500);
        assert_eq!(
            times,
            (AssetTime::from_millis(500), ends, TimelineTime::ZERO),
            "up to the end of the music"
        );
        assert!(tracks[0].1.iter().all(|clip| clip.volume_db == MUTED_DB));
    }

    proptest! {
        #[test]
        fn clips_of_a_track_do_not_overlap(times in vec((0i64..70_000, 0i64..5_000, 0i64..1_000), 0..60)) {
            let shots: Vec<_> =
                times.iter().map(|(source, target, length)| shot(*source, *target, *length, json!({}))).collect();
            let tracks = made(&shots);
            let mut count = 0;
            for (_, clips) in &tracks {
                count += clips.len();
                prop_assert!(clips.iter().all(|clip| clip.out_point <= AssetTime::from_millis(60_000)));
                for pair in clips.windows(2) {
                    let end = pair[0].timeline_start + (pair[0].out_point - pair[0].in_point);
                    prop_assert!(end <= pair[1].timeline_start);
                }
            }
            let shown = times.iter().filter(|(source, _, length)| *length > 0 && *source < 60_000).count();
            prop_assert_eq!(count, shown);
        }
    }
}
