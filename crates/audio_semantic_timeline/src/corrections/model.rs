//! Wire and stored types of corrections.

use chrono::{DateTime, Utc};
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::EventKind;

/// Maximum number of edits of one correction.
pub const MAX_EDITS: usize = 1_000;
/// Maximum number of corrections of one analysis that are not removed.
pub const MAX_CORRECTIONS: i32 = 1_000;

/// What an edit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EditOp {
    /// Divides the event around `at_ms` in two of the same kind.
    Split,
    /// Joins the two events that meet at `at_ms`; `kind` is required if they differ.
    Merge,
    /// Sets the `kind` of `[start_ms, end_ms)`, its `speaker_id`, or both; events around the edges are divided.
    Relabel,
    /// Moves the beats by `offset_ms`, or only those in `[start_ms, end_ms)`.
    ShiftBeats,
    /// Inserts a beat between each two beats.
    DoubleTempo,
    /// Removes every second beat: the beat nearest to `at_ms` stays, by default the first beat of each bar.
    HalveTempo,
    /// Sets the word of `[start_ms, end_ms)`, in place of those whose middle is in it; an empty `word` removes them.
    SetWord,
}

/// An edit of a timeline. `op` determines which of the other fields it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TimelineEdit {
    /// What the edit does.
    pub op: EditOp,
    /// A time in milliseconds: of `split`, `merge` and `halve_tempo`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false)]
    pub at_ms: Option<i64>,
    /// Start of a window in milliseconds, inclusive: of `relabel`, `shift_beats` and `set_word`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false)]
    pub start_ms: Option<i64>,
    /// End of the window in milliseconds, exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false)]
    pub end_ms: Option<i64>,
    /// How far `shift_beats` moves the beats, in milliseconds; negative to earlier times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, required = false)]
    pub offset_ms: Option<i64>,
    /// Kind of audio: of `relabel` and `merge`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = EventKind, required = false)]
    pub kind: Option<EventKind>,
    /// A speaker of `meta.speakers`: of `relabel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub speaker_id: Option<String>,
    /// The word as written, with its punctuation and without spaces: of `set_word`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, max_length = 200)]
    pub word: Option<String>,
}

/// Body of `POST /audio/semantic-timeline/{artifact_id}/corrections`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectionRequest {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// `backend_version` of the timeline that the edits were made for: of the newest correction, or of the analysis if
    /// it has none.
    pub base_version: String,
    /// The edits, applied in this order.
    #[schema(min_items = 1, max_items = 1_000)]
    pub edits: Vec<TimelineEdit>,
}

http_kit::context_fields!(CorrectionRequest);

/// A part of a timeline that a person can set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CorrectedPart {
    /// Edges or kinds of events.
    Events,
    /// Words.
    Words,
    /// Speakers of events and words.
    Speakers,
    /// Beats.
    Beats,
    /// `tempo_bpm`.
    Tempo,
}

/// How a corrected timeline was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Correction {
    /// The timeline that the edits were applied to: the analysis, or the previous correction of it.
    pub corrected_artifact_id: Id,
    /// The measured timeline.
    pub analysis_artifact_id: Id,
    /// Number of the correction, from 1 for the first of the analysis.
    pub revision: i32,
    /// `backend_version` of the corrected timeline.
    pub base_version: String,
    /// `backend_type` of the analysis.
    pub analysis_backend_type: String,
    /// The user who made the correction.
    pub user_id: Option<Id>,
    /// The edits of this correction, in order.
    pub edits: Vec<TimelineEdit>,
    /// What persons set, in this correction or an earlier one. Other values are measured; those that were set have no
    /// confidence.
    pub set_by_person: Vec<CorrectedPart>,
}

/// A correction in the list of an analysis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CorrectionEntry {
    /// The corrected timeline's artifact.
    pub artifact_id: Id,
    /// Number of the correction, from 1 for the first of the analysis.
    pub revision: i32,
    /// `backend_version` of the corrected timeline: the `base_version` of further edits, if it is the newest one.
    pub backend_version: String,
    /// The user who made the correction.
    pub user_id: Option<Id>,
    /// Number of its edits.
    pub edit_count: i32,
    /// Time when it was made.
    pub created_at: DateTime<Utc>,
}
