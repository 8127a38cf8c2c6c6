//! Edits of words.

use serde_json::{Map, Value};

use super::edit::Span;
use super::events::{is_voiced, middle};
use crate::model::{Summary, Word};
use crate::slice::transcription;
use crate::speaker_turns::TurnIndex;

/// Value of `timing` of a word whose times a person set.
const CORRECTED: &str = "corrected";

/// Replaces the words whose middle is in `span` by one word from its start to its end; removes them if `word` is empty.
pub(super) fn set_word(timeline: &mut Summary, span: Span, word: &str) -> Result<(), String> {
    let at_ms = span.start_ms + (span.end_ms - span.start_ms) / 2;
    let target = timeline.events.partition_point(|event| event.start_ms <= at_ms).checked_sub(1);
    let Some(target) = target else { return Err("the timeline has no events".to_owned()) };
    if word.is_empty() {
        let removed = take_words(timeline, span);
        return if removed.is_empty() { Err("there is no word in the window".to_owned()) } else { Ok(()) };
    }
    if !is_voiced(timeline.events[target].kind) {
        return Err(format!("the event at {at_ms} ms is neither speech nor music: relabel it before"));
    }
    let speaker = speaker_in(timeline, span, target);
    let replaced = take_words(timeline, span);
    let new = new_word(span, word, &replaced, speaker);
    let event = &mut timeline.events[target];
    let position = event.meta.words.partition_point(|word| word.start_ms <= span.start_ms);
    event.meta.words.insert(position, new);
    event.meta.corrected = true;
    event.transcription = transcription(&event.meta.words);
    Ok(())
}

/// Removes the words whose middle is in `span`, and returns them in order. A word may reach into the next event.
fn take_words(timeline: &mut Summary, span: Span) -> Vec<Word> {
    let events = &mut timeline.events;
    let first = events.partition_point(|event| event.end_ms <= span.start_ms).saturating_sub(1);
    let last = events.partition_point(|event| event.start_ms < span.end_ms);
    let last = (last + 1).min(events.len());
    let mut taken = Vec::new();
    for event in &mut events[first..last] {
        let is_inside = |word: &Word| (span.start_ms..span.end_ms).contains(&middle(word));
        if !event.meta.words.iter().any(is_inside) {
            continue;
        }
        let words = std::mem::take(&mut event.meta.words);
        let (inside, outside): (Vec<Word>, Vec<Word>) = words.into_iter().partition(is_inside);
        taken.extend(inside);
        event.transcription = transcription(&outside);
        event.meta.words = outside;
        event.meta.corrected = true;
    }
    taken
}

/// The speaker of a new word in `span`, null if unknown; `None` in a timeline without speakers.
fn speaker_in(timeline: &Summary, span: Span, target: usize) -> Option<Value> {
    timeline.meta.run.speakers.as_ref()?;
    let turns = TurnIndex::new(&timeline.meta.speaker_turns);
    let speaking = turns.speaking(span.start_ms, span.end_ms).map(|speaking| speaking.speaker_id);
    Some(speaking.or(timeline.events[target].speaker_id.as_deref()).into())
}

/// A word in place of `replaced`, whose further members it has. Its times stay measured if they are those of the only
/// word that it replaces.
fn new_word(span: Span, text: &str, replaced: &[Word], speaker: Option<Value>) -> Word {
    let mut more = replaced.first().map_or_else(Map::new, |word| word.more.clone());
    if replaced.is_empty()
        && let Some(speaker) = speaker
    {
        more.insert("speaker_id".to_owned(), speaker);
    }
    let is_same_time =
        matches!(replaced, [word] if word.start_ms == span.start_ms && word.end_ms == span.end_ms);
    if !is_same_time {
        more.insert("timing".to_owned(), CORRECTED.into());
    }
    more.insert("corrected".to_owned(), Value::Bool(true));
    Word { word: text.to_owned(), start_ms: span.start_ms, end_ms: span.end_ms, confidence: None, more }
}
