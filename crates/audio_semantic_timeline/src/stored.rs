//! Stored timelines.

use std::io::Read;

use media_v2::{Artifact, ArtifactKind, MAX_STORED_JSON_BYTES, MediaService};
use primitives::{Id, Scope};
use scheduling::WorkError;

use crate::Error;
use crate::corrections::store as corrections;
use crate::model::Summary;

/// The timeline of an artifact id, as it is stored: without the names of enrolled voices.
///
/// # Errors
/// [`Error::SemanticsNotFound`] for an unknown id or another kind of artifact, [`Error::SemanticsUnreadable`].
pub async fn stored_summary(media: &MediaService, scope: &Scope, artifact_id: &Id) -> Result<Summary, Error> {
    let artifact = find(media, scope, artifact_id).await?;
    Ok(read(media, &artifact).await?.0)
}

/// The timeline in force of an analysis: its newest correction, or itself. For the id of a correction, itself. The id is
/// not checked.
///
/// # Errors
/// [`Error::Database`].
pub async fn in_force(media: &MediaService, scope: &Scope, artifact_id: &Id) -> Result<Id, Error> {
    let mut conn = media.pool().acquire().await?;
    let newest = corrections::newest_correction(&mut conn, scope, std::slice::from_ref(artifact_id)).await?;
    Ok(newest.map_or_else(|| artifact_id.clone(), |newest| newest.artifact_id))
}

/// The artifact of a timeline; a correction that was removed is none.
pub(crate) async fn find(media: &MediaService, scope: &Scope, artifact_id: &Id) -> Result<Artifact, Error> {
    let mut conn = media.pool().acquire().await?;
    let found = media_v2::store::find_artifact(&mut conn, scope, artifact_id).await?;
    let found = found.filter(|artifact| artifact.kind == ArtifactKind::AudioSemanticTimeline);
    let correction = corrections::find_correction(&mut conn, scope, artifact_id).await?;
    let is_withdrawn = correction.is_some_and(|correction| correction.is_withdrawn);
    found.filter(|_| !is_withdrawn).ok_or_else(|| not_found(artifact_id))
}

pub(crate) fn not_found(artifact_id: &Id) -> Error {
    Error::SemanticsNotFound(format!("there is no semantic timeline {artifact_id}"))
}

/// Parses the timeline of an artifact; also returns its length in bytes.
pub(crate) async fn read(media: &MediaService, artifact: &Artifact) -> Result<(Summary, usize), Error> {
    let reader = media.open_document(artifact.content()).await?;
    let artifact_id = artifact.id.clone();
    let parsed = tokio::task::spawn_blocking(move || {
        let unreadable = |source| Error::SemanticsUnreadable { artifact_id: artifact_id.clone(), source };
        let mut text = Vec::new();
        let read = reader.take(MAX_STORED_JSON_BYTES).read_to_end(&mut text);
        read.map_err(serde_json::Error::io).map_err(unreadable)?;
        let summary = serde_json::from_slice::<Summary>(&text).map_err(unreadable)?;
        Ok::<_, Error>((summary, text.len()))
    });
    parsed.await.map_err(|source| WorkError::Broken { queue: "summary", source })?
}
