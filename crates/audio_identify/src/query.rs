//! The audio to identify: a window of an asset, of an artifact or of an uploaded file.

use std::ops::Range;

use audio_fingerprint::RATE;
use media_time::MediaTime;
use media_v2::MediaService;
use primitives::{Id, Scope};

use crate::model::{IdentifyRequest, Variation};
use crate::recording::AudioSource;
use crate::{Error, MAX_FORM_QUERY, MAX_QUERY};

/// Queries up to this long are answered without a job: three blocks.
const LIGHT: MediaTime = MediaTime::from_millis(28_000);

/// Where a call is answered, which limits its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// While the client waits, as the file of a form.
    AtOnce,
    /// While the client waits; what takes longer is answered by a job.
    AtOnceIfShort,
    /// By a job, or for a client that waits for as long as it takes.
    Later,
}

impl Answered {
    /// Longest query.
    pub(crate) fn max_query(self) -> MediaTime {
        if self == Self::AtOnce { MAX_FORM_QUERY } else { MAX_QUERY }
    }

    /// The error of longer ones.
    pub(crate) fn too_long(self) -> Error {
        if self == Self::AtOnce { Error::FormTooLong } else { Error::QueryTooLong }
    }

    /// Total duration of recordings that are decoded to confirm matches, in samples: 2 h, or 24 h.
    pub(crate) fn max_decoded_samples(self) -> u64 {
        let hours = if self == Self::Later { 24 } else { 2 };
        hours * 3_600 * u64::from(RATE)
    }
}

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
    /// The window in samples; a millisecond more than `longest` if it may be too long.
    pub(crate) fn samples(&self, longest: MediaTime) -> Range<u64> {
        let sample = |time: MediaTime| time.to_samples(RATE).max(0).cast_unsigned();
        let latest = self.start + longest + MediaTime::from_millis(1);
        sample(self.start)..sample(self.end.map_or(latest, |end| end.min(latest)))
    }

    /// The longest duration that the window can have, in audio of this duration.
    pub(crate) fn duration(&self, audio: Option<MediaTime>) -> Option<MediaTime> {
        let end = match (self.end, audio) {
            (Some(end), Some(duration)) => Some(end.min(duration)),
            (end, duration) => end.or(duration),
        };
        end.map(|end| end - self.start)
    }

    /// Whether the window is short, in audio of this duration.
    pub(crate) fn is_light(&self, audio: Option<MediaTime>) -> bool {
        self.duration(audio).is_some_and(|duration| duration <= LIGHT)
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
        assert_eq!(options(1_000, Some(2_000)).samples(MAX_QUERY), 16_000..32_000);
        for answered in [Answered::AtOnce, Answered::Later] {
            let longest = answered.max_query();
            let all = options(0, None).samples(longest);
            assert_eq!(all, 0..longest.to_samples(RATE).cast_unsigned() + 16);
        }
    }

    #[test]
    fn short_windows_are_light_and_unknown_ones_are_not() {
        let minutes = Some(MediaTime::from_millis(600_000));
        assert!(options(0, Some(28_000)).is_light(minutes) && options(590_000, None).is_light(minutes));
        assert!(!options(0, Some(28_001)).is_light(minutes) && !options(0, None).is_light(None));
        assert!(options(0, Some(900_000)).is_light(Some(MediaTime::from_millis(5_000))));
    }
}
