//! Samples as a ZIP archive, streamed from the blob store.
//!
//! `plan` looks everything up before the first byte is sent: names, sizes and the manifest. `stream` then sends one
//! file after the other, so that memory does not grow with the size of the samples. The same artifacts in the same
//! order give the same bytes.

mod names;
mod plan;
mod stream;

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use blob_store::{BlobId, BlobStore};
use bytes::Bytes;
use http_kit::RequestContext;
use http_kit::idempotency::Unstored;
use primitives::Id;
use scheduling::WorkError;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;

use crate::{Error, FieldToSamples};

/// Maximum number of samples in an archive.
pub const MAX_FILES: usize = 10_000;
/// Maximum number of archives that one process plans at the same time: each holds its manifest in memory until that is sent.
pub const MAX_CONCURRENT: usize = 16;
/// Time after which a refused request may be repeated, in s.
const RETRY_AFTER_S: u32 = 10;
/// Maximum size of the manifest in bytes: it is in memory until it is sent. 10 000 samples of this service have 15 MiB.
const MAX_MANIFEST: usize = 64 << 20;
/// Name of the first file, which lists the others.
const MANIFEST: &str = "manifest.json";

/// Requests an archive of samples.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleArchiveRequest {
    /// Alternative to the header `X-Tenant-Id`.
    pub tenant_id: Option<String>,
    /// Alternative to the header `X-Env`.
    pub env: Option<String>,
    /// Alternative to the header `X-User-Id`.
    pub user_id: Option<String>,
    /// Artifacts of samples, 1 to 10 000, in the order of the archive; of an id that occurs twice, the first counts.
    #[schema(min_items = 1, max_items = 10_000)]
    pub artifact_ids: Vec<Id>,
}

http_kit::context_fields!(SampleArchiveRequest);

/// An archive that is ready to be sent.
#[derive(Debug)]
pub struct SampleArchive {
    blobs: BlobStore,
    manifest: Bytes,
    files: Vec<ArchiveFile>,
    /// One of [`MAX_CONCURRENT`] slots, held until the manifest is sent or the archive dropped.
    slot: OwnedSemaphorePermit,
}

/// A sample in an archive.
#[derive(Debug)]
struct ArchiveFile {
    name: String,
    blob: BlobId,
    /// Size in bytes.
    size: u64,
}

impl FieldToSamples {
    /// Plans an archive of the samples of `artifact_ids`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no artifacts, [`Error::TooManyFiles`], [`Error::NotSamples`]; errors of the media store
    /// for unknown artifacts and missing bytes; [`Error::Work`] while [`MAX_CONCURRENT`] archives
    /// hold a manifest.
    pub async fn archive(
        &self,
        context: &RequestContext,
        artifact_ids: &[Id],
    ) -> Result<SampleArchive, Error> {
        let slot = self.archives().clone().try_acquire_owned();
        let full = |_| WorkError::QueueFull { queue: "archives", retry_after_s: RETRY_AFTER_S };
        plan::plan(self.media(), &context.scope, artifact_ids, slot.map_err(full)?).await
    }
}

impl SampleArchive {
    /// Size of the archive in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        let files = self.files.iter().map(|file| (file.name.as_str(), file.size));
        interchange::zip::archive_bytes(std::iter::once((MANIFEST, self.manifest.len() as u64)).chain(files))
    }
}

impl IntoResponse for SampleArchive {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, "application/zip".to_owned()),
            (CONTENT_DISPOSITION, http_kit::content_disposition(false, Some("samples.zip"))),
            (CONTENT_LENGTH, self.size_bytes().to_string()),
        ];
        let mut response = (headers, Body::from_stream(stream::stream(self))).into_response();
        response.extensions_mut().insert(Unstored);
        response
    }
}
