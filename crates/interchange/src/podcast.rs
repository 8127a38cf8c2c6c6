//! Writer for the JSON transcript of Podcasting 2.0: <https://github.com/Podcastindex-org/podcast-namespace>,
//! `transcripts.md`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::seconds;
use crate::segments::segments;
use crate::words::{TimedText, text_of};

/// A transcript in the podcast namespace's format.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PodcastTranscript)]
pub struct Podcast {
    /// Version of the format: `1.0.0`.
    version: &'static str,
    /// Segments: sentences, or speech between pauses.
    segments: Vec<Segment>,
}

/// A sentence, or speech between pauses.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PodcastSegment)]
#[serde(rename_all = "camelCase")]
struct Segment {
    /// The speaker, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    speaker: Option<String>,
    /// Start, in seconds from the start of the recording.
    start_time: f64,
    /// End, in seconds from the start of the recording.
    end_time: f64,
    /// Text of the segment.
    body: String,
}

/// Formats a text as a podcast transcript.
#[must_use]
pub fn podcast(text: &TimedText) -> Podcast {
    let segment = |words: &[crate::words::TimedWord]| Segment {
        speaker: words.iter().find_map(|word| word.speaker.clone()),
        start_time: seconds(words.first().map_or(0, |word| word.start_ms)),
        end_time: seconds(words.last().map_or(0, |word| word.end_ms)),
        body: text_of(words),
    };
    Podcast { version: "1.0.0", segments: segments(&text.words).map(segment).collect() }
}
