//! Timelines, as stored and as returned: events, words, beats and loudness.

use media_time::AssetTime;
use primitives::Id;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::RunMeta;
use crate::speakers::SpeakerTurn;
use crate::tempo_curve::{TempoSegment, tempo_curve};

/// The kind of audio in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Speech, with or without background music.
    Speech,
    /// Music, sung or not.
    Music,
    /// Silence, or a level close to it.
    Silence,
    /// Other audio: noise, ambience, effects.
    Other,
}

/// A span of the timeline with one kind of audio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudioEvent {
    /// The kind of audio in the span.
    pub kind: EventKind,
    /// Start time in milliseconds, inclusive.
    pub start_ms: i64,
    /// End in milliseconds, exclusive; greater than `start_ms`.
    pub end_ms: i64,
    /// Loudness of the span in LUFS (ITU-R BS.1770-4, ungated); null for digital silence.
    pub loudness_lufs: Option<f64>,
    /// Energy of the span: the mean square of the K-weighted samples, relative to full scale, summed over the channels. It
    /// is derived from `loudness_lufs` in responses, and not stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = f64, required = false)]
    pub energy: Option<f64>,
    /// Confidence in `kind`, 0 to 1.
    pub confidence: Option<f64>,
    /// The transcribed text, if any.
    pub transcription: Option<String>,
    /// The speaker with the most speech in the span, from `meta.speakers` (`S1`, `S2` …); null if speakers were not
    /// requested or not detected.
    pub speaker_id: Option<String>,
    /// Further properties of the span.
    pub meta: EventMeta,
}

/// Further properties of an event. Those that do not apply are omitted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventMeta {
    /// `music` for speech over music.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub background: Option<String>,
    /// Whether the music is sung.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sung: bool,
    /// True if two speakers overlap anywhere in the span.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overlap: bool,
    /// True if a person set an edge, the kind, the speaker or a word of the span. A kind that a person set has no
    /// `confidence`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub corrected: bool,
    /// The words of `transcription` with their times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// Other members of an imported timeline.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A spoken word. `timing` is `measured`, `interpolated`, or `corrected` if a person set the times; `language` is set in a
/// recording with several languages. If speakers were requested, `speaker_id` is the speaker of the word (null if not
/// detected), and `overlap` is true if another speaker overlaps it. `corrected` is true if a person set the word or its
/// speaker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Word {
    /// The word as written, with its punctuation.
    pub word: String,
    /// Start time in milliseconds, inclusive.
    pub start_ms: i64,
    /// End in milliseconds, exclusive.
    pub end_ms: i64,
    /// Confidence, 0 to 1.
    pub confidence: Option<f64>,
    /// Further members; see above.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A beat of the music.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeatEvent {
    /// Time of the beat in milliseconds.
    pub time_ms: i64,
    /// Index from 0 at the first beat of the recording.
    pub beat_index: i64,
    /// Index of its bar.
    pub bar_index: i64,
    /// Index within the bar, from 0; null if the metre is unknown.
    pub subdivision: Option<i64>,
}

/// Loudness of one of the consecutive windows of `loudness_window_ms`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoudnessWindow {
    /// Start time in milliseconds, inclusive.
    pub start_ms: i64,
    /// End in milliseconds, exclusive.
    pub end_ms: i64,
    /// Loudness in LUFS, ungated; null for digital silence.
    pub loudness_lufs: Option<f64>,
}

/// A semantic timeline, as stored and as returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// The recording that was analysed.
    pub asset_id: Id,
    /// The artifact that was analysed instead of the recording itself, if any.
    pub artifact_id: Option<Id>,
    /// Duration of the analysed audio in milliseconds.
    pub duration_ms: i64,
    /// Sorted and non-overlapping, covering `[0, duration_ms)` without gaps (except for a stub without speech and
    /// music).
    pub events: Vec<AudioEvent>,
    /// Sorted by time, strictly increasing.
    pub beats: Vec<BeatEvent>,
    /// Description of the analysis, and further results.
    pub meta: SummaryMeta,
}

impl Summary {
    /// The timeline with what derives from its other members, for responses: the energy of each event, and the tempo curve.
    #[must_use]
    pub fn with_derived(mut self) -> Self {
        for event in &mut self.events {
            event.energy = event.loudness_lufs.map(energy_of_loudness);
        }
        self.meta.tempo_curve = tempo_curve(&self.beats);
        self
    }
}

/// The mean square of a loudness in LUFS (ITU-R BS.1770-4: L = −0.691 + 10 log10 of it), to four significant digits.
fn energy_of_loudness(lufs: f64) -> f64 {
    let energy = 10_f64.powf((lufs + 0.691) / 10.0);
    // Its text has five digits at most, whatever the last bits are.
    format!("{energy:.3e}").parse().unwrap_or(energy)
}

/// Description of the analysis, and further results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SummaryMeta {
    /// Description of the run; also the artifact's meta.
    #[serde(flatten)]
    pub run: RunMeta,
    /// Loudness of consecutive windows.
    #[serde(default)]
    #[schema(required)]
    pub loudness_windows: Vec<LoudnessWindow>,
    /// Turns of the speakers, ordered by start; absent without speakers. The speakers of events and words derive from
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub speaker_turns: Vec<SpeakerTurn>,
    /// The tempo over time, within 1 % of that of the beats; absent without beats. Derived for responses, not stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tempo_curve: Vec<TempoSegment>,
    /// Present only on a timeline cut to a clip.
    #[serde(flatten)]
    #[schema(value_type = SliceMeta)]
    pub clip: Option<SliceMeta>,
}

/// The part of the meta that only a timeline cut to a clip has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SliceMeta {
    /// The clip's in and out point in the source, in milliseconds.
    #[serde(rename = "clip_window_ms")]
    #[schema(required = false)]
    pub clip_window: [AssetTime; 2],
    /// Always true: times are relative to the clip's in point.
    #[schema(required = false)]
    pub clip_relative: bool,
    /// The clip's playback speed. Times are source time and not scaled by it.
    #[schema(required = false)]
    pub speed_change: f64,
    /// True when the speed is not 1, so callers must scale the times.
    #[schema(required = false)]
    pub speed_change_limited: bool,
}
