//! A serialized shot list: written once, then stored, hashed and sent from the same bytes.

use bytes::Bytes;
use media_time::{AssetTime, TimelineTime};
use primitives::Id;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::{PatternShot, ShotListMeta, VideoShot};

/// A shot list: its shots as JSON text, which may be tens of megabytes, and its meta.
#[derive(Clone, Debug, PartialEq)]
pub struct ShotList {
    /// The artifact that stores it; `None` when it has no shots.
    pub artifact_id: Option<Id>,
    /// Summary of the list and of its request.
    pub meta: ShotListMeta,
    /// The shots as a JSON array.
    shots: Bytes,
}

impl ShotList {
    /// Serializes a new list and sets `meta.shot_list_hash`.
    pub(crate) fn write(shots: &[impl Serialize], mut meta: ShotListMeta) -> serde_json::Result<Self> {
        let shots = serde_json::to_vec(shots)?;
        meta.shot_list_hash = String::new();
        let hash = Sha256::new().chain_update(serde_json::to_vec(&meta)?).chain_update(&shots);
        meta.shot_list_hash = hex::encode(hash.finalize());
        Ok(Self { artifact_id: None, meta, shots: shots.into() })
    }

    /// Size of the shots in bytes of JSON.
    pub(crate) fn byte_len(&self) -> usize {
        self.shots.len()
    }

    /// Parses the output of [`ShotList::stored`].
    pub(crate) fn read(artifact_id: Id, stored: &Bytes) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Stored<'a> {
            #[serde(borrow)]
            shots: &'a RawValue,
            meta: ShotListMeta,
        }
        let Stored { shots, meta } = serde_json::from_slice(stored)?;
        let shots = stored.slice_ref(shots.get().as_bytes());
        Ok(Self { artifact_id: Some(artifact_id), meta, shots })
    }

    /// The stored JSON, in pieces.
    pub(crate) fn stored(&self) -> serde_json::Result<[Bytes; 3]> {
        let tail = format!(r#","meta":{}}}"#, serde_json::to_string(&self.meta)?);
        Ok([Bytes::from_static(br#"{"shots":"#), self.shots.clone(), tail.into()])
    }

    /// The JSON of a [`ShotListResult`](crate::ShotListResult), in pieces.
    pub(crate) fn answer(&self) -> serde_json::Result<[Bytes; 3]> {
        let artifact = serde_json::to_string(&self.artifact_id)?;
        let meta = serde_json::to_string(&self.meta)?;
        let tail = format!(r#","shot_list_artifact_id":{artifact},"meta":{meta}}}"#);
        Ok([Bytes::from_static(br#"{"shots":"#), self.shots.clone(), tail.into()])
    }

    /// Parses the shots.
    ///
    /// # Errors
    /// When a caller registered the list with invalid shots.
    pub fn shots(&self) -> serde_json::Result<Vec<VideoShot>> {
        serde_json::from_slice(&self.shots)
    }

    /// Parses the shots into the format of the p10 phase.
    ///
    /// # Errors
    /// As [`ShotList::shots`].
    pub fn pattern_shots(&self) -> serde_json::Result<Vec<PatternShot>> {
        #[derive(Deserialize)]
        struct Times {
            source_asset_id: Id,
            #[serde(rename = "source_start_ms")]
            source_start: AssetTime,
            #[serde(rename = "source_end_ms")]
            source_end: AssetTime,
            #[serde(rename = "target_start_ms")]
            target_start: TimelineTime,
        }
        let shots: Vec<Times> = serde_json::from_slice(&self.shots)?;
        let form = |shot: Times| PatternShot {
            asset_id: shot.source_asset_id,
            start: shot.source_start,
            end: shot.source_end,
            target_time_on_pattern: shot.target_start,
        };
        Ok(shots.into_iter().map(form).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Alignment, ShotListResult};

    fn meta() -> ShotListMeta {
        ShotListMeta {
            count: 1,
            backend_version: "v".into(),
            seed: Some(7),
            alignment: Alignment::Beat,
            pattern_id: None,
            sequence_id: Some("s".parse().unwrap()),
            shot_list_hash: "whatever".into(),
            semantic_version: None,
            semantic_cache_key: None,
        }
    }

    fn list() -> ShotList {
        let shot = json!({
            "source_asset_id": "film", "source_start_ms": 0.5, "source_end_ms": 2, "target_start_ms": 1,
            "target_duration_ms": 1.5, "meta": {"b": 1, "a": [1e300]},
        });
        ShotList::write(&[shot], meta()).unwrap()
    }

    #[test]
    fn shot_list_round_trips_through_storage() {
        let list = list();
        let stored = Bytes::from(list.stored().unwrap().concat());
        let read = ShotList::read("artifact_1".parse().unwrap(), &stored).unwrap();
        assert_eq!((&read.meta, &read.shots), (&list.meta, &list.shots));
        let answer: ShotListResult = serde_json::from_slice(&read.answer().unwrap().concat()).unwrap();
        assert_eq!(answer.shots, read.shots().unwrap());
        assert_eq!((answer.shot_list_artifact_id, answer.meta), (read.artifact_id, read.meta));
    }

    #[test]
    fn shot_list_hash_covers_shots_and_meta() {
        let first = list().meta.shot_list_hash;
        assert_eq!(first, list().meta.shot_list_hash);
        assert_eq!(first.len(), 64);
        let other = ShotList::write(&[1], meta()).unwrap().meta.shot_list_hash;
        assert_ne!(first, other);
        let reseeded = ShotList::write(&[1], ShotListMeta { seed: None, ..meta() }).unwrap();
        assert_ne!(other, reseeded.meta.shot_list_hash);
    }

    #[test]
    fn p10_format_has_windows_and_target_times() {
        let p10 = serde_json::to_value(list().pattern_shots().unwrap()).unwrap();
        let shot = json!({"asset_id": "film", "start_ms": 0.5, "end_ms": 2, "target_time_on_pattern": 1});
        assert_eq!(p10, json!([shot]));
    }
}
