//! What is known of a recording: events, beats, words. The model that the writers of annotation formats read.

pub mod audacity;
mod chapters;
pub mod ctm;
pub mod ffmetadata;
mod format;
pub mod jams;
pub mod markers;
pub mod midi;
pub mod podcast_chapters;
pub mod rttm;
pub mod textgrid;

use media_time::{MediaTime, Window};

use crate::edit::Media;
use crate::words::TimedWord;
pub use format::{NotesFormat, format};

/// Events, beats and words of a recording, or of a part of it, in time of that part.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotations {
    /// The recording.
    pub media: Media,
    /// Start of the annotated part, in time of the recording's file.
    pub source_start: MediaTime,
    /// Length of the annotated part.
    pub duration: MediaTime,
    /// In order of their start.
    pub events: Vec<Event>,
    /// In order.
    pub beats: Vec<Beat>,
    /// In order, without overlap.
    pub words: Vec<TimedWord>,
    /// Tempo of the whole recording in beats per minute, with its confidence from 0 to 1.
    pub tempo: Option<(f64, f64)>,
}

/// A window of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// `speech`, `music`, `silence`, ….
    pub kind: String,
    /// When.
    pub window: Window,
    /// Confidence from 0 to 1, if known.
    pub confidence: Option<f64>,
    /// The words spoken, if known.
    pub text: Option<String>,
    /// The speaker's name or id, if known.
    pub speaker: Option<String>,
}

/// A beat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beat {
    /// When.
    pub time: MediaTime,
    /// Position in its bar from 1, where 1 is the downbeat; `None` if bars are unknown.
    pub position: Option<u32>,
    /// Confidence from 0 to 1, if known.
    pub confidence: Option<f64>,
}

impl Event {
    /// The event's text, or else its kind.
    pub(crate) fn label(&self) -> &str {
        self.text.as_deref().filter(|text| !text.trim().is_empty()).unwrap_or(&self.kind)
    }
}

impl Beat {
    pub(crate) const fn label(&self) -> &'static str {
        match self.position {
            Some(1) => "downbeat",
            _ => "beat",
        }
    }
}

/// `text` in one line: line breaks, tabs and other control characters become spaces.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// `name` as one field of a format whose fields end at white space.
pub(crate) fn field(name: &str) -> String {
    let field: String = name
        .trim()
        .chars()
        .map(|letter| if letter.is_whitespace() || letter.is_control() { '_' } else { letter })
        .collect();
    if field.is_empty() { "_".to_owned() } else { field }
}
