use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;

use async_trait::async_trait;
use media_time::limits::LENGTH_TOLERANCE;
use media_time::{AssetTime, MediaTime};
use primitives::{Id, Scope};

use crate::error::{Entity, Error};
use crate::model::Clip;

/// Looks up the assets and artifacts that clips refer to.
///
/// A timeline in the same process as the media store checks clips against it before storing them. A timeline that
/// serves other processes only has no catalogue, and accepts ids and windows unchecked.
#[async_trait]
pub trait MediaCatalogue: Send + Sync + Debug {
    /// Returns those of `assets` that the owner has, each with its duration if known.
    ///
    /// # Errors
    /// [`Error::Database`].
    async fn durations(&self, scope: &Scope, assets: &[Id]) -> Result<HashMap<Id, Option<MediaTime>>, Error>;

    /// Returns those of `artifacts` that the owner has, each with the assets whose clips may represent it: its parent
    /// asset, and the asset of its origin.
    ///
    /// # Errors
    /// [`Error::Database`].
    async fn assets_of(&self, scope: &Scope, artifacts: &[Id]) -> Result<HashMap<Id, Vec<Id>>, Error>;
}

/// Checks the assets and artifacts of `clips` with a constant number of calls. `at` returns the JSON pointer of the
/// object that the clip with a given index was read from.
///
/// # Errors
/// [`Error::NotFound`] naming the first asset or artifact that the owner does not have; [`Error::Invalid`] for the
/// first clip that ends after its asset, or represents an artifact of another one.
pub(crate) async fn check(
    catalogue: Option<&dyn MediaCatalogue>,
    scope: &Scope,
    clips: &[Clip],
    at: impl Fn(usize) -> String,
) -> Result<(), Error> {
    let Some(catalogue) = catalogue.filter(|_| !clips.is_empty()) else { return Ok(()) };
    let assets = distinct(clips.iter().map(|clip| &clip.asset_id));
    let durations = catalogue.durations(scope, &assets).await?;
    if let Some(id) = assets.iter().find(|id| !durations.contains_key(*id)) {
        return Err(Error::not_found(Entity::Asset, id));
    }
    let artifacts = distinct(clips.iter().filter_map(|clip| clip.artifact_id.as_ref()));
    let mut assets_of = HashMap::new();
    if !artifacts.is_empty() {
        assets_of = catalogue.assets_of(scope, &artifacts).await?;
    }
    if let Some(id) = artifacts.iter().find(|id| !assets_of.contains_key(*id)) {
        return Err(Error::not_found(Entity::Artifact, id));
    }
    for (index, clip) in clips.iter().enumerate() {
        if let Some(Some(duration)) = durations.get(&clip.asset_id)
            && clip.out_point > AssetTime::at(*duration + LENGTH_TOLERANCE)
        {
            let detail = format!("is beyond the end of the asset at {} ms", duration.as_millis_f64());
            return Err(Error::invalid(&at(index), "out_ms", detail));
        }
        let assets = clip.artifact_id.as_ref().and_then(|artifact_id| assets_of.get(artifact_id));
        if assets.is_some_and(|assets| !assets.contains(&clip.asset_id)) {
            let detail = format!("is not an artifact of asset {}", clip.asset_id);
            return Err(Error::invalid(&at(index), "artifact_id", detail));
        }
    }
    Ok(())
}

fn distinct<'a>(ids: impl Iterator<Item = &'a Id>) -> Vec<Id> {
    let ids: BTreeSet<&Id> = ids.collect();
    ids.into_iter().cloned().collect()
}
