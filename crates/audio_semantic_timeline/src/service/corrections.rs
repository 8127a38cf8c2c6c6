//! Corrects timelines, and undoes corrections.

use std::collections::BTreeSet;
use std::sync::Arc;

use http_kit::RequestContext;
use media_v2::{Artifact, ArtifactKind, MAX_STORED_JSON_BYTES, MediaError, NewArtifact};
use primitives::{Id, Page, Scope, WriteSeed, canonical_json};
use scheduling::WorkError;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::SemanticTimelines;
use super::read::StoredTimeline;
use crate::backend::BackendKind;
use crate::corrections::store::{self, CorrectionRow};
use crate::corrections::{
    BACKEND_TYPE, CorrectedPart, Correction, CorrectionEntry, CorrectionRequest, MAX_CORRECTIONS, MAX_EDITS,
    TimelineEdit, apply,
};
use crate::model::{Summary, TimelineResponse};
use crate::spoken::{self, CorrectedWords, TimelineRow};
use crate::summary::as_map;
use crate::{Error, stored};

/// Prefix of the cache keys of corrections. A computed key starts with a tenant id, which has no slash, so an analysis
/// never returns a correction.
const CACHE_KEY_PREFIX: &str = "corrected/";

/// The newest timeline of a chain: the analysis, or its newest correction.
struct Head {
    analysis_id: Id,
    artifact_id: Id,
    /// 0 for the analysis.
    revision: i32,
}

/// A corrected timeline before it is stored.
struct Corrected {
    summary: Summary,
    correction: Correction,
    bytes: Vec<u8>,
    words: CorrectedWords,
}

impl SemanticTimelines {
    /// Applies edits to the newest timeline of a chain, and stores the result as a new one. `artifact_id` is any timeline
    /// of the chain: the analysis, or a correction of it.
    ///
    /// # Errors
    /// [`Error::InvalidEdits`], [`Error::InvalidEdit`], [`Error::StaleBaseVersion`] if the edits were made for another
    /// timeline than the newest, [`Error::TimelineNotMeasured`], [`Error::TooManyCorrections`], and those of [`Self::get`].
    pub async fn correct(
        &self,
        context: &RequestContext,
        artifact_id: &Id,
        request: CorrectionRequest,
    ) -> Result<TimelineResponse, Error> {
        if !(1..=MAX_EDITS).contains(&request.edits.len()) {
            return Err(Error::InvalidEdits(format!("use 1 to {MAX_EDITS} edits")));
        }
        let scope = &context.scope;
        let id = Id::for_write("artifact", 0);
        // An earlier call with the same key may have committed the correction before its response was stored.
        if WriteSeed::current().is_some() {
            let mut conn = self.0.media.pool().acquire().await?;
            if store::find_correction(&mut conn, scope, &id).await?.is_some() {
                drop(conn);
                return self.get(scope, &id).await;
            }
        }
        let head = self.head(scope, artifact_id).await?;
        let base = self.stored(scope, &head.artifact_id).await?;
        let base_version = &base.summary.meta.run.backend_version;
        if request.base_version != *base_version {
            return Err(Error::StaleBaseVersion {
                artifact_id: head.artifact_id,
                version: base_version.clone(),
            });
        }
        if base.summary.meta.run.analysis_backend_type() == BackendKind::Stub.as_str() {
            return Err(Error::TimelineNotMeasured(head.artifact_id));
        }
        if head.revision >= MAX_CORRECTIONS {
            return Err(Error::TooManyCorrections);
        }
        let made = self.apply(context, &id, &head, base.summary.clone(), request.edits).await?;
        self.register_correction(context, id, &head, &base.artifact, made).await
    }

    /// The newest timeline of the chain of `artifact_id`.
    async fn head(&self, scope: &Scope, artifact_id: &Id) -> Result<Head, Error> {
        let artifact = stored::find(&self.0.media, scope, artifact_id).await?;
        let mut conn = self.0.media.pool().acquire().await?;
        let correction = store::find_correction(&mut conn, scope, &artifact.id).await?;
        let analysis_id = correction.map_or(artifact.id, |correction| correction.analysis_id);
        let newest = store::newest_correction(&mut conn, scope, std::slice::from_ref(&analysis_id)).await?;
        Ok(match newest {
            Some(CorrectionRow { artifact_id, revision, .. }) => Head { analysis_id, artifact_id, revision },
            None => Head { artifact_id: analysis_id.clone(), analysis_id, revision: 0 },
        })
    }

    /// Makes the corrected timeline on a blocking thread: a day of speech takes a second.
    async fn apply(
        &self,
        context: &RequestContext,
        id: &Id,
        head: &Head,
        base: Arc<Summary>,
        edits: Vec<TimelineEdit>,
    ) -> Result<Corrected, Error> {
        let correction = Correction {
            corrected_artifact_id: head.artifact_id.clone(),
            analysis_artifact_id: head.analysis_id.clone(),
            revision: head.revision + 1,
            base_version: base.meta.run.backend_version.clone(),
            analysis_backend_type: base.meta.run.analysis_backend_type().to_owned(),
            user_id: context.user_id.clone(),
            edits,
            set_by_person: Vec::new(),
        };
        let cache_key = format!("{CACHE_KEY_PREFIX}{id}");
        let make = move || {
            let base = Arc::unwrap_or_clone(base);
            let (summary, set) = apply(base, &correction.edits).map_err(Error::InvalidEdit)?;
            let (summary, correction) = corrected(summary, correction, set, cache_key);
            let bytes = serde_json::to_vec(&summary)
                .map_err(|source| Error::Unwritable { asset_id: summary.asset_id.clone(), source })?;
            if bytes.len() as u64 > MAX_STORED_JSON_BYTES {
                return Err(Error::InvalidEdits("the corrected timeline would be too large".to_owned()));
            }
            let words = CorrectedWords::of(&summary);
            Ok::<_, Error>(Corrected { summary, correction, bytes, words })
        };
        let made = tokio::task::spawn_blocking(make).await;
        made.map_err(|source| WorkError::Broken { queue: "summary", source })?
    }

    /// Registers a corrected timeline, unless the chain has changed since it was made.
    async fn register_correction(
        &self,
        context: &RequestContext,
        id: Id,
        head: &Head,
        base: &Artifact,
        made: Corrected,
    ) -> Result<TimelineResponse, Error> {
        let Corrected { summary, correction, bytes, words } = made;
        let (scope, run) = (&context.scope, &summary.meta.run);
        let blob = self.0.media.blobs().put(bytes.into()).await.map_err(MediaError::from)?.id;
        let mut new = NewArtifact::new(
            ArtifactKind::AudioSemanticTimeline,
            base.parent_asset_id.clone(),
            blob.uri(),
            &run.backend_version,
            &produced_by(&correction),
        );
        new.id = Some(id.clone());
        new.content_sha256 = Some(blob.to_hex());
        new.upstream_artifact_ids = std::iter::once(&base.id).chain(&summary.artifact_id).cloned().collect();
        new.meta.extend(as_map(run));
        new.meta.insert("cache_key".to_owned(), run.audio_semantic_cache_key.as_str().into());
        new.meta.insert("duration_ms".to_owned(), summary.duration_ms.into());
        new.meta.insert("source_artifact_id".to_owned(), json!(summary.artifact_id));
        new.meta.insert("media_type".to_owned(), "application/json".into());
        let now = self.0.clock.now();
        let entry = CorrectionEntry {
            artifact_id: id.clone(),
            revision: correction.revision,
            backend_version: run.backend_version.clone(),
            user_id: context.user_id.clone(),
            edit_count: i32::try_from(correction.edits.len()).unwrap_or(i32::MAX),
            created_at: now,
        };
        let mut transaction = self.0.media.pool().begin().await?;
        store::lock_corrections(&mut transaction, scope, &head.analysis_id).await?;
        let newest =
            store::newest_correction(&mut transaction, scope, std::slice::from_ref(&head.analysis_id));
        let newest = newest.await?.map_or_else(|| head.analysis_id.clone(), |newest| newest.artifact_id);
        if newest != head.artifact_id {
            transaction.rollback().await?;
            let version = self.stored(scope, &newest).await?.summary.meta.run.backend_version.clone();
            return Err(Error::StaleBaseVersion { artifact_id: newest, version });
        }
        let artifact = media_v2::store::insert_artifact(&mut transaction, scope, now, new).await?;
        store::insert_correction(&mut transaction, scope, &head.analysis_id, &entry).await?;
        let timeline =
            TimelineRow { asset_id: &summary.asset_id, timeline_id: &id, audio_stream: run.audio_stream };
        spoken::replace_corrected(&mut transaction, scope, timeline, &words, None).await?;
        transaction.commit().await?;
        let stored = StoredTimeline { artifact, summary: Arc::new(summary) };
        self.name_speakers(scope, stored.whole()).await
    }

    /// The corrections of the chain of `artifact_id`, newest first, on one page, because there are at most 1 000.
    ///
    /// # Errors
    /// [`Error::SemanticsNotFound`] for an unknown id.
    pub async fn corrections(&self, scope: &Scope, artifact_id: &Id) -> Result<Page<CorrectionEntry>, Error> {
        let head = self.head(scope, artifact_id).await?;
        let mut conn = self.0.media.pool().acquire().await?;
        let items = store::list_corrections(&mut conn, scope, &head.analysis_id).await?;
        Ok(Page { items, next_cursor: None })
    }

    /// Undoes the newest correction of the chain of `artifact_id`: the timeline before it is in force again.
    ///
    /// # Errors
    /// [`Error::SemanticsNotFound`] for an unknown timeline, [`Error::CorrectionNotFound`] if `correction_id` is no
    /// correction of its chain, [`Error::CorrectionSuperseded`] if it is not the newest.
    pub async fn undo_correction(
        &self,
        scope: &Scope,
        artifact_id: &Id,
        correction_id: &Id,
    ) -> Result<(), Error> {
        let head = self.head(scope, artifact_id).await?;
        let not_found = || Error::CorrectionNotFound(correction_id.clone());
        let correction = {
            let mut conn = self.0.media.pool().acquire().await?;
            store::find_correction(&mut conn, scope, correction_id).await?
        };
        let correction =
            correction.filter(|found| !found.is_withdrawn && found.analysis_id == head.analysis_id);
        let correction = correction.ok_or_else(not_found)?;
        let removed = self.stored(scope, correction_id).await?.summary;
        let Some(made) = &removed.meta.run.correction else { return Err(not_found()) };
        let previous = self.stored(scope, &made.corrected_artifact_id).await?.summary;
        let words = {
            let previous = previous.clone();
            let read = tokio::task::spawn_blocking(move || CorrectedWords::of(&previous)).await;
            read.map_err(|source| WorkError::Broken { queue: "summary", source })?
        };
        let mut transaction = self.0.media.pool().begin().await?;
        store::lock_corrections(&mut transaction, scope, &head.analysis_id).await?;
        let newest =
            store::newest_correction(&mut transaction, scope, std::slice::from_ref(&head.analysis_id));
        match newest.await? {
            Some(newest) if newest.artifact_id == correction.artifact_id => {}
            Some(newest) if newest.revision > correction.revision => {
                return Err(Error::CorrectionSuperseded {
                    correction_id: correction.artifact_id,
                    newest: newest.artifact_id,
                });
            }
            // Another call has removed it meanwhile.
            _ => return Err(not_found()),
        }
        store::withdraw_correction(&mut transaction, scope, correction_id, self.0.clock.now()).await?;
        let timeline = TimelineRow {
            asset_id: &previous.asset_id,
            timeline_id: &made.corrected_artifact_id,
            audio_stream: previous.meta.run.audio_stream,
        };
        spoken::replace_corrected(&mut transaction, scope, timeline, &words, Some(correction_id)).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// As [`Self::get`]; for an analysis with corrections, the newest of them.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_in_force(&self, scope: &Scope, artifact_id: &Id) -> Result<TimelineResponse, Error> {
        let artifact_id = stored::in_force(&self.0.media, scope, artifact_id).await?;
        self.get(scope, &artifact_id).await
    }
}

/// Everything that determines a corrected timeline.
fn produced_by(correction: &Correction) -> Value {
    json!({
        "corrected_artifact_id": correction.corrected_artifact_id,
        "base_version": correction.base_version,
        "edits": correction.edits,
    })
}

/// Completes the meta of a corrected timeline. Its version is that of the analysis, by which its decoder is known, with a
/// digest of the version before it and of the edits.
fn corrected(
    mut summary: Summary,
    mut correction: Correction,
    set: BTreeSet<CorrectedPart>,
    cache_key: String,
) -> (Summary, Correction) {
    let run = &mut summary.meta.run;
    let earlier = run.correction.take().map(|correction| correction.set_by_person).unwrap_or_default();
    correction.set_by_person = set.into_iter().chain(earlier).collect::<BTreeSet<_>>().into_iter().collect();
    let edits = canonical_json(&json!([correction.base_version, correction.edits]));
    let digest = format!("{:x}", Sha256::digest(edits));
    let analysis = run.backend_version.split("+corrected=").next().unwrap_or_default();
    run.backend_version = format!("{analysis}+corrected={}", &digest[..16]);
    run.backend_info.backend_version.clone_from(&run.backend_version);
    run.backend_type = BACKEND_TYPE.to_owned();
    run.audio_semantic_cache_key = cache_key;
    run.correction = Some(correction.clone());
    (summary, correction)
}
