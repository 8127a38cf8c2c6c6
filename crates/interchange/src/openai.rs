//! Transcripts in the shapes of OpenAI's transcription API
//! (<https://platform.openai.com/docs/api-reference/audio/createTranscription>).

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::seconds;
use crate::segments::segments;
use crate::words::{TimedText, TimedWord, text_of};

/// `json`: the text alone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenAiTranscription)]
#[serde(deny_unknown_fields)]
pub struct Transcription {
    /// All of it.
    pub text: String,
}

/// `verbose_json`: the text with segments, words, or both.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenAiVerboseTranscription)]
pub struct VerboseTranscription {
    /// `transcribe` or `translate`.
    task: &'static str,
    /// The English name of the language, in lower case.
    language: String,
    /// Seconds.
    duration: f64,
    /// All that is said.
    text: String,
    /// Each word with its times.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Word>, required = false)]
    words: Option<Vec<Word>>,
    /// Sentences, or speech between pauses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Segment>, required = false)]
    segments: Option<Vec<Segment>>,
}

/// A word.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenAiWord)]
struct Word {
    /// As written, with its punctuation.
    word: String,
    /// Seconds.
    start: f64,
    /// Seconds.
    end: f64,
}

/// A sentence, or speech between pauses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenAiSegment)]
struct Segment {
    /// From 0.
    id: usize,
    /// Where it starts, in frames of 10 ms.
    seek: i64,
    /// Seconds.
    start: f64,
    /// Seconds.
    end: f64,
    /// Its text.
    text: String,
    /// Always empty: tokens are not kept.
    #[schema(value_type = Vec<u32>)]
    tokens: [u32; 0],
    /// Always 0: words are decoded without sampling.
    temperature: f64,
    /// Mean logarithm of the words' confidences.
    avg_logprob: f64,
    /// Length of the text over its length in zlib.
    compression_ratio: f64,
    /// Always 0: a segment exists only where speech was detected.
    no_speech_prob: f64,
}

/// What a verbose transcription contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granularities {
    /// Times of words.
    pub words: bool,
    /// Segments: sentences, or speech between pauses.
    pub segments: bool,
}

/// The text alone.
#[must_use]
pub fn transcription(text: &TimedText) -> Transcription {
    Transcription { text: text_of(&text.words) }
}

/// The text with its times. `task` is `transcribe` or `translate`, `language` an English name.
///
/// What harkback does not keep is given as follows: `tokens` is empty, `temperature` 0 (words are decoded without
/// sampling), `avg_logprob` the mean logarithm of the words' confidences, and `no_speech_prob` 0: a segment exists only
/// where speech was detected.
#[must_use]
pub fn verbose(
    text: &TimedText,
    task: &'static str,
    language: &str,
    granularities: Granularities,
) -> VerboseTranscription {
    let word = |word: &TimedWord| Word {
        word: word.text.trim().to_owned(),
        start: seconds(word.start_ms),
        end: seconds(word.end_ms),
    };
    let segments = || segments(&text.words).enumerate().map(|(id, words)| segment(id, words)).collect();
    VerboseTranscription {
        task,
        language: language.to_owned(),
        duration: seconds(text.duration_ms),
        text: text_of(&text.words),
        words: granularities.words.then(|| text.words.iter().map(word).collect()),
        segments: granularities.segments.then(segments),
    }
}

fn segment(id: usize, words: &[TimedWord]) -> Segment {
    let start_ms = words.first().map_or(0, |word| word.start_ms);
    let text = text_of(words);
    Segment {
        id,
        // In frames of 10 ms, as Whisper counts.
        seek: start_ms / 10,
        start: seconds(start_ms),
        end: seconds(words.last().map_or(0, |word| word.end_ms)),
        avg_logprob: average_log_probability(words),
        compression_ratio: compression_ratio(&text),
        text,
        tokens: [],
        temperature: 0.0,
        no_speech_prob: 0.0,
    }
}

fn average_log_probability(words: &[TimedWord]) -> f64 {
    let logs: Vec<f64> = words.iter().filter_map(|word| Some(word.confidence?.max(1e-4).ln())).collect();
    let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
    (mean * 1e4).round() / 1e4
}

/// Length of the text over its length in zlib: high for repetitions.
fn compression_ratio(text: &str) -> f64 {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to a Vec cannot fail.
    let compressed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
    let ratio = text.len() as f64 / compressed.len().max(1) as f64;
    (ratio * 1e4).round() / 1e4
}
