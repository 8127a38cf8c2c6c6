//! Writers of other programs' formats: pure functions from one neutral model to text, without I/O and deterministic.
//!
//! - [`words`]: the model, timed words with their speakers;
//! - [`captions`]: words to captions within limits of length, reading speed and duration;
//! - [`srt`], [`vtt`], [`ttml`], [`ass`]: captions as files;
//! - [`openai`], [`podcast`], [`plain`]: transcripts as files.

pub mod ass;
pub mod captions;
mod clock;
pub mod openai;
pub mod plain;
pub mod podcast;
mod segments;
pub mod srt;
pub mod text;
pub mod ttml;
pub mod vtt;
pub mod words;
