//! Rules of `shift_beats`, `double_tempo` and `halve_tempo`.

use serde_json::json;

use super::{applied, edits, refused, timeline};
use crate::corrections::apply;
use crate::model::EventKind::Music;
use crate::model::Summary;

fn beat_times(timeline: &Summary) -> Vec<i64> {
    timeline.beats.iter().map(|beat| beat.time_ms).collect()
}

/// Bar and subdivision of each beat.
fn bars(timeline: &Summary) -> Vec<(i64, Option<i64>)> {
    timeline.beats.iter().map(|beat| (beat.bar_index, beat.subdivision)).collect()
}

#[test]
fn shift_moves_beats_and_keeps_their_order() {
    let base = timeline(&[(Music, 2_000)], &[], &[(0, 0, None), (500, 0, None), (1_990, 0, None)]);
    let shifted = applied(&base, json!([{"op": "shift_beats", "offset_ms": 20}]));
    assert_eq!(beat_times(&shifted), [20, 520], "the last one left the timeline");
    let window = json!([{"op": "shift_beats", "offset_ms": -30, "start_ms": 400, "end_ms": 600}]);
    assert_eq!(beat_times(&applied(&base, window)), [0, 470, 1_990]);
    for (edit, reason) in [
        (json!({"op": "shift_beats", "offset_ms": -600, "start_ms": 1_000}), "Ok"),
        (json!({"op": "shift_beats", "offset_ms": -1_490, "start_ms": 1_000}), "would pass"),
        (json!({"op": "shift_beats", "offset_ms": 10, "start_ms": 100, "end_ms": 200}), "no beats"),
        (json!({"op": "shift_beats", "offset_ms": 0}), "other than 0"),
        (json!({"op": "shift_beats", "offset_ms": 2_000}), "no beat would be left"),
        (json!({"op": "shift_beats", "offset_ms": i64::MIN}), "within the duration"),
    ] {
        let result = apply(base.clone(), &edits(json!([edit])));
        let text = result.map_or_else(|error| error.detail, |_| "Ok".to_owned());
        assert!(text.contains(reason), "{edit}: {text}");
    }
}

#[test]
fn doubled_tempo_has_a_beat_between_each_two() {
    // Two beats before the first whole bar of four, as the analysis numbers them, and a pause before the last one.
    let beats = [(0, 0, 2), (500, 0, 3), (1_000, 0, 0), (1_500, 0, 1), (2_000, 0, 2), (6_000, 0, 3)];
    let beats = beats.map(|(time, bar, subdivision)| (time, bar, Some(subdivision)));
    let base = timeline(&[(Music, 7_000)], &[], &beats);
    let double = json!({"op": "double_tempo"});
    let doubled = applied(&base, json!([double]));
    assert_eq!(beat_times(&doubled), [0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750, 2_000, 6_000]);
    assert_eq!(doubled.meta.run.tempo_bpm, Some(240.0));
    let subdivisions: Vec<i64> =
        bars(&doubled).into_iter().map(|(_, subdivision)| subdivision.unwrap()).collect();
    assert_eq!(subdivisions, [0, 1, 2, 3, 0, 1, 2, 3, 0, 2]);
    let back = applied(&doubled, json!([{"op": "halve_tempo"}]));
    assert_eq!(beat_times(&back), beat_times(&base));
    assert_eq!(back.meta.run.tempo_bpm, Some(120.0));
    let too_often = vec![double; 20];
    assert!(refused(&base, json!(too_often)).0 < 10, "a beat in less than 50 ms");
}

#[test]
fn halved_tempo_keeps_first_beats_of_bars() {
    let beats =
        [(0, 0, Some(3)), (500, 1, Some(0)), (1_000, 1, Some(1)), (1_500, 1, Some(2)), (2_000, 1, Some(3))];
    let base = timeline(&[(Music, 3_000)], &[], &beats);
    let halved = applied(&base, json!([{"op": "halve_tempo"}]));
    assert_eq!(beat_times(&halved), [500, 1_500]);
    assert_eq!(halved.meta.run.tempo_bpm, Some(60.0));
    let other = applied(&base, json!([{"op": "halve_tempo", "at_ms": 900}]));
    assert_eq!(beat_times(&other), [0, 1_000, 2_000]);
    assert_eq!(other.beats.iter().map(|beat| beat.beat_index).collect::<Vec<_>>(), [0, 1, 2]);
    let without = timeline(&[(Music, 3_000)], &[], &[]);
    for op in ["halve_tempo", "double_tempo"] {
        assert!(refused(&without, json!([{"op": op}])).1.contains("no beats"));
    }
    let slow = vec![json!({"op": "halve_tempo"}); 4];
    let (index, detail) = refused(&base, json!(slow));
    assert!(index == 3 && detail.contains("7.5 beats per minute"), "{detail}");
}

#[test]
fn beats_of_an_unknown_metre_are_counted_from_the_first() {
    let beats = [(0, 0, None), (500, 0, None), (1_000, 0, None), (1_500, 1, None)];
    let base = timeline(&[(Music, 3_000)], &[], &beats);
    let halved = applied(&base, json!([{"op": "halve_tempo"}]));
    assert_eq!((beat_times(&halved), bars(&halved)), (vec![0, 1_000], vec![(0, None), (0, None)]));
    let doubled = applied(&base, json!([{"op": "double_tempo"}]));
    assert_eq!(bars(&doubled)[4..], [(0, None), (0, None), (1, None)]);
}
