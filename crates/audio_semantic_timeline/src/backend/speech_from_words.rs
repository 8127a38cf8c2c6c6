//! Reconciles words with the scene: confident words turn other segments into speech.

use std::collections::BTreeSet;

use audio_asr::{Rejected, Rejection, Word};
use audio_signal::{LoudnessProfile, SceneKind, Segment};
use media_time::{MediaTime, Window};

/// Maximum pause within one speech segment.
const PAUSE: MediaTime = MediaTime::from_millis(300);
/// Maximum pause within a group of words whose confidence is evaluated together.
const GROUP_PAUSE: MediaTime = MediaTime::from_millis(3_000);
/// Shorter segments between two speech segments are merged into them.
const SLIVER: MediaTime = MediaTime::from_millis(300);
/// Minimum mean confidence and minimum number of distinct words of a group that becomes speech.
const MIN_CONFIDENCE: f32 = 0.5;
const MIN_DISTINCT_WORDS: usize = 4;
/// Maximum confidence of a segment derived from words.
const MAX_CONFIDENCE: f32 = 0.95;

/// Adds speech segments for confident words and clips every word to one segment of speech or singing. Words outside of these
/// that are not confident are removed and returned as rejected.
pub(super) fn reconcile(
    segments: &[Segment],
    words: &mut Vec<Word>,
    loudness: &LoudnessProfile,
) -> (Vec<Segment>, Vec<Rejected>) {
    let mut reconciled = segments.to_vec();
    let mut rejected = Vec::new();
    let all = std::mem::take(words);
    for group in all.chunk_by(|a, b| b.start - a.end <= GROUP_PAUSE) {
        let is_outside_speech = |word: &&Word| !is_mostly_spoken(segments, window_of(word));
        let confidence = group_confidence(group);
        for stretch in group.chunk_by(|a, b| b.start - a.end <= PAUSE) {
            match confidence {
                _ if !stretch.iter().any(|word| is_outside_speech(&word)) => words.extend_from_slice(stretch),
                Some(confidence) => {
                    reconciled = with_speech(&reconciled, span(stretch), confidence);
                    words.extend_from_slice(stretch);
                }
                None => {
                    let (outside, own): (Vec<&Word>, Vec<&Word>) =
                        stretch.iter().partition(is_outside_speech);
                    words.extend(own.into_iter().cloned());
                    rejected.extend(outside.into_iter().map(outside_speech));
                }
            }
        }
    }
    let mut reconciled = joined(reconciled);
    for segment in &mut reconciled {
        if !segments.contains(segment) {
            segment.loudness_lufs = loudness.window_lufs(segment.window);
        }
    }
    let all = std::mem::take(words);
    for word in all {
        match within_speech(&reconciled, &word) {
            Some(word) => words.push(word),
            None => rejected.push(outside_speech(&word)),
        }
    }
    (reconciled, rejected)
}

/// The confidence of a speech segment derived from a group of words; none if they are not confident enough.
fn group_confidence(group: &[Word]) -> Option<f32> {
    let texts: BTreeSet<&str> = group.iter().map(|word| word.text.as_str()).collect();
    let confidence = group.iter().map(|word| word.confidence).sum::<f32>() / group.len() as f32;
    (confidence >= MIN_CONFIDENCE && texts.len() >= MIN_DISTINCT_WORDS)
        .then(|| confidence.min(MAX_CONFIDENCE))
}

const fn is_voice(segment: &Segment) -> bool {
    matches!(segment.kind, SceneKind::Speech) || segment.sung
}

fn window_of(word: &Word) -> Window {
    Window::starting_at(word.start, word.end - word.start)
}

fn span(group: &[Word]) -> Window {
    let (start, end) = (group[0].start, group[group.len() - 1].end);
    Window::starting_at(start, end - start)
}

fn outside_speech(word: &Word) -> Rejected {
    Rejected { window: window_of(word), reason: Rejection::OutsideSpeech }
}

/// The segments that overlap a window, with the duration of the overlap.
fn overlaps(segments: &[Segment], window: Window) -> impl Iterator<Item = (&Segment, MediaTime)> {
    let first = segments.partition_point(|segment| segment.window.end() <= window.start());
    let near = segments[first..].iter().take_while(move |segment| segment.window.start() < window.end());
    near.filter_map(move |segment| Some((segment, segment.window.intersect(window)?.duration())))
}

fn is_mostly_spoken(segments: &[Segment], window: Window) -> bool {
    let voice = overlaps(segments, window).filter(|(segment, _)| is_voice(segment));
    let shared: i64 = voice.map(|(_, shared)| shared.as_micros()).sum();
    2 * shared >= window.duration().as_micros()
}

/// Inserts speech at `window`, with background music if most of it was music.
fn with_speech(segments: &[Segment], window: Window, confidence: f32) -> Vec<Segment> {
    let is_music = |segment: &Segment| segment.kind == SceneKind::Music || segment.background_music;
    let music: i64 = overlaps(segments, window)
        .filter(|(segment, _)| is_music(segment))
        .map(|(_, shared)| shared.as_micros())
        .sum();
    let speech = Segment {
        kind: SceneKind::Speech,
        window,
        confidence,
        loudness_lufs: None,
        background_music: 2 * music > window.duration().as_micros(),
        sung: false,
    };
    let mut parts = Vec::with_capacity(segments.len() + 2);
    for segment in segments {
        let (start, end) = (segment.window.start(), segment.window.end());
        if end <= window.start() || window.end() <= start {
            parts.push(segment.clone());
            continue;
        }
        let part = |start, end| Window::new(start, end).ok().filter(|part| !part.is_empty());
        parts.extend(part(start, window.start()).map(|window| Segment { window, ..segment.clone() }));
        if (start..end).contains(&window.start()) {
            parts.push(speech.clone());
        }
        parts.extend(part(window.end(), end).map(|window| Segment { window, ..segment.clone() }));
    }
    parts
}

/// Merges slivers into the speech around them, and adjacent speech segments of one kind.
fn joined(segments: Vec<Segment>) -> Vec<Segment> {
    let is_speech = |segment: Option<&Segment>| segment.is_some_and(|s| s.kind == SceneKind::Speech);
    let is_sliver = |index: usize| {
        let segment = &segments[index];
        segment.kind != SceneKind::Speech
            && segment.window.duration() < SLIVER
            && is_speech(index.checked_sub(1).and_then(|before| segments.get(before)))
            && is_speech(segments.get(index + 1))
    };
    let mut all: Vec<Segment> = Vec::with_capacity(segments.len());
    for (index, segment) in segments.iter().enumerate() {
        let follows = |last: &Segment| {
            let is_alike = (last.kind, last.background_music, last.sung)
                == (segment.kind, segment.background_music, segment.sung);
            is_sliver(index) || (is_alike && segment.kind == SceneKind::Speech)
        };
        match all.last_mut() {
            Some(last) if follows(last) => extend(last, segment),
            _ => all.push(segment.clone()),
        }
    }
    all
}

/// Extends a segment to the end of the next one; the confidence becomes the duration-weighted mean.
fn extend(segment: &mut Segment, next: &Segment) {
    let seconds = |window: Window| window.duration().as_secs_f64() as f32;
    let (own, more) = (seconds(segment.window), seconds(next.window));
    if next.kind == segment.kind {
        segment.confidence = (segment.confidence * own + next.confidence * more) / (own + more);
    }
    let start = segment.window.start();
    segment.window = Window::starting_at(start, next.window.end() - start);
}

/// A word clipped to the segment of speech or singing with the largest overlap.
fn within_speech(segments: &[Segment], word: &Word) -> Option<Word> {
    let voice = overlaps(segments, window_of(word)).filter(|(segment, _)| is_voice(segment));
    let (segment, _) = voice.max_by_key(|(_, shared)| *shared)?;
    let window = segment.window.intersect(window_of(word))?;
    Some(Word { start: window.start(), end: window.end(), ..word.clone() })
}

#[cfg(test)]
mod tests {
    use audio_asr::{Language, Timing};

    use super::*;

    fn window(start_ms: i64, end_ms: i64) -> Window {
        Window::new(MediaTime::from_millis(start_ms), MediaTime::from_millis(end_ms)).unwrap()
    }

    fn segment(kind: SceneKind, start_ms: i64, end_ms: i64) -> Segment {
        Segment {
            kind,
            window: window(start_ms, end_ms),
            confidence: 0.9,
            loudness_lufs: None,
            background_music: false,
            sung: false,
        }
    }

    fn word(text: &str, start_ms: i64, end_ms: i64, confidence: f32) -> Word {
        let window = window(start_ms, end_ms);
        Word {
            text: text.to_owned(),
            start: window.start(),
            end: window.end(),
            confidence,
            timing: Timing::Measured,
            language: Language::ENGLISH,
        }
    }

    fn run(segments: &[Segment], words: &[Word]) -> (Vec<(SceneKind, i64, i64)>, Vec<String>, usize) {
        let mut words = words.to_vec();
        let silence = LoudnessProfile::default();
        let (segments, rejected) = reconcile(segments, &mut words, &silence);
        let ranges = segments.iter().map(|segment| {
            let window = segment.window;
            (segment.kind, window.start().as_millis_round(), window.end().as_millis_round())
        });
        (ranges.collect(), words.into_iter().map(|word| word.text).collect(), rejected.len())
    }

    #[test]
    fn confident_words_turn_music_into_speech() {
        let segments = [segment(SceneKind::Music, 0, 10_000), segment(SceneKind::Speech, 10_000, 12_000)];
        let words = [
            word("one", 2_000, 2_300, 0.9),
            word("two", 2_400, 2_900, 0.8),
            word("three", 3_500, 3_700, 0.9),
            word("four", 3_700, 3_900, 0.9),
            word("five", 9_900, 10_500, 0.9),
        ];
        let (ranges, kept, rejected) = run(&segments, &words);
        let expected = [
            (SceneKind::Music, 0, 2_000),
            (SceneKind::Speech, 2_000, 2_900),
            (SceneKind::Music, 2_900, 3_500),
            (SceneKind::Speech, 3_500, 3_900),
            (SceneKind::Music, 3_900, 10_000),
            (SceneKind::Speech, 10_000, 12_000),
        ];
        assert_eq!(ranges, expected);
        assert_eq!(
            (kept, rejected),
            (["one", "two", "three", "four", "five"].map(str::to_owned).to_vec(), 0)
        );
    }

    #[test]
    fn words_without_confidence_are_rejected() {
        let segments = [segment(SceneKind::Music, 0, 10_000)];
        let alone = [word("one", 2_000, 2_300, 0.9)];
        let unsure = ["one", "two", "three", "four"].map(|text| word(text, 2_000, 2_300, 0.3));
        for words in [&alone[..], &unsure[..]] {
            let (ranges, kept, rejected) = run(&segments, words);
            assert_eq!((ranges, kept), (vec![(SceneKind::Music, 0, 10_000)], vec![]));
            assert_eq!(rejected, words.len());
        }
    }

    #[test]
    fn words_are_clipped_to_speech_segments() {
        let segments = [segment(SceneKind::Speech, 0, 1_000), segment(SceneKind::Silence, 1_000, 2_000)];
        let mut words = vec![word("one", 700, 1_200, 0.9)];
        let silence = LoudnessProfile::default();
        reconcile(&segments, &mut words, &silence);
        assert_eq!(words[0].end, MediaTime::from_millis(1_000));
    }
}
