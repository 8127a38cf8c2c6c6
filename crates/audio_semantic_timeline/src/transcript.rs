use http_kit::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::captions::{captions, plain, srt, vtt};
use crate::model::{Summary, Word};
use crate::slice;

/// What is said in a recording, or in a clip of it: the words of its timeline, as stored in an `asr_transcript`
/// artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Transcript {
    /// The recording.
    pub asset_id: Id,
    /// The artifact that was analysed, when it was not the recording itself.
    pub artifact_id: Option<Id>,
    /// Length in milliseconds.
    pub duration_ms: i64,
    /// The language: as given, or as detected.
    pub language: Option<String>,
    /// The speech model.
    pub model_used: String,
    /// Names everything that changes a result.
    pub backend_version: String,
    /// All of it; null when nothing is said.
    pub text: Option<String>,
    /// In order, without overlap.
    pub words: Vec<Word>,
}

/// How a transcript is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(default = "json")]
pub enum TranscriptFormat {
    /// The words with their times.
    #[default]
    Json,
    /// Captions, as SubRip.
    Srt,
    /// Captions, as WebVTT.
    Vtt,
    /// The text, a sentence a line.
    Txt,
}

impl Transcript {
    /// The words of a timeline.
    #[must_use]
    pub fn of(summary: &Summary) -> Self {
        let words: Vec<Word> = summary.events.iter().flat_map(|event| event.meta.words.clone()).collect();
        Self {
            asset_id: summary.asset_id.clone(),
            artifact_id: summary.artifact_id.clone(),
            duration_ms: summary.duration_ms,
            language: summary.meta.run.language.clone(),
            model_used: summary.meta.run.model_used.clone(),
            backend_version: summary.meta.run.backend_version.clone(),
            text: slice::transcription(&words),
            words,
        }
    }

    /// Media type and text in a format other than JSON; `None` for JSON.
    pub(crate) fn written(&self, format: TranscriptFormat) -> Option<(&'static str, String)> {
        match format {
            TranscriptFormat::Json => None,
            TranscriptFormat::Srt => {
                Some(("application/x-subrip; charset=utf-8", srt(&captions(&self.words))))
            }
            TranscriptFormat::Vtt => Some(("text/vtt; charset=utf-8", vtt(&captions(&self.words)))),
            TranscriptFormat::Txt => Some(("text/plain; charset=utf-8", plain(&self.words))),
        }
    }
}
