//! The cache key of the peaks of a recording.

use audio_signal::WaveformParams;
use sha2::{Digest, Sha256};

use crate::Content;

/// Cache key of peaks, within an owner.
#[derive(Clone, Debug)]
pub(crate) struct WaveformKey {
    /// SHA-256 of the URI, content hash and decoder of the recording, lower-case hex.
    pub(crate) source: String,
    pub(crate) params: WaveformParams,
}

impl WaveformKey {
    /// Version of the computation, incremented when the same recording may give different peaks.
    pub(crate) const RULE: i16 = 1;

    pub(crate) fn new(content: Content<'_>, params: WaveformParams) -> Self {
        // A hash given by a caller is combined with the URI, so that it cannot select another recording's peaks.
        let mut known = format!("{}\n{}", content.uri, content.sha256.unwrap_or_default());
        // Peaks of an earlier decoder, which decoded the recording incorrectly, have another key.
        if let Some(decoder) = content.decoder {
            known += &format!("\n{decoder}");
        }
        Self { source: hex::encode(Sha256::digest(known)), params }
    }
}
