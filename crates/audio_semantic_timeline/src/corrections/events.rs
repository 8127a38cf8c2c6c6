//! Edits of events: edges, kinds and speakers.

use serde_json::Value;

use super::edit::Span;
use crate::model::{AudioEvent, EventKind, Summary, Word};
use crate::slice::transcription;
use crate::speaker_turns::{TurnIndex, speaker_of_words};
use crate::speakers::SpeakerTurn;

/// Divides the event around `at_ms` in two; an edge that exists stays. A word belongs to the part with its middle, and
/// keeps its times.
pub(super) fn split(timeline: &mut Summary, at_ms: i64) {
    let turns = turn_index(&timeline.meta.speaker_turns);
    divide(&mut timeline.events, turns.as_ref(), at_ms);
}

/// The turns of a timeline with speakers.
fn turn_index(turns: &[SpeakerTurn]) -> Option<TurnIndex<'_>> {
    (!turns.is_empty()).then(|| TurnIndex::new(turns))
}

fn divide(events: &mut Vec<AudioEvent>, turns: Option<&TurnIndex<'_>>, at_ms: i64) {
    let next = events.partition_point(|event| event.start_ms < at_ms);
    let Some(before) = next.checked_sub(1).and_then(|index| events.get_mut(index)) else { return };
    if before.end_ms <= at_ms {
        return;
    }
    let words = std::mem::take(&mut before.meta.words);
    let has_words = !words.is_empty();
    let mut after = AudioEvent { start_ms: at_ms, transcription: None, ..before.clone() };
    before.end_ms = at_ms;
    (before.meta.words, after.meta.words) = words.into_iter().partition(|word| middle(word) < at_ms);
    for event in [&mut *before, &mut after] {
        event.meta.corrected = true;
        if has_words {
            event.transcription = transcription(&event.meta.words);
        }
        match turns {
            Some(turns) => turns.mark_event(event),
            None if has_words && event.speaker_id.is_some() => {
                event.speaker_id = speaker_of_words(&event.meta.words).map(str::to_owned);
            }
            None => {}
        }
    }
    events.insert(next, after);
}

/// The middle of a word, in ms.
pub(super) const fn middle(word: &Word) -> i64 {
    word.start_ms + (word.end_ms - word.start_ms) / 2
}

/// Joins the two events that meet at `at_ms`.
pub(super) fn merge(timeline: &mut Summary, at_ms: i64, kind: Option<EventKind>) -> Result<(), String> {
    let events = &mut timeline.events;
    let second = events.binary_search_by_key(&at_ms, |event| event.start_ms).ok().filter(|index| *index > 0);
    let Some(second) = second else { return Err(format!("no two events meet at {at_ms} ms")) };
    let kinds = [events[second - 1].kind, events[second].kind];
    let kind = match kind {
        Some(kind) => kind,
        None if kinds[0] == kinds[1] => kinds[0],
        None => return Err(format!("the events at {at_ms} ms have different kinds: add `kind`")),
    };
    let after = events.remove(second);
    let merged = &mut events[second - 1];
    merged.loudness_lufs = mean_loudness(merged, &after);
    merged.end_ms = after.end_ms;
    merged.transcription = match (merged.transcription.take(), after.transcription) {
        (Some(first), Some(second)) => Some(format!("{first} {second}")),
        (first, second) => first.or(second),
    };
    merged.meta.words.extend(after.meta.words);
    merged.meta.words.sort_by_key(|word| word.start_ms);
    if !merged.meta.words.is_empty() {
        merged.transcription = transcription(&merged.meta.words);
    }
    merged.meta.background = merged.meta.background.take().or(after.meta.background);
    merged.meta.sung |= after.meta.sung;
    merged.meta.overlap |= after.meta.overlap;
    merged.speaker_id = merged.speaker_id.take().or(after.speaker_id);
    set_kind(merged, kind);
    if !is_voiced(kind) {
        let span = Span { start_ms: merged.start_ms, end_ms: merged.end_ms };
        replace_turns(timeline, span, Vec::new());
        return Ok(());
    }
    match turn_index(&timeline.meta.speaker_turns) {
        Some(turns) => turns.mark_event(merged),
        None if kind == EventKind::Speech && !merged.meta.words.is_empty() => {
            let of_words = speaker_of_words(&merged.meta.words).map(str::to_owned);
            merged.speaker_id = of_words.or(merged.speaker_id.take());
        }
        None => {}
    }
    Ok(())
}

/// The loudness of two adjacent events together: the mean of their energies, weighted by duration, to two decimals.
/// Exact up to the rounding of the two, because the loudness of events is not gated.
fn mean_loudness(first: &AudioEvent, second: &AudioEvent) -> Option<f64> {
    let energy = |event: &AudioEvent| {
        let length = (event.end_ms - event.start_ms) as f64;
        event.loudness_lufs.map_or(0.0, |lufs| 10_f64.powf(lufs / 10.0)) * length
    };
    let mean = (energy(first) + energy(second)) / (second.end_ms - first.start_ms) as f64;
    (mean > 0.0 && mean.is_finite()).then(|| audio_signal::rounded(10.0 * mean.log10(), 2))
}

/// Sets the kind of an event, and removes what events of that kind do not have. Silence and other audio have no words,
/// so those of the event are removed; music may be sung.
fn set_kind(event: &mut AudioEvent, kind: EventKind) {
    event.kind = kind;
    event.confidence = None;
    event.meta.corrected = true;
    if kind != EventKind::Speech {
        event.speaker_id = None;
        event.meta.background = None;
        event.meta.overlap = false;
    }
    if kind != EventKind::Music {
        event.meta.sung = false;
    }
    if !is_voiced(kind) {
        event.meta.words.clear();
        event.transcription = None;
    }
}

/// Whether events of this kind may have words.
pub(super) const fn is_voiced(kind: EventKind) -> bool {
    matches!(kind, EventKind::Speech | EventKind::Music)
}

/// Sets the kind and the speaker of a span.
pub(super) fn relabel(
    timeline: &mut Summary,
    span: Span,
    kind: Option<EventKind>,
    speaker_id: Option<&str>,
) -> Result<(), String> {
    if let Some(id) = speaker_id {
        let speakers = timeline.meta.run.speakers.as_deref().unwrap_or_default();
        if !speakers.iter().any(|speaker| speaker.id == id) {
            return Err(format!("there is no speaker `{id}`: use one of `meta.speakers`"));
        }
    }
    split(timeline, span.start_ms);
    split(timeline, span.end_ms);
    let first = timeline.events.partition_point(|event| event.start_ms < span.start_ms);
    let last = timeline.events.partition_point(|event| event.start_ms < span.end_ms);
    let events = &mut timeline.events[first..last.max(first)];
    if let Some(kind) = kind {
        events.iter_mut().for_each(|event| set_kind(event, kind));
        if !is_voiced(kind) {
            replace_turns(timeline, span, Vec::new());
            return if speaker_id.is_none() { Ok(()) } else { Err("only speech has a speaker".to_owned()) };
        }
    }
    if let Some(id) = speaker_id {
        return set_speaker(timeline, span, first..last.max(first), id);
    }
    if let Some(turns) = turn_index(&timeline.meta.speaker_turns) {
        timeline.events[first..last.max(first)].iter_mut().for_each(|event| turns.mark_event(event));
    }
    Ok(())
}

/// Sets the speaker of the speech in `span`, whose events are those of `range`.
fn set_speaker(
    timeline: &mut Summary,
    span: Span,
    range: std::ops::Range<usize>,
    speaker_id: &str,
) -> Result<(), String> {
    let mut turns: Vec<SpeakerTurn> = Vec::new();
    for event in &mut timeline.events[range] {
        for word in &mut event.meta.words {
            word.more.insert("speaker_id".to_owned(), speaker_id.into());
            word.more.remove("overlap");
            word.more.insert("corrected".to_owned(), Value::Bool(true));
        }
        if event.kind != EventKind::Speech {
            continue;
        }
        event.speaker_id = Some(speaker_id.to_owned());
        event.meta.overlap = false;
        event.meta.corrected = true;
        match turns.last_mut() {
            Some(turn) if turn.end_ms == event.start_ms => turn.end_ms = event.end_ms,
            _ => turns.push(SpeakerTurn {
                speaker_id: speaker_id.to_owned(),
                start_ms: event.start_ms,
                end_ms: event.end_ms,
            }),
        }
    }
    if turns.is_empty() {
        return Err("there is no speech in the window: add `kind`".to_owned());
    }
    replace_turns(timeline, span, turns);
    Ok(())
}

/// Replaces the parts of the turns in `span`, and adapts the durations of the speakers.
fn replace_turns(timeline: &mut Summary, span: Span, new: Vec<SpeakerTurn>) {
    let old = std::mem::take(&mut timeline.meta.speaker_turns);
    let mut kept: Vec<SpeakerTurn> = Vec::with_capacity(old.len() + new.len() + 1);
    for turn in &old {
        for (start_ms, end_ms) in
            [(turn.start_ms, turn.end_ms.min(span.start_ms)), (turn.start_ms.max(span.end_ms), turn.end_ms)]
        {
            if start_ms < end_ms {
                kept.push(SpeakerTurn { start_ms, end_ms, ..turn.clone() });
            }
        }
    }
    kept.extend(new);
    kept.sort_by(|a, b| (a.start_ms, a.end_ms, &a.speaker_id).cmp(&(b.start_ms, b.end_ms, &b.speaker_id)));
    for speaker in timeline.meta.run.speakers.iter_mut().flatten() {
        let total = |turns: &[SpeakerTurn]| -> i64 {
            let own = turns.iter().filter(|turn| turn.speaker_id == speaker.id);
            own.map(|turn| turn.end_ms - turn.start_ms).sum()
        };
        let change = total(&kept) - total(&old);
        speaker.speech_ms = (speaker.speech_ms + change).max(0);
    }
    timeline.meta.speaker_turns = kept;
}
