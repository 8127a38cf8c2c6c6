use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blob_store::BlobStore;
use db::testing::TestDatabase;
use media_v2::{
    ArtifactKind, Content, MediaConfig, MediaService, NewArtifact, NewAsset, SourcePolicy, store,
};
use primitives::{Clock as _, Id, ManualClock};
use serde_json::{Value, json};
use sqlx::PgPool;
use tempfile::TempDir;

use crate::files::count_files;
use crate::{Api, scope, with_members};

/// When the clocks of tests start.
const START: &str = "2026-01-02T03:04:05Z";

/// A media service with its own database, blob store and directory of allowed sources.
pub struct TestMedia {
    /// The service under test, or below it.
    pub service: MediaService,
    /// The database of the service.
    pub database: TestDatabase,
    /// The clock of the service, at first 2026-01-02T03:04:05Z.
    pub clock: Arc<ManualClock>,
    directory: TempDir,
}

impl TestMedia {
    /// A service with the default configuration, which has no ffmpeg.
    pub async fn new() -> Self {
        Self::with(MediaConfig::default()).await
    }

    /// A service with `config`, in which the sources are replaced by the directory of [`TestMedia::source`].
    ///
    /// # Panics
    /// When its database or directory cannot be made.
    pub async fn with(config: MediaConfig) -> Self {
        let database = TestDatabase::create().await;
        let directory = tempfile::tempdir().expect("a temporary directory");
        let sources = directory.path().join("sources");
        std::fs::create_dir(&sources).expect("a directory of sources");
        let blobs = BlobStore::open_directory(&directory.path().join("blobs")).expect("a blob store");
        let sources = SourcePolicy::new([sources]).expect("allowed sources");
        let clock = Arc::new(ManualClock::new(START.parse().expect("a time")));
        let service =
            MediaService::new(database.pool.clone(), blobs, clock.clone(), MediaConfig { sources, ..config });
        Self { service, database, clock, directory }
    }

    /// The pool of the database.
    #[must_use]
    pub fn pool(&self) -> PgPool {
        self.database.pool.clone()
    }

    /// The directory of `blobs` and `sources`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Path of the file `name` in the directory whose files may be registered as sources.
    #[must_use]
    pub fn source(&self, name: &str) -> PathBuf {
        self.directory().join("sources").join(name)
    }

    /// The `file` URI of [`TestMedia::source`].
    #[must_use]
    pub fn source_uri(&self, name: &str) -> String {
        format!("file://{}", self.source(name).display())
    }

    /// Number of files in the blob store, including staged ones.
    #[must_use]
    pub fn blob_files(&self) -> usize {
        count_files(&self.directory().join("blobs"))
    }

    /// Writes the row of an asset of `tenant`.
    ///
    /// # Panics
    /// When the database refuses it.
    pub async fn insert_asset(&self, tenant: &str, asset: NewAsset) -> Id {
        let conn = &mut *self.database.pool.acquire().await.expect("a connection");
        store::insert_asset(conn, &scope(tenant), self.clock.now(), asset).await.expect("a valid asset").id
    }

    /// Writes the row of an artifact of `tenant`.
    ///
    /// # Panics
    /// When the database refuses it.
    pub async fn insert_artifact(&self, tenant: &str, artifact: NewArtifact) -> Id {
        let conn = &mut *self.database.pool.acquire().await.expect("a connection");
        let made = store::insert_artifact(conn, &scope(tenant), self.clock.now(), artifact).await;
        made.expect("a valid artifact").id
    }

    /// All bytes of an asset or artifact.
    ///
    /// # Panics
    /// When they cannot be read.
    pub async fn read(&self, content: Content<'_>) -> Vec<u8> {
        let mut reader = self.service.open_source(content).await.expect("readable content");
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).expect("readable content");
        bytes
    }
}

/// A hit of `asset` without a window, bytes or parameters, made of the artifacts `upstream`, with members of its meta.
///
/// # Panics
/// When `meta` is not an object.
#[must_use]
pub fn new_hit(asset: &Id, upstream: &[&Id], meta: Value) -> NewArtifact {
    let kind = ArtifactKind::AudioHit;
    let mut hit = NewArtifact::new(kind, asset.clone(), "mem:hit".to_owned(), "test", &json!({}));
    hit.upstream_artifact_ids = upstream.iter().map(|id| (*id).clone()).collect();
    let Value::Object(meta) = meta else { panic!("not an object: {meta}") };
    hit.meta.extend(meta);
    hit
}

/// Registers an artifact of `asset` through `media_v2`'s route, by default a hit, with additional members in its body;
/// returns its id.
pub async fn post_artifact(api: &Api, asset: &str, more: Value) -> String {
    let body = with_members(json!({"kind": "audio_hit", "uri": "mem:hit"}), more);
    api.post(&format!("/media-v2/assets/{asset}/artifacts"), &body).await.id()
}
