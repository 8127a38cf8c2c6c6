//! The audio to identify: a window of an asset, of an artifact or of an uploaded file.

use std::ops::Range;

use audio_fingerprint::RATE;
use media_time::MediaTime;
use media_v2::MediaService;
use primitives::{Id, Scope};

use crate::model::{IdentifyRequest, Variation};
use crate::recording::AudioSource;
use crate::{Error, MAX_QUERY};

/// Queries up to this long are answered without a job: three blocks.
const LIGHT: MediaTime = MediaTime::from_millis(28_000);

/// A window of audio and how it is searched.
#[derive(Clone, Debug)]
pub(crate) struct QueryOptions {
    /// Start of the window in the audio.
    pub(crate) start: MediaTime,
    /// Its end; the end of the audio when `None`.
    pub(crate) end: Option<MediaTime>,
    pub(crate) min_confidence: f64,
    pub(crate) variation: Variation,
}

impl QueryOptions {
    /// The window in samples, one more than allowed if it may be too long.
    pub(crate) fn samples(&self) -> Range<u64> {
        let sample = |time: MediaTime| time.to_samples(RATE).max(0).cast_unsigned();
        let latest = self.start + MAX_QUERY + MediaTime::from_millis(1);
        sample(self.start)..sample(self.end.map_or(latest, |end| end.min(latest)))
    }

    /// Whether the window is short, of audio of this duration.
    pub(crate) fn is_light(&self, duration: Option<MediaTime>) -> bool {
        let end = match (self.end, duration) {
            (Some(end), Some(duration)) => Some(end.min(duration)),
            (end, duration) => end.or(duration),
        };
        end.is_some_and(|end| end - self.start <= LIGHT)
    }
}

/// Finds the asset or artifact of a request.
///
/// # Errors
/// Errors of the media store, and of assets without audio.
pub(crate) async fn find(
    media: &MediaService,
    scope: &Scope,
    request: &IdentifyRequest,
) -> Result<AudioSource, Error> {
    match (&request.asset_id, &request.artifact_id) {
        (Some(id), _) => AudioSource::asset(media, scope, id).await,
        (None, Some(id)) => AudioSource::artifact(media, scope, id).await,
        (None, None) => Err(Error::invalid("/asset_id", "give `asset_id` or `artifact_id`")),
    }
}

impl AudioSource {
    /// Declared duration of its audio.
    pub(crate) fn duration(&self) -> Option<MediaTime> {
        match self {
            Self::Asset(asset) => asset.duration,
            Self::Artifact(artifact) => artifact.start.zip(artifact.end).map(|(start, end)| end - start),
        }
    }

    /// The asset, if the whole of one is searched for.
    pub(crate) fn asset_id(&self) -> Option<&Id> {
        match self {
            Self::Asset(asset) => Some(&asset.id),
            Self::Artifact(_) => None,
        }
    }

    /// SHA-256 of its bytes, lower-case hex.
    pub(crate) fn sha256(&self) -> Option<&str> {
        self.content().sha256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(start_ms: i64, end_ms: Option<i64>) -> QueryOptions {
        QueryOptions {
            start: MediaTime::from_millis(start_ms),
            end: end_ms.map(MediaTime::from_millis),
            min_confidence: 0.9,
            variation: Variation::None,
        }
    }

    #[test]
    fn windows_are_in_samples_and_bounded() {
        assert_eq!(options(1_000, Some(2_000)).samples(), 16_000..32_000);
        let all = options(0, None).samples();
        assert_eq!(all, 0..MAX_QUERY.to_samples(RATE).cast_unsigned() + 16);
    }

    #[test]
    fn short_windows_are_light_and_unknown_ones_are_not() {
        let minutes = Some(MediaTime::from_millis(600_000));
        assert!(options(0, Some(28_000)).is_light(minutes) && options(590_000, None).is_light(minutes));
        assert!(!options(0, Some(28_001)).is_light(minutes) && !options(0, None).is_light(None));
        assert!(options(0, Some(900_000)).is_light(Some(MediaTime::from_millis(5_000))));
    }
}
