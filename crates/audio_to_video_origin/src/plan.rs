//! A validated request, with each distinct audio source listed once.

use std::collections::HashMap;

use audio_pattern_engine::PatternTimeline;
use http_kit::FieldError;
use media_time::limits::MAX_INSTANT;
use media_time::{Bpm, LocalTime, MediaTime, TimelineTime};
use primitives::Id;

use crate::{AudioClip, AudioSequence, Error, MAX_CLIPS, MAX_TRACKS};

/// Maximum number of invalid fields that are reported.
pub(crate) const MAX_ERRORS: usize = 100;
/// Maximum length of a name, role or label, in bytes.
const MAX_TEXT: usize = 512;

/// The clips of a request, in the order of their tracks and within a track in the order given.
#[derive(Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) clips: Vec<Clip>,
    /// The distinct audio sources of the clips, in the order of their first clip.
    pub(crate) sources: Vec<ClipSource>,
    pub(crate) tracks: Vec<Track>,
    pub(crate) pattern_id: Option<Id>,
    pub(crate) sequence_id: Option<Id>,
}

/// The audio source of a clip.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClipSource {
    Artifact(Id),
    Asset(Id),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Clip {
    /// Index in the plan's sources.
    pub(crate) source: usize,
    /// Index in the plan's tracks; `None` in a pattern.
    pub(crate) track: Option<usize>,
    pub(crate) start: TimelineTime,
    pub(crate) duration: MediaTime,
    /// Start in the audio source.
    pub(crate) source_offset: LocalTime,
    /// Gain in dB; 0 in a sequence.
    pub(crate) gain_db: f64,
    pub(crate) label: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Track {
    pub(crate) name: String,
    pub(crate) role: Option<String>,
}

impl Plan {
    pub(crate) fn of_sequence(sequence: AudioSequence) -> Result<Self, Error> {
        if sequence.tracks.len() > MAX_TRACKS {
            let detail = format!("has more than {MAX_TRACKS} tracks");
            return Err(Error::Invalid(vec![FieldError { pointer: "/sequence/tracks".to_owned(), detail }]));
        }
        check_count(sequence.tracks.iter().map(|track| track.clips.len()).sum())?;
        let mut planner = Planner::default();
        planner.tempo("/sequence/bpm", sequence.bpm);
        let mut tracks = Vec::with_capacity(sequence.tracks.len());
        for (index, track) in sequence.tracks.into_iter().enumerate() {
            let pointer = format!("/sequence/tracks/{index}");
            planner.text(&pointer, "name", Some(&track.name));
            planner.text(&pointer, "role", track.role.as_deref());
            for (position, clip) in track.clips.into_iter().enumerate() {
                planner.clip(&|| format!("{pointer}/clips/{position}"), Some(index), clip, 0.0);
            }
            tracks.push(Track { name: track.name, role: track.role });
        }
        planner.finish(tracks, None, sequence.id)
    }

    pub(crate) fn of_pattern(pattern: PatternTimeline) -> Result<Self, Error> {
        check_count(pattern.clips.len())?;
        let mut planner = Planner::default();
        planner.tempo("/pattern/bpm", Some(pattern.bpm));
        for (position, clip) in pattern.clips.into_iter().enumerate() {
            let gain_db = clip.gain_db;
            let clip = AudioClip {
                artifact_id: Some(clip.artifact_id),
                asset_id: None,
                start: clip.start,
                duration: clip.duration,
                source_offset: clip.source_offset,
                label: Some(clip.label).filter(|label| !label.is_empty()),
            };
            planner.clip(&|| format!("/pattern/clips/{position}"), None, clip, gain_db);
        }
        planner.finish(Vec::new(), Some(pattern.pattern_id), None)
    }

    /// Patterns reject artifacts without an origin map; sequences use their parent asset.
    pub(crate) const fn is_pattern(&self) -> bool {
        self.pattern_id.is_some()
    }

    /// The JSON pointer of a clip in the request.
    pub(crate) fn pointer(&self, index: usize) -> String {
        match self.clips[index].track {
            Some(track) => {
                let first = self.clips.partition_point(|clip| clip.track < Some(track));
                format!("/sequence/tracks/{track}/clips/{}", index - first)
            }
            None => format!("/pattern/clips/{index}"),
        }
    }

    pub(crate) fn artifact_ids(&self) -> Vec<Id> {
        let artifact = |source: &ClipSource| match source {
            ClipSource::Artifact(id) => Some(id.clone()),
            ClipSource::Asset(_) => None,
        };
        self.sources.iter().filter_map(artifact).collect()
    }
}

fn check_count(clips: usize) -> Result<(), Error> {
    if clips > MAX_CLIPS { Err(Error::TooManyClips { clips }) } else { Ok(()) }
}

#[derive(Default)]
struct Planner {
    clips: Vec<Clip>,
    sources: Vec<ClipSource>,
    positions: HashMap<ClipSource, usize>,
    errors: Vec<FieldError>,
}

impl Planner {
    fn refuse(&mut self, pointer: String, detail: &str) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(FieldError { pointer, detail: detail.to_owned() });
        }
    }

    fn text(&mut self, pointer: &str, field: &str, text: Option<&str>) {
        if text.is_some_and(|text| text.len() > MAX_TEXT) {
            self.refuse(format!("{pointer}/{field}"), "is longer than 512 bytes");
        }
    }

    fn tempo(&mut self, pointer: &str, bpm: Option<f64>) {
        if let Some(Err(error)) = bpm.map(Bpm::new) {
            self.refuse(pointer.to_owned(), &error.to_string());
        }
    }

    /// Adds a clip; `pointer` is called only for an error.
    fn clip(&mut self, pointer: &dyn Fn() -> String, track: Option<usize>, clip: AudioClip, gain_db: f64) {
        let source = match (clip.artifact_id, clip.asset_id) {
            (Some(id), None) => ClipSource::Artifact(id),
            (None, Some(id)) => ClipSource::Asset(id),
            _ => return self.refuse(pointer(), "must name one of artifact_id and asset_id"),
        };
        if clip.start.is_negative() {
            self.refuse(format!("{}/start_ms", pointer()), "must not be negative");
        }
        if clip.duration <= MediaTime::ZERO {
            self.refuse(format!("{}/duration_ms", pointer()), "must be more than 0");
        }
        if clip.source_offset.is_negative() {
            self.refuse(format!("{}/source_offset_ms", pointer()), "must not be negative");
        }
        if clip.start.since_zero().max(clip.source_offset.since_zero()) + clip.duration > MAX_INSTANT {
            self.refuse(pointer(), "must end within thirty days");
        }
        if clip.label.as_ref().is_some_and(|label| label.len() > MAX_TEXT) {
            self.refuse(format!("{}/label", pointer()), "is longer than 512 bytes");
        }
        let next = self.sources.len();
        let position = *self.positions.entry(source).or_insert_with_key(|source| {
            self.sources.push(source.clone());
            next
        });
        self.clips.push(Clip {
            source: position,
            track,
            start: clip.start,
            duration: clip.duration,
            source_offset: clip.source_offset,
            gain_db,
            label: clip.label,
        });
    }

    fn finish(
        self,
        tracks: Vec<Track>,
        pattern_id: Option<Id>,
        sequence_id: Option<Id>,
    ) -> Result<Plan, Error> {
        if !self.errors.is_empty() {
            return Err(Error::Invalid(self.errors));
        }
        Ok(Plan { clips: self.clips, sources: self.sources, tracks, pattern_id, sequence_id })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn plan(clips: Value) -> Result<Plan, Error> {
        let sequence =
            json!({"id": "s", "tracks": [{"name": "empty", "clips": []}, {"name": "b", "clips": clips}]});
        Plan::of_sequence(serde_json::from_value(sequence).unwrap())
    }

    #[test]
    fn plan_lists_each_audio_source_once() {
        let clip = |source: Value| {
            let mut clip = json!({"start_ms": 1, "duration_ms": 2});
            clip.as_object_mut().unwrap().extend(source.as_object().unwrap().clone());
            clip
        };
        let (hit, film) = (clip(json!({"artifact_id": "x"})), clip(json!({"asset_id": "x"})));
        let plan = plan(json!([hit, film, hit])).unwrap();
        let id = || "x".parse().unwrap();
        assert_eq!(plan.sources, [ClipSource::Artifact(id()), ClipSource::Asset(id())]);
        assert_eq!(plan.clips.iter().map(|clip| clip.source).collect::<Vec<_>>(), [0, 1, 0]);
        assert_eq!(plan.clips[0].track, Some(1));
        assert_eq!(plan.artifact_ids(), [id()]);
    }

    #[test]
    fn plan_reports_all_invalid_fields() {
        let clips = json!([
            {"artifact_id": "a", "asset_id": "b", "start_ms": 0, "duration_ms": 1},
            {"start_ms": 0, "duration_ms": 1},
            {"asset_id": "b", "start_ms": -1, "duration_ms": 0, "source_offset_ms": -0.5},
            {"asset_id": "b", "start_ms": 0, "duration_ms": 1e13, "label": "l".repeat(513)},
        ]);
        let Err(Error::Invalid(errors)) = plan(clips) else { panic!("nothing was refused") };
        let at = |field: &str| format!("/sequence/tracks/1/clips/{field}");
        let pointers: Vec<String> = errors.into_iter().map(|error| error.pointer).collect();
        let fields = ["0", "1", "2/start_ms", "2/duration_ms", "2/source_offset_ms", "3", "3/label"];
        assert_eq!(pointers, fields.map(at));
    }

    #[test]
    fn plan_bounds_the_number_of_errors() {
        let Err(Error::Invalid(errors)) = plan(vec![json!({"start_ms": 0, "duration_ms": 1}); 1_000].into())
        else {
            panic!("nothing was refused")
        };
        assert_eq!(errors.len(), MAX_ERRORS);
    }
}
