use std::collections::BTreeSet;
use std::fmt::Debug;

use async_trait::async_trait;
use http_kit::{Id, Scope};

use crate::error::{Entity, Error};
use crate::model::Clip;

/// Knows the assets and artifacts that clips may refer to.
///
/// A timeline in the same process as the media store asks it before it keeps a clip; one that
/// serves others alone has none, and takes ids as they are.
#[async_trait]
pub trait MediaCatalogue: Send + Sync + Debug {
    /// Those of `assets` that the owner does not have.
    async fn missing_assets(&self, scope: &Scope, assets: &[Id]) -> Result<Vec<String>, Error>;

    /// Those of `artifacts` that the owner does not have.
    async fn missing_artifacts(&self, scope: &Scope, artifacts: &[Id]) -> Result<Vec<String>, Error>;
}

/// Checks what `clips` refer to: a constant number of questions, however many clips.
///
/// # Errors
/// [`Error::NotFound`] naming the first that the owner does not have.
pub(crate) async fn check(
    catalogue: Option<&dyn MediaCatalogue>,
    scope: &Scope,
    clips: &[Clip],
) -> Result<(), Error> {
    let Some(catalogue) = catalogue.filter(|_| !clips.is_empty()) else { return Ok(()) };
    let assets: BTreeSet<&Id> = clips.iter().map(|clip| &clip.asset_id).collect();
    let assets: Vec<Id> = assets.into_iter().cloned().collect();
    if let Some(id) = catalogue.missing_assets(scope, &assets).await?.into_iter().next() {
        return Err(Error::NotFound { kind: Entity::Asset, id });
    }
    let artifacts: BTreeSet<&Id> = clips.iter().filter_map(|clip| clip.artifact_id.as_ref()).collect();
    let artifacts: Vec<Id> = artifacts.into_iter().cloned().collect();
    if artifacts.is_empty() {
        return Ok(());
    }
    match catalogue.missing_artifacts(scope, &artifacts).await?.into_iter().next() {
        Some(id) => Err(Error::NotFound { kind: Entity::Artifact, id }),
        None => Ok(()),
    }
}
