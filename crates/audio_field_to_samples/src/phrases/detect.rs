//! Phrases: groups of words without a pause. Pure functions.

use media_time::{MediaTime, Window};

use super::wire::PhraseParams;

/// Maximum duration of a phrase; speech without a pause is split here.
pub const MAX_PHRASE: MediaTime = MediaTime::from_millis(600_000);

/// A spoken word with its times.
#[derive(Clone, Debug, PartialEq)]
pub struct SpokenWord {
    /// Text of the word as written.
    pub text: String,
    /// Start and end of the word.
    pub window: Window,
    /// Confidence 0 to 1, if known.
    pub confidence: Option<f64>,
}

/// Words without a pause between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Phrase {
    /// From the start of the first word to the end of the last.
    pub window: Window,
    /// The words, separated by spaces.
    pub transcript: String,
    /// Mean over the words that have a confidence; `None` when none has.
    pub confidence: Option<f64>,
}

impl Phrase {
    /// The confidence; 1 for words that were registered without one.
    #[must_use]
    pub fn score(&self) -> f64 {
        self.confidence.unwrap_or(1.0)
    }
}

/// The phrases of `words`, given in any order, in a recording of `duration`: sorted, without overlap.
///
/// Words closer than `max_gap_ms` form one phrase, up to [`MAX_PHRASE`]. Phrases shorter than `min_phrase_len_ms`
/// are left out, and words beyond the end of the recording are ignored.
#[must_use]
pub fn detect(words: &[SpokenWord], duration: MediaTime, params: &PhraseParams) -> Vec<Phrase> {
    let whole = Window::starting_at(MediaTime::ZERO, duration);
    let within =
        |word: &SpokenWord| Some(SpokenWord { window: word.window.intersect(whole)?, ..word.clone() });
    let mut words: Vec<SpokenWord> = words.iter().filter_map(within).collect();
    words.sort_by_key(|word| word.window);

    let mut groups: Vec<(Window, Vec<SpokenWord>)> = Vec::new();
    for word in words {
        if let Some((window, group)) = groups.last_mut() {
            let joined = Window::new(window.start(), window.end().max(word.window.end())).unwrap_or(*window);
            let is_close = word.window.start() - window.end() < params.max_gap;
            let overlaps = word.window.start() < window.end();
            if overlaps || (is_close && joined.duration() <= MAX_PHRASE) {
                *window = joined;
                group.push(word);
                continue;
            }
        }
        groups.push((word.window, vec![word]));
    }
    groups.retain(|(window, _)| window.duration() >= params.min_phrase_len);
    groups.into_iter().map(|(window, group)| phrase(window, &group)).collect()
}

fn phrase(window: Window, words: &[SpokenWord]) -> Phrase {
    let texts: Vec<&str> =
        words.iter().map(|word| word.text.trim()).filter(|text| !text.is_empty()).collect();
    let known: Vec<f64> = words.iter().filter_map(|word| word.confidence).collect();
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    Phrase {
        window,
        transcript: texts.join(" "),
        confidence: (!known.is_empty()).then_some((mean * 1e4).round() / 1e4),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(text: &str, start: i64, end: i64) -> SpokenWord {
        let window = Window::new(MediaTime::from_millis(start), MediaTime::from_millis(end)).unwrap();
        SpokenWord { text: text.to_owned(), window, confidence: None }
    }

    fn found(words: &[SpokenWord]) -> Vec<(i64, i64, String)> {
        let phrases = detect(words, MediaTime::from_millis(10_000), &PhraseParams::default());
        let fields =
            |p: Phrase| (p.window.start().as_millis_round(), p.window.end().as_millis_round(), p.transcript);
        phrases.into_iter().map(fields).collect()
    }

    #[test]
    fn words_closer_than_the_gap_merge() {
        let words = [
            word("there,", 899, 1_000),
            word("hello", 100, 400),
            word("you", 1_500, 1_700),
            word("hm", 4_000, 4_100),
            word("last", 9_900, 12_000),
            word("beyond", 11_000, 12_000),
        ];
        let expected = [(100, 1_000, "hello there,".to_owned()), (1_500, 1_700, "you".to_owned())];
        assert_eq!(found(&words), expected, "500 ms is a pause, and 100 ms are no phrase");
    }

    #[test]
    fn confidence_is_the_mean_of_the_known_ones() {
        let mut words = [word("a", 0, 200), word("b", 300, 600), word("c", 700, 900)];
        words[0].confidence = Some(0.5);
        words[2].confidence = Some(0.8);
        let phrases = detect(&words, MediaTime::from_millis(900), &PhraseParams::default());
        assert_eq!((phrases[0].confidence, phrases[0].score()), (Some(0.65), 0.65));
        let unknown = detect(&words[1..2], MediaTime::from_millis(900), &PhraseParams::default());
        assert_eq!((unknown[0].confidence, unknown[0].score()), (None, 1.0));
    }

    #[test]
    fn speech_without_a_pause_is_split_at_the_maximum() {
        let words: Vec<SpokenWord> = (0..2_000).map(|n| word("la", n * 1_000, n * 1_000 + 900)).collect();
        let phrases = detect(&words, MediaTime::from_millis(2_000_000), &PhraseParams::default());
        assert_eq!(phrases.len(), 4);
        assert!(phrases.iter().all(|phrase| phrase.window.duration() <= MAX_PHRASE));
    }

    proptest! {
        #[test]
        fn phrases_are_sorted_disjoint_and_within_the_recording(
            times in proptest::collection::vec((-5_000i64..15_000, 0i64..3_000), 0..60),
            gap in 0i64..2_000, shortest in 0i64..1_000,
        ) {
            let words: Vec<SpokenWord> = times.iter().map(|(start, length)| word("x", *start, start + length)).collect();
            let params = PhraseParams {
                max_gap: MediaTime::from_millis(gap),
                min_phrase_len: MediaTime::from_millis(shortest),
            };
            let duration = MediaTime::from_millis(10_000);
            let phrases = detect(&words, duration, &params);
            for phrase in &phrases {
                prop_assert!(phrase.window.start() >= MediaTime::ZERO && phrase.window.end() <= duration);
                prop_assert!(!phrase.window.is_empty() && phrase.window.duration() >= params.min_phrase_len);
            }
            for pair in phrases.windows(2) {
                prop_assert!(pair[1].window.start() - pair[0].window.end() >= params.max_gap.max(MediaTime::ZERO));
            }
        }
    }
}
