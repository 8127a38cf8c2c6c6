//! The wire types.

use http_kit::Id;
use media_time::MediaTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Plan;

/// What to render.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenderRequest {
    /// Stands in for `X-Tenant-Id`.
    #[serde(default)]
    pub tenant_id: Option<String>,
    /// Stands in for `X-Env`.
    #[serde(default)]
    pub env: Option<String>,
    /// Stands in for `X-User-Id`.
    #[serde(default)]
    pub user_id: Option<String>,
    /// The asset of which to render a window. Either this or `project_id`.
    #[serde(default)]
    pub asset_id: Option<Id>,
    /// The project of whose timeline to render a window.
    #[serde(default)]
    pub project_id: Option<Id>,
    /// Of a project: the sequence; its first one when not given.
    #[serde(default)]
    pub sequence_id: Option<Id>,
    /// Begin of the window, in ms of the asset or of the timeline.
    pub start_ms: MediaTime,
    /// End of the window, in ms; not in it.
    pub end_ms: MediaTime,
    /// One of the profiles that `docs/rendering.md` lists.
    #[schema(example = "1080p_30_web")]
    pub render_profile: String,
    /// Only tell what would be done.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(default = false)]
    pub dry_run: bool,
}

http_kit::context_fields!(RenderRequest);

/// What was rendered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RenderResponse {
    /// The rendered file, as an asset; null after a dry run.
    pub asset_id: Option<Id>,
    /// The `render` artifact, which tells where the file comes from; null after a dry run.
    pub artifact_id: Option<Id>,
    /// Where the bytes are; null after a dry run.
    pub uri: Option<String>,
    /// The profile's name.
    pub render_profile: String,
    /// What was done, or would be.
    pub plan: Plan,
}

/// A render, made now or found.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The rendered file.
    pub render_asset_id: Id,
    /// The `render` artifact: on the source asset for a window of one, else on the rendered file.
    pub artifact_id: Id,
    /// Where the bytes are.
    pub uri: String,
    /// What was done.
    pub plan: Plan,
    /// Was it there already?
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
