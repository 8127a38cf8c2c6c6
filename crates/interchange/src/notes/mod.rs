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
use crate::loss::{LossKind, Losses};
use crate::words::TimedWord;
pub use format::{NotesFormat, format};

/// Events, turns, beats and words of a recording, or of a part of it, in time of that part.
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
    /// In order of their start; turns of different speakers may overlap. Empty if unknown.
    pub turns: Vec<Turn>,
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
    /// The name or id of the speaker with the most speech in the window, if known.
    pub speaker: Option<String>,
}

/// A continuous turn of one speaker.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// When.
    pub window: Window,
    /// The speaker's name or id.
    pub speaker: String,
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
    fn has_text(&self) -> bool {
        self.text.as_deref().is_some_and(|text| !text.trim().is_empty())
    }

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

/// The parts of annotations that a format holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// The kinds of events that are written.
    pub(crate) events: HeldEvents,
    /// Texts of events.
    pub(crate) texts: bool,
    /// Speakers of events and words.
    pub(crate) speakers: bool,
    pub(crate) turns: bool,
    pub(crate) words: bool,
    pub(crate) beats: bool,
}

/// The kinds of events that a format holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeldEvents {
    All,
    Speech,
    None,
}

impl Held {
    pub(crate) const NOTHING: Self = Self {
        events: HeldEvents::None,
        texts: false,
        speakers: false,
        turns: false,
        words: false,
        beats: false,
    };

    fn holds(&self, event: &Event) -> bool {
        match self.events {
            HeldEvents::All => true,
            HeldEvents::Speech => event.kind == "speech",
            HeldEvents::None => false,
        }
    }
}

impl Annotations {
    /// The losses of a format that holds no more than `held`.
    pub(crate) fn losses(&self, held: Held) -> Losses {
        let mut losses = Losses::default();
        let (written, omitted): (Vec<&Event>, Vec<&Event>) =
            self.events.iter().partition(|event| held.holds(event));
        for event in omitted {
            losses.count(LossKind::EventsOmitted, event.kind.clone(), 1, "event");
        }
        if !held.texts {
            let texts = written.iter().filter(|event| event.has_text()).count();
            losses.count(LossKind::TextsOmitted, "", texts, "event");
        }
        if !held.speakers {
            let events = written.iter().filter(|event| event.speaker.is_some()).count();
            losses.count(LossKind::SpeakersOmitted, "", events, "event");
            let words = self.words.iter().filter(|word| held.words && word.speaker.is_some()).count();
            losses.count(LossKind::SpeakersOmitted, "", words, "word");
        }
        let parts = [
            (held.turns, LossKind::TurnsOmitted, self.turns.len(), "turn"),
            (held.words, LossKind::WordsOmitted, self.words.len(), "word"),
            (held.beats, LossKind::BeatsOmitted, self.beats.len(), "beat"),
        ];
        for (is_held, what, count, item) in parts {
            if !is_held {
                losses.count(what, "", count, item);
            }
        }
        losses
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Annotations of `talk.mp4` without anything in them.
    pub(super) fn annotations(duration_ms: i64) -> Annotations {
        let media = Media {
            id: "asset_1".to_owned(),
            name: "talk.mp4".to_owned(),
            url: None,
            duration: Some(MediaTime::from_millis(duration_ms)),
            has_video: true,
            rate: None,
            start_timecode: None,
            audio_channels: Some(2),
            sample_rate: Some(48_000),
        };
        Annotations {
            media,
            source_start: MediaTime::ZERO,
            duration: MediaTime::from_millis(duration_ms),
            events: Vec::new(),
            turns: Vec::new(),
            beats: Vec::new(),
            words: Vec::new(),
            tempo: None,
        }
    }

    pub(super) fn event(kind: &str, start_ms: i64, end_ms: i64) -> Event {
        let [start, end] = [start_ms, end_ms].map(MediaTime::from_millis);
        Event {
            kind: kind.to_owned(),
            window: Window::new(start, end).unwrap(),
            confidence: None,
            text: None,
            speaker: None,
        }
    }

    #[test]
    fn parts_that_a_format_does_not_hold_are_losses() {
        let mut annotations = annotations(10_000);
        let mut speech = event("speech", 0, 5_000);
        (speech.text, speech.speaker) = (Some("Hark".to_owned()), Some("S1".to_owned()));
        annotations.events = vec![speech, event("music", 5_000, 10_000)];
        annotations.turns = vec![Turn { window: annotations.events[0].window, speaker: "S1".to_owned() }];
        annotations.beats = vec![Beat { time: MediaTime::ZERO, position: None, confidence: None }];
        let word = TimedWord {
            text: "Hark".to_owned(),
            start_ms: 0,
            end_ms: 400,
            speaker: Some("S1".to_owned()),
            confidence: None,
        };
        annotations.words = vec![word];
        let lost = |export: crate::loss::Export| {
            let losses = export.losses.into_iter();
            losses.map(|loss| format!("{:?}: {}", loss.what, loss.place)).collect::<Vec<_>>()
        };
        assert_eq!(lost(markers::otio(&annotations)), ["TurnsOmitted: 1 turn", "WordsOmitted: 1 word"]);
        assert_eq!(
            lost(audacity::audacity(&annotations)),
            ["SpeakersOmitted: 1 event", "TurnsOmitted: 1 turn", "WordsOmitted: 1 word"]
        );
        assert_eq!(
            lost(textgrid::textgrid(&annotations)),
            ["SpeakersOmitted: 1 event", "SpeakersOmitted: 1 word", "TurnsOmitted: 1 turn"]
        );
        assert_eq!(
            lost(jams::jams(&annotations)),
            [
                "TextsOmitted: 1 event",
                "SpeakersOmitted: 1 event",
                "SpeakersOmitted: 1 word",
                "TurnsOmitted: 1 turn"
            ]
        );
        assert_eq!(
            lost(midi::midi(&annotations)),
            [
                "EventsOmitted: speech, 1 event",
                "EventsOmitted: music, 1 event",
                "TurnsOmitted: 1 turn",
                "WordsOmitted: 1 word"
            ]
        );
        assert_eq!(
            lost(rttm::rttm(&annotations)),
            [
                "EventsOmitted: music, 1 event",
                "TextsOmitted: 1 event",
                "WordsOmitted: 1 word",
                "BeatsOmitted: 1 beat"
            ]
        );
        assert_eq!(
            lost(ctm::ctm(&annotations)),
            [
                "EventsOmitted: music, 1 event",
                "SpeakersOmitted: 1 event",
                "SpeakersOmitted: 1 word",
                "TurnsOmitted: 1 turn",
                "BeatsOmitted: 1 beat"
            ]
        );
        assert_eq!(
            lost(podcast_chapters::podcast_chapters(&annotations)),
            [
                "TurnsOmitted: 1 turn",
                "WordsOmitted: 1 word",
                "BeatsOmitted: 1 beat",
                "EventsOmitted: speech, 1 event",
                "EventsOmitted: music, 1 event"
            ]
        );
    }
}
