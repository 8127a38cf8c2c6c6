//! Derives an artifact's origin from its own row, for artifacts without an origin map.

use media_time::limits::MAX_INSTANT;
use media_time::{AssetTime, MediaTime};
use primitives::Id;
use serde_json::Value;

/// The fields of an artifact's own row that declare its origin.
#[derive(Clone, Copy, Debug)]
pub struct DeclaredFields<'a> {
    /// The artifact's parent asset.
    pub parent_asset_id: &'a Id,
    /// Start of the artifact in its parent, if known.
    pub start: Option<AssetTime>,
    /// End of the artifact in its parent, if known.
    pub end: Option<AssetTime>,
    /// `meta.source_asset_id`, not validated yet.
    pub source_asset_id: Option<&'a Value>,
    /// `meta.source_start_ms`, not validated yet.
    pub source_start_ms: Option<&'a Value>,
    /// `meta.source_end_ms`, not validated yet.
    pub source_end_ms: Option<&'a Value>,
}

/// The origin that an artifact's own row declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredOrigin {
    /// The recording that contains the origin.
    pub asset_id: Id,
    /// Start in the recording, if known.
    pub start: Option<AssetTime>,
    /// End in the recording, if known; not before the start.
    pub end: Option<AssetTime>,
    /// Whether the meta names the recording, or the start in it.
    pub is_mapped: bool,
}

/// The meta of an artifact declares an invalid source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("meta.source_asset_id is not an id, or meta.source_start_ms and meta.source_end_ms are not a window")]
pub struct InvalidDeclaredOrigin;

impl DeclaredFields<'_> {
    /// The window from `meta.source_start_ms` to `meta.source_end_ms` of the recording that the meta names, else of the
    /// parent. Without a declared start it is the artifact's own start in its parent, or 0 in another recording, to
    /// which the artifact's own start does not apply. Without a declared end it follows from the artifact's own
    /// duration.
    ///
    /// # Errors
    /// [`InvalidDeclaredOrigin`] for an invalid id, time or window.
    pub fn origin(&self) -> Result<DeclaredOrigin, InvalidDeclaredOrigin> {
        let asset = field(self.source_asset_id, |value| value.as_str()?.parse::<Id>().ok())?;
        let start = field(self.source_start_ms, time)?;
        let end = field(self.source_end_ms, time)?;
        let is_mapped = asset.is_some() || start.is_some();
        let own_start = if asset.is_some() { Some(AssetTime::ZERO) } else { self.start };
        let start = start.or(own_start);
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            return Err(InvalidDeclaredOrigin);
        }
        let length = self.start.zip(self.end).map(|(start, end)| end - start);
        let length = length.filter(|length| !length.is_negative());
        let end = end.or_else(|| Some(start? + length?));
        Ok(DeclaredOrigin {
            asset_id: asset.unwrap_or_else(|| self.parent_asset_id.clone()),
            start,
            end,
            is_mapped,
        })
    }
}

fn time(value: &Value) -> Option<AssetTime> {
    let time = MediaTime::try_from_millis_f64(value.as_f64()?).ok()?;
    (MediaTime::ZERO..=MAX_INSTANT).contains(&time).then_some(AssetTime::at(time))
}

/// Parses a field with `read` if it is present and not null.
fn field<T>(
    fact: Option<&Value>,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Option<T>, InvalidDeclaredOrigin> {
    match fact {
        None | Some(Value::Null) => Ok(None),
        Some(fact) => read(fact).map(Some).ok_or(InvalidDeclaredOrigin),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Origin of an artifact at 2 to 3 s of `film`: asset, start and end in ms, and whether its meta declares it.
    fn origin(meta: &Value) -> Result<(String, Option<i64>, Option<i64>, bool), InvalidDeclaredOrigin> {
        let parent = "film".parse().unwrap();
        let declared = DeclaredFields {
            parent_asset_id: &parent,
            start: Some(AssetTime::from_millis(2_000)),
            end: Some(AssetTime::from_millis(3_000)),
            source_asset_id: meta.get("source_asset_id"),
            source_start_ms: meta.get("source_start_ms"),
            source_end_ms: meta.get("source_end_ms"),
        };
        let millis = |time: Option<AssetTime>| time.map(|time| time.since_zero().as_millis_floor());
        let origin = declared.origin()?;
        Ok((origin.asset_id.to_string(), millis(origin.start), millis(origin.end), origin.is_mapped))
    }

    #[test]
    fn own_origin_prefers_the_meta_to_the_artifacts_window() {
        for (meta, asset, start, end, is_mapped) in [
            (json!({}), "film", 2_000, 3_000, false),
            (json!({"source_start_ms": 500}), "film", 500, 1_500, true),
            (json!({"source_start_ms": 500, "source_end_ms": 700}), "film", 500, 700, true),
            (json!({"source_end_ms": 2_100}), "film", 2_000, 2_100, false),
            (json!({"source_asset_id": "take"}), "take", 0, 1_000, true),
            (json!({"source_asset_id": "take", "source_start_ms": null}), "take", 0, 1_000, true),
            (json!({"source_asset_id": "take", "source_start_ms": 40.5}), "take", 40, 1_040, true),
        ] {
            let expected = (asset.to_owned(), Some(start), Some(end), is_mapped);
            assert_eq!(origin(&meta), Ok(expected), "{meta}");
        }
    }

    #[test]
    fn own_origin_rejects_invalid_sources() {
        for meta in [
            json!({"source_asset_id": 7}),
            json!({"source_asset_id": "a|b"}),
            json!({"source_start_ms": -1}),
            json!({"source_start_ms": "2"}),
            json!({"source_start_ms": 5, "source_end_ms": 4}),
            json!({"source_end_ms": 1_999}),
        ] {
            assert_eq!(origin(&meta), Err(InvalidDeclaredOrigin), "{meta}");
        }
    }

    #[test]
    fn own_origin_without_times_has_no_window() {
        let parent = "film".parse().unwrap();
        let declared = DeclaredFields {
            parent_asset_id: &parent,
            start: None,
            end: None,
            source_asset_id: None,
            source_start_ms: None,
            source_end_ms: None,
        };
        let expected = DeclaredOrigin { asset_id: parent.clone(), start: None, end: None, is_mapped: false };
        assert_eq!(declared.origin(), Ok(expected));
    }
}
