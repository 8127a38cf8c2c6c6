//! The one rule of where an artifact is from when no map leads to an origin.

use http_kit::Id;
use media_time::MediaTime;
use serde_json::Value;

use crate::LATEST;

/// What an artifact's own row says of where it is from.
#[derive(Clone, Copy, Debug)]
pub struct OwnFacts<'a> {
    /// The asset that it belongs to.
    pub parent_asset_id: &'a Id,
    /// Its begin, in its parent's time.
    pub start: Option<MediaTime>,
    /// Its end, in its parent's time.
    pub end: Option<MediaTime>,
    /// `meta.source_asset_id`, whatever it holds.
    pub source_asset_id: Option<&'a Value>,
    /// `meta.source_start_ms`, whatever it holds.
    pub source_start_ms: Option<&'a Value>,
    /// `meta.source_end_ms`, whatever it holds.
    pub source_end_ms: Option<&'a Value>,
}

/// Where an artifact is from by its own row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnOrigin {
    /// The recording.
    pub asset_id: Id,
    /// Where it starts there, when that is told.
    pub start: Option<MediaTime>,
    /// Where it ends there, when that is told; not before its start.
    pub end: Option<MediaTime>,
    /// Does the meta name the recording, or the start in it?
    pub is_mapped: bool,
}

/// A meta that names what cannot be a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("meta.source_asset_id is no id, or meta.source_start_ms and meta.source_end_ms are no window")]
pub struct InvalidOwnOrigin;

impl OwnFacts<'_> {
    /// The recording that the meta names, else the parent; there from `meta.source_start_ms` to `meta.source_end_ms`.
    /// The artifact's own begin stands in for the former in its parent alone, as it says nothing of another recording,
    /// which is taken from its beginning; the artifact's own length stands in for the latter.
    ///
    /// # Errors
    /// [`InvalidOwnOrigin`].
    pub fn origin(&self) -> Result<OwnOrigin, InvalidOwnOrigin> {
        let asset = told(self.source_asset_id, |told| told.as_str()?.parse::<Id>().ok())?;
        let start = told(self.source_start_ms, time)?;
        let end = told(self.source_end_ms, time)?;
        let is_mapped = asset.is_some() || start.is_some();
        let own_start = if asset.is_some() { Some(MediaTime::ZERO) } else { self.start };
        let start = start.or(own_start);
        if start.zip(end).is_some_and(|(start, end)| end < start) {
            return Err(InvalidOwnOrigin);
        }
        let length = self.start.zip(self.end).map(|(start, end)| end - start);
        let length = length.filter(|length| !length.is_negative());
        let end = end.or_else(|| Some(start? + length?));
        Ok(OwnOrigin {
            asset_id: asset.unwrap_or_else(|| self.parent_asset_id.clone()),
            start,
            end,
            is_mapped,
        })
    }
}

fn time(told: &Value) -> Option<MediaTime> {
    let time = MediaTime::try_from_millis_f64(told.as_f64()?).ok()?;
    (MediaTime::ZERO..=LATEST).contains(&time).then_some(time)
}

/// What `read` makes of a fact that is there and not null.
fn told<T>(fact: Option<&Value>, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, InvalidOwnOrigin> {
    match fact {
        None | Some(Value::Null) => Ok(None),
        Some(fact) => read(fact).map(Some).ok_or(InvalidOwnOrigin),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Of an artifact from 2 to 3 s of `film`: asset, start and end in ms, and whether its meta told.
    fn origin(meta: &Value) -> Result<(String, Option<i64>, Option<i64>, bool), InvalidOwnOrigin> {
        let parent = "film".parse().unwrap();
        let facts = OwnFacts {
            parent_asset_id: &parent,
            start: Some(MediaTime::from_millis(2_000)),
            end: Some(MediaTime::from_millis(3_000)),
            source_asset_id: meta.get("source_asset_id"),
            source_start_ms: meta.get("source_start_ms"),
            source_end_ms: meta.get("source_end_ms"),
        };
        let millis = |time: Option<MediaTime>| time.map(MediaTime::as_millis_floor);
        let origin = facts.origin()?;
        Ok((origin.asset_id.to_string(), millis(origin.start), millis(origin.end), origin.is_mapped))
    }

    #[test]
    fn the_meta_goes_before_the_artifacts_own_window() {
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
    fn what_cannot_be_a_source_is_refused() {
        for meta in [
            json!({"source_asset_id": 7}),
            json!({"source_asset_id": "a|b"}),
            json!({"source_start_ms": -1}),
            json!({"source_start_ms": "2"}),
            json!({"source_start_ms": 5, "source_end_ms": 4}),
            json!({"source_end_ms": 1_999}),
        ] {
            assert_eq!(origin(&meta), Err(InvalidOwnOrigin), "{meta}");
        }
    }

    #[test]
    fn without_times_there_is_no_window() {
        let parent = "film".parse().unwrap();
        let facts = OwnFacts {
            parent_asset_id: &parent,
            start: None,
            end: None,
            source_asset_id: None,
            source_start_ms: None,
            source_end_ms: None,
        };
        let expected = OwnOrigin { asset_id: parent.clone(), start: None, end: None, is_mapped: false };
        assert_eq!(facts.origin(), Ok(expected));
    }
}
