//! Builds and serializes a shot list from the lookup's result. Expensive, so it runs on a worker thread.

use std::collections::BTreeMap;

use media_time::AssetTime;
use media_v2::Meta;
use primitives::Id;
use primitives::canonical_json;
use serde_json::value::RawValue;

use crate::lookup::{SourceLookup, SourcePosition};
use crate::plan::{Plan, Track};
use crate::semantics::Semantics;
use crate::shot_list::ShotList;
use crate::shots::{ArtifactMeta, SHOT_META, Shot, Source, shots};
use crate::store::Uses;
use crate::{Alignment, BACKEND_VERSION, Error, MAX_SHOT_LIST_BYTES, ShotListMeta};

/// Upper bound of the JSON size of a shot's fixed parts, in bytes.
const SHOT_BYTES: usize = 1_024;

/// A shot list that is not stored yet, with the rows to store with it.
pub(crate) struct Built {
    pub(crate) list: ShotList,
    pub(crate) uses: Uses,
    /// The recording of the first shot; `None` without shots.
    pub(crate) first_asset: Option<Id>,
}

/// Builds the shot list. `semantics` has an entry for each of the timelines found, in their order.
pub(crate) fn build(
    plan: &Plan,
    found: &SourceLookup,
    semantics: &[Semantics],
    alignment: Alignment,
    seed: Option<i64>,
) -> Result<Built, Error> {
    check_size(plan, found)?;
    let metas: Vec<Option<ArtifactMeta>> =
        found.positions.iter().map(artifact_meta).collect::<Result<_, _>>()?;
    let sources: Vec<Source<'_>> = found
        .positions
        .iter()
        .zip(&metas)
        .map(|(position, meta)| Source {
            asset_id: &position.asset_id,
            start: position.start,
            asset_duration: found.lengths.get(&position.asset_id).copied().flatten(),
            clip_offsets: position.clip_offsets.as_deref(),
            artifact: position.artifact.as_ref().map(|(id, _)| id).zip(meta.as_ref()),
            semantics: position.timeline.and_then(|timeline| semantics.get(timeline)),
        })
        .collect();
    let shots = shots(plan, &sources, alignment);
    let last = shots.iter().rev().find(|shot| shot.meta.semantic_version.is_some());
    let meta = ShotListMeta {
        count: shots.len(),
        backend_version: BACKEND_VERSION.to_owned(),
        seed,
        alignment,
        pattern_id: plan.pattern_id.clone(),
        sequence_id: plan.sequence_id.clone(),
        shot_list_hash: String::new(),
        semantic_version: last.and_then(|shot| shot.meta.semantic_version).map(str::to_owned),
        semantic_cache_key: last.and_then(|shot| shot.meta.semantic_cache_key).map(str::to_owned),
    };
    let list = ShotList::write(&shots, meta).map_err(Error::Unwritable)?;
    let first_asset = shots.first().map(|shot| shot.source_asset_id.clone());
    Ok(Built { list, uses: uses(&shots), first_asset })
}

/// Rejects a shot list that may be too large: long texts in few artifacts are repeated for every clip.
fn check_size(plan: &Plan, found: &SourceLookup) -> Result<(), Error> {
    let text = |text: Option<&str>| text.map_or(0, str::len);
    let size_of = |position: &SourcePosition| {
        let meta = position.artifact.as_ref().map_or(0, |(_, meta)| meta.get().len());
        let pieces = position.clip_offsets.as_ref().map_or(0, |pieces| 64 * pieces.len());
        meta + pieces
    };
    let sizes: Vec<usize> = found.positions.iter().map(size_of).collect();
    let track_size = |track: &Track| text(Some(&track.name)) + text(track.role.as_deref());
    let bytes: usize = plan
        .clips
        .iter()
        .map(|clip| {
            let track = clip.track.map_or(0, |track| track_size(&plan.tracks[track]));
            SHOT_BYTES + sizes[clip.source] + track + text(clip.label.as_deref())
        })
        .sum();
    if bytes > MAX_SHOT_LIST_BYTES { Err(Error::ShotListTooLarge) } else { Ok(()) }
}

/// The artifact's own meta, with each value serialized once.
fn artifact_meta(position: &SourcePosition) -> Result<Option<ArtifactMeta>, Error> {
    let Some((_, meta)) = &position.artifact else { return Ok(None) };
    let meta: Meta = serde_json::from_str(meta.get()).map_err(Error::Unwritable)?;
    let own = meta.into_iter().filter(|(name, _)| !SHOT_META.contains(&name.as_str()));
    let text = own.map(|(name, value)| Ok((name, RawValue::from_string(canonical_json(&value))?)));
    text.collect::<serde_json::Result<BTreeMap<_, _>>>().map(Some).map_err(Error::Unwritable)
}

fn uses(shots: &[Shot<'_>]) -> Uses {
    Uses {
        asset_ids: shots.iter().map(|shot| shot.source_asset_id.to_string()).collect(),
        starts_us: shots.iter().map(|shot| AssetTime::as_micros(shot.source_start)).collect(),
        ends_us: shots.iter().map(|shot| AssetTime::as_micros(shot.source_end)).collect(),
    }
}
