//! Rules of `split`, `merge` and `relabel`.

use serde_json::json;

use super::{applied, edits, refused, spans, texts, timeline, with_speakers};
use crate::corrections::{CorrectedPart, apply};
use crate::model::EventKind::{Music, Other, Silence, Speech};

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
