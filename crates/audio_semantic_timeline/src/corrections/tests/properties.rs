//! Properties of any edits of any timeline.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use super::{applied, edits, spans, timeline, with_speakers};
use crate::corrections::{CorrectedPart, EditOp, TimelineEdit, apply};
use crate::model::EventKind::{self, Music, Other, Silence, Speech};
use crate::model::{Summary, Word};
use crate::registered;

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
