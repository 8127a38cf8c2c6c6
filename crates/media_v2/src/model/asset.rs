use chrono::{DateTime, Utc};
use media_decode::PROBER_VERSION;
use media_time::MediaTime;
use primitives::{Id, KeysetCursor};
use serde::{Deserialize, Serialize};

use super::content::{Content, Meta};
use super::kind::{AssetDecoder, AssetKind};
use super::stream::AudioStream;
use super::timecode::StartTimecode;
use crate::fingerprint::{FileFingerprint, RegisteredFile};

/// A recording, image or other file that a tenant registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MediaAsset {
    /// Id of the asset, unique within the owner.
    pub id: Id,
    /// The tenant that owns it.
    pub tenant_id: Id,
    /// The owner's environment, e.g. `prod`.
    pub env: Id,
    /// The user who registered it.
    pub user_id: Option<Id>,
    /// The kind of the asset.
    pub kind: AssetKind,
    /// URI of the bytes: `blob://sha256/<hex>` for an uploaded or fetched file.
    pub source_uri: String,
    /// Duration in milliseconds as declared by the container, else measured from the audio packets; null when unknown.
    #[serde(rename = "duration_ms")]
    pub duration: Option<MediaTime>,
    /// Mean video frame rate in frames per second.
    pub fps: Option<f64>,
    /// Source timecode at the start of the file: of a timecode track, of a Broadcast WAVE file's time reference, or as
    /// ffprobe reports it; null if the file declares none.
    pub start_timecode: Option<StartTimecode>,
    /// Number of audio channels; 0 without audio.
    pub audio_channels: Option<u32>,
    /// Audio sample rate in Hz.
    pub sample_rate: Option<u32>,
    /// Container, video codec and the codecs of all audio streams, e.g. `isomp4: h264, aac`.
    pub codec_info: Option<String>,
    /// The audio streams, in the order of the file; at most 256. Empty without audio, and if the file could not be read.
    #[serde(default)]
    #[schema(required)]
    pub audio_streams: Vec<AudioStream>,
    /// Size of the file in bytes.
    pub size_bytes: Option<u64>,
    /// SHA-256 of the bytes, lower-case hex.
    pub content_sha256: Option<String>,
    /// The caller's tags, by which assets can be listed.
    pub tags: Vec<String>,
    /// The caller's own reference, by which assets can be listed.
    pub source_ref: Option<String>,
    /// Time when it was registered.
    pub created_at: DateTime<Utc>,
    /// The caller's own metadata; `file_name`, `media_type` and, for fetched files, `fetched_from` are added at
    /// registration.
    #[schema(value_type = Object)]
    pub meta: Meta,
    /// Version of the prober that probed it; 0 when the file needs ffmpeg and ffmpeg was missing.
    #[serde(skip)]
    pub prober_version: i32,
    /// The decoder of the audio; `None` if version 1 of the prober decoded it correctly or was the last to probe it.
    #[serde(skip)]
    pub decoder: Option<AssetDecoder>,
    /// Fingerprint of the file outside the store, from when its bytes were hashed.
    #[serde(skip)]
    pub file_fingerprint: Option<FileFingerprint>,
}

/// A new [`MediaAsset`] for [`store::insert_asset`](crate::store::insert_asset), which adds the id, owner and time.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of `MediaAsset`")]
pub struct NewAsset {
    /// Id of the asset; generated when `None`.
    pub id: Option<Id>,
    pub user_id: Option<Id>,
    /// Kind of the asset; [`AssetKind::Other`] when `None`.
    pub kind: Option<AssetKind>,
    pub source_uri: String,
    pub duration: Option<MediaTime>,
    pub fps: Option<f64>,
    pub start_timecode: Option<StartTimecode>,
    pub audio_channels: Option<u32>,
    pub sample_rate: Option<u32>,
    pub codec_info: Option<String>,
    pub audio_streams: Vec<AudioStream>,
    pub size_bytes: Option<u64>,
    pub content_sha256: Option<String>,
    pub tags: Vec<String>,
    pub source_ref: Option<String>,
    pub meta: Meta,
    pub decoder: Option<AssetDecoder>,
    pub file_fingerprint: Option<FileFingerprint>,
    /// Whether ffmpeg was missing although the file needs it; the file will be probed again.
    pub is_incomplete: bool,
}

impl MediaAsset {
    /// The content of the asset: URI, owner, hash and media type of its bytes.
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
            file: self.file_fingerprint.map(|fingerprint| RegisteredFile { asset_id: &self.id, fingerprint }),
        }
    }

    /// Whether it was probed by an older prober, or while ffmpeg was missing.
    #[must_use]
    pub const fn is_outdated(&self) -> bool {
        self.prober_version < PROBER_VERSION
    }

    pub(crate) fn cursor(&self) -> KeysetCursor {
        KeysetCursor { key: self.created_at, id: self.id.clone() }
    }
}
