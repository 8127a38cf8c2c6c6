//! Builds and serializes a shot list from the lookup's result. Expensive, so it runs on a worker thread.

use std::collections::BTreeMap;

use media_time::AssetTime;
use media_v2::Meta;
use primitives::Id;
use primitives::canonical_json;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::lookup::{SourceLookup, SourcePosition};
use crate::parts::part_count;
use crate::plan::{Plan, Track};
use crate::semantics::Semantics;
use crate::shot_list::ShotList;
use crate::shots::{ArtifactMeta, SHOT_META, Shot, Source, shots};
use crate::store::Uses;
use crate::{
    Alignment, BACKEND_VERSION, Error, MAX_CLIPS, MAX_SHOT_LIST_BYTES, NewShotList, ShotListMeta, VideoShot,
};

/// Version of the division of clips into the pieces of their sources.
const PIECES_VERSION: &str = "pieces_v1";
/// Upper bound of the JSON size of a shot's fixed parts, in bytes.
const SHOT_BYTES: usize = 1_024;

/// A shot list that is not stored yet, with the rows to store with it.
pub(crate) struct Built {
    pub(crate) list: ShotList,
    pub(crate) uses: Uses,
    /// The recording of the first shot; `None` without shots.
    pub(crate) first_asset: Option<Id>,
}

impl Built {
    fn new(list: ShotList, shots: &[impl ShownWindow]) -> Self {
        let first_asset = shots.first().map(|shot| shot.shown().0.clone());
        let (mut asset_ids, mut starts_us, mut ends_us) = (Vec::new(), Vec::new(), Vec::new());
        for (asset_id, start, end) in shots.iter().map(ShownWindow::shown) {
            asset_ids.push(asset_id.to_string());
            starts_us.push(start.as_micros());
            ends_us.push(end.as_micros());
        }
        Self { list, uses: Uses { asset_ids, starts_us, ends_us }, first_asset }
    }
}

/// The recording of a shot, and start and end of its window in it.
trait ShownWindow {
    fn shown(&self) -> (&Id, AssetTime, AssetTime);
}

impl ShownWindow for Shot<'_> {
    fn shown(&self) -> (&Id, AssetTime, AssetTime) {
        (self.source_asset_id, self.source_start, self.source_end)
    }
}

impl ShownWindow for VideoShot {
    fn shown(&self) -> (&Id, AssetTime, AssetTime) {
        (&self.source_asset_id, self.source_start, self.source_end)
    }
}

/// Serializes the shots of another engine, with the same limits as those of sequences.
pub(crate) fn build_given(new: &NewShotList) -> Result<Built, Error> {
    if new.shots.len() > MAX_CLIPS {
        return Err(Error::TooManyClips { clips: new.shots.len() });
    }
    let last =
        new.shots.iter().rev().find(|shot| shot.meta.get("semantic_version").is_some_and(Value::is_string));
    let of_last = |name: &str| last.and_then(|shot| shot.meta.get(name)?.as_str().map(str::to_owned));
    let meta = ShotListMeta {
        count: new.shots.len(),
        backend_version: new.backend_version.clone(),
        seed: new.seed,
        alignment: Alignment::None,
        pattern_id: None,
        sequence_id: None,
        shot_list_hash: String::new(),
        semantic_version: of_last("semantic_version"),
        semantic_cache_key: of_last("semantic_cache_key"),
    };
    let list = ShotList::write(&new.shots, meta).map_err(Error::Unwritable)?;
    if list.byte_len() > MAX_SHOT_LIST_BYTES {
        return Err(Error::ShotListTooLarge);
    }
    Ok(Built::new(list, &new.shots))
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
        backend_version: version(&sources),
        seed,
        alignment,
        pattern_id: plan.pattern_id.clone(),
        sequence_id: plan.sequence_id.clone(),
        shot_list_hash: String::new(),
        semantic_version: last.and_then(|shot| shot.meta.semantic_version).map(str::to_owned),
        semantic_cache_key: last.and_then(|shot| shot.meta.semantic_cache_key).map(str::to_owned),
    };
    let list = ShotList::write(&shots, meta).map_err(Error::Unwritable)?;
    Ok(Built::new(list, &shots))
}

/// The version of the algorithm. Lists with pieces of origins had one shot for each clip in version 1, all others are as
/// they were.
fn version(sources: &[Source<'_>]) -> String {
    let has_pieces = sources.iter().any(|source| source.clip_offsets.is_some());
    if has_pieces { format!("{BACKEND_VERSION}+{PIECES_VERSION}") } else { BACKEND_VERSION.to_owned() }
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
    let (mut count, mut bytes) = (0_usize, 0_usize);
    for clip in &plan.clips {
        let position = &found.positions[clip.source];
        let shots = part_count(clip, position.clip_offsets.as_deref());
        let track = clip.track.map_or(0, |track| track_size(&plan.tracks[track]));
        let size = SHOT_BYTES + sizes[clip.source] + track + text(clip.label.as_deref());
        count += shots;
        bytes = bytes.saturating_add(size.saturating_mul(shots));
        if count > MAX_CLIPS {
            return Err(Error::TooManyClips { clips: count });
        }
        if bytes > MAX_SHOT_LIST_BYTES {
            return Err(Error::ShotListTooLarge);
        }
    }
    Ok(())
}

/// The artifact's own meta, with each value serialized once.
fn artifact_meta(position: &SourcePosition) -> Result<Option<ArtifactMeta>, Error> {
    let Some((_, meta)) = &position.artifact else { return Ok(None) };
    let meta: Meta = serde_json::from_str(meta.get()).map_err(Error::Unwritable)?;
    let own = meta.into_iter().filter(|(name, _)| !SHOT_META.contains(&name.as_str()));
    let text = own.map(|(name, value)| Ok((name, RawValue::from_string(canonical_json(&value))?)));
    text.collect::<serde_json::Result<BTreeMap<_, _>>>().map(Some).map_err(Error::Unwritable)
}
