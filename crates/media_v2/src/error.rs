use std::fmt;
use std::io;

use audio_signal::{SignalError, WaveformError};
use axum::response::{IntoResponse, Response};
use blob_store::BlobError;
use http_kit::codes::{
    ARTIFACT_NOT_FOUND, ASSET_NOT_FOUND, INVALID_BODY, REQUEST_TIMEOUT, SCOPE_INSUFFICIENT, UNREADABLE_BODY,
};
use http_kit::{FieldError, Problem, describe, list_ids};
use media_decode::DecodeError;
use remote_source::RemoteError;
use scheduling::WorkError;

use crate::codes::{
    CHECKSUM_MISMATCH, CONTENT_DAMAGED, CONTENT_MISSING, DECODER_UNAVAILABLE, DUPLICATE_CACHE_KEY,
    INVALID_TUS_HEADER, MALFORMED_MULTIPART, NO_AUDIO_STREAM, SOURCE_ADDRESS_REFUSED, SOURCE_CHANGED,
    SOURCE_NOT_ALLOWED, SOURCE_REDIRECT_REFUSED, SOURCE_RESPONSE_INVALID, SOURCE_TIMED_OUT, SOURCE_TRUNCATED,
    SOURCE_UNAVAILABLE, SOURCE_UNREADABLE, TOO_MANY_UPLOADS, TUS_VERSION_UNSUPPORTED, UNDECODABLE_MEDIA,
    UPLOAD_EXPIRED, UPLOAD_LOCKED, UPLOAD_NOT_FOUND, UPLOAD_OFFSET_MISMATCH, UPLOAD_TOO_LARGE,
    WAVEFORM_TOO_DETAILED,
};

/// `Retry-After` where another request writes an upload, in seconds.
const LOCKED_RETRY_S: u32 = 3;

/// Errors of registering, finding and reading assets and artifacts.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The assets do not exist or belong to another owner.
    #[error("no such asset: {}", list_ids(.0))]
    AssetsNotFound(Vec<String>),
    /// The artifacts do not exist or belong to another owner.
    #[error("no such artifact: {}", list_ids(.0))]
    ArtifactsNotFound(Vec<String>),
    /// Fields of the request that break a rule.
    #[error("{}", describe(.0))]
    Invalid(Vec<FieldError>),
    /// A semantic timeline with the same cache key exists.
    #[error("a semantic timeline with this meta.cache_key is already registered; read that one")]
    DuplicateCacheKey,
    /// The source policy does not allow the URI.
    #[error("source not allowed: {0}; upload the file, or ask the operator to allow its source")]
    SourceNotAllowed(String),
    /// Only an administrator may register the file.
    #[error(
        "registering files of this server, or of a bucket that all tenants share, requires credentials with the scope \
         `admin`: upload the file, or put it below a source root or bucket prefix of your tenant"
    )]
    SourceNeedsAdmin,
    /// A file elsewhere could not be fetched.
    #[error("the source was not fetched: {0}")]
    Remote(#[source] RemoteError),
    /// The URI is allowed, but is not a readable file.
    #[error("cannot read the source: {0}")]
    SourceUnreadable(String),
    /// The bytes at the URI differ from the registered ones.
    #[error("the bytes at the source have changed since it was registered; register it again")]
    SourceChanged,
    /// The blob of a row is missing from the store.
    #[error("the bytes of {0} are not in the store")]
    ContentMissing(String),
    /// The blob of a row is corrupt.
    #[error("the bytes of {0} in the store are damaged; upload them again")]
    ContentDamaged(String),
    /// The store has blobs, but the database has no assets.
    #[error("the store has blobs, but the database has no asset: they belong to different installations")]
    ForeignStore,
    /// The upload is larger than allowed.
    #[error("the file exceeds the upload limit of {limit_bytes} bytes")]
    UploadTooLarge {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The resumable upload does not exist, or belongs to another owner.
    #[error("no such upload: {0}")]
    UploadNotFound(String),
    /// The resumable upload has expired.
    #[error("the upload has expired, and its bytes were removed; begin a new one")]
    UploadExpired,
    /// Another request writes the resumable upload.
    #[error("another request writes this upload; ask for its offset and continue")]
    UploadLocked,
    /// The request does not continue where the stored bytes end.
    #[error("the upload has {stored_bytes} bytes; continue there")]
    UploadOffset {
        /// Number of stored bytes.
        stored_bytes: u64,
    },
    /// More bytes were sent than the resumable upload has.
    #[error("the upload has {length_bytes} bytes, and the request has more")]
    UploadTooLong {
        /// The declared length, in bytes.
        length_bytes: u64,
    },
    /// The owner has too many unfinished resumable uploads.
    #[error("the owner has {0} unfinished uploads; finish or delete some")]
    TooManyUploads(i64),
    /// The bytes of a request do not have the declared checksum.
    #[error("the bytes of this request do not have the checksum of `Upload-Checksum`; send them again")]
    ChecksumMismatch,
    /// A header of the tus protocol is missing or malformed.
    #[error("{header}: {detail}")]
    TusHeader {
        /// Name of the header.
        header: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The client has another version of the tus protocol.
    #[error("send `Tus-Resumable: 1.0.0`, the only version of the protocol here")]
    TusVersion,
    /// The body of a request of a resumable upload is truncated.
    #[error("the body ended before its declared end; ask for the upload's offset and continue")]
    UploadInterrupted,
    /// The multipart body is malformed or truncated.
    #[error("the multipart body cannot be read: {0}")]
    MalformedMultipart(String),
    /// The multipart body arrived too slowly.
    #[error("the multipart body did not arrive in time")]
    UploadTimedOut,
    /// Too many files are waiting to be probed, or a probe failed.
    #[error(transparent)]
    Queue(#[from] WorkError),
    /// The blob store failed.
    #[error("storage failed")]
    Blob(#[source] BlobError),
    /// A file could not be read or decoded.
    #[error("reading a file failed")]
    Read(#[from] DecodeError),
    /// The peaks of a recording could not be computed.
    #[error(transparent)]
    Waveform(#[from] WaveformError),
    /// A query failed, or the database is unavailable.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl MediaError {
    /// [`MediaError::AssetsNotFound`] for one asset.
    #[must_use]
    pub fn asset_not_found(id: impl fmt::Display) -> Self {
        Self::AssetsNotFound(vec![id.to_string()])
    }

    /// [`MediaError::ArtifactsNotFound`] for one artifact.
    #[must_use]
    pub fn artifact_not_found(id: impl fmt::Display) -> Self {
        Self::ArtifactsNotFound(vec![id.to_string()])
    }

    /// Whether the bytes of a source are gone, changed or not allowed: other sources may be read.
    #[must_use]
    pub const fn is_about_source(&self) -> bool {
        matches!(
            self,
            Self::SourceNotAllowed(_)
                | Self::SourceUnreadable(_)
                | Self::SourceChanged
                | Self::ContentMissing(_)
                | Self::ContentDamaged(_)
        )
    }

    /// [`MediaError::Invalid`] for one field; `pointer` is a JSON pointer.
    pub(crate) fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }
}

impl From<BlobError> for MediaError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::NotFound(id) => Self::ContentMissing(id.uri()),
            BlobError::Damaged(id) => Self::ContentDamaged(id.uri()),
            BlobError::UploadBusy(_) => Self::UploadLocked,
            BlobError::UploadLost(name) => Self::ContentMissing(name),
            other => Self::Blob(other),
        }
    }
}

impl From<RemoteError> for MediaError {
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::NotAllowed(detail) => Self::SourceNotAllowed(detail),
            RemoteError::NeedsAdmin => Self::SourceNeedsAdmin,
            RemoteError::TooLarge { limit_bytes } => Self::UploadTooLarge { limit_bytes },
            other => Self::Remote(other),
        }
    }
}

impl From<io::Error> for MediaError {
    fn from(error: io::Error) -> Self {
        Self::Read(DecodeError::Io(error))
    }
}

impl IntoResponse for MediaError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl From<MediaError> for Problem {
    fn from(error: MediaError) -> Self {
        let detail = error.to_string();
        match error {
            MediaError::AssetsNotFound(ids) => Self::new(ASSET_NOT_FOUND, detail).with("ids", ids),
            MediaError::ArtifactsNotFound(ids) => Self::new(ARTIFACT_NOT_FOUND, detail).with("ids", ids),
            MediaError::Invalid(errors) => Self::new(INVALID_BODY, detail).fields(errors),
            MediaError::DuplicateCacheKey => Self::new(DUPLICATE_CACHE_KEY, detail),
            MediaError::SourceNotAllowed(_) => Self::new(SOURCE_NOT_ALLOWED, detail),
            MediaError::SourceNeedsAdmin => Self::new(SCOPE_INSUFFICIENT, detail),
            MediaError::SourceUnreadable(_) => Self::new(SOURCE_UNREADABLE, detail),
            MediaError::Remote(error) => remote_problem(error, detail),
            MediaError::SourceChanged => Self::new(SOURCE_CHANGED, detail),
            MediaError::ContentMissing(_) => Self::new(CONTENT_MISSING, detail),
            MediaError::ContentDamaged(_) => Self::new(CONTENT_DAMAGED, detail),
            MediaError::UploadTooLarge { .. } => Self::new(UPLOAD_TOO_LARGE, detail),
            MediaError::UploadNotFound(id) => Self::new(UPLOAD_NOT_FOUND, detail).with("id", id),
            MediaError::UploadExpired => Self::new(UPLOAD_EXPIRED, detail),
            MediaError::UploadLocked => Self::new(UPLOAD_LOCKED, detail).retry_after(LOCKED_RETRY_S),
            MediaError::UploadOffset { stored_bytes } => {
                Self::new(UPLOAD_OFFSET_MISMATCH, detail).with("offset", stored_bytes)
            }
            MediaError::UploadTooLong { .. } => Self::new(UPLOAD_TOO_LARGE, detail),
            MediaError::TooManyUploads(_) => Self::new(TOO_MANY_UPLOADS, detail).retry_after(60),
            MediaError::ChecksumMismatch => Self::new(CHECKSUM_MISMATCH, detail),
            MediaError::TusHeader { header, detail: wrong } => {
                Self::new(INVALID_TUS_HEADER, detail).field(header, wrong)
            }
            MediaError::TusVersion => Self::new(TUS_VERSION_UNSUPPORTED, detail),
            MediaError::UploadInterrupted => Self::new(UNREADABLE_BODY, detail),
            MediaError::MalformedMultipart(_) => Self::new(MALFORMED_MULTIPART, detail),
            MediaError::UploadTimedOut => Self::new(REQUEST_TIMEOUT, detail),
            MediaError::Queue(error) => error.into(),
            MediaError::ForeignStore => Self::internal(detail),
            MediaError::Blob(error) => Self::storage(error),
            MediaError::Read(error) => decode_problem(error),
            MediaError::Waveform(error) => waveform_problem(error),
            MediaError::Database(error) => error.into(),
        }
    }
}

fn remote_problem(error: RemoteError, detail: String) -> Problem {
    let code = match error {
        RemoteError::AddressRefused(_) => SOURCE_ADDRESS_REFUSED,
        RemoteError::RedirectRefused(_) => SOURCE_REDIRECT_REFUSED,
        RemoteError::Unreadable(_) => SOURCE_UNREADABLE,
        RemoteError::Changed => SOURCE_CHANGED,
        RemoteError::Truncated(_) => SOURCE_TRUNCATED,
        RemoteError::InvalidAnswer(_) => SOURCE_RESPONSE_INVALID,
        RemoteError::TimedOut(_) => SOURCE_TIMED_OUT,
        RemoteError::Unavailable(_) => SOURCE_UNAVAILABLE,
        // The conversion to `MediaError` has variants of its own for these.
        RemoteError::NotAllowed(_) | RemoteError::NeedsAdmin => SOURCE_NOT_ALLOWED,
        RemoteError::TooLarge { .. } => UPLOAD_TOO_LARGE,
        RemoteError::Client(_) => return Problem::internal(error),
    };
    Problem::new(code, detail)
}

fn waveform_problem(error: WaveformError) -> Problem {
    let detail = error.to_string();
    match error {
        WaveformError::TooDetailed { .. } => Problem::new(WAVEFORM_TOO_DETAILED, detail),
        WaveformError::Signal(SignalError::Decode(error)) => decode_problem(error),
        WaveformError::Signal(error @ SignalError::Model(_)) => Problem::internal(error),
    }
}

/// The problem of a recording that cannot be decoded, the same in all engines. Only a failure of the server's own disk
/// or store is an internal error (500).
#[must_use]
pub fn decode_problem(error: DecodeError) -> Problem {
    let detail = error.to_string();
    match error {
        DecodeError::NoAudioStream { .. } => Problem::new(NO_AUDIO_STREAM, detail),
        DecodeError::NoSuchStream { .. } => Problem::invalid_field("/audio_stream", detail),
        DecodeError::FfmpegUnavailable { .. } => Problem::new(DECODER_UNAVAILABLE, detail).retry_after(60),
        DecodeError::Unrecognised(_)
        | DecodeError::Undecodable(_)
        | DecodeError::Unsupported(_)
        | DecodeError::LimitExceeded { .. } => Problem::new(UNDECODABLE_MEDIA, detail),
        DecodeError::Io(_) | DecodeError::Cancelled => Problem::internal(error),
    }
}
