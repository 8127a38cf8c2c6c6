//! The service: lookups, validation and storage.

use std::io::Read as _;
use std::sync::Arc;

use audio_pattern_engine::{PatternClip, PatternTimeline};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use http_kit::FieldError;
use media_v2::{ArtifactKind, Content, MAX_STORED_JSON_BYTES, MediaError, MediaService, Meta, NewArtifact};
use primitives::{Clock, Id, Page, PageParams, Scope};
use scheduling::{Cancellation, WorkError, WorkProgress, WorkQueue, begin_heavy_work};
use serde_json::json;
use sqlx::{Acquire as _, PgConnection};

use crate::build::{Built, build, build_given};
use crate::lookup;
use crate::plan::Plan;
use crate::semantics::{AlignmentAnchors, Semantics};
use crate::store::{self, TimelineRow};
use crate::{
    Alignment, Error, MAX_SHOT_LIST_BYTES, NewOriginMap, NewShotList, OriginMap, PatternOrId,
    ResolvedOriginMap, ShotList, ShotListRequest,
};

/// Number of timelines that are read concurrently.
const PARALLEL_READS: usize = 4;
/// A list of up to this many clips is made within milliseconds, without heavy work.
const LIGHT_CLIPS: usize = 1_000;
/// Maximum number of timelines to read for such a list.
const LIGHT_TIMELINES: usize = 8;
/// Share of reading timelines in the whole work; then shots are aligned and stored.
const READING: f64 = 0.9;

/// Stores origin maps and makes shot lists. Cheap to clone.
#[derive(Clone, Debug)]
pub struct VideoOrigins {
    media: MediaService,
    queue: WorkQueue,
    clock: Arc<dyn Clock>,
}

/// The sequence or pattern that a shot list accompanies.
enum ShotListInput {
    Sequence(crate::AudioSequence),
    Pattern(PatternTimeline),
}

impl VideoOrigins {
    /// Creates the service. `queue` bounds how many requests are parsed, and shot lists written, concurrently.
    #[must_use]
    pub fn new(media: MediaService, queue: WorkQueue, clock: Arc<dyn Clock>) -> Self {
        Self { media, queue, clock }
    }

    pub(crate) fn media(&self) -> &MediaService {
        &self.media
    }

    /// Stores the map, replacing the artifact's existing one.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an invalid window, or one that ends after its recording; [`Error::Missing`].
    pub async fn put_origin_map(&self, scope: &Scope, map: &NewOriginMap) -> Result<OriginMap, Error> {
        let mut conn = self.media.pool().acquire().await?;
        check_map(&mut conn, scope, map).await?;
        store::put_origin_map(&mut conn, scope, self.clock.now(), map).await
    }

    /// As [`Self::put_origin_map`], for a map that `found_by` (a name and version) found by the audio. It replaces an earlier
    /// found one; `None` if the artifact has another map, which stays.
    ///
    /// # Errors
    /// As [`Self::put_origin_map`].
    pub async fn put_found_origin_map(
        &self,
        scope: &Scope,
        map: &NewOriginMap,
        found_by: &str,
    ) -> Result<Option<OriginMap>, Error> {
        let meta = Meta::from_iter([("found_by".to_owned(), found_by.into())]);
        let mut conn = self.media.pool().acquire().await?;
        check_map(&mut conn, scope, map).await?;
        store::put_found_origin_map(&mut conn, scope, self.clock.now(), map, &meta).await
    }

    /// The artifact's origin: its own map, or the map that its upstream artifacts lead to.
    ///
    /// # Errors
    /// [`Error::OriginMapNotFound`], and the errors of [`store::resolve_origins`].
    pub async fn origin_map(&self, scope: &Scope, artifact_id: &Id) -> Result<ResolvedOriginMap, Error> {
        let mut conn = self.media.pool().acquire().await?;
        let found = store::resolve_origins(&mut conn, scope, std::slice::from_ref(artifact_id)).await?;
        let resolved = found.into_iter().next().flatten();
        let resolved = resolved.ok_or_else(|| Error::OriginMapNotFound(artifact_id.clone()))?;
        Ok(ResolvedOriginMap::of(artifact_id.clone(), resolved))
    }

    /// A page of the maps into a recording, newest first.
    ///
    /// # Errors
    /// [`MediaError::AssetsNotFound`], or a database error.
    pub async fn origin_maps(
        &self,
        scope: &Scope,
        parent_asset_id: &Id,
        page: &PageParams,
    ) -> Result<Page<OriginMap>, Error> {
        let mut conn = self.media.pool().acquire().await?;
        let asset = std::slice::from_ref(parent_asset_id);
        let missing = media_v2::store::missing_assets(&mut conn, scope, asset).await?;
        if !missing.is_empty() {
            return Err(MediaError::AssetsNotFound(missing).into());
        }
        store::list_by_asset(&mut conn, scope, parent_asset_id, page).await
    }

    /// Makes the shot list of a sequence or pattern, or returns the stored one of an identical request.
    ///
    /// # Errors
    /// See [`Error`] for all of them.
    pub async fn shot_list(&self, scope: &Scope, request: ShotListRequest) -> Result<ShotList, Error> {
        let ShotListRequest { alignment, seed, strict, require_semantics, .. } = request;
        let material = self.material(scope, request).await?;
        let plan = self.read(move |_| match material {
            ShotListInput::Sequence(sequence) => Plan::of_sequence(sequence),
            ShotListInput::Pattern(pattern) => Plan::of_pattern(pattern),
        });
        let plan = plan.await??;
        let found = {
            let mut conn = self.media.pool().acquire().await?;
            let mapped = strict || plan.is_pattern();
            lookup::find(&mut conn, scope, &plan, mapped, require_semantics).await?
        };
        let beyond = found.beyond(&plan);
        if !beyond.is_empty() {
            return Err(Error::Invalid(beyond));
        }
        let timelines = if alignment == Alignment::None { 0 } else { found.timelines.len() };
        if plan.clips.len() > LIGHT_CLIPS || timelines > LIGHT_TIMELINES {
            begin_heavy_work()?;
        }
        let upstreams =
            plan.artifact_ids().into_iter().chain(found.timelines.iter().map(|row| row.id.clone()));
        let upstreams = upstreams.collect();
        let semantics = self.semantics(scope, found.timelines.clone(), alignment).await?;
        let built = self.read(move |_| build(&plan, &found, &semantics, alignment, seed)).await??;
        self.keep(scope, built, upstreams).await
    }

    /// Stores the shots of another engine, or returns the stored list of the same shots. The same input gives the
    /// same bytes.
    ///
    /// # Errors
    /// [`Error::TooManyClips`] and [`Error::ShotListTooLarge`]; errors of the store and of the database.
    pub async fn keep_shots(&self, scope: &Scope, new: NewShotList) -> Result<ShotList, Error> {
        let built = self.read(move |_| build_given(&new).map(|built| (built, new.upstream_artifact_ids)));
        let (built, upstreams) = built.await??;
        self.keep(scope, built, upstreams).await
    }

    /// Runs `work` on a thread of the queue. Heavy work is declared later, once the clips are counted.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Cancellation) -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        self.queue.run_now(work).await
    }

    /// The sequence or pattern of the request; a pattern's id is looked up.
    async fn material(&self, scope: &Scope, request: ShotListRequest) -> Result<ShotListInput, Error> {
        let id = match (request.sequence, request.pattern, request.pattern_id) {
            (Some(sequence), None, None) => return Ok(ShotListInput::Sequence(sequence)),
            (None, Some(PatternOrId::Pattern(pattern)), None) => {
                return self.checked(scope, pattern).await.map(ShotListInput::Pattern);
            }
            (None, Some(PatternOrId::Id(id)), None) | (None, None, Some(id)) => id,
            _ => {
                let detail = "give one of sequence, pattern and pattern_id".to_owned();
                return Err(Error::Invalid(vec![FieldError { pointer: "/sequence".to_owned(), detail }]));
            }
        };
        let mut conn = self.media.pool().acquire().await?;
        let found = audio_pattern_engine::store::find_pattern(&mut conn, scope, &id).await?;
        found.map(ShotListInput::Pattern).ok_or(Error::PatternNotFound(id))
    }

    /// Checks a complete pattern against the stored one with its id, because the shot list will name that id. Ignored are
    /// the gain of clips, which does not affect the windows of the shots, only their `gain_db`, and the description in
    /// `meta`, which clients may rewrite (`124.0` as `124`) or leave out.
    async fn checked(&self, scope: &Scope, pattern: PatternTimeline) -> Result<PatternTimeline, Error> {
        let mut conn = self.media.pool().acquire().await?;
        let kept = audio_pattern_engine::store::find_pattern(&mut conn, scope, &pattern.pattern_id).await?;
        let shown = |clip: &PatternClip| PatternClip { gain_db: 0.0, ..clip.clone() };
        let is_same = kept.is_none_or(|kept| {
            (kept.bpm, kept.swing_pct) == (pattern.bpm, pattern.swing_pct)
                && kept.clips.iter().map(shown).eq(pattern.clips.iter().map(shown))
        });
        if is_same { Ok(pattern) } else { Err(Error::PatternConflict(pattern.pattern_id)) }
    }

    /// Reads the alignment anchors of each timeline, in order. None are read without alignment.
    async fn semantics(
        &self,
        scope: &Scope,
        rows: Vec<TimelineRow>,
        alignment: Alignment,
    ) -> Result<Vec<Semantics>, Error> {
        let progress = WorkProgress::current().split(rows.len());
        let reads = rows.into_iter().zip(progress).map(async |(row, progress)| {
            let anchors = match alignment {
                Alignment::None => AlignmentAnchors::default(),
                _ => self.read_anchors(scope, &row).await?,
            };
            progress.report("reading", READING);
            Ok::<_, Error>(Semantics {
                version: row.version,
                cache_key: row.cache_key,
                backend_type: row.backend_type,
                of_artifact: row.of_artifact,
                anchors,
            })
        });
        futures::stream::iter(reads).buffered(PARALLEL_READS).try_collect().await
    }

    async fn read_anchors(&self, scope: &Scope, row: &TimelineRow) -> Result<AlignmentAnchors, Error> {
        let content = Content {
            tenant_id: &scope.tenant_id,
            env: &scope.env,
            uri: &row.uri,
            sha256: row.content_sha256.as_deref(),
            size_bytes: None,
            media_type: "application/json",
            file_name: None,
            decoder: None,
            file: None,
        };
        let reader = self.media.open_document(content).await?;
        let read =
            tokio::task::spawn_blocking(move || AlignmentAnchors::read(reader.take(MAX_STORED_JSON_BYTES)));
        read.await
            .map_err(|source| WorkError::Broken { queue: "timeline", source })?
            .map_err(|source| Error::SemanticsUnreadable { artifact_id: row.id.clone(), source })
    }

    /// Registers the list, unless one with its hash exists: bytes first, then the rows.
    async fn keep(&self, scope: &Scope, built: Built, upstreams: Vec<Id>) -> Result<ShotList, Error> {
        let Built { mut list, uses, first_asset } = built;
        // An empty list is not stored: there is no recording to store it with.
        let Some(first_asset) = first_asset else { return Ok(list) };
        let mut conn = self.media.pool().acquire().await?;
        list.artifact_id = store::find_shot_list(&mut conn, scope, &list.meta.shot_list_hash).await?;
        if list.artifact_id.is_some() {
            return Ok(list);
        }
        drop(conn);
        let (uri, size_bytes) = self.write(&list).await?;
        let mut artifact = artifact(&list, first_asset, uri, upstreams);
        artifact.size_bytes = Some(size_bytes);
        let mut conn = self.media.pool().acquire().await?;
        list.artifact_id = Some(self.register(&mut conn, scope, &list, artifact, &uses).await?);
        Ok(list)
    }

    /// Stores the document of the list; returns its URI and its size in bytes.
    async fn write(&self, list: &ShotList) -> Result<(String, u64), Error> {
        let blob = async {
            let mut writer = self.media.blobs().writer().await?;
            for piece in list.stored().map_err(std::io::Error::other)? {
                writer.write(piece).await?;
            }
            writer.finish().await
        };
        let blob = blob.await.map_err(MediaError::from)?;
        Ok((blob.id.uri(), blob.size_bytes))
    }

    /// Returns the artifact of the list, or of a concurrent identical request that was committed first.
    async fn register(
        &self,
        conn: &mut PgConnection,
        scope: &Scope,
        list: &ShotList,
        artifact: NewArtifact,
        uses: &store::Uses,
    ) -> Result<Id, Error> {
        let hash = &list.meta.shot_list_hash;
        let mut transaction = conn.begin().await?;
        let made =
            media_v2::store::insert_artifact(&mut transaction, scope, self.clock.now(), artifact).await?;
        if store::claim_shot_list(&mut transaction, scope, hash, &made.id).await? {
            store::insert_uses(&mut transaction, scope, &made.id, uses).await?;
            transaction.commit().await?;
            return Ok(made.id);
        }
        transaction.rollback().await?;
        let quicker = store::find_shot_list(conn, scope, hash).await?;
        quicker.ok_or(Error::Database(sqlx::Error::RowNotFound))
    }

    /// Returns a stored shot list.
    ///
    /// # Errors
    /// [`Error::ShotListNotFound`] for an unknown id, or another kind of artifact; [`Error::ShotListUnreadable`] for an
    /// artifact that a caller registered with invalid content.
    pub async fn find_shot_list(&self, scope: &Scope, artifact_id: &Id) -> Result<ShotList, Error> {
        let artifact = {
            let mut conn = self.media.pool().acquire().await?;
            media_v2::store::find_artifact(&mut conn, scope, artifact_id).await?
        };
        let artifact = artifact
            .filter(|artifact| artifact.kind == ArtifactKind::VideoShotList)
            .ok_or_else(|| Error::ShotListNotFound(artifact_id.clone()))?;
        let reader = self.media.open_source(artifact.content()).await?;
        let read = self.read(move |_| {
            let mut text = Vec::new();
            let limit = MAX_SHOT_LIST_BYTES as u64;
            reader.take(limit).read_to_end(&mut text).map_err(MediaError::from)?;
            let id = artifact.id.clone();
            ShotList::read(artifact.id, &Bytes::from(text))
                .map_err(|source| Error::ShotListUnreadable { artifact_id: id, source })
        });
        read.await?
    }
}

fn artifact(list: &ShotList, parent_asset_id: Id, uri: String, upstreams: Vec<Id>) -> NewArtifact {
    let produced_by = json!({"shot_list_hash": list.meta.shot_list_hash});
    let kind = ArtifactKind::VideoShotList;
    let mut new = NewArtifact::new(kind, parent_asset_id, uri, &list.meta.backend_version, &produced_by);
    new.upstream_artifact_ids = upstreams;
    new.meta.insert("shot_list_hash".to_owned(), list.meta.shot_list_hash.clone().into());
    new.meta.insert("count".to_owned(), list.meta.count.into());
    new.meta.insert("alignment".to_owned(), json!(list.meta.alignment));
    new.meta.insert("pattern_id".to_owned(), json!(list.meta.pattern_id));
    new.meta.insert("sequence_id".to_owned(), json!(list.meta.sequence_id));
    new
}

/// Checks that the artifact and the recording of a map exist, and that its window ends within the recording.
///
/// # Errors
/// [`Error::Missing`], [`Error::Invalid`]; database errors.
async fn check_map(conn: &mut PgConnection, scope: &Scope, map: &NewOriginMap) -> Result<(), Error> {
    let artifact = std::slice::from_ref(&map.audio_artifact_id);
    let artifact_ids = media_v2::store::missing_artifacts(&mut *conn, scope, artifact).await?;
    let asset = std::slice::from_ref(&map.parent_asset_id);
    let lengths = store::find_lengths(&mut *conn, scope, asset).await?;
    let Some(length) = lengths.get(&map.parent_asset_id).filter(|_| artifact_ids.is_empty()) else {
        let missing = asset.iter().filter(|id| !lengths.contains_key(*id));
        return Err(Error::Missing { artifact_ids, asset_ids: missing.map(Id::to_string).collect() });
    };
    if let Some(length) = length.filter(|length| map.source_end.since_zero() > *length) {
        let detail = format!("must not be after the end of the recording at {} ms", length.as_millis_f64());
        return Err(Error::Invalid(vec![FieldError { pointer: "/source_end_ms".to_owned(), detail }]));
    }
    Ok(())
}
