use chrono::{DateTime, Utc};
use http_kit::FieldError;
use media_time::AssetTime;
use media_time::limits::MAX_INSTANT;
use primitives::{Id, KeysetCursor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::content::{Content, Meta};
use super::kind::ArtifactKind;
use crate::canonical::pipeline_hash;

/// Something derived from an asset: a measurement, a cut, a render.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Artifact {
    /// Id of the artifact, unique within the owner.
    pub id: Id,
    /// The asset that it was derived from.
    pub parent_asset_id: Id,
    /// The tenant that owns it.
    pub tenant_id: Id,
    /// The owner's environment, e.g. `prod`.
    pub env: Id,
    /// The kind of the artifact.
    pub kind: ArtifactKind,
    /// URI of the bytes.
    pub uri: String,
    /// Start of the window of the parent asset that it covers, in milliseconds.
    #[serde(rename = "start_ms")]
    pub start: Option<AssetTime>,
    /// End of that window (exclusive), in milliseconds.
    #[serde(rename = "end_ms")]
    pub end: Option<AssetTime>,
    /// The caller's label of the track.
    pub track_label: Option<String>,
    /// The artifacts that it was derived from, in the given order.
    pub upstream_artifact_ids: Vec<Id>,
    /// SHA-256 of the bytes, lower-case hex.
    pub content_sha256: Option<String>,
    /// Time when it was registered.
    pub created_at: DateTime<Utc>,
    /// How it was made: always `pipeline_hash` (SHA-256 of the canonical JSON of everything that produced it) and
    /// `backend_version`; for a measurement also `model_used`, `cache_key` and `duration_ms`.
    #[schema(value_type = Object)]
    pub meta: Meta,
}

/// A new [`Artifact`] for [`store::insert_artifacts`](crate::store::insert_artifacts), which adds the id, owner and
/// time.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of `Artifact`")]
pub struct NewArtifact {
    /// Id of the artifact; generated when `None`.
    pub id: Option<Id>,
    pub parent_asset_id: Id,
    pub kind: ArtifactKind,
    pub uri: String,
    pub start: Option<AssetTime>,
    pub end: Option<AssetTime>,
    pub track_label: Option<String>,
    /// Upstream artifacts; duplicates are removed.
    pub upstream_artifact_ids: Vec<Id>,
    pub content_sha256: Option<String>,
    /// Size of the bytes at `uri`, if they are in the blob store; for the figures of the owner.
    pub size_bytes: Option<u64>,
    pub meta: Meta,
}

/// Members of the meta that measurements require in addition to those of all artifacts, and whether they are text.
const MEASUREMENT_META: [(&str, bool); 3] =
    [("model_used", true), ("cache_key", true), ("duration_ms", false)];
/// Longest cache key, in bytes. It is indexed, and Postgres rejects index entries of more than 2 704 bytes.
const MAX_CACHE_KEY: usize = 2_000;

impl NewArtifact {
    /// An artifact with its bytes at `uri`, made by `backend_version`. `produced_by` is everything that determines the
    /// result; `meta.pipeline_hash` is its hash. Set the other fields as needed.
    #[must_use]
    pub fn new(
        kind: ArtifactKind,
        parent_asset_id: Id,
        uri: String,
        backend_version: &str,
        produced_by: &Value,
    ) -> Self {
        let mut meta = Meta::new();
        meta.insert("pipeline_hash".to_owned(), pipeline_hash(produced_by).into());
        meta.insert("backend_version".to_owned(), backend_version.into());
        Self {
            id: None,
            parent_asset_id,
            kind,
            uri,
            start: None,
            end: None,
            track_label: None,
            upstream_artifact_ids: Vec::new(),
            content_sha256: None,
            size_bytes: None,
            meta,
        }
    }

    /// The broken rules, among those that can be checked without the database; empty when the artifact is valid.
    #[must_use]
    pub fn violations(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut refuse = |pointer: &str, detail: &str| {
            errors.push(FieldError { pointer: pointer.to_owned(), detail: detail.to_owned() });
        };
        for name in ["backend_version", "pipeline_hash"] {
            if !is_text(self.meta.get(name)) {
                refuse(&format!("/meta/{name}"), "must be a non-empty text");
            }
        }
        if self.kind.is_measurement() {
            for (name, text) in MEASUREMENT_META {
                let value = self.meta.get(name);
                if text && !is_text(value) {
                    refuse(&format!("/meta/{name}"), &format!("{} requires a non-empty text", self.kind));
                }
                if !text && value.and_then(Value::as_f64).is_none_or(|number| number < 0.0) {
                    refuse(&format!("/meta/{name}"), &format!("{} requires a number from 0 on", self.kind));
                }
            }
            if self.meta.get("cache_key").and_then(Value::as_str).is_some_and(|key| key.len() > MAX_CACHE_KEY)
            {
                refuse("/meta/cache_key", &format!("is longer than {MAX_CACHE_KEY} bytes"));
            }
            if !is_source(self.meta.get("source_artifact_id"), &self.upstream_artifact_ids) {
                refuse("/meta/source_artifact_id", "must be null or one of upstream_artifact_ids");
            }
        }
        if self.start.is_some_and(AssetTime::is_negative) {
            refuse("/start_ms", "must not be negative");
        }
        if self.end.is_some_and(|end| end < self.start.unwrap_or_default()) {
            refuse("/end_ms", "must not be before start_ms");
        }
        if self.end.max(self.start).is_some_and(|end| end.since_zero() > MAX_INSTANT) {
            refuse("/end_ms", "must not be later than 30 days into the recording");
        }
        errors
    }
}

fn is_text(value: Option<&Value>) -> bool {
    value.and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

/// Whether `meta.source_artifact_id` is null or one of the upstream artifacts. Measurements of an artifact, rather than
/// of the asset itself, are found by it.
fn is_source(value: Option<&Value>, upstream: &[Id]) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => upstream.iter().any(|id| id.as_str() == text),
        Some(_) => false,
    }
}

impl Artifact {
    /// The content of the artifact: URI, owner and media type of its bytes.
    #[must_use]
    pub fn content(&self) -> Content<'_> {
        let text = |name: &str| self.meta.get(name).and_then(Value::as_str);
        Content {
            tenant_id: &self.tenant_id,
            env: &self.env,
            uri: &self.uri,
            sha256: self.content_sha256.as_deref(),
            size_bytes: None,
            media_type: text("media_type").unwrap_or(self.kind.media_type()),
            file_name: text("file_name"),
            decoder: None,
            file: None,
        }
    }

    pub(crate) fn cursor(&self) -> KeysetCursor {
        KeysetCursor { key: self.created_at, id: self.id.clone() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn transcript(meta: Value) -> Vec<String> {
        let parent = "asset_1".parse().unwrap();
        let mut artifact =
            NewArtifact::new(ArtifactKind::AsrTranscript, parent, "blob://x".to_owned(), "b1", &json!({}));
        artifact.meta.extend(meta.as_object().unwrap().clone());
        artifact.violations().into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn measurement_requires_provenance_meta() {
        let complete = json!({"model_used": "tiny", "cache_key": "a|b", "duration_ms": 1000.5});
        assert!(transcript(complete).is_empty());
        assert_eq!(transcript(json!({})), ["/meta/model_used", "/meta/cache_key", "/meta/duration_ms"]);
        let wrong = json!({"model_used": "", "cache_key": "k".repeat(2001), "duration_ms": "1"});
        assert_eq!(transcript(wrong), ["/meta/model_used", "/meta/duration_ms", "/meta/cache_key"]);
        assert_eq!(transcript(json!({"backend_version": null}))[0], "/meta/backend_version");
        let foreign =
            json!({"model_used": "t", "cache_key": "k", "duration_ms": 1, "source_artifact_id": "art_1"});
        assert_eq!(transcript(foreign), ["/meta/source_artifact_id"], "not among the upstream artifacts");
    }

    #[test]
    fn window_must_not_end_before_it_starts() {
        let parent = "asset_1".parse().unwrap();
        let mut hit =
            NewArtifact::new(ArtifactKind::AudioHit, parent, "blob://x".to_owned(), "b1", &json!({}));
        hit.start = Some(AssetTime::from_millis(5));
        hit.end = Some(AssetTime::from_millis(4));
        assert_eq!(hit.violations()[0].pointer, "/end_ms");
        hit.end = hit.start;
        assert!(hit.violations().is_empty());
        hit.end = Some(AssetTime::MAX);
        assert_eq!(hit.violations()[0].pointer, "/end_ms");
    }
}
