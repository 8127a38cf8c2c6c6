//! Alignment anchors of a source: speech starts and beats of its timeline.

use audio_semantic_timeline::model::EventKind;
use media_time::{MediaTime, Window};
use serde::Deserialize;

use crate::Alignment;

/// Maximum distance of the nearest beat.
const BEAT_REACH: MediaTime = MediaTime::from_millis(120);

/// A source's timeline, reduced to the fields that alignment uses.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Semantics {
    /// `semantic_version` of the timeline, else its `backend_version`.
    pub(crate) version: Option<String>,
    pub(crate) cache_key: Option<String>,
    /// `stub` distinguishes placeholder data from a measurement.
    pub(crate) backend_type: Option<String>,
    /// Whether times are relative to the artifact that plays, not to the recording.
    pub(crate) of_artifact: bool,
    pub(crate) anchors: AlignmentAnchors,
}

/// Start times of speech, and beats, each in ascending order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AlignmentAnchors {
    pub(crate) speech: Vec<MediaTime>,
    pub(crate) beats: Vec<MediaTime>,
}

/// The fields of a stored timeline that are used; others are skipped while parsing.
#[derive(Deserialize)]
struct Stored {
    events: Vec<StoredEvent>,
    beats: Vec<StoredBeat>,
}

#[derive(Deserialize)]
struct StoredEvent {
    kind: EventKind,
    start_ms: i64,
}

#[derive(Deserialize)]
struct StoredBeat {
    time_ms: i64,
}

impl AlignmentAnchors {
    /// Parses a stored timeline.
    pub(crate) fn read(timeline: impl std::io::Read) -> serde_json::Result<Self> {
        let stored: Stored = serde_json::from_reader(std::io::BufReader::new(timeline))?;
        let speech = stored.events.iter().filter(|event| event.kind == EventKind::Speech);
        let mut anchors = Self {
            speech: speech.map(|event| MediaTime::from_millis(event.start_ms)).collect(),
            beats: stored.beats.iter().map(|beat| MediaTime::from_millis(beat.time_ms)).collect(),
        };
        // Timelines made by harkback are sorted; those registered by a caller need not be.
        anchors.speech.sort_unstable();
        anchors.beats.sort_unstable();
        Ok(anchors)
    }

    /// The alignment shift of a shot of `window`, in the timeline's own time.
    pub(crate) fn offset(&self, alignment: Alignment, window: Window) -> MediaTime {
        let at = window.start();
        match alignment {
            Alignment::None => MediaTime::ZERO,
            Alignment::FirstSpeech => self.speech.first().copied().unwrap_or_default(),
            Alignment::SpeechInWindow => {
                let next = self.speech.get(self.speech.partition_point(|onset| *onset < at));
                next.filter(|onset| window.contains(**onset)).map_or(MediaTime::ZERO, |onset| *onset - at)
            }
            Alignment::Beat => {
                let next = self.beats.partition_point(|beat| *beat < at);
                let around = self.beats[next.saturating_sub(1)..].iter().take(2).map(|beat| *beat - at);
                // Of two beats at the same distance, the earlier one wins.
                around
                    .min_by_key(|offset| (*offset).max(-*offset))
                    .filter(|offset| (*offset).max(-*offset) <= BEAT_REACH)
                    .unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn times(millis: &[i64]) -> Vec<MediaTime> {
        millis.iter().map(|millis| MediaTime::from_millis(*millis)).collect()
    }

    fn offset(alignment: Alignment, speech: &[i64], beats: &[i64], start: i64, length: i64) -> i64 {
        let anchors = AlignmentAnchors { speech: times(speech), beats: times(beats) };
        let window = Window::starting_at(MediaTime::from_millis(start), MediaTime::from_millis(length));
        anchors.offset(alignment, window).as_millis_round()
    }

    #[test]
    fn alignment_to_first_speech_uses_the_whole_source() {
        assert_eq!(offset(Alignment::FirstSpeech, &[100, 9_000], &[], 10_500, 200), 100);
        assert_eq!(offset(Alignment::FirstSpeech, &[], &[], 10_500, 200), 0);
    }

    #[test]
    fn alignment_to_speech_in_window_uses_onsets_inside_the_shot() {
        let speech = [100, 9_000, 9_100];
        assert_eq!(offset(Alignment::SpeechInWindow, &speech, &[], 8_900, 200), 100);
        assert_eq!(offset(Alignment::SpeechInWindow, &speech, &[], 9_000, 200), 0, "it starts with one");
        assert_eq!(offset(Alignment::SpeechInWindow, &speech, &[], 8_900, 100), 0, "the end is outside");
        assert_eq!(offset(Alignment::SpeechInWindow, &speech, &[], 9_101, 100), 0);
    }

    #[test]
    fn alignment_to_beats_is_limited_in_distance() {
        let beats = [500, 1_000, 1_500];
        assert_eq!(offset(Alignment::Beat, &[], &beats, 1_040, 1), -40);
        assert_eq!(offset(Alignment::Beat, &[], &beats, 880, 1), 120);
        assert_eq!(offset(Alignment::Beat, &[], &beats, 879, 1), 0);
        assert_eq!(offset(Alignment::Beat, &[], &[900, 1_100], 1_000, 1), -100, "the earlier of two");
        assert_eq!(offset(Alignment::Beat, &[], &beats, 1_600, 1), -100);
        assert_eq!(offset(Alignment::Beat, &[], &[], 1_600, 1), 0);
    }

    #[test]
    fn alignment_anchors_are_parsed_from_a_stored_timeline() {
        let text = r#"{"asset_id": "a", "duration_ms": 9, "meta": {"x": [1]},
            "events": [{"kind": "music", "start_ms": 0, "end_ms": 2, "meta": {}}, {"kind": "speech", "start_ms": 7},
                {"kind": "speech", "start_ms": 2}],
            "beats": [{"time_ms": 4, "beat_index": 0}]}"#;
        let anchors = AlignmentAnchors::read(text.as_bytes()).unwrap();
        assert_eq!(anchors, AlignmentAnchors { speech: times(&[2, 7]), beats: times(&[4]) });
        assert!(AlignmentAnchors::read(r#"{"events": []}"#.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn alignment_finds_the_nearest_beat(beats in vec(0i64..3_000, 0..20), at in 0i64..3_000) {
            let mut sorted = beats.clone();
            sorted.sort_unstable();
            let found = offset(Alignment::Beat, &[], &sorted, at, 1);
            let nearest = beats.iter().map(|beat| (beat - at).abs()).min().filter(|distance| *distance <= 120);
            prop_assert_eq!(found.abs(), nearest.unwrap_or(0));
            prop_assert!(found == 0 || beats.contains(&(at + found)));
        }
    }
}
