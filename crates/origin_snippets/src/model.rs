use http_kit::FieldError;
use media_time::limits::MAX_INSTANT;
use media_time::{AssetTime, MediaTime};
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Error;

/// Properties of a snippet, as a JSON object.
pub type Meta = serde_json::Map<String, serde_json::Value>;

/// An object of these members.
pub(crate) fn meta_of<const N: usize>(members: [(&str, serde_json::Value); N]) -> Meta {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Maximum items of a batch: each is a clip of one timeline.
const MAX_ITEMS: usize = video_timeline::MAX_CLIPS;

/// What a batch creates for each window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Clips on a timeline.
    #[default]
    TimelineOnly,
    /// Clips, and a rendered file for each.
    RenderClips,
}

/// A request for snippets of audio artifacts.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// Alternative to the header `X-Tenant-Id`.
    #[serde(default)]
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    #[serde(default)]
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    #[serde(default)]
    pub user_id: Option<String>,
    /// At most 10 000 items; an artifact may occur more than once. Nothing is made for an empty list.
    #[schema(max_items = 10000)]
    pub items: Vec<SnippetItem>,
    /// Whether the windows are also rendered.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = Mode::default)]
    pub mode: Mode,
    /// The existing project that gets a new sequence; a new project when absent.
    #[serde(default)]
    pub attach_to_project_id: Option<Id>,
    /// The render profile of a new project and of the renders; renders use `1080p_30_web` when absent.
    #[serde(default)]
    pub render_profile: Option<String>,
}

http_kit::context_fields!(BatchRequest);

/// One audio artifact of a batch.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SnippetItem {
    /// The artifact: a hit, a loop, a phrase, or an artifact derived from one.
    pub audio_artifact_id: Id,
    /// Duration shown before and after the artifact's origin, in ms.
    #[serde(rename = "padding_ms", default = "default_padding", deserialize_with = "padding_or_null")]
    #[schema(value_type = f64, minimum = 0, maximum = 2_592_000_000.0, default = default_padding)]
    pub padding: MediaTime,
    /// Maximum duration of the snippet in ms; longer snippets are truncated at their end.
    #[serde(rename = "max_duration_ms", default)]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 2_592_000_000.0)]
    pub max_duration: Option<MediaTime>,
}

http_kit::field_default!(default_padding, padding_or_null: MediaTime = MediaTime::from_millis(250));

/// The window of a source that an audio artifact was taken from, with its clip and render.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OriginSnippet {
    /// The audio artifact of the item.
    pub audio_artifact_id: Id,
    /// The recording that it was taken from.
    pub source_asset_id: Id,
    /// Start of the window, in ms of the recording.
    #[serde(rename = "source_start_ms")]
    pub source_start: AssetTime,
    /// End of the window in ms, exclusive.
    #[serde(rename = "source_end_ms")]
    pub source_end: AssetTime,
    /// The clip of the snippet on the timeline; null if the window is empty (`meta.window_error`).
    pub video_clip_id: Option<Id>,
    /// The `render_snippet` artifact, if rendered.
    pub video_artifact_id: Option<Id>,
    /// `padding_ms`, `max_duration_ms`, `artifact_start_ms`, `artifact_end_ms`, `asset_duration_ms`, `op_type`,
    /// `op_version`. With a render also `render_profile`, `render_artifact_id`, `render_asset_id` and `render_key`, or
    /// `render_error`; without a clip `window_error` (`empty_window` and the reason). In listings also `mode`,
    /// `project_id`, `sequence_id`, `track_id`.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// The snippets of a batch or listing, and their project and sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchResult {
    /// In the order of the items; in listings, newest first.
    pub snippets: Vec<OriginSnippet>,
    /// The project of all snippets; null when there is none, or more than one.
    pub project_id: Option<Id>,
    /// The sequence of all snippets; null when there is none, or more than one.
    pub sequence_id: Option<Id>,
    /// Further values that all snippets share.
    pub meta: ResultMeta,
}

/// Values that all snippets of a result share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResultMeta {
    /// How they were made; null when there are none, or the modes differ.
    pub mode: Option<Mode>,
    /// The track of all snippets; null when there is none, or more than one.
    pub track_id: Option<Id>,
    /// The cursor of the next page in a listing; null on the last page.
    pub next_cursor: Option<String>,
}

impl Mode {
    /// The name in requests, responses and the database.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::TimelineOnly => "timeline_only",
            Self::RenderClips => "render_clips",
        }
    }
}

impl BatchRequest {
    /// Checks the item count and every item's fields.
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
            let lengths = [("padding_ms", Some(item.padding)), ("max_duration_ms", item.max_duration)];
            for (field, length) in lengths {
                if length.is_some_and(|length| !(MediaTime::ZERO..=MAX_INSTANT).contains(&length)) {
                    refuse(format!("/items/{index}/{field}"), "expected 0 to 2592000000 ms (thirty days)");
                }
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
    }
}

impl BatchResult {
    /// The result of a batch without clips.
    pub(crate) fn empty(mode: Mode) -> Self {
        let meta = ResultMeta { mode: Some(mode), ..ResultMeta::default() };
        Self { snippets: Vec::new(), project_id: None, sequence_id: None, meta }
    }

    /// Inserts snippets without clips, each at its index in the result; the indices ascend.
    pub(crate) fn insert(&mut self, without_clip: Vec<(usize, OriginSnippet)>) {
        let count = self.snippets.len() + without_clip.len();
        let mut with_clip = std::mem::take(&mut self.snippets).into_iter();
        let mut without_clip = without_clip.into_iter().peekable();
        self.snippets = (0..count)
            .filter_map(|index| match without_clip.next_if(|(at, _)| *at == index) {
                Some((_, snippet)) => Some(snippet),
                None => with_clip.next(),
            })
            .collect();
    }
}
