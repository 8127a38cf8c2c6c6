//! The types of requests and responses.

use media_time::MediaTime;
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Fit, Plan};

/// A window to render, and the profile to render it with.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenderRequest {
    /// Alternative to the header `X-Tenant-Id`.
    #[serde(default)]
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    #[serde(default)]
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    #[serde(default)]
    pub user_id: Option<String>,
    /// The asset to render a window of. Set either this or `project_id`.
    #[serde(default)]
    pub asset_id: Option<Id>,
    /// The project to render a window of the timeline of.
    #[serde(default)]
    pub project_id: Option<Id>,
    /// The sequence of the project; the first one when absent.
    #[serde(default)]
    pub sequence_id: Option<Id>,
    /// The shot list to render whole, instead of a window of an asset or a project.
    #[serde(default)]
    pub shot_list_artifact_id: Option<Id>,
    /// Start of the window, in ms of the asset or of the timeline; not with `shot_list_artifact_id`.
    #[serde(rename = "start_ms", default)]
    pub start: Option<MediaTime>,
    /// End of the window (exclusive), in ms; not with `shot_list_artifact_id`.
    #[serde(rename = "end_ms", default)]
    pub end: Option<MediaTime>,
    /// Audio of a shot list: `samples` if every shot has one, else `source`, by default.
    #[serde(default)]
    pub audio: Option<FilmAudio>,
    /// Captions to burn into the pictures.
    #[serde(default)]
    pub captions: Option<BurnedCaptions>,
    /// How frames of another shape than the canvas are placed on it.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = Fit::default)]
    pub fit: Fit,
    /// Name of a profile; `docs/rendering.md` lists them.
    #[schema(example = "1080p_30_web")]
    pub render_profile: String,
    /// Return the plan without rendering (dry run).
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = false)]
    pub dry_run: bool,
}

http_kit::context_fields!(RenderRequest);

/// Captions: the words of a recording, shown where its audio plays; where its pictures are shown, in a film without audio.
/// The limits are those of captions in other formats.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BurnedCaptions {
    /// The semantic timeline of the recording, made with a speech model.
    pub artifact_id: Id,
    /// Maximum number of characters of a line; 42 by default.
    #[serde(default)]
    #[schema(minimum = 8, maximum = 200)]
    pub max_chars: Option<u16>,
    /// Maximum number of lines; 2 by default.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 6)]
    pub max_lines: Option<u16>,
    /// Maximum number of words; unlimited by default.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 80)]
    pub max_words: Option<u16>,
    /// Maximum reading speed in characters per second; 17 by default.
    #[serde(default)]
    #[schema(minimum = 5, maximum = 100)]
    pub max_cps: Option<f64>,
    /// Minimum duration of a caption in milliseconds; 1000 by default.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 7_000)]
    pub min_duration_ms: Option<u16>,
    /// Minimum pause that ends a caption, in milliseconds; 1500 by default.
    #[serde(default)]
    #[schema(minimum = 100, maximum = 60_000)]
    pub max_gap_ms: Option<u16>,
}

/// The audio of a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FilmAudio {
    /// The samples that the shots accompany, mixed to the sample.
    Samples,
    /// The audio of the recordings that the shots show; the music of an edit that has one.
    Source,
    /// Silence.
    None,
}

/// A rendered file, or the plan of a dry run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RenderResponse {
    /// The rendered file, as an asset; null after a dry run.
    pub asset_id: Option<Id>,
    /// The `render` artifact, which records the source of the file; null after a dry run.
    pub artifact_id: Option<Id>,
    /// URI of the bytes; null after a dry run.
    pub uri: Option<String>,
    /// Name of the profile.
    pub render_profile: String,
    /// The executed plan, or the plan of a dry run.
    pub plan: Plan,
}

/// A completed render, new or reused.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The asset of the rendered file.
    pub render_asset_id: Id,
    /// The `render` artifact: on the source asset for a window of an asset, else on the rendered file.
    pub artifact_id: Id,
    /// URI of the bytes.
    pub uri: String,
    /// The plan that was executed.
    pub plan: Plan,
    /// Whether an earlier render was reused.
    pub reused: bool,
}

impl From<Plan> for RenderResponse {
    fn from(plan: Plan) -> Self {
        let render_profile = plan.render_profile.clone();
        Self { asset_id: None, artifact_id: None, uri: None, render_profile, plan }
    }
}

impl From<Rendered> for RenderResponse {
    fn from(rendered: Rendered) -> Self {
        Self {
            asset_id: Some(rendered.render_asset_id),
            artifact_id: Some(rendered.artifact_id),
            uri: Some(rendered.uri),
            ..Self::from(rendered.plan)
        }
    }
}
