//! Cuts a timeline to a window. A pure function; nested cuts are equivalent to one cut.

use media_time::{AssetTime, LocalTime, MediaTime, Window};

use crate::model::{AudioEvent, BeatEvent, LoudnessWindow, SliceMeta, Summary, Word};
use crate::speaker_turns::{TurnIndex, speaker_of_words};
use crate::speakers::SpeakerTurn;
use interchange::text::joined;

/// The timeline of `[window.start, window.end)`, relative to the window's start. Events are trimmed and dropped if
/// empty; beats keep their indices; a trimmed transcription keeps the words inside. The part beyond the timeline's end
/// is empty.
///
/// `start` is the timeline's start in the time of the window: zero, or the start of a part of the recording. `speed` is
/// only recorded: times remain source time.
#[must_use]
pub fn slice(summary: &Summary, start: AssetTime, window: Window<AssetTime>, speed: f64) -> Summary {
    let cut = Cut::new(summary, start, window);
    let mut meta = summary.meta.clone();
    meta.speaker_turns = summary.meta.speaker_turns.iter().filter_map(|turn| cut.turn(turn)).collect();
    let turns = (!summary.meta.speaker_turns.is_empty()).then(|| TurnIndex::new(&meta.speaker_turns));
    let event = |event: &AudioEvent| {
        let mut event = cut.event(event)?;
        // A part of an event may have another main speaker than the whole.
        turns.iter().for_each(|turns| turns.mark_event(&mut event));
        Some(event)
    };
    let events = summary.events.iter().filter_map(event).collect();
    meta.loudness_windows = summary.meta.loudness_windows.iter().filter_map(|w| cut.loudness(w)).collect();
    meta.clip = Some(SliceMeta {
        clip_window: [window.start(), window.end()],
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

/// The window, clamped to the end of the timeline. Its edges may be between milliseconds; times relative to its start
/// are rounded half up, which preserves order and adjacency.
struct Cut {
    /// Start of the timeline.
    zero: AssetTime,
    start: AssetTime,
    end: AssetTime,
}

impl Cut {
    fn new(summary: &Summary, zero: AssetTime, window: Window<AssetTime>) -> Self {
        let last = zero + MediaTime::from_millis(summary.duration_ms);
        let end = window.end().min(last).max(window.start());
        Self { zero, start: window.start(), end }
    }

    fn duration_ms(&self) -> i64 {
        (self.end - self.start).as_millis_round()
    }

    fn at(&self, ms: i64) -> AssetTime {
        self.zero + MediaTime::from_millis(ms)
    }

    /// The time in whole milliseconds from the window's start, rounded half up.
    fn relative_ms(&self, time: AssetTime) -> i64 {
        let local: LocalTime = time.relative_to(self.start);
        local.since_zero().as_millis_round()
    }

    /// The part of `[start_ms, end_ms)` inside the window, relative to its start; `None` if empty.
    fn span(&self, start_ms: i64, end_ms: i64) -> Option<(i64, i64)> {
        let relative = |ms| self.relative_ms(self.at(ms).clamp(self.start, self.end));
        let (start_ms, end_ms) = (relative(start_ms), relative(end_ms));
        (start_ms < end_ms).then_some((start_ms, end_ms))
    }

    fn event(&self, event: &AudioEvent) -> Option<AudioEvent> {
        let (start_ms, end_ms) = self.span(event.start_ms, event.end_ms)?;
        let mut cut = AudioEvent { start_ms, end_ms, ..event.clone() };
        cut.meta.words = event.meta.words.iter().filter_map(|word| self.word(word)).collect();
        if cut.meta.words.len() < event.meta.words.len() {
            cut.transcription = transcription(&cut.meta.words);
        }
        // Timelines of earlier versions have speakers on words only; with turns this is overwritten.
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
        inside.then(|| BeatEvent { time_ms: self.relative_ms(time), ..beat.clone() })
    }

    fn loudness(&self, window: &LoudnessWindow) -> Option<LoudnessWindow> {
        let (start_ms, end_ms) = self.span(window.start_ms, window.end_ms)?;
        Some(LoudnessWindow { start_ms, end_ms, ..window.clone() })
    }
}

/// Joins the words to a text; `None` without words.
#[must_use]
pub fn transcription(words: &[Word]) -> Option<String> {
    let text = joined(words.iter().map(|word| word.word.as_str()));
    (!text.is_empty()).then_some(text)
}
