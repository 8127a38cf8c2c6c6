use blob_store::UploadProgress;
use chrono::{DateTime, Utc};
use primitives::{Id, Scope};
use serde::Serialize;

/// State of a resumable upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadState {
    /// Bytes are missing, or the asset is.
    Receiving,
    /// The asset exists.
    Finished,
    /// It has expired, and its bytes were removed.
    Discarded,
}

impl UploadState {
    /// Parses the value of the column `state`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "receiving" => Some(Self::Receiving),
            "finished" => Some(Self::Finished),
            "discarded" => Some(Self::Discarded),
            _ => None,
        }
    }
}

/// A resumable upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) id: Id,
    pub(crate) scope: Scope,
    pub(crate) user_id: Option<Id>,
    /// Id of the asset that it becomes.
    pub(crate) asset_id: Id,
    pub(crate) length_bytes: u64,
    /// The header `Upload-Metadata` as received; empty without one.
    pub(crate) metadata: String,
    pub(crate) state: UploadState,
    pub(crate) progress: UploadProgress,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) expires_at: DateTime<Utc>,
}

impl Upload {
    /// Whether all bytes are stored, and the asset is missing.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.state == UploadState::Receiving && self.progress.offset_bytes == self.length_bytes
    }

    /// Whether it can no longer be continued at `now`.
    pub(crate) fn is_expired(&self, now: DateTime<Utc>) -> bool {
        match self.state {
            UploadState::Receiving => self.expires_at <= now,
            UploadState::Finished => false,
            UploadState::Discarded => true,
        }
    }
}

/// A resumable upload, as callers see it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct UploadStatus {
    /// Id of the upload.
    pub(crate) id: Id,
    /// Number of stored bytes, where the next PATCH continues.
    pub(crate) offset_bytes: u64,
    /// Declared number of bytes.
    pub(crate) length_bytes: u64,
    /// The asset that it became; null until all bytes are stored and probed.
    pub(crate) asset_id: Option<Id>,
    pub(crate) created_at: DateTime<Utc>,
    /// Time at which the upload expires unless more bytes arrive; of a finished one, time at which this record is removed.
    pub(crate) expires_at: DateTime<Utc>,
}

impl From<&Upload> for UploadStatus {
    fn from(upload: &Upload) -> Self {
        Self {
            id: upload.id.clone(),
            offset_bytes: upload.progress.offset_bytes,
            length_bytes: upload.length_bytes,
            asset_id: (upload.state == UploadState::Finished).then(|| upload.asset_id.clone()),
            created_at: upload.created_at,
            expires_at: upload.expires_at,
        }
    }
}
