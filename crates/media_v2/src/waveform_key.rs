//! The cache key of the peaks of a recording.

use audio_signal::{WaveformParams, WaveformPyramid};
use sha2::{Digest, Sha256};

use crate::Content;

/// Cache key of peaks, within an owner.
#[derive(Clone, Debug)]
pub(crate) struct WaveformKey {
    /// SHA-256 of the URI, content hash and decoder of the recording, lower-case hex.
    pub(crate) source: String,
    pub(crate) params: WaveformParams,
    /// Version and form of the bytes.
    pub(crate) rule: i16,
}

impl WaveformKey {
    /// Version of the computation, incremented when the same recording may give different peaks.
    const RULE: i16 = 1;
    /// Pyramids have the rules from here on.
    const PYRAMID_RULES: i16 = 1_000;

    pub(crate) fn new(content: Content<'_>, params: WaveformParams) -> Self {
        // A hash given by a caller is combined with the URI, so that it cannot select another recording's peaks.
        let mut known = format!("{}\n{}", content.uri, content.sha256.unwrap_or_default());
        // Peaks of an earlier decoder, which decoded the recording incorrectly, have another key.
        if let Some(decoder) = content.decoder {
            known += &format!("\n{decoder}");
        }
        Self { source: hex::encode(Sha256::digest(known)), params, rule: Self::RULE }
    }

    /// The key of the levels of a recording at several resolutions.
    pub(crate) fn pyramid(content: Content<'_>, split_channels: bool) -> Self {
        // One row for all resolutions: the number is that of none.
        let samples_per_pixel = *WaveformParams::SAMPLES_PER_PIXEL.start();
        let rule = Self::PYRAMID_RULES + WaveformPyramid::VERSION;
        Self { rule, ..Self::new(content, WaveformParams { samples_per_pixel, split_channels }) }
    }
}
