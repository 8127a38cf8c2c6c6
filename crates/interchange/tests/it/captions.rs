use interchange::captions::{Caption, CaptionLimits, captions};
use interchange::words::{TimedText, TimedWord};
use proptest::prelude::*;

use crate::text;

const LIMITS: CaptionLimits = CaptionLimits::DEFAULT;

fn lines(words: &str, limits: &CaptionLimits) -> Vec<Vec<String>> {
    let lines = |caption: Caption| caption.lines.into_iter().map(|line| line.text).collect();
    captions(&text(words), limits).into_iter().map(lines).collect()
}

#[test]
fn captions_end_with_sentences() {
    assert_eq!(
        lines("Welcome to this recording of a machine. It begins with a voice.", &LIMITS),
        [vec!["Welcome to this recording of a machine."], vec!["It begins with a voice."]]
    );
    assert_eq!(lines("Yes. No. Perhaps.", &LIMITS), [["Yes. No. Perhaps."]], "short ones share");
}

#[test]
fn lines_are_about_equal_and_end_with_clauses() {
    assert_eq!(
        lines("Ask not what your country can do for you, ask what you can do.", &LIMITS),
        [["Ask not what your country can do for you,", "ask what you can do."]]
    );
    let caption = &lines("The keeper of the lighthouse looked at the sea for hours.", &LIMITS)[0];
    assert_eq!(caption.len(), 2);
    let is_article = |line: &String| ["the", "of", "at"].iter().any(|word| line.ends_with(word));
    assert!(!is_article(&caption[0]), "{caption:?}");
}

#[test]
fn long_sentences_are_divided_after_clauses_without_orphans() {
    let speech = "And so my fellow Americans who are here today with us all, ask not what your country can do \
                  for any of you";
    let captions = lines(speech, &LIMITS);
    assert_eq!(captions.len(), 2);
    assert!(captions[0].concat().ends_with("all,"), "{captions:?}");
    // Greedy filling would leave "again" as the last caption.
    let words =
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen again";
    for caption in lines(words, &LIMITS) {
        assert!(caption.concat().contains(' '), "{caption:?}");
    }
}

#[test]
fn pauses_and_speakers_end_captions() {
    let mut text = text("one two three four");
    for word in &mut text.words[2..] {
        word.start_ms += 2_000;
        word.end_ms += 2_000;
    }
    let all = captions(&text, &LIMITS);
    assert_eq!(all.iter().map(Caption::text).collect::<Vec<_>>(), ["one two", "three four"]);
    let wide = CaptionLimits { max_gap_ms: 5_000, ..LIMITS };
    assert_eq!(captions(&text, &wide).len(), 1);
    text.words[0].speaker = Some("S1".to_owned());
    text.words[3].speaker = Some("S2".to_owned());
    let all = captions(&text, &wide);
    assert_eq!(all.iter().map(Caption::text).collect::<Vec<_>>(), ["one two three", "four"]);
    assert_eq!((all[0].speaker.as_deref(), all[1].speaker.as_deref()), (Some("S1"), Some("S2")));
}

#[test]
fn words_without_a_speaker_do_not_end_a_caption() {
    let mut text = text("one two three four");
    for (word, speaker) in text.words.iter_mut().zip([None, Some("S1"), None, Some("S1")]) {
        word.speaker = speaker.map(str::to_owned);
    }
    let all = captions(&text, &LIMITS);
    assert_eq!((all.len(), all[0].speaker.as_deref()), (1, Some("S1")), "{all:?}");
    let podcast = serde_json::to_value(interchange::podcast::podcast(&text)).unwrap();
    let segments = podcast["segments"].as_array().unwrap();
    assert_eq!((segments.len(), &segments[0]["speaker"]), (1, &"S1".into()), "{podcast}");
}

#[test]
fn captions_stay_until_they_can_be_read() {
    let mut words = text("Extraordinarily unintelligible, incomprehensible.");
    words.words.truncate(3);
    // 48 characters in 0.85 s of speech, followed by 3 s of silence.
    let all = captions(&words, &LIMITS);
    assert_eq!((all.len(), all[0].start_ms, all[0].end_ms), (1, 0, 2_824), "{all:?}");
    let short = captions(&text("Yes."), &LIMITS);
    assert_eq!((short[0].start_ms, short[0].end_ms), (0, 1_000));
    let exact = CaptionLimits { min_duration_ms: 0, max_cps: 100.0, ..LIMITS };
    assert_eq!(captions(&text("Yes."), &exact)[0].end_ms, 250);
}

#[test]
fn captions_have_at_most_max_words() {
    let limits = CaptionLimits { max_words: Some(3), ..LIMITS };
    let all = lines("one two three four five six seven", &limits);
    assert!(all.iter().all(|caption| caption.concat().split(' ').count() <= 3), "{all:?}");
    let one = CaptionLimits { max_words: Some(1), ..LIMITS };
    assert_eq!(lines("one two three", &one).len(), 3);
}

#[test]
fn words_longer_than_a_line_are_divided() {
    let limits = CaptionLimits { max_chars: 10, ..LIMITS };
    assert_eq!(lines("Donaudampfschifffahrt", &limits), [vec!["Donaudampf"], vec!["schifffahr", "t"]]);
}

#[test]
fn unspaced_scripts_are_joined_without_spaces() {
    assert_eq!(lines("今 日 は 良 い 天 気 で す 。", &LIMITS), [["今日は良い天気です。"]]);
}

fn any_text() -> impl Strategy<Value = TimedText> {
    let word = ("[a-zé,.!? \n好{}\\\\&<]{0,60}", -500..4_000i64, 0..2_000i64, 0..3u8);
    prop::collection::vec(word, 0..60).prop_map(|words| {
        let mut at = 0i64;
        let word = |(text, gap, length, speaker): (String, i64, i64, u8)| {
            let start_ms = (at + gap).max(0);
            at = start_ms + length;
            let speaker = (speaker > 0).then(|| format!("S{speaker}"));
            TimedWord { text, start_ms, end_ms: at, speaker, confidence: None }
        };
        let words: Vec<TimedWord> = words.into_iter().map(word).collect();
        TimedText { duration_ms: at, words, language: None }
    })
}

fn any_limits() -> impl Strategy<Value = CaptionLimits> {
    let (chars, lines, words) = (1..80usize, 1..4usize, prop::option::of(1..10usize));
    (chars, lines, words, 5.0..40.0, 0..3_000i64, 0..5_000i64).prop_map(
        |(max_chars, max_lines, max_words, max_cps, min_duration_ms, max_gap_ms)| CaptionLimits {
            max_chars,
            max_lines,
            max_words,
            max_cps,
            min_duration_ms,
            max_gap_ms,
        },
    )
}

proptest! {
    #[test]
    fn captions_contain_all_words_within_the_limits(text in any_text(), limits in any_limits()) {
        let captions = captions(&text, &limits);
        for caption in &captions {
            prop_assert!((1..=limits.max_lines).contains(&caption.lines.len()));
            let words: usize = caption.lines.iter().map(|line| line.words.len()).sum();
            prop_assert!(limits.max_words.is_none_or(|most| words <= most));
            for line in &caption.lines {
                prop_assert!((1..=limits.max_chars).contains(&line.text.chars().count()), "{:?}", line.text);
                prop_assert!(!line.text.contains(['\n', '\r']));
            }
            prop_assert!(0 <= caption.start_ms && caption.start_ms < caption.end_ms);
        }
        prop_assert!(captions.windows(2).all(|pair| pair[0].end_ms <= pair[1].start_ms));
        let bare = |text: &str| text.replace(char::is_whitespace, "");
        let mut words: Vec<&TimedWord> = text.words.iter().collect();
        words.sort_by_key(|word| word.start_ms);
        let shown: String = captions.iter().map(|caption| bare(&caption.text())).collect();
        prop_assert_eq!(shown, words.iter().map(|word| bare(&word.text)).collect::<String>());
    }

    #[test]
    fn captions_exceed_limits_only_without_silence(text in any_text(), limits in any_limits()) {
        let captions = captions(&text, &limits);
        for (index, caption) in captions.iter().enumerate() {
            let end = captions.get(index + 1).map_or(text.duration_ms, |next| next.start_ms);
            let duration = caption.end_ms - caption.start_ms;
            let chars: usize = caption.lines.iter().map(|line| line.text.chars().count()).sum();
            let is_fast = chars as f64 * 1_000.0 / duration as f64 > limits.max_cps;
            prop_assert!((duration >= limits.min_duration_ms && !is_fast) || caption.end_ms >= end);
        }
    }
}
