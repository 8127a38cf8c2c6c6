//! Looks up the samples of an archive.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use blob_store::{BlobId, BlobStore};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http_kit::FieldError;
use media_v2::store::{find_artifacts, find_assets, missing_artifacts};
use media_v2::{Artifact, MediaError, MediaService};
use primitives::{Id, Scope};
use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::OwnedSemaphorePermit;

use super::names::{FileNames, stem};
use super::{ArchiveFile, MAX_FILES, MAX_MANIFEST, SampleArchive};
use crate::Error;

/// Number of artifacts that are looked up at once, which bounds the memory of their metadata.
const BATCH: usize = 200;
/// Number of blobs whose size is looked up at the same time.
const SIZES: usize = 16;
/// Media types of WAVE files.
const WAVE: [&str; 4] = ["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"];

/// Plans an archive of `artifact_ids`, each once, which holds `slot`.
///
/// # Errors
/// See [`FieldToSamples::archive`](crate::FieldToSamples::archive).
pub(super) async fn plan(
    media: &MediaService,
    scope: &Scope,
    artifact_ids: &[Id],
    slot: OwnedSemaphorePermit,
) -> Result<SampleArchive, Error> {
    if artifact_ids.is_empty() {
        let detail = "is empty; expected 1 to 10 000 artifacts".to_owned();
        return Err(Error::Invalid(vec![FieldError { pointer: "/artifact_ids".to_owned(), detail }]));
    }
    if artifact_ids.len() > MAX_FILES {
        return Err(Error::TooManyFiles(format!("{} samples, more than {MAX_FILES}", artifact_ids.len())));
    }
    let mut seen = HashSet::new();
    let ids: Vec<Id> = artifact_ids.iter().filter(|id| seen.insert(*id)).cloned().collect();
    let mut conn = media.pool().acquire().await?;
    let missing = missing_artifacts(&mut conn, scope, &ids).await?;
    if !missing.is_empty() {
        return Err(MediaError::ArtifactsNotFound(missing).into());
    }
    let mut listing = Listing::default();
    for ids in ids.chunks(BATCH) {
        listing.add(&mut conn, scope, ids).await?;
    }
    drop(conn);
    if !listing.refused.is_empty() {
        return Err(Error::NotSamples(listing.refused));
    }
    let sizes = sizes(media.blobs(), listing.files.iter().map(|(_, blob)| *blob).collect()).await?;
    let files = listing.files.into_iter().zip(sizes);
    Ok(SampleArchive {
        blobs: media.blobs().clone(),
        manifest: format!("{{\"files\": [\n{}\n]}}\n", listing.manifest).into(),
        files: files.map(|((name, blob), size)| ArchiveFile { name, blob, size }).collect(),
        slot,
    })
}

/// The samples that were looked up so far.
#[derive(Default)]
struct Listing {
    /// Names and blobs, in the order of the request.
    files: Vec<(String, BlobId)>,
    /// JSON of the entries of the manifest, separated by commas, one on each line.
    manifest: String,
    /// Artifacts that are not WAVE files of samples.
    refused: Vec<String>,
    names: FileNames,
    /// Sanitised names of the assets, by id.
    stems: BTreeMap<Id, String>,
}

impl Listing {
    async fn add(&mut self, conn: &mut PgConnection, scope: &Scope, ids: &[Id]) -> Result<(), Error> {
        let found = find_artifacts(conn, scope, ids).await?;
        let mut artifacts: BTreeMap<Id, Artifact> =
            found.into_iter().map(|artifact| (artifact.id.clone(), artifact)).collect();
        let parents: BTreeSet<Id> =
            artifacts.values().map(|artifact| artifact.parent_asset_id.clone()).collect();
        let unknown: Vec<Id> = parents.into_iter().filter(|id| !self.stems.contains_key(id)).collect();
        let assets = find_assets(conn, scope, &unknown).await?;
        self.stems.extend(assets.iter().map(|asset| (asset.id.clone(), stem(asset))));
        for id in ids {
            let artifact = artifacts.remove(id).ok_or_else(|| MediaError::artifact_not_found(id))?;
            match sample_blob(&artifact) {
                Some(blob) => self.list(artifact, blob)?,
                None => self.refused.push(id.to_string()),
            }
        }
        Ok(())
    }

    fn list(&mut self, artifact: Artifact, blob: BlobId) -> Result<(), Error> {
        let asset = self.stems.get(&artifact.parent_asset_id).map_or("", String::as_str);
        let name = self.names.name(asset, &artifact);
        let entry = json!({
            "file": name,
            "artifact_id": artifact.id,
            "asset_id": artifact.parent_asset_id,
            "kind": artifact.kind,
            "start_ms": artifact.start,
            "end_ms": artifact.end,
            "content_sha256": artifact.content_sha256,
            "meta": artifact.meta,
        });
        if !self.manifest.is_empty() {
            self.manifest.push_str(",\n");
        }
        self.manifest.push_str(&entry.to_string());
        if self.manifest.len() > MAX_MANIFEST {
            let limit = MAX_MANIFEST >> 20;
            return Err(Error::TooManyFiles(format!("metadata of more than {limit} MiB in its manifest")));
        }
        self.files.push((name, blob));
        Ok(())
    }
}

/// The blob of a sample; `None` if the artifact is not a WAVE file in the blob store.
fn sample_blob(artifact: &Artifact) -> Option<BlobId> {
    super::names::role_of_kind(artifact.kind)?;
    if !WAVE.contains(&artifact.content().media_type) {
        return None;
    }
    BlobId::from_uri(&artifact.uri).ok()
}

/// Sizes of blobs in bytes, in their order.
async fn sizes(blobs: &BlobStore, ids: Vec<BlobId>) -> Result<Vec<u64>, Error> {
    let blobs = blobs.clone();
    let lookups = stream::iter(ids).map(move |id| {
        let blobs = blobs.clone();
        async move { blobs.size(id).await }
    });
    Ok(lookups.buffered(SIZES).try_collect().await?)
}
