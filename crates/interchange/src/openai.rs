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

/// Response format `json`: the text only.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenAiTranscription)]
#[serde(deny_unknown_fields)]
pub struct Transcription {
    /// Text of the whole recording.
    pub text: String,
}

/// Response format `verbose_json`: the text with segments, words, or both.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenAiVerboseTranscription)]
pub struct VerboseTranscription {
    /// The task, `transcribe` or `translate`.
    task: &'static str,
    /// The English name of the language, in lower case.
    language: String,
    /// Duration of the audio in seconds.
    duration: f64,
    /// Text of the whole recording.
    text: String,
    /// Words with their times.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Word>, required = false)]
    words: Option<Vec<Word>>,
    /// Segments: sentences, or speech between pauses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<Segment>, required = false)]
    segments: Option<Vec<Segment>>,
}

/// A word with its times.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenAiWord)]
struct Word {
    /// The word as written, with its punctuation.
    word: String,
    /// Start, in seconds from the start of the recording.
    start: f64,
    /// End, in seconds from the start of the recording.
    end: f64,
}

/// A sentence, or speech between pauses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OpenAiSegment)]
struct Segment {
    /// Index of the segment, from 0.
    id: usize,
    /// Start in frames of 10 ms.
    seek: i64,
    /// Start, in seconds from the start of the recording.
    start: f64,
    /// End, in seconds from the start of the recording.
    end: f64,
    /// Text of the segment.
    text: String,
    /// Always empty: tokens are not stored.
    #[schema(value_type = Vec<u32>)]
    tokens: [u32; 0],
    /// Always 0: words are decoded without sampling.
    temperature: f64,
    /// Mean logarithm of the words' confidences.
    avg_logprob: f64,
    /// Length of the text divided by its length compressed with zlib.
    compression_ratio: f64,
    /// Always 0: a segment exists only where speech was detected.
    no_speech_prob: f64,
}

/// Contents of a verbose transcription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granularities {
    /// Whether it has words with times.
    pub words: bool,
    /// Whether it has segments: sentences, or speech between pauses.
    pub segments: bool,
}

/// Formats the words as one text, without times.
#[must_use]
pub fn transcription(text: &TimedText) -> Transcription {
    Transcription { text: text_of(&text.words) }
}

/// Formats the text with its times. `task` is `transcribe` or `translate`, `language` an English name.
///
/// Values that harkback does not store: `tokens` is empty, `temperature` 0 (words are decoded without sampling),
/// `avg_logprob` the mean logarithm of the words' confidences, and `no_speech_prob` 0: a segment exists only where
/// speech was detected.
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

/// Length of the text divided by its length compressed with zlib: high for repetitions.
fn compression_ratio(text: &str) -> f64 {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to a Vec cannot fail.
    let compressed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
    let ratio = text.len() as f64 / compressed.len().max(1) as f64;
    (ratio * 1e4).round() / 1e4
}
