//! Moves words into the time of a render. Pure functions.

use interchange::words::TimedWord;
use media_time::{AssetTime, LocalTime, MediaTime, Window};

/// A window of a recording that plays in a render.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PlayedWindow {
    pub(crate) source: Window<AssetTime>,
    /// When it starts in the render.
    pub(crate) start: LocalTime,
    /// Recording time per time of the render.
    pub(crate) speed: f64,
}

impl PlayedWindow {
    /// The time in the render of a time of the recording, in ms; limited to the window.
    fn at(&self, ms: i64) -> i64 {
        let time = AssetTime::from_millis(ms).clamp(self.source.start(), self.source.end());
        let from_start = time - self.source.start();
        let from_start = match self.speed {
            1.0 => from_start,
            speed => MediaTime::from_secs_f64(from_start.as_secs_f64() / speed),
        };
        (self.start + from_start).since_zero().as_millis_round()
    }
}

/// The words in the time of the render: those whose middle plays, in order and without overlap. `words` are ordered and do
/// not overlap.
pub(super) fn placed(words: &[TimedWord], played: &[PlayedWindow]) -> Vec<TimedWord> {
    let mut played = played.to_vec();
    played.sort_by_key(|window| window.start);
    let mut placed: Vec<TimedWord> = Vec::new();
    let mut end_ms = 0;
    for window in played {
        let middle = |word: &TimedWord| AssetTime::from_millis(word.start_ms.midpoint(word.end_ms));
        let first = words.partition_point(|word| middle(word) < window.source.start());
        for word in words[first..].iter().take_while(|word| middle(word) < window.source.end()) {
            let (start, end) = (window.at(word.start_ms).max(end_ms), window.at(word.end_ms));
            // Windows of one recording may overlap: one word is shown at a time.
            if start < end {
                placed.push(TimedWord { start_ms: start, end_ms: end, ..word.clone() });
                end_ms = end;
            }
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, start_ms: i64, end_ms: i64) -> TimedWord {
        TimedWord { text: text.to_owned(), start_ms, end_ms, speaker: None, confidence: None }
    }

    fn played(from: i64, to: i64, start: i64, speed: f64) -> PlayedWindow {
        let source = Window::new(AssetTime::from_millis(from), AssetTime::from_millis(to)).unwrap();
        PlayedWindow { source, start: LocalTime::from_millis(start), speed }
    }

    #[test]
    fn words_are_shown_where_their_middle_plays() {
        let words = [word("one", 100, 300), word("two", 400, 600), word("three", 1_000, 1_400)];
        // The cut is before the middle of `two`, and after the middle of `three`.
        let shown = placed(&words, &[played(450, 1_300, 2_000, 1.0), played(0, 350, 0, 0.5)]);
        let expected = [word("one", 200, 600), word("two", 2_000, 2_150), word("three", 2_550, 2_850)];
        assert_eq!(shown, expected);
    }

    #[test]
    fn overlapping_windows_show_one_word_at_a_time() {
        let words = [word("one", 0, 400), word("two", 400, 800)];
        let shown = placed(&words, &[played(0, 800, 0, 1.0), played(0, 800, 600, 1.0)]);
        let texts: Vec<(&str, i64, i64)> =
            shown.iter().map(|word| (word.text.as_str(), word.start_ms, word.end_ms)).collect();
        assert_eq!(texts, [("one", 0, 400), ("two", 400, 800), ("one", 800, 1_000), ("two", 1_000, 1_400)]);
    }
}
