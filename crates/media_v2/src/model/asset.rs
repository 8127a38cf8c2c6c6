use chrono::{DateTime, Utc};
use http_kit::{Cursor, Id};
use media_decode::PROBER_VERSION;
use media_time::MediaTime;
use serde::{Deserialize, Serialize};

use crate::marks::{FileMarks, RegisteredFile};

use super::{AssetDecoder, AssetKind, Content, Meta};

/// A recording, picture or other file that a tenant brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MediaAsset {
    /// Its id.
    pub id: Id,
    /// Its owner.
    pub tenant_id: Id,
    /// The owner's environment.
    pub env: Id,
    /// Who brought it.
    pub user_id: Option<Id>,
    /// What it is.
    pub kind: AssetKind,
    /// Where its bytes are: `blob://sha256/<hex>` for an upload.
    pub source_uri: String,
    /// Length in milliseconds as the container tells it; where it does not, until the end of the sound. Null when
    /// neither tells.
    pub duration_ms: Option<MediaTime>,
    /// Pictures per second.
    pub fps: Option<f64>,
    /// Channels of the sound, 0 when there is none.
    pub audio_channels: Option<u32>,
    /// Samples per second of the sound, in Hz.
    pub sample_rate: Option<u32>,
    /// Container and codecs, e.g. `isomp4: h264, aac`.
    pub codec_info: Option<String>,
    /// Number of bytes.
    pub size_bytes: Option<u64>,
    /// SHA-256 of the bytes, lower-case hex.
    pub content_sha256: Option<String>,
    /// The caller's words to find it by.
    pub tags: Vec<String>,
    /// The caller's own name for it.
    pub source_ref: Option<String>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// The caller's own facts; `file_name` and `media_type` are added at registration.
    #[schema(value_type = Object)]
    pub meta: Meta,
    /// The version of the prober that measured it; 0 when ffmpeg was missing, which the file needs.
    #[serde(skip)]
    pub prober_version: i32,
    /// How its audio is decoded; none where version 1 of the prober decoded it rightly, or is the last that probed it.
    #[serde(skip)]
    pub decoder: Option<AssetDecoder>,
    /// When its file outside the store last changed, as of when its bytes were hashed.
    #[serde(skip)]
    pub file_marks: Option<FileMarks>,
}

/// A [`MediaAsset`] to be: what [`store::insert_asset`](crate::store::insert_asset) is given; the rest
/// (id, owner, time) is added there.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of `MediaAsset`")]
pub struct NewAsset {
    /// A new one when not told.
    pub id: Option<Id>,
    pub user_id: Option<Id>,
    /// [`AssetKind::Other`] when not told.
    pub kind: Option<AssetKind>,
    pub source_uri: String,
    pub duration_ms: Option<MediaTime>,
    pub fps: Option<f64>,
    pub audio_channels: Option<u32>,
    pub sample_rate: Option<u32>,
    pub codec_info: Option<String>,
    pub size_bytes: Option<u64>,
    pub content_sha256: Option<String>,
    pub tags: Vec<String>,
    pub source_ref: Option<String>,
    pub meta: Meta,
    pub decoder: Option<AssetDecoder>,
    pub file_marks: Option<FileMarks>,
    /// ffmpeg, which the file needs, was missing when it was probed: it is to be probed again.
    pub is_incomplete: bool,
}

impl MediaAsset {
    /// Where its bytes are.
    #[must_use]
    pub fn content(&self) -> Content<'_> {
        let text = |name: &str| self.meta.get(name).and_then(|value| value.as_str());
        Content {
            tenant_id: &self.tenant_id,
            env: &self.env,
            uri: &self.source_uri,
            sha256: self.content_sha256.as_deref(),
            size_bytes: self.size_bytes,
            media_type: text("media_type").unwrap_or("application/octet-stream"),
            file_name: text("file_name"),
            decoder: self.decoder,
            file: self.file_marks.map(|marks| RegisteredFile { asset_id: &self.id, marks }),
        }
    }

    /// Was it measured by an older prober, or while ffmpeg was missing?
    #[must_use]
    pub const fn is_outdated(&self) -> bool {
        self.prober_version < PROBER_VERSION
    }

    pub(crate) fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.id.clone() }
    }
}
