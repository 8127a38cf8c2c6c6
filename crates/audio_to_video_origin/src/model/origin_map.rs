use chrono::{DateTime, Utc};
use http_kit::FieldError;
use media_time::limits::MAX_INSTANT;
use media_time::{AssetTime, MediaTime, Window};
use media_v2::Meta;
use primitives::{Id, KeysetCursor};
use serde::{Deserialize, Serialize};

use super::clip_offset::ClipOffset;
use crate::ResolvedOrigin;

/// Maximum number of pieces of one map.
const MAX_CLIP_OFFSETS: usize = 1_000;

/// The window of the recording that an artifact's audio was taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OriginMap {
    /// The artifact that is mapped.
    pub audio_artifact_id: Id,
    /// The recording. It may differ from the artifact's own parent.
    pub parent_asset_id: Id,
    /// Start of the window, in milliseconds of the recording.
    #[serde(rename = "source_start_ms")]
    pub source_start: AssetTime,
    /// End of the window in milliseconds, exclusive.
    #[serde(rename = "source_end_ms")]
    pub source_end: AssetTime,
    /// The pieces of the window that the artifact consists of, in playback order; null: the whole window, once.
    pub clip_offsets: Option<Vec<ClipOffset>>,
    /// Time at which the artifact was first mapped.
    pub created_at: DateTime<Utc>,
    /// `found_by`: what found the map by the audio, with its version; empty for a map of a caller or detector.
    #[serde(default)]
    #[schema(value_type = Object, required)]
    pub meta: Meta,
}

/// An artifact's origin: its own map, or the result of following its upstream artifacts to a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ResolvedOriginMap {
    /// The result in the form of the artifact's own map.
    #[serde(flatten)]
    pub map: OriginMap,
    /// The artifacts from this one to the one that has the map; one artifact when the map is its own.
    pub chain: Vec<Id>,
}

impl ResolvedOriginMap {
    pub(crate) fn of(audio_artifact_id: Id, resolved: ResolvedOrigin) -> Self {
        let ResolvedOrigin { origin, chain, mapped_at, meta } = resolved;
        let map = OriginMap {
            audio_artifact_id,
            parent_asset_id: origin.asset_id,
            source_start: origin.window.start(),
            source_end: origin.window.end(),
            clip_offsets: origin.clip_offsets,
            created_at: mapped_at,
            meta,
        };
        Self { map, chain }
    }
}

/// A new [`OriginMap`], the input of [`store::insert_origin_maps`](crate::store::insert_origin_maps).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `OriginMap`")]
pub struct NewOriginMap {
    pub audio_artifact_id: Id,
    pub parent_asset_id: Id,
    pub source_start: AssetTime,
    pub source_end: AssetTime,
    pub clip_offsets: Option<Vec<ClipOffset>>,
}

/// Body of `PUT /audio/to-video-origin/origin-maps/{audio_artifact_id}`.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutOriginMap {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// The recording that contains the origin.
    pub parent_asset_id: Id,
    /// Start of the window, in milliseconds of the recording; not negative.
    #[serde(rename = "source_start_ms")]
    #[schema(value_type = f64, minimum = 0)]
    pub source_start: AssetTime,
    /// End of the window in milliseconds, exclusive: after the start, and not after a known duration.
    #[serde(rename = "source_end_ms")]
    #[schema(value_type = f64, exclusive_minimum = 0, maximum = 2_592_000_000.0)]
    pub source_end: AssetTime,
    /// The pieces of the window that the artifact consists of, in playback order, 1 to 1000; the whole window when null
    /// or absent.
    #[schema(min_items = 1, max_items = 1000)]
    pub clip_offsets: Option<Vec<ClipOffset>>,
}

http_kit::context_fields!(PutOriginMap);

impl PutOriginMap {
    /// The new map of the artifact with this id.
    #[must_use]
    pub fn of(self, audio_artifact_id: Id) -> NewOriginMap {
        NewOriginMap {
            audio_artifact_id,
            parent_asset_id: self.parent_asset_id,
            source_start: self.source_start,
            source_end: self.source_end,
            clip_offsets: self.clip_offsets,
        }
    }
}

impl NewOriginMap {
    /// A map of one whole window, of positive duration.
    #[must_use]
    pub fn new(audio_artifact_id: Id, parent_asset_id: Id, window: Window<AssetTime>) -> Self {
        Self {
            audio_artifact_id,
            parent_asset_id,
            source_start: window.start(),
            source_end: window.end(),
            clip_offsets: None,
        }
    }

    /// Violations of the rules that need no database; empty when valid.
    #[must_use]
    pub fn violations(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut refuse = |pointer: String, detail: &str| {
            errors.push(FieldError { pointer, detail: detail.to_owned() });
        };
        if self.source_start.is_negative() {
            refuse("/source_start_ms".into(), "must not be negative");
        }
        if self.source_end <= self.source_start {
            refuse("/source_end_ms".into(), "must be after source_start_ms");
        }
        if self.source_end.since_zero() > MAX_INSTANT {
            refuse("/source_end_ms".into(), "must be within thirty days");
        }
        let pieces = self.clip_offsets.as_deref().unwrap_or(&[]);
        if self.clip_offsets.is_some() && !(1..=MAX_CLIP_OFFSETS).contains(&pieces.len()) {
            refuse("/clip_offsets".into(), "must be null, or 1 to 1000 pieces");
        }
        let length = self.source_end - self.source_start;
        for (index, piece) in pieces.iter().take(MAX_CLIP_OFFSETS).enumerate() {
            if piece.offset.is_negative() {
                refuse(format!("/clip_offsets/{index}/offset_ms"), "must not be negative");
            }
            if piece.duration <= MediaTime::ZERO {
                refuse(format!("/clip_offsets/{index}/duration_ms"), "must be more than 0");
            } else if piece.offset + piece.duration > length {
                refuse(format!("/clip_offsets/{index}/duration_ms"), "the piece ends after source_end_ms");
            }
        }
        errors
    }
}

impl OriginMap {
    pub(crate) fn cursor(&self) -> KeysetCursor {
        KeysetCursor { key: self.created_at, id: self.audio_artifact_id.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(start: i64, end: i64, pieces: Option<&[(i64, i64)]>) -> Vec<String> {
        let ms = MediaTime::from_millis;
        let piece = |&(offset, duration)| ClipOffset { offset: ms(offset), duration: ms(duration) };
        let map = NewOriginMap {
            audio_artifact_id: "hit".parse().unwrap(),
            parent_asset_id: "film".parse().unwrap(),
            source_start: AssetTime::from_millis(start),
            source_end: AssetTime::from_millis(end),
            clip_offsets: pieces.map(|pieces| pieces.iter().map(piece).collect()),
        };
        map.violations().into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn origin_map_window_is_positive_and_contains_its_pieces() {
        let none: [&str; 0] = [];
        assert_eq!(violations(0, 1, None), none);
        assert_eq!(
            violations(10, 20, Some(&[(5, 5), (0, 10), (5, 1)])),
            none,
            "any order, repeated, overlapping"
        );
        assert_eq!(violations(-1, 1, None), ["/source_start_ms"]);
        assert_eq!(violations(5, 5, None), ["/source_end_ms"]);
        assert_eq!(violations(0, 31 * 24 * 3_600_000, None), ["/source_end_ms"]);
        assert_eq!(violations(0, 9, Some(&[])), ["/clip_offsets"]);
        assert_eq!(violations(0, 9, Some(&[(0, 1); 1_001])), ["/clip_offsets"]);
        assert_eq!(
            violations(10, 20, Some(&[(-1, 2), (0, 0), (9, 2)])),
            ["/clip_offsets/0/offset_ms", "/clip_offsets/1/duration_ms", "/clip_offsets/2/duration_ms"]
        );
    }
}
