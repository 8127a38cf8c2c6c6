//! Cutting a timeline to a window: pure, and cutting twice is cutting once.

use media_time::{MediaTime, Window};

use crate::model::{AudioEvent, BeatEvent, LoudnessWindow, SliceMeta, Summary, Word};
use crate::speaker_turns::{TurnIndex, speaker_of_words};
use crate::speakers::SpeakerTurn;
use interchange::text::joined;

/// The timeline of `[window.start, window.end)`, told from the window's start on. Events are
/// trimmed, empty ones dropped; beats keep their numbers; a trimmed transcription keeps the words
/// that are still heard. Beyond the timeline there is nothing.
///
/// `start` is where the timeline starts in the time in which the window is told: zero, unless it is that of a part.
/// `speed` is only recorded: times stay source time.
#[must_use]
pub fn slice(summary: &Summary, start: MediaTime, window: Window, speed: f64) -> Summary {
    let cut = Cut::new(summary, start, window);
    let mut meta = summary.meta.clone();
    meta.speaker_turns = summary.meta.speaker_turns.iter().filter_map(|turn| cut.turn(turn)).collect();
    let turns = (!summary.meta.speaker_turns.is_empty()).then(|| TurnIndex::new(&meta.speaker_turns));
    let event = |event: &AudioEvent| {
        let mut event = cut.event(event)?;
        // An uncut event may have another speaker than its part.
        turns.iter().for_each(|turns| turns.mark_event(&mut event));
        Some(event)
    };
    let events = summary.events.iter().filter_map(event).collect();
    meta.loudness_windows = summary.meta.loudness_windows.iter().filter_map(|w| cut.loudness(w)).collect();
    meta.clip = Some(SliceMeta {
        clip_window_ms: [window.start(), window.end()],
        clip_relative: true,
        speed_change: speed,
        #[expect(clippy::float_cmp, reason = "any speed but exactly 1 limits")]
        speed_change_limited: speed != 1.0,
    });
    Summary {
        asset_id: summary.asset_id.clone(),
        artifact_id: summary.artifact_id.clone(),
        duration_ms: cut.duration_ms(),
        events,
        beats: summary.beats.iter().filter_map(|beat| cut.beat(beat)).collect(),
        meta,
    }
}

/// The window, up to the end of the timeline. Its edges may lie between milliseconds; what is told from its
/// start on is rounded, halves up, which keeps order and adjacency.
struct Cut {
    /// Where the timeline starts.
    zero: MediaTime,
    start: MediaTime,
    end: MediaTime,
}

impl Cut {
    fn new(summary: &Summary, zero: MediaTime, window: Window) -> Self {
        let last = zero + MediaTime::from_millis(summary.duration_ms);
        let end = window.end().min(last).max(window.start());
        Self { zero, start: window.start(), end }
    }

    fn duration_ms(&self) -> i64 {
        (self.end - self.start).as_millis_round()
    }

    fn at(&self, ms: i64) -> MediaTime {
        self.zero + MediaTime::from_millis(ms)
    }

    /// The part of `[start_ms, end_ms)` inside, told from the cut's start; `None` when empty.
    fn span(&self, start_ms: i64, end_ms: i64) -> Option<(i64, i64)> {
        let place = |ms| (self.at(ms).clamp(self.start, self.end) - self.start).as_millis_round();
        let (start_ms, end_ms) = (place(start_ms), place(end_ms));
        (start_ms < end_ms).then_some((start_ms, end_ms))
    }

    fn event(&self, event: &AudioEvent) -> Option<AudioEvent> {
        let (start_ms, end_ms) = self.span(event.start_ms, event.end_ms)?;
        let mut cut = AudioEvent { start_ms, end_ms, ..event.clone() };
        cut.meta.words = event.meta.words.iter().filter_map(|word| self.word(word)).collect();
        if cut.meta.words.len() < event.meta.words.len() {
            cut.transcription = transcription(&cut.meta.words);
        }
        // Timelines of earlier versions have speakers on words only; turns replace this.
        if cut.end_ms - cut.start_ms < event.end_ms - event.start_ms
            && speaker_of_words(&event.meta.words).is_some()
        {
            cut.speaker_id = speaker_of_words(&cut.meta.words).map(str::to_owned);
        }
        Some(cut)
    }

    fn word(&self, word: &Word) -> Option<Word> {
        let (start_ms, end_ms) = self.span(word.start_ms, word.end_ms)?;
        Some(Word { start_ms, end_ms, ..word.clone() })
    }

    fn turn(&self, turn: &SpeakerTurn) -> Option<SpeakerTurn> {
        let (start_ms, end_ms) = self.span(turn.start_ms, turn.end_ms)?;
        Some(SpeakerTurn { start_ms, end_ms, ..turn.clone() })
    }

    fn beat(&self, beat: &BeatEvent) -> Option<BeatEvent> {
        let time = self.at(beat.time_ms);
        let inside = self.start <= time && time < self.end;
        inside.then(|| BeatEvent { time_ms: (time - self.start).as_millis_round(), ..beat.clone() })
    }

    fn loudness(&self, window: &LoudnessWindow) -> Option<LoudnessWindow> {
        let (start_ms, end_ms) = self.span(window.start_ms, window.end_ms)?;
        Some(LoudnessWindow { start_ms, end_ms, ..window.clone() })
    }
}

/// The words as a text; `None` without any.
#[must_use]
pub fn transcription(words: &[Word]) -> Option<String> {
    let text = joined(words.iter().map(|word| word.word.as_str()));
    (!text.is_empty()).then_some(text)
}
