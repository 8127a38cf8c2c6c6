//! Rules of lists of edits: the fields of an edit, the timelines that a list applies to, and its length.

use serde_json::{Value, json};

use super::{applied, edits, refused, timeline};
use crate::corrections::TimelineEdit;
use crate::model::BeatEvent;
use crate::model::EventKind::{Music, Speech};

#[test]
fn edits_have_the_fields_of_their_operation() {
    let base = timeline(&[(Speech, 2_000)], &[], &[]);
    for (edit, reason) in [
        (json!({"op": "split"}), "`split` requires `at_ms`"),
        (json!({"op": "split", "at_ms": 5, "word": "x"}), "`split` has no field `word`"),
        (json!({"op": "double_tempo", "at_ms": 5}), "`double_tempo` has no field `at_ms`"),
        (json!({"op": "shift_beats", "start_ms": 5}), "`shift_beats` requires `offset_ms`"),
    ] {
        assert!(refused(&base, json!([edit])).1.contains(reason), "{edit}");
    }
    for text in [r#"{"op": "erase"}"#, r#"{"at_ms": 5}"#, r#"{"op": "split", "at": 5}"#] {
        assert!(serde_json::from_str::<TimelineEdit>(text).is_err(), "{text}");
    }
    let edit = edits(json!([{"op": "merge", "at_ms": 5, "kind": "music"}]));
    assert_eq!(serde_json::to_value(&edit).unwrap(), json!([{"op": "merge", "at_ms": 5, "kind": "music"}]));
}

#[test]
fn timeline_with_gaps_is_refused_at_the_last_edit() {
    let mut base = timeline(&[(Speech, 1_000), (Music, 1_000), (Speech, 1_000)], &[], &[]);
    base.events.remove(1);
    let split = json!({"op": "split", "at_ms": 10});
    let (index, detail) = refused(&base, json!([split, {"op": "split", "at_ms": 20}]));
    assert!(index == 1 && detail.contains("leaves a gap"), "{detail}");
}

#[test]
fn a_thousand_edits_of_a_long_timeline_are_applied() {
    let words: Vec<(&str, i64, i64)> = (0..2_000).map(|n| ("word", n * 500, n * 500 + 300)).collect();
    let beats: Vec<_> = (0..2_000).map(|n| (n * 500, n / 4, Some(n % 4))).collect();
    let base = timeline(&[(Speech, 1_000_000)], &words, &beats);
    let list: Vec<Value> = (1..=1_000).map(|n| json!({"op": "split", "at_ms": n * 999})).collect();
    let made = applied(&base, json!(list));
    assert_eq!(made.events.len(), 1_001);
    assert_eq!(made.events.iter().map(|event| event.meta.words.len()).sum::<usize>(), 2_000);
    let beat: &BeatEvent = made.beats.last().unwrap();
    assert_eq!(beat.time_ms, 999_500);
}
