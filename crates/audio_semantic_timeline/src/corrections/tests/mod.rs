//! Rules of edits, and properties of any edits of any timeline.

mod beats;
mod edit_lists;
mod events;
mod properties;
mod words;

use serde_json::{Value, json};

use super::{TimelineEdit, apply};
use crate::example_meta::example_meta;
use crate::model::{AudioEvent, EventKind, Summary};

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
