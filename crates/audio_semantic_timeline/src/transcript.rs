use interchange::captions::{CaptionLimits, captions};
use interchange::openai::{self, Granularities};
use interchange::words::TimedText;
use interchange::{ass, plain, podcast, srt, ttml, vtt};
use primitives::Id;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Summary, Word};
use crate::speakers::Speaker;
use crate::{Error, SpeakerLabels, slice};

/// The transcript of a recording, or of a clip of it: the words of its timeline, as stored in an `asr_transcript`
/// artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Transcript {
    /// The recording that was transcribed.
    pub asset_id: Id,
    /// The artifact that was analysed instead of the recording itself, if any.
    pub artifact_id: Option<Id>,
    /// Duration of the analysed audio in milliseconds.
    pub duration_ms: i64,
    /// Language code, as requested or as detected.
    pub language: Option<String>,
    /// Name of the speech model.
    pub model_used: String,
    /// Version that covers everything that affects a result.
    pub backend_version: String,
    /// The speakers of the whole recording, with the names of enrolled voices; absent if not requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Speaker>, required = false)]
    pub speakers: Option<Vec<Speaker>>,
    /// The whole text; null without words.
    pub text: Option<String>,
    /// The words, in order and non-overlapping.
    pub words: Vec<Word>,
}

/// Format of a transcript.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(default = "json")]
pub enum TranscriptFormat {
    /// The words with their times, as JSON.
    #[default]
    Json,
    /// Captions in SubRip format.
    Srt,
    /// Captions in WebVTT format.
    Vtt,
    /// Captions in TTML (IMSC 1.1 text profile).
    Ttml,
    /// Captions in Advanced SubStation Alpha; each word is highlighted while it is spoken.
    Ass,
    /// Plain text, one sentence per line.
    Txt,
    /// OpenAI's `verbose_json`, with words and segments.
    OpenaiJson,
    /// The JSON transcript of Podcasting 2.0.
    PodcastTranscript,
}

impl TranscriptFormat {
    /// All formats.
    pub const ALL: [Self; 8] = [
        Self::Json,
        Self::Srt,
        Self::Vtt,
        Self::Ttml,
        Self::Ass,
        Self::Txt,
        Self::OpenaiJson,
        Self::PodcastTranscript,
    ];

    /// The name of the format in requests and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Srt => "srt",
            Self::Vtt => "vtt",
            Self::Ttml => "ttml",
            Self::Ass => "ass",
            Self::Txt => "txt",
            Self::OpenaiJson => "openai-json",
            Self::PodcastTranscript => "podcast-transcript",
        }
    }

    /// Extension of a file in the format, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json | Self::OpenaiJson | Self::PodcastTranscript => "json",
            _ => self.name(),
        }
    }

    /// The value of `Content-Type`.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json | Self::OpenaiJson | Self::PodcastTranscript => "application/json",
            Self::Srt => "application/x-subrip; charset=utf-8",
            Self::Vtt => "text/vtt; charset=utf-8",
            Self::Ttml => "application/ttml+xml; charset=utf-8",
            Self::Ass => "text/x-ssa; charset=utf-8",
            Self::Txt => "text/plain; charset=utf-8",
        }
    }
}

impl Transcript {
    /// Collects the words of a timeline.
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
            speakers: summary.meta.run.speakers.clone(),
            text: slice::transcription(&words),
            words,
        }
    }

    /// Collects the words of a timeline that was made with a speech model.
    ///
    /// # Errors
    /// [`Error::WordsNotFound`] for a timeline without words that was made without a speech model.
    pub fn of_transcribed(summary: &Summary) -> Result<Self, Error> {
        let transcript = Self::of(summary);
        if transcript.words.is_empty() && !summary.meta.run.is_transcribed() {
            return Err(Error::WordsNotFound(summary.asset_id.clone()));
        }
        Ok(transcript)
    }

    /// The content of a file in the format.
    ///
    /// # Errors
    /// None are expected: serializing plain fields as JSON does not fail.
    pub fn written(&self, format: TranscriptFormat, limits: &CaptionLimits) -> Result<String, Error> {
        let text = self.timed_text();
        let captions = || captions(&text, limits);
        let json = |value: serde_json::Result<String>| {
            value.map_err(|source| Error::Unwritable { asset_id: self.asset_id.clone(), source })
        };
        Ok(match format {
            TranscriptFormat::Json => json(serde_json::to_string(self))?,
            TranscriptFormat::Srt => srt::srt(&captions()),
            TranscriptFormat::Vtt => vtt::vtt(&captions()),
            TranscriptFormat::Ttml => ttml::ttml(&captions(), self.language.as_deref()),
            TranscriptFormat::Ass => ass::ass(&captions()),
            TranscriptFormat::Txt => plain::plain(&text.words),
            TranscriptFormat::OpenaiJson => {
                let task = if self.is_translation() { "translate" } else { "transcribe" };
                let both = Granularities { words: true, segments: true };
                json(serde_json::to_string(&openai::verbose(&text, task, self.language_name(), both)))?
            }
            TranscriptFormat::PodcastTranscript => json(serde_json::to_string(&podcast::podcast(&text)))?,
        })
    }

    /// The words as input for the writers of [`interchange`].
    #[must_use]
    pub fn timed_text(&self) -> TimedText {
        let labels = SpeakerLabels::of(self.speakers.as_deref());
        TimedText {
            words: self.words.iter().map(|word| labels.timed_word(word)).collect(),
            duration_ms: self.duration_ms,
            language: self.language.clone(),
        }
    }

    /// Whether the text was translated to English.
    fn is_translation(&self) -> bool {
        self.backend_version.split('+').any(|part| part == "translate")
    }

    /// The English name of the language; empty if unknown.
    pub(crate) fn language_name(&self) -> &'static str {
        let language = self.language.as_deref().and_then(audio_asr::Language::from_code);
        language.map_or("", audio_asr::Language::name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::example_meta::example_meta;
    use crate::model::RunMeta;

    #[test]
    fn names_of_formats_are_those_of_requests() {
        for format in TranscriptFormat::ALL {
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
        }
    }

    #[test]
    fn run_is_transcribed_by_a_speech_model_that_was_asked_for_speech() {
        let is_transcribed = |backend_type: &str, include_speech_music: bool| {
            let differing =
                json!({"backend_type": backend_type, "include_speech_music": include_speech_music});
            let run: RunMeta = serde_json::from_value(example_meta(differing)).unwrap();
            run.is_transcribed()
        };
        assert!(is_transcribed("whisper_aubio", true));
        assert!(!is_transcribed("whisper_aubio", false) && !is_transcribed("signal", true));
    }

    #[test]
    fn captions_show_the_names_of_speakers() {
        let word = |text: &str, start_ms: i64, id: &str| json!({"word": text, "start_ms": start_ms, "end_ms": start_ms + 400, "confidence": null, "speaker_id": id});
        let mut transcript: Transcript = serde_json::from_value(json!({
            "asset_id": "a1", "artifact_id": null, "duration_ms": 3_000, "language": "en", "model_used": "m",
            "backend_version": "v", "text": "Hark back.", "words": [word("Hark", 0, "S1"), word("back.", 500, "S2")]
        }))
        .unwrap();
        let speaker = |id: &str, name: Option<&str>| Speaker {
            id: id.to_owned(),
            name: name.map(str::to_owned),
            speech_ms: 1,
            confidence: 1.0,
        };
        transcript.speakers = Some(vec![speaker("S1", Some("Ada")), speaker("S2", None)]);
        let written = |format| transcript.written(format, &CaptionLimits::DEFAULT).unwrap();
        let vtt = written(TranscriptFormat::Vtt);
        assert!(vtt.contains("<v Ada>Hark") && vtt.contains("<v S2>back."), "{vtt}");
        let podcast = written(TranscriptFormat::PodcastTranscript);
        assert!(podcast.contains(r#""speaker":"Ada""#) && podcast.contains(r#""speaker":"S2""#), "{podcast}");
    }
}
