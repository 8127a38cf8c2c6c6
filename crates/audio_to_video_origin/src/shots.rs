//! Computes shots from clips and their sources. Pure functions.

use std::collections::BTreeMap;

use media_time::{AssetTime, LocalTime, MediaTime, TimelineTime, Window};
use primitives::Id;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::parts::{ClipPart, parts};
use crate::plan::{Clip, Plan};
use crate::semantics::Semantics;
use crate::{Alignment, ClipOffset};

/// An artifact's meta with each value as canonical JSON, copied into every shot of the artifact.
pub(crate) type ArtifactMeta = BTreeMap<String, Box<RawValue>>;

/// The origin of an audio source in a recording, with its metadata.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) asset_id: &'a Id,
    /// Start of the audio source in the recording.
    pub(crate) start: AssetTime,
    /// The recording's duration, if known.
    pub(crate) asset_duration: Option<MediaTime>,
    pub(crate) clip_offsets: Option<&'a [ClipOffset]>,
    pub(crate) artifact: Option<(&'a Id, &'a ArtifactMeta)>,
    pub(crate) semantics: Option<&'a Semantics>,
}

/// A [`VideoShot`](crate::VideoShot) that borrows the values that many shots share.
#[derive(Debug, Serialize)]
pub(crate) struct Shot<'a> {
    pub(crate) source_asset_id: &'a Id,
    #[serde(rename = "source_start_ms")]
    pub(crate) source_start: AssetTime,
    #[serde(rename = "source_end_ms")]
    pub(crate) source_end: AssetTime,
    #[serde(rename = "target_start_ms")]
    pub(crate) target_start: TimelineTime,
    #[serde(rename = "target_duration_ms")]
    pub(crate) target_duration: MediaTime,
    pub(crate) meta: ShotMeta<'a>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ShotMeta<'a> {
    #[serde(flatten)]
    artifact: Option<&'a ArtifactMeta>,
    track: Option<&'a str>,
    role: Option<&'a str>,
    label: Option<&'a str>,
    audio_artifact_id: Option<&'a Id>,
    clip_offsets: Option<&'a [ClipOffset]>,
    pub(crate) semantic_version: Option<&'a str>,
    pub(crate) semantic_cache_key: Option<&'a str>,
    semantic_backend_type: Option<&'a str>,
    #[serde(rename = "semantic_offset_ms")]
    pub(crate) semantic_offset: MediaTime,
    pub(crate) offset_clamped: bool,
    // Absent if zero, so that lists without them keep their bytes and hashes.
    #[serde(rename = "source_offset_ms", skip_serializing_if = "is_zero_offset")]
    source_offset: LocalTime,
    #[serde(skip_serializing_if = "is_zero_gain")]
    gain_db: f64,
}

fn is_zero_offset(offset: &LocalTime) -> bool {
    *offset == LocalTime::ZERO
}

fn is_zero_gain(gain_db: &f64) -> bool {
    *gain_db == 0.0
}

/// The fields of [`ShotMeta`], which override fields of the artifact's meta with the same names.
pub(crate) const SHOT_META: [&str; 12] = [
    "track",
    "role",
    "label",
    "audio_artifact_id",
    "clip_offsets",
    "semantic_version",
    "semantic_cache_key",
    "semantic_backend_type",
    "semantic_offset_ms",
    "offset_clamped",
    "source_offset_ms",
    "gain_db",
];

/// The window of the source that is shown for a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AlignedWindow {
    pub(crate) window: Window<AssetTime>,
    /// Shift from the clip's own position to the window's start.
    pub(crate) offset: MediaTime,
    /// Whether the recording's bounds changed the requested alignment.
    pub(crate) clamped: bool,
}

/// The shots of a plan, ordered by target start, then track, then the order of the clips: one for each clip, or for each
/// piece of its audio source. `sources` has an entry for each of the plan's sources, in their order.
pub(crate) fn shots<'a>(plan: &'a Plan, sources: &[Source<'a>], alignment: Alignment) -> Vec<Shot<'a>> {
    let of_clip = |clip: &'a Clip| {
        let source = &sources[clip.source];
        let parts = parts(clip, source.start, source.clip_offsets);
        parts.into_iter().map(move |part| shot(plan, clip, source, &part, alignment))
    };
    let mut shots: Vec<Shot<'a>> = plan.clips.iter().flat_map(of_clip).collect();
    // The sort is stable, and clips are already in the order of their tracks.
    shots.sort_by_key(|shot| shot.target_start);
    shots
}

fn shot<'a>(
    plan: &'a Plan,
    clip: &'a Clip,
    source: &Source<'a>,
    part: &ClipPart,
    alignment: Alignment,
) -> Shot<'a> {
    let placed = place(source, alignment, part);
    let track = clip.track.map(|track| &plan.tracks[track]);
    let label = clip.label.as_deref();
    let semantics = source.semantics;
    Shot {
        source_asset_id: source.asset_id,
        source_start: placed.window.start(),
        source_end: placed.window.end(),
        target_start: part.target_start,
        target_duration: part.duration,
        meta: ShotMeta {
            artifact: source.artifact.map(|(_, meta)| meta),
            track: track.map(|track| track.name.as_str()),
            // The labels of a pattern's clips are its roles.
            role: track.map_or(label, |track| track.role.as_deref()),
            label,
            audio_artifact_id: source.artifact.map(|(id, _)| id),
            clip_offsets: source.clip_offsets,
            semantic_version: semantics.and_then(|found| found.version.as_deref()),
            semantic_cache_key: semantics.and_then(|found| found.cache_key.as_deref()),
            semantic_backend_type: semantics.and_then(|found| found.backend_type.as_deref()),
            semantic_offset: placed.offset,
            offset_clamped: placed.clamped,
            source_offset: part.source_offset,
            gain_db: clip.gain_db,
        },
    }
}

/// The window of the part's duration that starts at its place in the recording + the alignment shift.
///
/// The window stays inside the recording: the shift is reduced, below zero if necessary, until it fits; only a window
/// longer than the recording is shortened, to the whole recording.
pub(crate) fn place(source: &Source<'_>, alignment: Alignment, part: &ClipPart) -> AlignedWindow {
    let ClipPart { recording_start: base, source_offset, duration, .. } = *part;
    let asked = source.semantics.map_or(MediaTime::ZERO, |found| {
        // Anchors are in the frame of the artifact or of the recording.
        let at = if found.of_artifact { source_offset.since_zero() } else { base.since_zero() };
        found.anchors.offset(alignment, Window::starting_at(at, duration))
    });
    let mut start = (base + asked).max(AssetTime::ZERO);
    let mut end = start + duration;
    if let Some(length) = source.asset_duration {
        start = start.min(AssetTime::at(length - duration).max(AssetTime::ZERO));
        end = (start + duration).min(AssetTime::at(length));
    }
    let offset = start - base;
    let clamped = offset != asked || end - start != duration;
    AlignedWindow { window: Window::starting_at(start, end - start), offset, clamped }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::plan::{ClipSource, Track};
    use crate::semantics::AlignmentAnchors;
    use media_time::Instant;

    fn ms<T: Instant>(millis: i64) -> T {
        T::at(MediaTime::from_millis(millis))
    }

    fn semantics(of_artifact: bool, speech: &[i64]) -> Semantics {
        let speech = speech.iter().map(|onset| ms(*onset)).collect();
        Semantics {
            of_artifact,
            anchors: AlignmentAnchors { speech, beats: Vec::new() },
            ..Semantics::default()
        }
    }

    fn source<'a>(
        asset_id: &'a Id,
        start: i64,
        length: Option<i64>,
        semantics: Option<&'a Semantics>,
    ) -> Source<'a> {
        Source {
            asset_id,
            start: ms(start),
            asset_duration: length.map(ms),
            clip_offsets: None,
            artifact: None,
            semantics,
        }
    }

    /// The only part of a clip of a whole audio source.
    fn part(source: &Source<'_>, source_offset: LocalTime, duration: MediaTime) -> ClipPart {
        let (start, label, gain_db) = (TimelineTime::ZERO, None, 0.0);
        let clip = Clip { source: 0, track: None, start, duration, source_offset, label, gain_db };
        parts(&clip, source.start, None)[0]
    }

    fn placed(start: i64, length: Option<i64>, speech: &[i64], offset: i64, duration: i64) -> [i64; 4] {
        let (film, anchors) = ("film".parse().unwrap(), semantics(false, speech));
        let source = source(&film, start, length, Some(&anchors));
        let placed = place(&source, Alignment::FirstSpeech, &part(&source, ms(offset), ms(duration)));
        let (window, clamped) = (placed.window, i64::from(placed.clamped));
        [window.start().since_zero(), window.end().since_zero(), placed.offset]
            .map(MediaTime::as_millis_round)
            .into_iter()
            .chain([clamped])
            .collect::<Vec<_>>()
            .try_into()
            .unwrap()
    }

    #[test]
    fn first_speech_shifts_the_shot() {
        assert_eq!(placed(10_000, None, &[100], 500, 250), [10_600, 10_850, 100, 0]);
    }

    #[test]
    fn shot_is_clamped_to_its_recording() {
        assert_eq!(placed(10_000, Some(10_800), &[100], 500, 250), [10_550, 10_800, 50, 1]);
        assert_eq!(placed(10_700, Some(10_800), &[], 0, 250), [10_550, 10_800, -150, 1]);
        assert_eq!(placed(100, Some(200), &[], 0, 250), [0, 200, -100, 1], "longer than the recording");
        assert_eq!(placed(900, Some(0), &[], 0, 250), [0, 0, -900, 1]);
        assert_eq!(placed(10_550, Some(10_800), &[], 0, 250), [10_550, 10_800, 0, 0]);
    }

    #[test]
    fn artifact_timeline_uses_the_artifacts_own_time() {
        let film = "film".parse().unwrap();
        let (own, whole) = (semantics(true, &[40]), semantics(false, &[1_040]));
        for anchors in [own, whole] {
            let source = source(&film, 1_000, None, Some(&anchors));
            let placed = place(&source, Alignment::SpeechInWindow, &part(&source, ms(10), ms(100)));
            assert_eq!(placed.window.start(), ms(1_040));
        }
    }

    #[test]
    fn shot_meta_has_offset_and_gain_only_if_they_are_not_zero() {
        let film: Id = "film".parse().unwrap();
        let meta = |source_offset, gain_db| {
            let clip = Clip {
                source: 0,
                track: None,
                start: ms(0),
                duration: ms(100),
                source_offset: ms(source_offset),
                gain_db,
                label: None,
            };
            let sources = vec![ClipSource::Asset(film.clone())];
            let plan =
                Plan { clips: vec![clip], sources, tracks: Vec::new(), pattern_id: None, sequence_id: None };
            let shots = shots(&plan, &[source(&film, 1_000, None, None)], Alignment::None);
            serde_json::to_string(&shots[0].meta).unwrap()
        };
        let fixed = r#""track":null,"role":null,"label":null,"audio_artifact_id":null,"clip_offsets":null,"semantic_version":null,"semantic_cache_key":null,"semantic_backend_type":null,"semantic_offset_ms":0,"offset_clamped":false"#;
        assert_eq!(meta(0, 0.0), format!("{{{fixed}}}"));
        assert_eq!(meta(50, -1.5), format!(r#"{{{fixed},"source_offset_ms":50,"gain_db":-1.5}}"#));
    }

    /// Reference implementation in integers: origin start, clip offset and alignment shift, clamped to the recording.
    fn reference(source: &Source<'_>, clip: &Clip) -> (i64, i64) {
        let base = source.start.as_micros() + clip.source_offset.as_micros();
        let first =
            source.semantics.and_then(|found| found.anchors.speech.first()).map_or(0, |at| at.as_micros());
        let duration = clip.duration.as_micros();
        let length = source.asset_duration.map_or(i64::MAX, MediaTime::as_micros);
        let start = (base + first).min((length - duration).max(0));
        (start, (start + duration).min(length))
    }

    fn clips() -> impl Strategy<Value = Vec<Clip>> {
        let clip = (0usize..3, 0usize..3, 0i64..20, 1i64..400, 0i64..300);
        let clip = clip.prop_map(|(source, track, start, duration, source_offset)| Clip {
            source,
            track: Some(track),
            start: ms(start),
            duration: ms(duration),
            source_offset: LocalTime::from_micros(source_offset * 1_003),
            gain_db: 0.0,
            label: None,
        });
        vec(clip, 0..40).prop_map(|mut clips| {
            clips.sort_by_key(|clip| clip.track);
            clips
        })
    }

    type DeclaredSource = (i64, Option<i64>, Option<Vec<i64>>);

    fn sources() -> impl Strategy<Value = Vec<DeclaredSource>> {
        let speech = proptest::option::of(vec(0i64..500, 0..3));
        vec((0i64..900, proptest::option::of(0i64..1_000), speech), 3)
    }

    proptest! {
        #[test]
        fn shots_are_ordered_and_match_the_reference(clips in clips(), cases in sources()) {
            let films: Vec<Id> = (0..3).map(|film| format!("film{film}").parse().unwrap()).collect();
            let anchors: Vec<Option<Semantics>> = cases.iter().map(|(.., speech)| {
                speech.clone().map(|mut speech| { speech.sort_unstable(); semantics(false, &speech) })
            }).collect();
            let sources: Vec<Source<'_>> = (0..3)
                .map(|film| source(&films[film], cases[film].0, cases[film].1, anchors[film].as_ref()))
                .collect();
            let tracks = (0..3).map(|track| Track { name: format!("{track}"), role: None }).collect();
            let clip_sources = films.iter().cloned().map(ClipSource::Asset).collect();
            let plan = Plan { clips, sources: clip_sources, tracks, pattern_id: None, sequence_id: None };
            let shots = shots(&plan, &sources, Alignment::FirstSpeech);

            // The order is total: target start, track, clip.
            let mut order: Vec<usize> = (0..plan.clips.len()).collect();
            order.sort_by_key(|index| (plan.clips[*index].start, plan.clips[*index].track, *index));
            prop_assert_eq!(shots.len(), order.len());
            for (shot, index) in shots.iter().zip(order) {
                let clip = &plan.clips[index];
                let source = &sources[clip.source];
                let (start, end) = reference(source, clip);
                prop_assert_eq!(shot.source_asset_id, source.asset_id);
                prop_assert_eq!((shot.source_start.as_micros(), shot.source_end.as_micros()), (start, end));
                prop_assert_eq!((shot.target_start, shot.target_duration), (clip.start, clip.duration));
                prop_assert!(0 <= start && start <= end);
                prop_assert!(source.asset_duration.is_none_or(|length| end <= length.as_micros()));
                let base = clip.source_offset.with_zero_at(source.start);
                prop_assert_eq!(shot.source_start, base + shot.meta.semantic_offset, "the formula holds");
            }
        }

        #[test]
        fn shots_stay_inside_their_recordings(
            start in 0i64..2_000, offset in 0i64..2_000, duration in 1i64..2_000, length in 0i64..2_000,
            speech in vec(0i64..3_000, 0..5), beats in vec(0i64..3_000, 0..5), mode in 0usize..4,
        ) {
            let sorted = |mut times: Vec<i64>| -> Vec<MediaTime> {
                times.sort_unstable();
                times.into_iter().map(ms).collect()
            };
            let anchors = AlignmentAnchors { speech: sorted(speech), beats: sorted(beats) };
            let found = Semantics { anchors, ..Semantics::default() };
            let modes = [Alignment::FirstSpeech, Alignment::SpeechInWindow, Alignment::Beat, Alignment::None];
            let film = "film".parse().unwrap();
            let source = source(&film, start, Some(length), Some(&found));
            let placed = place(&source, modes[mode], &part(&source, ms(offset), ms(duration)));
            prop_assert!(placed.window.start() >= AssetTime::ZERO && placed.window.end() <= ms(length));
            prop_assert!(placed.clamped || placed.window.duration() == ms::<MediaTime>(duration));
        }
    }
}
