use chrono::{DateTime, Utc};
use http_kit::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Meta, check, present};
use crate::error::Error;

/// A piece of work: the root that sequences hang on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Made by the timeline.
    pub id: Id,
    /// Whose it is.
    pub tenant_id: Id,
    /// In which of their environments.
    pub env: Id,
    /// Who made it, when the call told.
    pub user_id: Option<Id>,
    /// For people; 1–500 characters.
    pub title: String,
    /// The name of the profile it is rendered with.
    pub render_profile: Option<Id>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its own fields changed last.
    pub updated_at: DateTime<Utc>,
    /// The caller's own data.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// What a new project is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProject {
    /// For people; 1–500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub title: String,
    /// The name of the profile it is to be rendered with.
    #[serde(default)]
    pub render_profile: Option<Id>,
    /// The caller's own data.
    #[serde(default, deserialize_with = "http_kit::null_as_default")]
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// What to change of a project; absent fields stay.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectPatch {
    /// The new title.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = String, min_length = 1, max_length = 500)]
    pub title: Option<String>,
    /// The new profile; `null` for none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Id>)]
    pub render_profile: Option<Option<Id>>,
    /// Replaces the whole object.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Object)]
    pub meta: Option<Meta>,
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
