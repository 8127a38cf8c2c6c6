//! Rules of `set_word`.

use serde_json::json;

use super::{applied, refused, texts, timeline, with_speakers};
use crate::model::EventKind::{Silence, Speech};
use crate::model::{Summary, Word};

fn word_of(timeline: &Summary, text: &str) -> Word {
    let mut words = timeline.events.iter().flat_map(|event| &event.meta.words);
    words.find(|word| word.word == text).unwrap().clone()
}

#[test]
fn set_word_replaces_inserts_and_removes() {
    let base = timeline(&[(Speech, 2_000), (Silence, 500)], &[("hark", 100, 300), ("beck", 400, 800)], &[]);
    let set = |start: i64, end: i64, word: &str| json!([{"op": "set_word", "start_ms": start, "end_ms": end, "word": word}]);
    let corrected = applied(&base, set(400, 800, " back. "));
    assert_eq!(corrected.events[0].transcription.as_deref(), Some("hark back."));
    let word = word_of(&corrected, "back.");
    assert_eq!((word.confidence, &word.more["timing"]), (None, &json!("measured")), "the times are measured");
    assert_eq!(word.more["corrected"], true);
    assert_eq!(word_of(&corrected, "hark").confidence, Some(0.5));
    assert_eq!(applied(&corrected, set(400, 800, "back.")), corrected, "idempotent");

    let moved = word_of(&applied(&base, set(350, 800, "back")), "back");
    assert_eq!((moved.start_ms, &moved.more["timing"]), (350, &json!("corrected")));
    let both = applied(&base, set(100, 800, "harkback"));
    assert_eq!(texts(&both.events[0]), ["harkback"], "in place of two");
    let inserted = applied(&base, set(1_000, 1_200, "now"));
    assert_eq!(texts(&inserted.events[0]), ["hark", "beck", "now"]);
    let removed = applied(&base, set(0, 350, ""));
    assert_eq!((texts(&removed.events[0]), &removed.events[1]), (vec!["beck"], &base.events[1]));
    let none = applied(&base, set(0, 900, ""));
    assert_eq!(none.events[0].transcription, None);

    for (edit, reason) in [
        (set(2_100, 2_300, "now"), "relabel it before"),
        (set(1_000, 1_200, ""), "no word"),
        (set(100, 300, "two words"), "one edit for each word"),
        (set(100, 300, "a\u{0}b"), "control"),
        (set(100, 300, &"x".repeat(201)), "more than 200"),
        (set(100, 2_501, "now"), "not within"),
    ] {
        assert!(refused(&base, edit.clone()).1.contains(reason), "{edit}");
    }
    let (_, detail) = refused(&base, json!([{"op": "set_word", "start_ms": 1, "end_ms": 2}]));
    assert!(detail.contains("requires `word`"), "{detail}");
}

#[test]
fn set_word_in_speech_of_speakers_has_the_speaker() {
    let base = timeline(&[(Speech, 2_000)], &[("hark", 100, 300)], &[]);
    let base = with_speakers(base, &[("S1", 0, 1_000), ("S2", 1_000, 2_000)]);
    let edit = json!([{"op": "set_word", "start_ms": 1_100, "end_ms": 1_300, "word": "back"}]);
    assert_eq!(word_of(&applied(&base, edit), "back").more["speaker_id"], "S2");
    let replaced = json!([{"op": "set_word", "start_ms": 100, "end_ms": 300, "word": "Hark"}]);
    assert_eq!(word_of(&applied(&base, replaced), "Hark").more["speaker_id"], "S1");
}
