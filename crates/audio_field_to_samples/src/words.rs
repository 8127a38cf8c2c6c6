//! Sources of the words of a recording.

use std::io::{BufReader, Read};

use audio_semantic_timeline::corrections::store::newest_correction;
use audio_semantic_timeline::store::{find_default_timelines, wrongly_analysed};
use audio_semantic_timeline::{SemanticTimelines, Transcript};
use media_time::{MediaTime, Window};
use media_v2::{Artifact, MAX_STORED_JSON_BYTES, MediaError, MediaService};
use primitives::{Id, Scope};
use scheduling::WorkError;
use serde::Deserialize;

use crate::phrases::SpokenWord;
use crate::source::SampleSource;
use crate::{Error, store};

/// The artifact with the words of a recording.
#[derive(Clone, Debug)]
pub(crate) enum WordSource {
    /// The newest transcript of the audio stream.
    Transcript(Box<Artifact>),
    /// The semantic timeline, if there is no transcript, or if the timeline of the transcript was corrected.
    Timeline(Id),
}

impl WordSource {
    /// Finds the newest transcript of an asset's audio stream, or else its semantic timeline. A correction of the timeline
    /// of the transcript takes its place.
    ///
    /// # Errors
    /// [`Error::WordsNotFound`], [`Error::WordsStale`]; database errors.
    pub(crate) async fn find(
        media: &MediaService,
        scope: &Scope,
        source: &SampleSource,
    ) -> Result<Self, Error> {
        let asset_id = &source.asset.id;
        let mut conn = media.pool().acquire().await?;
        if let Some(id) = store::newest_transcript(&mut conn, scope, asset_id, source.audio_stream).await?
            && let Some(artifact) = media_v2::store::find_artifact(&mut conn, scope, &id).await?
        {
            let corrected = newest_correction(&mut conn, scope, &artifact.upstream_artifact_ids).await?;
            return Ok(match corrected {
                Some(correction) => Self::Timeline(correction.artifact_id),
                None => Self::Transcript(Box::new(artifact)),
            });
        }
        // A timeline without a transcript has words only if a caller registered it, for the default stream.
        if source.audio_stream.is_some() {
            return Err(Error::WordsNotFound(asset_id.clone()));
        }
        let assets = std::slice::from_ref(asset_id);
        let found = find_default_timelines(&mut conn, scope, assets).await?;
        if let Some(id) = found.into_iter().flatten().next() {
            return Ok(Self::Timeline(id));
        }
        let stale = wrongly_analysed(&mut conn, scope, assets).await?;
        let (asset_id, is_stale) = (asset_id.clone(), !stale.is_empty());
        Err(if is_stale { Error::WordsStale(asset_id) } else { Error::WordsNotFound(asset_id) })
    }

    /// The artifact's id, by which cache keys identify the words.
    pub(crate) const fn artifact_id(&self) -> &Id {
        match self {
            Self::Transcript(artifact) => &artifact.id,
            Self::Timeline(id) => id,
        }
    }

    /// Reads the words with their times.
    ///
    /// # Errors
    /// [`Error::TranscriptUnreadable`]; [`Error::WordsNotFound`] when the recording was not transcribed; store errors.
    pub(crate) async fn read(
        &self,
        media: &MediaService,
        timelines: &SemanticTimelines,
        scope: &Scope,
    ) -> Result<Vec<SpokenWord>, Error> {
        match self {
            Self::Transcript(artifact) => read_transcript(media, artifact).await,
            Self::Timeline(id) => {
                let summary = timelines.get(scope, id).await?.summary;
                let words = Transcript::of(&summary).words;
                if words.is_empty() && !summary.meta.run.is_transcribed() {
                    return Err(Error::WordsNotFound(summary.asset_id));
                }
                let spoken = words.into_iter().filter_map(|word| {
                    let times = [word.start_ms, word.end_ms].map(MediaTime::from_millis);
                    spoken(word.word, times, word.confidence)
                });
                Ok(spoken.collect())
            }
        }
    }
}

/// The fields of a transcript that are used; transcripts registered by callers may have more.
#[derive(Deserialize)]
struct ForeignTranscript {
    words: Vec<ForeignWord>,
}

#[derive(Deserialize)]
struct ForeignWord {
    word: String,
    #[serde(rename = "start_ms")]
    start: MediaTime,
    #[serde(rename = "end_ms")]
    end: MediaTime,
    confidence: Option<f64>,
}

async fn read_transcript(media: &MediaService, artifact: &Artifact) -> Result<Vec<SpokenWord>, Error> {
    let unreadable =
        |reason: String| Error::TranscriptUnreadable { artifact_id: artifact.id.clone(), reason };
    let reader = media.open_document(artifact.content()).await.map_err(|error| match error {
        MediaError::SourceNotAllowed(_)
        | MediaError::SourceUnreadable(_)
        | MediaError::SourceChanged
        | MediaError::ContentMissing(_) => unreadable(error.to_string()),
        other => other.into(),
    })?;
    let parsed = tokio::task::spawn_blocking(move || {
        serde_json::from_reader::<_, ForeignTranscript>(BufReader::new(reader.take(MAX_STORED_JSON_BYTES)))
    });
    let transcript = parsed.await.map_err(|source| WorkError::Broken { queue: "transcript", source })?;
    let words = transcript.map_err(|error| unreadable(error.to_string()))?.words.into_iter();
    Ok(words.filter_map(|word| spoken(word.word, [word.start, word.end], word.confidence)).collect())
}

/// A word with its confidence clamped to [0, 1]; `None` if its duration is not positive.
fn spoken(text: String, [start, end]: [MediaTime; 2], confidence: Option<f64>) -> Option<SpokenWord> {
    let window = Window::new(start, end).ok().filter(|window| !window.is_empty())?;
    let confidence = confidence.filter(|confidence| confidence.is_finite()).map(|c| c.clamp(0.0, 1.0));
    Some(SpokenWord { text, window, confidence })
}
