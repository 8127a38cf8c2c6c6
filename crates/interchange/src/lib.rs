//! Writers of other programs' formats: pure functions from neutral models to bytes, without I/O and deterministic.
//!
//! - [`edit`]: edited timelines, as OTIO, FCPXML, Final Cut Pro 7 XML, CMX 3600 EDL, CSV;
//! - [`notes`]: events, beats and words of a recording, as markers, labels, MIDI, chapters and annotation files;
//! - [`wave`]: chunks of WAVE files that name their source;
//! - [`loss`]: what a format could not hold;
//! - [`words`]: the model, timed words with their speakers;
//! - [`captions`]: words to captions within limits of length, reading speed and duration;
//! - [`srt`], [`vtt`], [`ttml`], [`ass`]: captions as files;
//! - [`openai`], [`podcast`], [`plain`]: transcripts as files.

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
