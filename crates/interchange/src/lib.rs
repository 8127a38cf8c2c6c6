//! Writers of other programs' formats: pure functions from neutral models to bytes, without I/O and deterministic.
//!
//! - [`edit`]: edited timelines, as OTIO, FCPXML, Final Cut Pro 7 XML, CMX 3600 EDL, CSV;
//! - [`notes`]: events, turns, beats and words of a recording, as markers, labels, MIDI, chapters and annotation files;
//! - [`loss`]: what a format could not hold;
//! - [`words`]: the model, timed words with their speakers;
//! - [`captions`]: words to captions within limits of length, reading speed and duration;
//! - [`srt`], [`vtt`], [`ttml`], [`ass`]: captions as files;
//! - [`openai`], [`podcast`], [`plain`]: transcripts as files;
//! - [`wave`]: headers of WAVE files with the origin of their audio;
//! - [`zip`]: ZIP archives of stored files, written as a stream.
//!
//! # Examples
//!
//! ```
//! use interchange::captions::{CaptionLimits, captions};
//! use interchange::srt::srt;
//! use interchange::words::{TimedText, TimedWord};
//!
//! let word = |text: &str, start_ms, end_ms| TimedWord {
//!     text: text.to_owned(),
//!     start_ms,
//!     end_ms,
//!     speaker: None,
//!     confidence: None,
//! };
//! // A pause of 2 s, more than `max_gap_ms`, ends the first caption; it stays visible for `min_duration_ms`.
//! let words = vec![word("Ready?", 0, 400), word("Here", 2_400, 2_700), word("we go.", 2_700, 3_400)];
//! let text = TimedText { words, duration_ms: 4_000, language: None };
//!
//! let found = captions(&text, &CaptionLimits::DEFAULT);
//! assert_eq!(found.iter().map(|caption| caption.text()).collect::<Vec<_>>(), ["Ready?", "Here we go."]);
//! assert!(srt(&found).starts_with("1\n00:00:00,000 --> 00:00:01,000\nReady?\n\n2\n00:00:02,400 --> "));
//! ```

pub mod ass;
pub mod captions;
mod clock;
pub mod edit;
pub mod frame_rate;
pub mod loss;
pub mod notes;
pub mod openai;
pub mod plain;
pub mod podcast;
mod segments;
pub mod srt;
pub mod text;
pub mod ttml;
pub mod vtt;
pub mod wave;
pub mod words;
mod xml;
pub mod zip;
