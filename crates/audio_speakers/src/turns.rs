//! Turns of speakers, and their voices.

use media_time::{MediaTime, Window};

use crate::Embedding;

/// An interval of speech of one speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Start and end within the recording; never empty.
    pub window: Window,
    /// Index of the speaker; 0 is the first to speak.
    pub speaker: usize,
    /// Another speaker is active somewhere within this turn.
    pub is_overlapped: bool,
}

/// The voice of a speaker of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Voice {
    /// The mean of the speaker's embeddings.
    pub embedding: Embedding,
    /// Total duration of the speaker's turns.
    pub speech: MediaTime,
    /// Total duration of the speaker's turns without overlap.
    pub alone: MediaTime,
    /// How distinct the speaker's embeddings are from those of others, in [0, 1]: the mean silhouette
    /// `(b - a) / max(a, b)` of the distance `a` to their own mean and `b` to the nearest other mean. For a single
    /// speaker, `b` is the distance at which clusters are separated.
    pub confidence: f32,
}

/// The turns and voices of one recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diarization {
    turns: Vec<Turn>,
    voices: Vec<Voice>,
    /// Windows with two or more active speakers, ordered and disjoint.
    overlaps: Vec<Window>,
}

/// The identifier of a speaker within one recording: `S1` for index 0.
#[must_use]
pub fn speaker_id(index: usize) -> String {
    format!("S{}", index + 1)
}

impl Diarization {
    /// Takes turns in any order and sets their overlap flags; without voices. Turns of one speaker must not overlap each
    /// other.
    pub(crate) fn new(mut turns: Vec<Turn>) -> Self {
        turns.sort_by_key(|turn| (turn.window.start(), turn.speaker));
        let overlaps = overlaps(&turns);
        for turn in &mut turns {
            turn.is_overlapped = intersects_any(&overlaps, turn.window);
        }
        Self { turns, voices: Vec::new(), overlaps }
    }

    /// The same turns with these voices, by speaker index.
    pub(crate) fn with_voices(self, voices: Vec<Voice>) -> Self {
        Self { voices, ..self }
    }

    /// The turns, ordered by start, then speaker. Turns of one speaker do not touch.
    #[must_use]
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// The voices, by speaker index.
    #[must_use]
    pub fn voices(&self) -> &[Voice] {
        &self.voices
    }

    /// The windows in which two or more speakers are active, ordered and disjoint.
    #[must_use]
    pub fn overlaps(&self) -> &[Window] {
        &self.overlaps
    }
}

/// The windows in which two or more of `turns`, ordered by start, overlap.
fn overlaps(turns: &[Turn]) -> Vec<Window> {
    let mut found: Vec<Window> = Vec::new();
    let mut reach = MediaTime::MIN;
    for turn in turns {
        let end = turn.window.end().min(reach);
        if let Ok(window) = Window::new(turn.window.start(), end)
            && !window.is_empty()
        {
            match found.last_mut() {
                Some(last) if window.start() <= last.end() => {
                    *last = Window::starting_at(last.start(), last.end().max(end) - last.start());
                }
                _ => found.push(window),
            }
        }
        reach = reach.max(turn.window.end());
    }
    found
}

/// Whether `window` intersects one of `windows`, which are ordered and disjoint.
fn intersects_any(windows: &[Window], window: Window) -> bool {
    let next = windows.partition_point(|other| other.end() <= window.start());
    windows.get(next).is_some_and(|other| other.intersect(window).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(start: i64, end: i64) -> Window {
        Window::new(MediaTime::from_millis(start), MediaTime::from_millis(end)).unwrap()
    }

    fn turn(start: i64, end: i64, speaker: usize) -> Turn {
        Turn { window: window(start, end), speaker, is_overlapped: false }
    }

    #[test]
    fn turns_that_overlap_others_are_marked() {
        let turns = vec![turn(0, 5_000, 0), turn(4_000, 6_000, 1), turn(7_000, 8_000, 1)];
        let found = Diarization::new(turns);
        assert_eq!(found.overlaps(), [window(4_000, 5_000)]);
        assert_eq!(found.turns().iter().map(|t| t.is_overlapped).collect::<Vec<_>>(), [true, true, false]);
    }

    proptest! {
        #[test]
        fn overlaps_equal_their_definition(
            raw in prop::collection::vec((0i64..400, 1i64..60, 0usize..3), 0..20),
        ) {
            let mut ends = [-1i64; 3];
            let mut ordered = raw;
            ordered.sort_unstable();
            let mut turns = Vec::new();
            for (start, length, speaker) in ordered {
                if start > ends[speaker] {
                    ends[speaker] = start + length;
                    turns.push(turn(start, start + length, speaker));
                }
            }
            let found = Diarization::new(turns.clone());
            let speakers = |ms: i64| turns.iter().filter(|t| t.window.contains(MediaTime::from_millis(ms))).count();
            for ms in 0..470 {
                let is_in = found.overlaps().iter().any(|w| w.contains(MediaTime::from_millis(ms)));
                prop_assert_eq!(is_in, speakers(ms) > 1);
            }
        }
    }
}
