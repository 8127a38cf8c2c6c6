//! Rules of edits, and properties of any edits of any timeline.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::example_meta::example_meta;
use crate::model::EventKind::{self, Music, Other, Silence, Speech};
use crate::model::{AudioEvent, BeatEvent, Summary, Word};
use crate::registered;

/// A timeline of events of these kinds and durations in ms, with these words (text, start, end) and beats
/// (time, bar, subdivision).
fn timeline(
    kinds: &[(EventKind, i64)],
    words: &[(&str, i64, i64)],
    beats: &[(i64, i64, Option<i64>)],
) -> Summary {
    let mut at = 0;
    let mut events = Vec::new();
    for (kind, length) in kinds {
        let (start, end) = (at, at + length);
        at = end;
        let own: Vec<Value> = words
            .iter()
            .filter(|(_, from, _)| (start..end).contains(from))
            .map(|(word, from, to)| {
                json!({"word": word, "start_ms": from, "end_ms": to, "confidence": 0.5, "timing": "measured"})
            })
            .collect();
        let text: Vec<&str> =
            words.iter().filter(|(_, from, _)| (start..end).contains(from)).map(|(word, ..)| *word).collect();
        events.push(json!({
            "kind": kind, "start_ms": start, "end_ms": end, "loudness_lufs": -20.0, "confidence": 0.9,
            "transcription": (!text.is_empty()).then(|| text.join(" ")), "speaker_id": null,
            "meta": {"words": own},
        }));
    }
    let beats: Vec<Value> = (0..)
        .zip(beats)
        .map(|(index, (time, bar, subdivision))| {
            json!({"time_ms": time, "beat_index": index, "bar_index": bar, "subdivision": subdivision})
        })
        .collect();
    serde_json::from_value(json!({
        "asset_id": "a1", "artifact_id": null, "duration_ms": at, "events": events, "beats": beats,
        "meta": example_meta(json!({})),
    }))
    .unwrap()
}

/// As [`timeline`], with these turns of the speakers `S1` and `S2`.
fn with_speakers(mut timeline: Summary, turns: &[(&str, i64, i64)]) -> Summary {
    let speakers = ["S1", "S2"].map(|id| {
        let own = turns.iter().filter(|(speaker, ..)| *speaker == id);
        let speech: i64 = own.map(|(_, start, end)| end - start).sum();
        json!({"id": id, "speech_ms": speech, "confidence": 0.5})
    });
    timeline.meta.run.speakers = Some(serde_json::from_value(json!(speakers)).unwrap());
    let turn =
        |(id, start, end): &(&str, i64, i64)| json!({"speaker_id": id, "start_ms": start, "end_ms": end});
    let turns: Vec<Value> = turns.iter().map(turn).collect();
    timeline.meta.speaker_turns = serde_json::from_value(json!(turns)).unwrap();
    crate::speaker_turns::TurnIndex::new(&timeline.meta.speaker_turns).mark(&mut timeline.events);
    timeline
}

fn edits(edits: Value) -> Vec<TimelineEdit> {
    serde_json::from_value(edits).unwrap()
}

fn applied(base: &Summary, list: Value) -> Summary {
    apply(base.clone(), &edits(list)).unwrap().0
}

/// Index and detail of the refused edit.
fn refused(base: &Summary, list: Value) -> (usize, String) {
    let error = apply(base.clone(), &edits(list)).unwrap_err();
    assert_eq!(error.pointer(), format!("/edits/{}", error.index));
    (error.index, error.detail)
}

fn spans(timeline: &Summary) -> Vec<(EventKind, i64, i64)> {
    timeline.events.iter().map(|event| (event.kind, event.start_ms, event.end_ms)).collect()
}

fn texts(event: &AudioEvent) -> Vec<&str> {
    event.meta.words.iter().map(|word| word.word.as_str()).collect()
}

#[test]
fn split_divides_an_event_and_its_words() {
    let base = timeline(&[(Speech, 1_000), (Music, 500)], &[("hark", 100, 300), ("back", 450, 900)], &[]);
    let split = applied(&base, json!([{"op": "split", "at_ms": 500}]));
    assert_eq!(spans(&split), [(Speech, 0, 500), (Speech, 500, 1_000), (Music, 1_000, 1_500)]);
    let [first, second, music] = [0, 1, 2].map(|index| &split.events[index]);
    assert_eq!((texts(first), texts(second)), (vec!["hark"], vec!["back"]), "by the middle of the word");
    assert_eq!(
        (first.transcription.as_deref(), second.transcription.as_deref()),
        (Some("hark"), Some("back"))
    );
    assert_eq!(second.meta.words[0].start_ms, 450, "measured times stay");
    assert_eq!((first.confidence, first.loudness_lufs), (Some(0.9), Some(-20.0)), "the kind is measured");
    assert!(first.meta.corrected && second.meta.corrected && !music.meta.corrected);
    assert_eq!(applied(&base, json!([{"op": "split", "at_ms": 1_000}])), base, "an edge that exists stays");
    for at_ms in [-1, 1_500, i64::MAX] {
        assert_eq!(refused(&base, json!([{"op": "split", "at_ms": at_ms}])).0, 0);
    }
}

#[test]
fn merge_joins_events_that_meet() {
    let base = timeline(
        &[(Speech, 1_000), (Speech, 500), (Music, 500)],
        &[("hark", 100, 300), ("back", 1_100, 1_400)],
        &[],
    );
    let merged = applied(&base, json!([{"op": "merge", "at_ms": 1_000}]));
    assert_eq!(spans(&merged), [(Speech, 0, 1_500), (Music, 1_500, 2_000)]);
    let event = &merged.events[0];
    assert_eq!(event.transcription.as_deref(), Some("hark back"));
    assert_eq!((event.confidence, event.loudness_lufs), (None, Some(-20.0)), "no confidence is invented");
    assert!(event.meta.corrected);
    let (index, detail) = refused(&base, json!([{"op": "merge", "at_ms": 1_500}]));
    assert!(index == 0 && detail.contains("add `kind`"), "{detail}");
    let silent = applied(&base, json!([{"op": "merge", "at_ms": 1_500, "kind": "silence"}]));
    assert_eq!(spans(&silent), [(Speech, 0, 1_000), (Silence, 1_000, 2_000)]);
    assert_eq!((texts(&silent.events[1]).len(), &silent.events[1].transcription), (0, &None));
    for at_ms in [0, 700] {
        assert!(refused(&base, json!([{"op": "merge", "at_ms": at_ms}])).1.contains("no two events"));
    }
}

#[test]
fn loudness_of_merged_events_is_the_mean_of_their_energies() {
    let mut base = timeline(&[(Music, 1_000), (Music, 3_000)], &[], &[]);
    base.events[0].loudness_lufs = Some(-10.0);
    base.events[1].loudness_lufs = None;
    let merged = applied(&base, json!([{"op": "merge", "at_ms": 1_000}]));
    assert_eq!(merged.events[0].loudness_lufs, Some(-16.02), "a quarter of the energy");
    base.events[0].loudness_lufs = None;
    assert_eq!(applied(&base, json!([{"op": "merge", "at_ms": 1_000}])).events[0].loudness_lufs, None);
}

#[test]
fn relabel_sets_the_kind_of_a_window() {
    let base =
        timeline(&[(Music, 1_000), (Speech, 1_000)], &[("hark", 1_100, 1_300), ("back", 1_700, 1_900)], &[]);
    let relabelled =
        applied(&base, json!([{"op": "relabel", "start_ms": 500, "end_ms": 1_500, "kind": "other"}]));
    assert_eq!(
        spans(&relabelled),
        [(Music, 0, 500), (Other, 500, 1_000), (Other, 1_000, 1_500), (Speech, 1_500, 2_000)]
    );
    let confidences: Vec<Option<f64>> = relabelled.events.iter().map(|event| event.confidence).collect();
    assert_eq!(confidences, [Some(0.9), None, None, Some(0.9)]);
    assert_eq!(relabelled.events.iter().map(|event| texts(event).len()).sum::<usize>(), 1, "`back` is left");
    let (_, parts) =
        apply(base.clone(), &edits(json!([{"op": "relabel", "start_ms": 0, "end_ms": 10, "kind": "music"}])))
            .unwrap();
    assert_eq!(parts.into_iter().collect::<Vec<_>>(), [CorrectedPart::Events]);
    for wrong in [
        json!({"op": "relabel", "start_ms": 5, "end_ms": 5, "kind": "music"}),
        json!({"op": "relabel", "start_ms": 5, "end_ms": 2_001, "kind": "music"}),
        json!({"op": "relabel", "start_ms": -1, "end_ms": 5, "kind": "music"}),
        json!({"op": "relabel", "start_ms": 0, "end_ms": 5}),
        json!({"op": "relabel", "end_ms": 5, "kind": "music"}),
        json!({"op": "relabel", "start_ms": 0, "end_ms": 5, "speaker_id": "S1"}),
    ] {
        let right = json!({"op": "split", "at_ms": 10});
        assert_eq!(refused(&base, json!([right, wrong])).0, 1, "{wrong}");
    }
}

#[test]
fn relabel_sets_the_speaker_of_a_window() {
    let base =
        timeline(&[(Speech, 2_000), (Music, 1_000)], &[("hark", 100, 300), ("back", 1_200, 1_400)], &[]);
    let base = with_speakers(base, &[("S1", 0, 2_000), ("S2", 1_500, 1_800)]);
    let edit = json!([{"op": "relabel", "start_ms": 1_000, "end_ms": 2_500, "speaker_id": "S2"}]);
    let set = applied(&base, edit.clone());
    let turns: Vec<_> =
        set.meta.speaker_turns.iter().map(|turn| (&*turn.speaker_id, turn.start_ms, turn.end_ms)).collect();
    assert_eq!(turns, [("S1", 0, 1_000), ("S2", 1_000, 2_000)]);
    let speech: Vec<i64> = set.meta.run.speakers.iter().flatten().map(|speaker| speaker.speech_ms).collect();
    assert_eq!(speech, [1_000, 1_000]);
    let speakers: Vec<_> = set.events.iter().map(|event| event.speaker_id.as_deref()).collect();
    assert_eq!(speakers, [Some("S1"), Some("S2"), None, None]);
    assert!(!set.events[1].meta.overlap);
    assert_eq!(set.events[1].meta.words[0].more["speaker_id"], "S2");
    assert_eq!(applied(&set, edit), set, "idempotent");
    let unknown = json!([{"op": "relabel", "start_ms": 0, "end_ms": 500, "speaker_id": "S3"}]);
    assert!(refused(&base, unknown).1.contains("no speaker `S3`"));
    let no_speech = json!([{"op": "relabel", "start_ms": 2_000, "end_ms": 2_500, "speaker_id": "S1"}]);
    assert!(refused(&base, no_speech).1.contains("no speech"));
    let silent = json!([{"op": "relabel", "start_ms": 0, "end_ms": 1_600, "kind": "silence"}]);
    let silent = applied(&base, silent);
    let starts: Vec<i64> = silent.meta.speaker_turns.iter().map(|turn| turn.start_ms).collect();
    assert_eq!(starts, [1_600, 1_600], "silence has no speakers");
}

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

fn kinds() -> impl Strategy<Value = EventKind> {
    prop::sample::select(vec![Speech, Music, Silence, Other])
}

/// Complete timelines of at most 4 s, with words, speakers and beats.
fn timelines() -> impl Strategy<Value = Summary> {
    let events = vec((kinds(), 1i64..400), 1..10);
    let words = vec((0i64..4_000, 1i64..200), 0..20);
    let gaps = vec(1i64..300, 0..30);
    (events, words, gaps, 1i64..5, any::<bool>()).prop_map(
        |(events, mut words, gaps, metre, has_speakers)| {
            let duration: i64 = events.iter().map(|(_, length)| length).sum();
            words.sort_unstable();
            let words: Vec<(&str, i64, i64)> = words
                .into_iter()
                .filter(|(start, length)| start + length <= duration)
                .map(|(start, length)| ("word", start, start + length))
                .collect();
            let mut time = 0;
            let mut beats = Vec::new();
            for (index, gap) in (0..).zip(gaps) {
                time += gap;
                if time < duration {
                    beats.push((time, index / metre, Some(index % metre)));
                }
            }
            let made = timeline(&events, &words, &beats);
            let turns = [("S1", 0, duration / 2), ("S2", duration / 3, duration)];
            let turns: Vec<_> = turns.into_iter().filter(|(_, start, end)| start < end).collect();
            if has_speakers { with_speakers(made, &turns) } else { made }
        },
    )
}

/// Edits, many of which do not apply.
fn any_edit() -> impl Strategy<Value = TimelineEdit> {
    let ops = prop::sample::select(vec![
        EditOp::Split,
        EditOp::Merge,
        EditOp::Relabel,
        EditOp::ShiftBeats,
        EditOp::DoubleTempo,
        EditOp::HalveTempo,
        EditOp::SetWord,
    ]);
    let times = (-50i64..4_100, -50i64..4_100, -500i64..500);
    let labels = (option::of(kinds()), option::of("S[123]"), "[a-z .]{0,6}");
    (ops, times, labels).prop_map(|(op, (at_ms, end_ms, offset_ms), (kind, speaker_id, word))| {
        let is = |ops: &[EditOp]| ops.contains(&op);
        let has_window = is(&[EditOp::Relabel, EditOp::SetWord]);
        TimelineEdit {
            op,
            at_ms: is(&[EditOp::Split, EditOp::Merge]).then_some(at_ms),
            start_ms: has_window.then_some(at_ms),
            end_ms: has_window.then_some(end_ms),
            offset_ms: is(&[EditOp::ShiftBeats]).then_some(offset_ms),
            kind: kind.filter(|_| is(&[EditOp::Merge, EditOp::Relabel])),
            speaker_id: speaker_id.filter(|_| is(&[EditOp::Relabel])),
            word: is(&[EditOp::SetWord]).then_some(word),
        }
    })
}

/// Edits at the edges of the timeline's events too, where `merge` applies.
fn aimed(base: &Summary, edits: Vec<TimelineEdit>) -> Vec<TimelineEdit> {
    let edge = |at: i64| {
        let edges = base.events.iter().map(|event| event.start_ms);
        edges.min_by_key(|edge| (edge - at).abs()).unwrap_or(at)
    };
    let aim = |mut edit: TimelineEdit| {
        if edit.op == EditOp::Merge {
            edit.at_ms = edit.at_ms.map(edge);
        }
        edit
    };
    edits.into_iter().map(aim).collect()
}

/// Whether the words of each event are ordered, and their text is the transcription.
fn are_texts_right(timeline: &Summary) -> bool {
    timeline.events.iter().all(|event| {
        let words = &event.meta.words;
        words.is_sorted_by_key(|word| word.start_ms)
            && event.transcription == crate::slice::transcription(words)
    })
}

proptest! {
    #[test]
    fn corrected_timelines_are_complete(base in timelines(), list in vec(any_edit(), 1..8)) {
        prop_assert_eq!(registered::violation(&base), None);
        let list = aimed(&base, list);
        match apply(base.clone(), &list) {
            Ok((made, parts)) => {
                prop_assert_eq!(registered::violation(&made), None);
                prop_assert_eq!(made.duration_ms, base.duration_ms);
                prop_assert!(are_texts_right(&made), "{made:?}");
                prop_assert!(!parts.is_empty());
                let turns = &made.meta.speaker_turns;
                prop_assert!(turns.iter().all(|turn| turn.start_ms < turn.end_ms));
                prop_assert!(turns.is_sorted_by_key(|turn| turn.start_ms));
                if !parts.contains(&CorrectedPart::Beats) {
                    prop_assert_eq!(&made.beats, &base.beats);
                }
                if !parts.contains(&CorrectedPart::Events) && !parts.contains(&CorrectedPart::Words) {
                    prop_assert_eq!(&made.events, &base.events);
                }
            }
            Err(error) => prop_assert!(error.index < list.len() && !error.detail.is_empty()),
        }
    }

    #[test]
    fn edits_apply_in_order(base in timelines(), first in vec(any_edit(), 1..4), second in vec(any_edit(), 1..4)) {
        let (first, second) = (aimed(&base, first), aimed(&base, second));
        let together: Vec<TimelineEdit> = first.iter().chain(&second).cloned().collect();
        let apart = apply(base.clone(), &first).and_then(|(made, _)| apply(made, &second));
        let together = apply(base, &together);
        prop_assert_eq!(together.is_ok(), apart.is_ok());
        if let (Ok((together, _)), Ok((apart, _))) = (together, apart) {
            prop_assert_eq!(together, apart);
        }
    }

    #[test]
    fn edits_that_set_a_state_are_idempotent(base in timelines(), edit in any_edit()) {
        let is_setting = matches!(edit.op, EditOp::Split | EditOp::Relabel)
            || (edit.op == EditOp::SetWord && edit.word.as_deref().is_some_and(|word| !word.trim().is_empty()));
        prop_assume!(is_setting);
        if let Ok((once, _)) = apply(base, std::slice::from_ref(&edit)) {
            let (twice, _) = apply(once.clone(), &[edit]).unwrap();
            // The times of a word that a person set again are the person's.
            prop_assert_eq!(spans(&twice), spans(&once));
            let words = |timeline: &Summary| -> Vec<Vec<Word>> {
                timeline.events.iter().map(|event| event.meta.words.clone()).collect()
            };
            prop_assert_eq!(words(&twice), words(&once));
            prop_assert_eq!(&twice.meta.speaker_turns, &once.meta.speaker_turns);
        }
    }

    #[test]
    fn merge_undoes_split(base in timelines(), at in any::<u16>()) {
        let at = i64::from(at) % base.duration_ms;
        prop_assume!(base.events.iter().all(|event| event.start_ms != at));
        let list = json!([{"op": "split", "at_ms": at}, {"op": "merge", "at_ms": at}]);
        let again = applied(&base, list);
        prop_assert_eq!(spans(&again), spans(&base));
        let words = |timeline: &Summary| -> Vec<(i64, i64)> {
            let words = timeline.events.iter().flat_map(|event| &event.meta.words);
            words.map(|word| (word.start_ms, word.end_ms)).collect()
        };
        let is_voiced = base.events.iter().all(|event| matches!(event.kind, Speech | Music));
        if is_voiced {
            let (mut before, mut after) = (words(&base), words(&again));
            before.sort_unstable();
            after.sort_unstable();
            prop_assert_eq!(after, before);
        }
    }

    #[test]
    fn halved_tempo_undoes_doubled(base in timelines()) {
        let both = edits(json!([{"op": "double_tempo"}, {"op": "halve_tempo"}]));
        if let Ok((again, _)) = apply(base.clone(), &both) {
            prop_assert_eq!(&again.beats, &base.beats);
            prop_assert_eq!(again.meta.run.tempo_bpm, base.meta.run.tempo_bpm);
        }
    }
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
