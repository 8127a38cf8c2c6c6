use std::fs::File;
use std::sync::Arc;

use blob_store::{BlobId, BlobStore, BlobWriter, StoredBlob};
use chrono::{DateTime, TimeDelta, Utc};
use http_kit::RequestContext;
use media_decode::{Decoders, MediaInput};
use primitives::{AccessLevel, Clock, Id, Scope, WriteSeed};
use remote_source::RemoteSources;
use scheduling::{WorkQueue, run_undeferred};
use sqlx::PgPool;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::digest::digest;
use crate::documents::set_registered_keys;
use crate::fingerprint::{ChangedFiles, FileFingerprint};
use crate::probe_result::ProbeResult;
use crate::rules::{self, Checks};
use crate::source::Opening;
use crate::{
    Artifact, Description, DescriptionChanges, DocumentValidator, MediaAsset, MediaError, NewArtifact,
    NewAsset, SourcePolicy, store,
};

/// Configuration of the media service.
#[derive(Clone, Debug)]
pub struct MediaConfig {
    /// The files outside the store that may be registered.
    pub sources: SourcePolicy,
    /// The files elsewhere that may be fetched.
    pub remote_sources: RemoteSources,
    /// The largest file that can be uploaded or fetched, in bytes.
    pub max_upload_bytes: u64,
    /// Number of files that are probed at once, and number of waveforms that are computed at once.
    pub probes: usize,
    /// Number of further files that may wait in each of these queues.
    pub waiting_probes: usize,
    /// The decoders of recordings.
    pub decoders: Decoders,
    /// Validator of documents of measurements that callers register. Without it, as in tests of this crate, documents
    /// are registered without reading them.
    pub documents: Option<Arc<dyn DocumentValidator>>,
    /// Time after the last received byte at which a resumable upload expires.
    pub upload_retention: TimeDelta,
}

impl Default for MediaConfig {
    fn default() -> Self {
        Self {
            sources: SourcePolicy::default(),
            remote_sources: RemoteSources::default(),
            max_upload_bytes: 64 << 30,
            probes: 2,
            waiting_probes: 64,
            decoders: Decoders::native(),
            documents: None,
            upload_retention: TimeDelta::days(1),
        }
    }
}

/// Registers and finds assets and artifacts, and opens their bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MediaService(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    blobs: BlobStore,
    clock: Arc<dyn Clock>,
    config: MediaConfig,
    probes: WorkQueue,
    waveforms: WorkQueue,
    changed_files: ChangedFiles,
    /// Tasks that write resumable uploads.
    uploads: TaskTracker,
}

impl MediaService {
    /// A service over a migrated database and a blob store.
    #[must_use]
    pub fn new(pool: PgPool, blobs: BlobStore, clock: Arc<dyn Clock>, config: MediaConfig) -> Self {
        let probes = WorkQueue::new("media_probe", config.probes, config.waiting_probes);
        // A separate queue, so that an upload does not wait for the decoding of long recordings.
        let waveforms = WorkQueue::new("waveform", config.probes, config.waiting_probes);
        let changed_files = ChangedFiles::default();
        let uploads = TaskTracker::new();
        Self(Arc::new(Inner { pool, blobs, clock, config, probes, waveforms, changed_files, uploads }))
    }

    /// The connection pool of the database.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.0.pool
    }

    pub(crate) fn changed_files(&self) -> &ChangedFiles {
        &self.0.changed_files
    }

    /// The store of uploads and results.
    #[must_use]
    pub fn blobs(&self) -> &BlobStore {
        &self.0.blobs
    }

    /// The largest file that can be uploaded or fetched, in bytes.
    #[must_use]
    pub fn max_upload_bytes(&self) -> u64 {
        self.0.config.max_upload_bytes
    }

    /// Time after the last received byte at which a resumable upload expires.
    pub(crate) fn upload_retention(&self) -> TimeDelta {
        self.0.config.upload_retention
    }

    pub(crate) fn upload_tasks(&self) -> &TaskTracker {
        &self.0.uploads
    }

    /// The decoders of recordings.
    #[must_use]
    pub fn decoders(&self) -> &Decoders {
        &self.0.config.decoders
    }

    /// Number of files that are probed at once.
    #[must_use]
    pub fn probes(&self) -> usize {
        self.0.config.probes
    }

    pub(crate) fn document_validator(&self) -> Option<Arc<dyn DocumentValidator>> {
        self.0.config.documents.clone()
    }

    pub(crate) fn probe_queue(&self) -> &WorkQueue {
        &self.0.probes
    }

    pub(crate) fn waveform_queue(&self) -> &WorkQueue {
        &self.0.waveforms
    }

    /// What may be registered and read outside the store.
    pub(crate) fn source_policy(&self) -> &SourcePolicy {
        &self.0.config.sources
    }

    pub(crate) fn remote_sources(&self) -> &RemoteSources {
        &self.0.config.remote_sources
    }

    /// The clock, for jobs that read it after they have waited in a queue.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.clock)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.0.clock.now()
    }

    /// Finds an artifact by its id.
    ///
    /// # Errors
    /// [`MediaError::ArtifactsNotFound`]; errors of the database.
    pub async fn artifact(&self, scope: &Scope, id: &Id) -> Result<Artifact, MediaError> {
        let mut conn = self.pool().acquire().await?;
        store::find_artifact(&mut conn, scope, id).await?.ok_or_else(|| MediaError::artifact_not_found(id))
    }

    /// Stores a complete upload and registers it: first the bytes, then the row.
    ///
    /// # Errors
    /// [`MediaError::Invalid`] for an invalid description; errors of the store and of the database.
    pub async fn register_upload(
        &self,
        context: &RequestContext,
        upload: BlobWriter,
        file_name: Option<String>,
        description: Description,
    ) -> Result<MediaAsset, MediaError> {
        let mut asset = description.into_asset(context.user_id.clone())?;
        if let Some(made) = self.made_before(&context.scope, &mut asset).await? {
            return Ok(made);
        }
        self.store_file(&context.scope, asset, upload, file_name).await
    }

    /// Probes and stores a complete file, and writes the row of `asset`.
    pub(crate) async fn store_file(
        &self,
        scope: &Scope,
        mut asset: NewAsset,
        upload: BlobWriter,
        file_name: Option<String>,
    ) -> Result<MediaAsset, MediaError> {
        let staged = upload.staged_path()?.to_path_buf();
        let decoders = self.decoders().clone();
        let probed = self.0.probes.run(move |cancellation| {
            let input = MediaInput::new(File::open(&staged)?, decoders);
            ProbeResult::probe(&input, cancellation)
        });
        probed.await??.apply_to(&mut asset);
        set_content(&mut asset, upload.finish().await?, file_name);
        let mut conn = self.pool().acquire().await?;
        store::insert_asset(&mut conn, scope, self.now(), asset).await
    }

    /// Registers the file at `uri`. An allowed `file://`, and the `blob://` of an asset or artifact of this owner, are
    /// read to hash and probe them, and are not copied. A file elsewhere is fetched into the blob store: heavy work.
    ///
    /// # Errors
    /// For a file elsewhere [`MediaError::Remote`], [`MediaError::UploadTooLarge`]; for others
    /// [`MediaError::SourceNotAllowed`], [`MediaError::SourceNeedsAdmin`] for a caller of a lower `level` and a file
    /// outside the owner's directories, [`MediaError::SourceUnreadable`], [`MediaError::Invalid`]; errors of the store
    /// and of the database.
    pub async fn register_source(
        &self,
        context: &RequestContext,
        uri: String,
        description: Description,
        level: AccessLevel,
    ) -> Result<MediaAsset, MediaError> {
        let mut checks = Checks::default();
        checks.uri("/source_uri", &uri);
        checks.finish()?;
        let mut asset = description.into_asset(context.user_id.clone())?;
        if let Some(made) = self.made_before(&context.scope, &mut asset).await? {
            return Ok(made);
        }
        if let Some(url) = Url::parse(&uri).ok().filter(|url| RemoteSources::is_remote(url.scheme())) {
            // Boxed, because its future is large.
            return Box::pin(self.fetch_and_register(&context.scope, &url, asset, level)).await;
        }
        self.check_blob_owner(&context.scope, &uri).await?;
        let blob = match BlobId::from_uri(&uri) {
            Ok(id) => Some(self.blobs().open_local(id).await?),
            Err(_) => None,
        };
        let (policy, source, decoders) =
            (self.0.config.sources.clone(), uri.clone(), self.decoders().clone());
        let (scope, clock) = (context.scope.clone(), self.clock());
        let probed = self.0.probes.run(move |cancellation| {
            let (file, fingerprint) = match &blob {
                Some(blob) => (File::open(blob.path())?, None),
                None => {
                    let file = policy.open(&source, Opening::Register { scope: &scope, level })?;
                    // The fingerprint is taken before the bytes are read, so that a change meanwhile is detected. The
                    // clock is read here too, because the job may have waited in its queue.
                    let fingerprint = FileFingerprint::of(&file, clock.now())?;
                    (file, Some(fingerprint))
                }
            };
            let (id, size) = digest(&file, cancellation)?;
            let result = ProbeResult::probe(&MediaInput::new(file, decoders), cancellation)?;
            Ok::<_, MediaError>((id, size, result, fingerprint))
        });
        let (id, size_bytes, result, fingerprint) = run_undeferred(probed).await??;
        asset.file_fingerprint = fingerprint;
        result.apply_to(&mut asset);
        if let Some(name) = file_name_of(&uri) {
            asset.meta.insert("file_name".to_owned(), name.into());
        }
        asset.source_uri = uri;
        asset.content_sha256 = Some(id.to_hex());
        asset.size_bytes = Some(size_bytes);
        let mut conn = self.pool().acquire().await?;
        store::insert_asset(&mut conn, &context.scope, self.now(), asset).await
    }

    /// Changes tags, `source_ref` and metadata of an asset.
    ///
    /// # Errors
    /// [`MediaError::AssetsNotFound`]; [`MediaError::Invalid`] for values that a row cannot have; errors of the database.
    pub async fn change_description(
        &self,
        scope: &Scope,
        id: &Id,
        changes: DescriptionChanges,
    ) -> Result<MediaAsset, MediaError> {
        let changes = changes.checked()?;
        let mut transaction = self.pool().begin().await?;
        let changed = store::change_asset(&mut transaction, scope, id, &changes).await?;
        transaction.commit().await?;
        changed.ok_or_else(|| MediaError::asset_not_found(id))
    }

    /// The asset that an earlier attempt of this write created before its process died. Sets the id of `new` to the one
    /// that all attempts of this write share.
    async fn made_before(&self, scope: &Scope, new: &mut NewAsset) -> Result<Option<MediaAsset>, MediaError> {
        let Some(seed) = WriteSeed::current() else { return Ok(None) };
        let id = new.id.insert(seed.id("asset", 0));
        store::find_asset(&mut *self.pool().acquire().await?, scope, id).await
    }

    /// Registers one artifact that a caller made. The document of a measurement is read and validated, and its cache
    /// key is prefixed, to separate it from those of analyses.
    ///
    /// # Errors
    /// As [`store::insert_artifacts`]; [`MediaError::SourceNotAllowed`] for a `blob://` that this owner does not have;
    /// [`MediaError::Invalid`] for a measurement whose document is missing or invalid.
    pub async fn register_artifact(
        &self,
        scope: &Scope,
        mut new: NewArtifact,
        level: AccessLevel,
    ) -> Result<Artifact, MediaError> {
        if let Some(seed) = WriteSeed::current() {
            let id = new.id.insert(seed.id("artifact", 0));
            let mut conn = self.pool().acquire().await?;
            if let Some(made) = store::find_artifact(&mut conn, scope, id).await? {
                return Ok(made);
            }
        }
        self.check_blob_owner(scope, &new.uri).await?;
        self.check_file_owner(scope, &new.uri, level).await?;
        if new.kind.is_measurement() {
            let copies =
                self.0.config.documents.as_ref().map_or(&[][..], |documents| documents.cache_key_copies());
            set_registered_keys(&mut new.meta, copies);
        }
        let (new, follow_up) = self.check_document(scope, new).await?;
        let mut transaction = self.pool().begin().await?;
        let artifact = store::insert_artifact(&mut transaction, scope, self.now(), new).await?;
        if let Some(follow_up) = follow_up {
            follow_up.run(&mut transaction, &artifact).await?;
        }
        transaction.commit().await?;
        Ok(artifact)
    }

    /// Checks the file of an artifact: below the level of an administrator it must exist in a directory of the owner.
    async fn check_file_owner(&self, scope: &Scope, uri: &str, level: AccessLevel) -> Result<(), MediaError> {
        // Parsed as by the policy: ` FILE:///a` is a file URI too.
        let is_file = Url::parse(uri).is_ok_and(|url| url.scheme() == "file");
        if level == AccessLevel::Admin || !is_file {
            return Ok(());
        }
        let (policy, scope, uri) = (self.0.config.sources.clone(), scope.clone(), uri.to_owned());
        let opened = tokio::task::spawn_blocking(move || {
            policy.open(&uri, Opening::Register { scope: &scope, level }).map(drop)
        });
        opened.await.map_err(std::io::Error::other)?
    }

    /// Checks that this owner has the blob. Blobs are shared by all owners: knowing a hash must not give access to the
    /// bytes.
    async fn check_blob_owner(&self, scope: &Scope, uri: &str) -> Result<(), MediaError> {
        if !uri.starts_with("blob:") {
            return Ok(());
        }
        let mut conn = self.pool().acquire().await?;
        if store::owns_uri(&mut conn, scope, uri).await? {
            return Ok(());
        }
        Err(MediaError::SourceNotAllowed("no asset or artifact of yours has this blob".to_owned()))
    }
}

/// Sets the location and size of uploaded bytes, and the name of their file.
pub(crate) fn set_content(asset: &mut NewAsset, blob: StoredBlob, file_name: Option<String>) {
    if let Some(name) = file_name {
        asset.meta.insert("file_name".to_owned(), name.into());
    }
    asset.source_uri = blob.id.uri();
    asset.content_sha256 = Some(blob.id.to_hex());
    asset.size_bytes = Some(blob.size_bytes);
}

/// The file name in a `file://` URI.
fn file_name_of(uri: &str) -> Option<String> {
    let path = Url::parse(uri).ok()?.to_file_path().ok()?;
    rules::file_name(path.file_name()?.to_str()?)
}
