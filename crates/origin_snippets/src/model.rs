use http_kit::{FieldError, Id};
use media_time::MediaTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Error;

/// Facts about a snippet: a JSON object.
pub type Meta = serde_json::Map<String, serde_json::Value>;

/// The most items of one batch: the most clips that a timeline takes at once.
const MAX_ITEMS: usize = 10_000;
/// The most padding, and the longest a snippet is allowed to be: thirty days, as no recording is longer.
const LONGEST: MediaTime = MediaTime::from_millis(30 * 24 * 3_600_000);

/// What is made of the windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Clips on a timeline.
    #[default]
    TimelineOnly,
    /// Clips, and a rendered file for each.
    RenderClips,
}

/// Audio artifacts whose pictures are wanted.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// In place of `X-Tenant-Id`.
    #[serde(default)]
    pub tenant_id: Option<String>,
    /// In place of `X-Env`.
    #[serde(default)]
    pub env: Option<String>,
    /// In place of `X-User-Id`.
    #[serde(default)]
    pub user_id: Option<String>,
    /// At most 10 000; an artifact may be named more than once. None: nothing is made.
    #[schema(max_items = 10000)]
    pub items: Vec<SnippetItem>,
    /// What is made of them.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = Mode::default)]
    pub mode: Mode,
    /// The project that gets a new sequence; a new project when absent.
    #[serde(default)]
    pub attach_to_project_id: Option<Id>,
    /// The profile of a new project and of the renders; rendered as `1080p_30_web` when absent.
    #[serde(default)]
    pub render_profile: Option<String>,
}

http_kit::context_fields!(BatchRequest);

/// One audio artifact of a batch.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SnippetItem {
    /// The artifact: a hit, a loop, a phrase, or what was made of one.
    pub audio_artifact_id: Id,
    /// How much is shown before and after it, in ms.
    #[serde(default = "default_padding", deserialize_with = "padding_or_null")]
    #[schema(value_type = f64, minimum = 0, maximum = 2_592_000_000.0, default = default_padding)]
    pub padding_ms: MediaTime,
    /// The longest the snippet may be, in ms; what is too long is cut at its end.
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 2_592_000_000.0)]
    pub max_duration_ms: Option<MediaTime>,
}

http_kit::field_default!(default_padding, padding_or_null: MediaTime = MediaTime::from_millis(250));

/// The window of a source that an audio artifact was taken from, and what was made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OriginSnippet {
    /// The artifact.
    pub audio_artifact_id: Id,
    /// The recording that it was taken from.
    pub source_asset_id: Id,
    /// Begin of the window, in ms of the recording.
    pub source_start_ms: MediaTime,
    /// End of the window, in ms; not in it.
    pub source_end_ms: MediaTime,
    /// Its clip.
    pub video_clip_id: Option<Id>,
    /// Its `render_snippet` artifact.
    pub video_artifact_id: Option<Id>,
    /// `padding_ms`, `max_duration_ms`, `artifact_start_ms`, `artifact_end_ms`, `asset_duration_ms`,
    /// `op_type`, `op_version`. With a render also `render_profile`, `render_artifact_id` and
    /// `render_asset_id`, or `render_error`. When listed also `mode`, `project_id`, `sequence_id`, `track_id`.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// The snippets, and where they were put.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchResult {
    /// In the order of the items; when listed, newest first.
    pub snippets: Vec<OriginSnippet>,
    /// The project of all of them; null when there is none, or more than one.
    pub project_id: Option<Id>,
    /// The sequence of all of them.
    pub sequence_id: Option<Id>,
    /// More about all of them.
    pub meta: ResultMeta,
}

/// What all snippets of a result share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResultMeta {
    /// How they were made; null when there are none, or they were made in different ways.
    pub mode: Option<Mode>,
    /// Their track.
    pub track_id: Option<Id>,
    /// In a listing that goes on: where its next page starts.
    pub next_cursor: Option<String>,
}

impl Mode {
    /// The word on the wire and in the database.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::TimelineOnly => "timeline_only",
            Self::RenderClips => "render_clips",
        }
    }
}

impl BatchRequest {
    /// Checks every item.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming every field that is out of range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut errors = Vec::new();
        let mut refuse = |pointer: String, detail: &str| {
            errors.push(FieldError { pointer, detail: detail.to_owned() });
        };
        if self.items.len() > MAX_ITEMS {
            refuse("/items".to_owned(), "expected at most 10000 items; send more batches");
        }
        for (index, item) in self.items.iter().take(MAX_ITEMS).enumerate() {
            let lengths = [("padding_ms", Some(item.padding_ms)), ("max_duration_ms", item.max_duration_ms)];
            for (field, length) in lengths {
                if length.is_some_and(|length| !(MediaTime::ZERO..=LONGEST).contains(&length)) {
                    refuse(format!("/items/{index}/{field}"), "expected 0 to 2592000000 ms (thirty days)");
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
    }
}

impl BatchResult {
    /// Nothing was asked for, nothing was made.
    pub(crate) fn empty(mode: Mode) -> Self {
        let meta = ResultMeta { mode: Some(mode), ..ResultMeta::default() };
        Self { snippets: Vec::new(), project_id: None, sequence_id: None, meta }
    }
}
