use audio_signal::AnalysisParams;

use crate::Error;
use crate::model::{AnalyzeRequest, Clamped};
use crate::speakers::{SpeakerBounds, SpeakersOption};

/// The validated parameters of a request. A timeline depends only on these, the recording and the backend's version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveParams {
    /// Detect beats and tempo.
    pub include_beats: bool,
    /// Distinguish speech and music.
    pub include_speech_music: bool,
    /// Minimum duration of a silence event, 50–10 000 ms.
    pub min_silence_ms: i64,
    /// Duration of the loudness windows, 100–10 000 ms.
    pub loudness_window_ms: i64,
    /// The requested language code, unvalidated; `None` if it is detected.
    pub language: Option<String>,
    /// The requested prompt; empty for none.
    pub prompt: String,
    /// The requested hot words.
    pub hot_words: Vec<String>,
    /// Translate the speech to English.
    pub translate: bool,
    /// The audio stream to analyse, an index among the audio streams; `None` for the container's default one.
    pub audio_stream: Option<u32>,
    /// Bounds of the number of speakers; `None` if not requested.
    pub speakers: Option<SpeakerBounds>,
    /// Treat each channel as one microphone, and each microphone as one speaker.
    pub channel_speech: bool,
}

/// Maximum length of a prompt, number of hot words, and length of a hot word; lengths in characters.
const MAX_PROMPT_CHARS: usize = 1_000;
const MAX_HOT_WORDS: usize = 100;
const MAX_HOT_WORD_CHARS: usize = 50;

impl Default for EffectiveParams {
    fn default() -> Self {
        Self {
            include_beats: true,
            include_speech_music: true,
            min_silence_ms: Self::DEFAULT_MIN_SILENCE_MS,
            loudness_window_ms: Self::DEFAULT_LOUDNESS_WINDOW_MS,
            language: None,
            prompt: String::new(),
            hot_words: Vec::new(),
            translate: false,
            audio_stream: None,
            speakers: None,
            channel_speech: false,
        }
    }
}

impl EffectiveParams {
    /// Minimum duration of a silence event without the parameter, in ms.
    pub const DEFAULT_MIN_SILENCE_MS: i64 = AnalysisParams::MIN_SILENCE.as_millis_round();
    /// Duration of the loudness windows without the parameter, in ms.
    pub const DEFAULT_LOUDNESS_WINDOW_MS: i64 = AnalysisParams::LOUDNESS_WINDOW.as_millis_round();

    /// The parameters of `request`, and those that were clamped.
    #[must_use]
    pub fn of(request: &AnalyzeRequest) -> (Self, Vec<Clamped>) {
        let mut clamped = Vec::new();
        let mut clamp = |parameter, requested: i64, lowest, highest| {
            let effective = requested.clamp(lowest, highest);
            if effective != requested {
                clamped.push(Clamped { parameter, requested, effective });
            }
            effective
        };
        let params = Self {
            include_beats: request.include_beats,
            include_speech_music: request.include_speech_music,
            min_silence_ms: clamp("min_silence_ms", request.min_silence_ms, 50, 10_000),
            loudness_window_ms: clamp("loudness_window_ms", request.loudness_window_ms, 100, 10_000),
            language: Self::requested_language(request.language.clone()),
            prompt: request.prompt.clone().unwrap_or_default(),
            hot_words: request.hot_words.clone().unwrap_or_default(),
            translate: request.translate,
            audio_stream: request.audio_stream,
            speakers: request.speakers.and_then(SpeakersOption::bounds),
            channel_speech: request.channel_speech,
        };
        (params, clamped)
    }

    /// The language code that was requested; `None` for `auto`, which has the result and the cache key of an omitted one.
    #[must_use]
    pub fn requested_language(code: Option<String>) -> Option<String> {
        code.filter(|code| code != "auto")
    }

    /// Checks the limits and characters of the texts, and the speaker bounds.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::ControlCharacters`] and [`Error::EmptyHotWord`] naming the field;
    /// [`Error::InvalidSpeakers`]; [`Error::SpeakersOfChannels`].
    pub fn check(&self) -> Result<(), Error> {
        let too_long =
            |pointer: &str, most, unit| Err(Error::TooLong { pointer: pointer.to_owned(), most, unit });
        let has_controls = |pointer: &str| Err(Error::ControlCharacters { pointer: pointer.to_owned() });
        self.speakers.map(SpeakerBounds::count).transpose()?;
        if self.channel_speech && self.speakers.is_some() {
            return Err(Error::SpeakersOfChannels);
        }
        if self.prompt.chars().count() > MAX_PROMPT_CHARS {
            return too_long("/prompt", MAX_PROMPT_CHARS, "characters");
        }
        // A prompt may have several lines.
        if self.prompt.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t')) {
            return has_controls("/prompt");
        }
        if self.hot_words.len() > MAX_HOT_WORDS {
            return too_long("/hot_words", MAX_HOT_WORDS, "words");
        }
        for (index, word) in self.hot_words.iter().enumerate() {
            let pointer = format!("/hot_words/{index}");
            if word.chars().count() > MAX_HOT_WORD_CHARS {
                return too_long(&pointer, MAX_HOT_WORD_CHARS, "characters");
            }
            if word.chars().any(char::is_control) {
                return has_controls(&pointer);
            }
            if word.trim().is_empty() {
                return Err(Error::EmptyHotWord { pointer });
            }
        }
        Ok(())
    }

    /// The preceding context for the speech model: hot words and prompt.
    #[must_use]
    pub fn context(&self) -> String {
        if self.hot_words.is_empty() {
            return self.prompt.clone();
        }
        let words = self.hot_words.join(", ");
        format!("{words}. {}", self.prompt).trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_auto_is_an_omitted_language() {
        let of = |code: &str| EffectiveParams::requested_language(Some(code.to_owned()));
        assert_eq!((of("auto"), EffectiveParams::requested_language(None)), (None, None));
        for code in ["en", "AUTO", "automatic", ""] {
            assert_eq!(of(code).as_deref(), Some(code), "codes are validated later");
        }
    }

    #[test]
    fn params_limit_text_lengths() {
        let of = |prompt: &str, hot_words: &[String]| {
            let params = EffectiveParams {
                prompt: prompt.to_owned(),
                hot_words: hot_words.to_vec(),
                ..EffectiveParams::default()
            };
            params.check().map_err(|error| error.to_string())
        };
        assert_eq!(of(&"ü".repeat(1_000), &vec!["x".repeat(50); 100]), Ok(()));
        assert!(of(&"x".repeat(1_001), &[]).unwrap_err().contains("/prompt"));
        assert!(of("", &vec!["x".to_owned(); 101]).unwrap_err().contains("/hot_words"));
        assert!(of("", &["x".to_owned(), "x".repeat(51)]).unwrap_err().contains("/hot_words/1"));
    }

    #[test]
    fn params_reject_control_characters_and_empty_hot_words() {
        let of = |prompt: &str, word: &str| {
            let (prompt, hot_words) = (prompt.to_owned(), vec!["Ada".to_owned(), word.to_owned()]);
            let params = EffectiveParams { prompt, hot_words, ..EffectiveParams::default() };
            params.check().map_err(|error| error.to_string())
        };
        assert_eq!(of("A talk.\r\n\tThe second line.", "Ünal"), Ok(()));
        assert!(of("A\0talk", "x").unwrap_err().contains("`/prompt`"));
        // A version has a digest of the hot words, one per line: a line break would make two lists equal.
        for word in ["a\0", "a\nb", "\u{85}"] {
            assert!(of("", word).unwrap_err().contains("`/hot_words/1`"), "{word:?}");
        }
        for word in ["", " ", "\u{a0}"] {
            assert_eq!(of("", word).unwrap_err(), "`/hot_words/1` is empty; leave it out");
        }
    }

    #[test]
    fn channels_and_voices_cannot_both_be_speakers() {
        let params = EffectiveParams { channel_speech: true, ..EffectiveParams::default() };
        assert!(params.check().is_ok());
        let both = EffectiveParams { speakers: Some(SpeakerBounds::default()), ..params };
        assert!(matches!(both.check(), Err(Error::SpeakersOfChannels)));
    }

    #[test]
    fn hot_words_come_before_the_prompt() {
        let params = EffectiveParams {
            prompt: "A talk.".to_owned(),
            hot_words: vec!["Dashwood".to_owned(), "Elinor".to_owned()],
            ..EffectiveParams::default()
        };
        assert_eq!(params.context(), "Dashwood, Elinor. A talk.");
        assert_eq!(EffectiveParams { prompt: String::new(), ..params }.context(), "Dashwood, Elinor.");
    }
}
