//! Resolves items to windows: all lookups that happen before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use audio_to_video_origin::store::resolve_origins;
use audio_to_video_origin::{DeclaredFields, InvalidDeclaredOrigin};
use media_time::{AssetTime, MediaTime, Window};
use media_v2::{Artifact, MediaAsset, MediaError, store};
use primitives::{Id, Scope};
use serde_json::json;
use sqlx::PgConnection;

use crate::{Error, Meta, OriginSnippet, SnippetItem, snippet_window};

/// `op_type` in the meta of snippets.
pub const OP_TYPE: &str = "origin_snippets.build_v1";
/// `op_version` in the meta of snippets.
pub const OP_VERSION: &str = "v1";

/// The windows of a batch.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The items that get a clip, in the order of the batch.
    pub(crate) planned: Vec<Planned>,
    /// The snippets of the items whose window is empty, each with the index of its item; ascending.
    pub(crate) empty: Vec<(usize, OriginSnippet)>,
}

/// An item and its window.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) item: SnippetItem,
    pub(crate) asset: MediaAsset,
    /// Window of the source that the artifact was taken from.
    pub(crate) origin: Window<AssetTime>,
    /// Window of the snippet; those of [`Plan::planned`] are not empty.
    pub(crate) window: Window<AssetTime>,
}

impl Planned {
    /// The snippet's meta, without the result of the render.
    pub(crate) fn meta(&self) -> Meta {
        let facts = [
            ("padding_ms", json!(self.item.padding)),
            ("max_duration_ms", json!(self.item.max_duration)),
            ("artifact_start_ms", json!(self.origin.start())),
            ("artifact_end_ms", json!(self.origin.end())),
            ("asset_duration_ms", json!(self.asset.duration)),
            ("op_type", json!(OP_TYPE)),
            ("op_version", json!(OP_VERSION)),
        ];
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The snippet of an empty window: without a clip, with the reason as `window_error`.
    fn without_clip(self) -> OriginSnippet {
        let mut meta = self.meta();
        meta.insert("window_error".to_owned(), format!("empty_window: {}", self.reason()).into());
        OriginSnippet {
            audio_artifact_id: self.item.audio_artifact_id,
            source_asset_id: self.asset.id,
            source_start: self.window.start(),
            source_end: self.window.end(),
            video_clip_id: None,
            video_artifact_id: None,
            meta,
        }
    }

    /// Why the window is empty, for the caller.
    fn reason(&self) -> String {
        if self.item.max_duration == Some(MediaTime::ZERO) {
            return "`max_duration_ms` is 0; use a greater one".to_owned();
        }
        let end =
            self.asset.duration.map_or_else(String::new, |duration| format!(", which ends at {duration}"));
        let (artifact, start, asset) = (&self.item.audio_artifact_id, self.origin.start(), &self.asset.id);
        format!(
            "{artifact} starts at {start} of asset {asset}{end}; use a longer `padding_ms` or another origin"
        )
    }
}

/// Computes the window of each item, with three statements regardless of the number of items.
///
/// # Errors
/// [`MediaError::ArtifactsNotFound`], [`Error::OriginMissing`] and
/// [`OriginInvalid`](audio_to_video_origin::Error::OriginInvalid), each with all ids; errors of [`resolve_origins`] and
/// of the database.
pub(crate) async fn plan(
    conn: &mut PgConnection,
    scope: &Scope,
    items: &[SnippetItem],
) -> Result<Plan, Error> {
    let wanted: BTreeSet<&Id> = items.iter().map(|item| &item.audio_artifact_id).collect();
    let wanted: Vec<Id> = wanted.into_iter().cloned().collect();
    let artifacts = store::find_artifacts(conn, scope, &wanted).await?;
    let found: BTreeMap<&Id, &Artifact> = artifacts.iter().map(|artifact| (&artifact.id, artifact)).collect();
    let missing = ids(wanted.iter().filter(|id| !found.contains_key(*id)));
    if !missing.is_empty() {
        return Err(MediaError::ArtifactsNotFound(missing).into());
    }

    let origins = origins(conn, scope, &artifacts).await?;
    let sources: BTreeSet<&Id> = origins.values().map(|(asset_id, _)| asset_id).collect();
    let sources: Vec<Id> = sources.into_iter().cloned().collect();
    let assets = store::find_assets(conn, scope, &sources).await?;
    let assets: BTreeMap<&Id, &MediaAsset> = assets.iter().map(|asset| (&asset.id, asset)).collect();

    let mut plan = Plan::default();
    for (index, item) in items.iter().enumerate() {
        // `origins` has returned an error for artifacts without an origin.
        let (asset_id, origin) = &origins[&item.audio_artifact_id];
        let asset = *assets.get(asset_id).ok_or_else(|| MediaError::asset_not_found(asset_id))?;
        let window = snippet_window(*origin, item.padding, item.max_duration, asset.duration);
        let planned = Planned { item: item.clone(), asset: asset.clone(), origin: *origin, window };
        if window.is_empty() {
            plan.empty.push((index, planned.without_clip()));
        } else {
            plan.planned.push(planned);
        }
    }
    Ok(plan)
}

/// Asset and window of each artifact: from its origin map (chains resolved), else from its own row.
async fn origins(
    conn: &mut PgConnection,
    scope: &Scope,
    artifacts: &[Artifact],
) -> Result<BTreeMap<Id, (Id, Window<AssetTime>)>, Error> {
    let wanted: Vec<Id> = artifacts.iter().map(|artifact| artifact.id.clone()).collect();
    let resolved = resolve_origins(conn, scope, &wanted).await?;
    let mut origins = BTreeMap::new();
    let (mut missing, mut invalid) = (Vec::new(), Vec::new());
    for (artifact, resolved) in artifacts.iter().zip(resolved) {
        let origin = match resolved {
            Some(resolved) => Ok(Some((resolved.origin.asset_id, resolved.origin.window))),
            None => own_window(artifact),
        };
        match origin {
            Ok(Some(origin)) => drop(origins.insert(artifact.id.clone(), origin)),
            Ok(None) => missing.push(&artifact.id),
            Err(InvalidDeclaredOrigin) => invalid.push(&artifact.id),
        }
    }
    if !invalid.is_empty() {
        return Err(audio_to_video_origin::Error::OriginInvalid(ids(invalid)).into());
    }
    if missing.is_empty() { Ok(origins) } else { Err(Error::OriginMissing(ids(missing))) }
}

fn own_window(artifact: &Artifact) -> Result<Option<(Id, Window<AssetTime>)>, InvalidDeclaredOrigin> {
    let facts = DeclaredFields {
        parent_asset_id: &artifact.parent_asset_id,
        start: artifact.start,
        end: artifact.end,
        source_asset_id: artifact.meta.get("source_asset_id"),
        source_start_ms: artifact.meta.get("source_start_ms"),
        source_end_ms: artifact.meta.get("source_end_ms"),
    };
    let own = facts.origin()?;
    let window = own.start.zip(own.end).and_then(|(start, end)| Window::new(start, end).ok());
    Ok(window.map(|window| (own.asset_id, window)))
}

fn ids<'a>(ids: impl IntoIterator<Item = &'a Id>) -> Vec<String> {
    ids.into_iter().map(Id::to_string).collect()
}
