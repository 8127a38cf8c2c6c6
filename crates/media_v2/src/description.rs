//! The caller's description of an asset, and its fields as texts of forms and upload metadata.

use http_kit::parse_json_text;
use primitives::Id;

use crate::rules::Checks;
use crate::{AssetKind, MediaError, Meta, NewAsset, UnknownKind};

/// The caller's description of an asset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// The kind; detected from the bytes when `None`.
    pub kind: Option<AssetKind>,
    /// Tags, by which assets can be listed.
    pub tags: Vec<String>,
    /// The caller's own reference.
    pub source_ref: Option<String>,
    /// The caller's own metadata.
    pub meta: Meta,
}

impl Description {
    /// Members of the metadata that the service sets at registration; they stay when the caller's are replaced.
    pub(crate) const OWN_META: [&str; 3] = ["file_name", "media_type", "fetched_from"];

    /// Names of the fields in forms and upload metadata.
    pub(crate) const FIELDS: [&str; 4] = ["kind", "source_ref", "tags", "meta"];

    /// Sets the field `name`, one of [`Description::FIELDS`], from its text. Tags and members of `meta` are added.
    ///
    /// # Errors
    /// [`MediaError::Invalid`] for an invalid text, another name, or a second `kind` or `source_ref`.
    pub(crate) fn set(&mut self, name: &str, text: String) -> Result<(), MediaError> {
        match name {
            "kind" => {
                let kind = text.parse();
                let kind =
                    kind.map_err(|error: UnknownKind| MediaError::field("/kind", error.to_string()))?;
                once(name, &mut self.kind, kind)
            }
            "source_ref" => once(name, &mut self.source_ref, text),
            "tags" => {
                self.tags.extend(tags(&text)?);
                Ok(())
            }
            "meta" => {
                let meta = parse_json_text(&text);
                let meta =
                    meta.map_err(|error| MediaError::field("/meta", format!("not a JSON object: {error}")))?;
                self.meta.extend::<Meta>(meta);
                Ok(())
            }
            other => Err(MediaError::field(format!("/{other}"), "unknown field")),
        }
    }

    /// A new asset with this description, without its bytes.
    ///
    /// # Errors
    /// [`MediaError::Invalid`] for values that a row cannot have.
    pub(crate) fn into_asset(self, user_id: Option<Id>) -> Result<NewAsset, MediaError> {
        let mut checks = Checks::default();
        checks.tags(&self.tags);
        checks.text("/source_ref", self.source_ref.as_deref());
        checks.meta(&self.meta);
        checks.finish()?;
        Ok(NewAsset {
            user_id,
            kind: self.kind,
            tags: distinct(self.tags),
            source_ref: self.source_ref,
            meta: self.meta,
            ..NewAsset::default()
        })
    }
}

/// Removes repeated tags; the order stays.
fn distinct(mut tags: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
    tags
}

/// Changes of an asset's description; `None` leaves a value as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescriptionChanges {
    /// The new tags, in place of all.
    pub tags: Option<Vec<String>>,
    /// The new reference; `Some(None)` removes it.
    pub source_ref: Option<Option<String>>,
    /// The new metadata, in place of all members but `file_name` and `media_type`.
    pub meta: Option<Meta>,
}

impl DescriptionChanges {
    /// The changes with each tag once, and without members of the metadata that the service sets.
    ///
    /// # Errors
    /// [`MediaError::Invalid`] for values that a row cannot have: the limits are those of new assets.
    pub(crate) fn checked(self) -> Result<Self, MediaError> {
        let Self { tags, source_ref, mut meta } = self;
        let mut checks = Checks::default();
        checks.tags(tags.as_deref().unwrap_or_default());
        checks.text("/source_ref", source_ref.as_ref().and_then(Option::as_deref));
        if let Some(meta) = &mut meta {
            checks.meta(meta);
            meta.retain(|name, _| !Description::OWN_META.contains(&name.as_str()));
        }
        checks.finish()?;
        Ok(Self { tags: tags.map(distinct), source_ref, meta })
    }
}

/// Parses tags: a JSON array of texts, or a list separated by commas.
fn tags(text: &str) -> Result<Vec<String>, MediaError> {
    if text.trim_start().starts_with('[') {
        let parsed = parse_json_text(text);
        return parsed
            .map_err(|error| MediaError::field("/tags", format!("not a JSON array of texts: {error}")));
    }
    Ok(text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect())
}

/// Sets a field that may be given once.
///
/// # Errors
/// [`MediaError::Invalid`] when it has a value already.
pub(crate) fn once<T>(name: &str, slot: &mut Option<T>, value: T) -> Result<(), MediaError> {
    match slot.replace(value) {
        Some(_) => Err(MediaError::field(format!("/{name}"), "is given twice")),
        None => Ok(()),
    }
}
