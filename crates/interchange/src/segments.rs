//! Division of words into the segments of transcripts.

use crate::text::ends_sentence;
use crate::words::{TimedWord, by_speaker};

/// Minimum length of a pause that ends a segment, in ms.
pub(crate) const PAUSE_MS: i64 = 1_500;
/// Maximum duration of a segment, in ms: Whisper's window.
const MAX_DURATION_MS: i64 = 30_000;

/// Divides words into segments, which end with a sentence, at a pause, where a known speaker follows another, and after
/// 30 s.
pub(crate) fn segments(words: &[TimedWord]) -> impl Iterator<Item = &[TimedWord]> {
    by_speaker(words, |word| word.speaker.as_deref()).flat_map(of_one_speaker)
}

fn of_one_speaker(words: &[TimedWord]) -> impl Iterator<Item = &[TimedWord]> {
    let mut rest = words;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let is_end = |pair: &[TimedWord]| {
            let [a, b] = pair else { return false };
            ends_sentence(&a.text)
                || b.start_ms - a.end_ms >= PAUSE_MS
                || b.end_ms - first.start_ms > MAX_DURATION_MS
        };
        let count = rest.windows(2).position(is_end).map_or(rest.len(), |index| index + 1);
        let (segment, behind) = rest.split_at(count);
        rest = behind;
        Some(segment)
    })
}
