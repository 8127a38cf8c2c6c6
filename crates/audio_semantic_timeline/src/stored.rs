//! Stored timelines.

use std::io::Read;

use media_v2::{Artifact, ArtifactKind, MAX_STORED_JSON_BYTES, MediaService};
use primitives::{Id, Scope};
use scheduling::WorkError;

use crate::Error;
use crate::model::Summary;

/// The timeline of an artifact id, as it is stored: without the names of enrolled voices.
///
/// # Errors
/// [`Error::SemanticsNotFound`] for an unknown id or another kind of artifact, [`Error::SemanticsUnreadable`].
pub async fn stored_summary(media: &MediaService, scope: &Scope, artifact_id: &Id) -> Result<Summary, Error> {
    let artifact = find(media, scope, artifact_id).await?;
    Ok(read(media, &artifact).await?.0)
}

/// The artifact of a timeline.
pub(crate) async fn find(media: &MediaService, scope: &Scope, artifact_id: &Id) -> Result<Artifact, Error> {
    let found = {
        let mut conn = media.pool().acquire().await?;
        media_v2::store::find_artifact(&mut conn, scope, artifact_id).await?
    };
    found
        .filter(|artifact| artifact.kind == ArtifactKind::AudioSemanticTimeline)
        .ok_or_else(|| Error::SemanticsNotFound(format!("there is no semantic timeline {artifact_id}")))
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
