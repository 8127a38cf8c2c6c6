use chrono::{DateTime, Utc};
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Meta, check, present};
use crate::error::Error;

/// A project, the root that contains sequences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Id, assigned by the timeline.
    pub id: Id,
    /// The tenant that owns it.
    pub tenant_id: Id,
    /// The tenant's environment that contains it.
    pub env: Id,
    /// The user who created it, if the request named one.
    pub user_id: Option<Id>,
    /// Display title, 1–500 characters.
    pub title: String,
    /// Name of the render profile.
    pub render_profile: Option<Id>,
    /// Time of its creation.
    pub created_at: DateTime<Utc>,
    /// Time of the last change of its own fields.
    pub updated_at: DateTime<Utc>,
    /// Free-form data of the caller: a JSON object of at most 64 KiB.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// The fields of a new project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// Display title, 1–500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub title: String,
    /// Name of the render profile.
    #[serde(default)]
    pub render_profile: Option<Id>,
    /// Free-form data of the caller: a JSON object of at most 64 KiB.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// Changes to a project; absent fields are unchanged.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectPatch {
    /// The new display title.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    pub(crate) title: Option<String>,
    /// The new render profile; `null` for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Id>)]
    pub(crate) render_profile: Option<Option<Id>>,
    /// Replaces the whole meta object.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object)]
    pub(crate) meta: Option<Meta>,
}

impl NewProject {
    pub(crate) fn check(&self, at: &str) -> Result<(), Error> {
        check::text(&self.title, at, "title")?;
        check::meta(&self.meta, at)
    }
}

impl ProjectPatch {
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.title.as_deref().map_or(Ok(()), |title| check::text(title, "", "title"))?;
        self.meta.as_ref().map_or(Ok(()), |meta| check::meta(meta, ""))
    }
}
