//! Assigns speakers to windows and words by the speakers' turns.

use std::collections::HashMap;

use audio_speakers::SpeakerCount;
use interchange::text::ends_sentence;

use crate::model::{AudioEvent, EventKind, Word};
use crate::speakers::SpeakerTurn;

/// A single word of another speaker between two words of one, with shorter pauses than this around it, is attributed to
/// inaccurate turn boundaries; in ms.
const FLIP_PAUSE_MS: i64 = 300;

/// The turns of each speaker, indexed for lookup by window.
pub(crate) struct TurnIndex<'a> {
    /// Ordered by speaker number: id, and sorted, disjoint (start, end) pairs in ms.
    speakers: Vec<(&'a str, Vec<(i64, i64)>)>,
}

/// The speaker in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowSpeaker<'a> {
    /// The speaker with the most speech in the window; ties go to the lowest number.
    pub(crate) speaker_id: &'a str,
    /// Whether two speakers overlap anywhere in the window.
    pub(crate) is_overlapped: bool,
}

impl<'a> TurnIndex<'a> {
    /// Indexes turns in any order. If a caller registered more speakers than an analysis finds, only the first ones are
    /// used.
    pub(crate) fn new(turns: &'a [SpeakerTurn]) -> Self {
        let mut by_id: HashMap<&str, Vec<(i64, i64)>> = HashMap::new();
        for turn in turns.iter().filter(|turn| turn.start_ms < turn.end_ms) {
            let is_known = by_id.contains_key(turn.speaker_id.as_str());
            if is_known || by_id.len() < SpeakerCount::MAX.into() {
                by_id.entry(&turn.speaker_id).or_default().push((turn.start_ms, turn.end_ms));
            }
        }
        let mut speakers: Vec<_> = by_id.into_iter().map(|(id, turns)| (id, joined(turns))).collect();
        speakers.sort_by_key(|(id, _)| (id.len(), *id));
        Self { speakers }
    }

    /// The speaker from `start_ms` to `end_ms`; `None` without speech.
    pub(crate) fn speaking(&self, start_ms: i64, end_ms: i64) -> Option<WindowSpeaker<'a>> {
        let mut found: Option<(i64, &str)> = None;
        let mut parts = Vec::new();
        for (id, turns) in &self.speakers {
            let first = turns.partition_point(|(_, end)| *end <= start_ms);
            let own = turns[first..].iter().take_while(|(start, _)| *start < end_ms);
            let own = own.map(|(start, end)| ((*start).max(start_ms), (*end).min(end_ms)));
            let before = parts.len();
            parts.extend(own);
            let speech: i64 = parts[before..].iter().map(|(start, end)| end - start).sum();
            if speech > found.map_or(0, |(most, _)| most) {
                found = Some((speech, id));
            }
        }
        parts.sort_unstable();
        let is_overlapped = parts.windows(2).any(|pair| pair[1].0 < pair[0].1);
        found.map(|(_, speaker_id)| WindowSpeaker { speaker_id, is_overlapped })
    }

    /// Sets the speaker of a speech event, and whether speakers overlap in it.
    pub(crate) fn mark_event(&self, event: &mut AudioEvent) {
        if event.kind != EventKind::Speech {
            return;
        }
        let speaking = self.speaking(event.start_ms, event.end_ms);
        event.speaker_id = speaking.map(|speaking| speaking.speaker_id.to_owned());
        event.meta.overlap = speaking.is_some_and(|speaking| speaking.is_overlapped);
    }

    /// Sets the speakers of speech events and of all words.
    pub(crate) fn mark(&self, events: &mut [AudioEvent]) {
        for event in events {
            self.mark_event(event);
            let words = &mut event.meta.words;
            let speaking: Vec<_> =
                words.iter().map(|word| self.speaking(word.start_ms, word.end_ms)).collect();
            let mut ids: Vec<Option<&str>> =
                speaking.iter().map(|speaking| speaking.map(|speaking| speaking.speaker_id)).collect();
            smooth(words, &mut ids);
            for ((word, id), speaking) in words.iter_mut().zip(ids).zip(speaking) {
                word.more.insert("speaker_id".to_owned(), id.into());
                if speaking.is_some_and(|speaking| speaking.is_overlapped) {
                    word.more.insert("overlap".to_owned(), true.into());
                }
            }
        }
    }
}

/// Sorts the turns of one speaker and merges adjacent and overlapping ones.
fn joined(mut turns: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    turns.sort_unstable();
    let mut apart: Vec<(i64, i64)> = Vec::with_capacity(turns.len());
    for (start, end) in turns {
        match apart.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => apart.push((start, end)),
        }
    }
    apart
}

/// The speaker with the most word time; ties go to the lowest number. `None` if no word has a speaker.
pub(crate) fn speaker_of_words(words: &[Word]) -> Option<&str> {
    let mut speech: HashMap<&str, i64> = HashMap::new();
    for word in words {
        if let Some(id) = word.more.get("speaker_id").and_then(|id| id.as_str()) {
            *speech.entry(id).or_default() += word.end_ms - word.start_ms;
        }
    }
    // Ids are unique, so the order of the map does not matter.
    let ranked = speech.into_iter().map(|(id, length)| (-length, id.len(), id));
    ranked.min().map(|(.., id)| id)
}

/// Reassigns a single word of another speaker between two words of one, unless it is a separate sentence or has pauses
/// around it.
fn smooth(words: &[Word], ids: &mut [Option<&str>]) {
    for at in 1..ids.len().saturating_sub(1) {
        let (before, own, after) = (ids[at - 1], ids[at], ids[at + 1]);
        if own.is_none() || before.is_none() || own == before || before != after {
            continue;
        }
        let is_sentence = ends_sentence(&words[at - 1].word) && ends_sentence(&words[at].word);
        let is_apart = words[at].start_ms - words[at - 1].end_ms >= FLIP_PAUSE_MS
            && words[at + 1].start_ms - words[at].end_ms >= FLIP_PAUSE_MS;
        if !is_sentence && !is_apart {
            ids[at] = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::model::EventMeta;

    fn turn(speaker: usize, start_ms: i64, end_ms: i64) -> SpeakerTurn {
        SpeakerTurn { speaker_id: format!("S{speaker}"), start_ms, end_ms }
    }

    fn word(text: &str, start_ms: i64, end_ms: i64) -> Word {
        Word { word: text.to_owned(), start_ms, end_ms, confidence: None, more: Map::new() }
    }

    fn event(kind: EventKind, start_ms: i64, end_ms: i64, words: Vec<Word>) -> AudioEvent {
        AudioEvent {
            kind,
            start_ms,
            end_ms,
            loudness_lufs: None,
            energy: None,
            confidence: None,
            transcription: None,
            speaker_id: None,
            meta: EventMeta { words, ..EventMeta::default() },
        }
    }

    #[test]
    fn speaker_with_the_most_speech_in_a_window_is_chosen() {
        let turns = [turn(1, 0, 5_000), turn(2, 4_000, 6_000), turn(2, 7_000, 8_000)];
        let index = TurnIndex::new(&turns);
        let at = |start, end| index.speaking(start, end).map(|s| (s.speaker_id, s.is_overlapped));
        assert_eq!(at(0, 1_000), Some(("S1", false)));
        assert_eq!(at(3_000, 6_000), Some(("S1", true)), "of equal ones the lower number");
        assert_eq!(at(4_500, 6_000), Some(("S2", true)));
        assert_eq!(at(6_000, 7_000), None);
        assert_eq!(at(5_500, 9_000), Some(("S2", false)));
        let many = [turn(10, 0, 10), turn(9, 10, 20)];
        assert_eq!(TurnIndex::new(&many).speaking(0, 20).unwrap().speaker_id, "S9");
        assert!(TurnIndex::new(&[]).speaking(0, 1_000).is_none());
        let strange = [turn(1, 5, 5), turn(1, 0, 10), turn(1, 5, 20)];
        let strange = TurnIndex::new(&strange).speaking(0, 100).unwrap();
        assert!(!strange.is_overlapped, "a speaker does not overlap itself");
        let crowd: Vec<SpeakerTurn> = (1..=60).map(|speaker| turn(speaker, 0, 10)).collect();
        assert_eq!(TurnIndex::new(&crowd).speakers.len(), 50);
    }

    #[test]
    fn speech_events_and_words_get_their_speakers() {
        let turns = [turn(1, 0, 1_000), turn(2, 900, 3_000)];
        let words = vec![word("hark", 0, 400), word("back", 920, 1_400), word("late", 3_100, 3_200)];
        let mut events = [
            event(EventKind::Speech, 0, 3_500, words),
            event(EventKind::Music, 0, 3_000, vec![word("la", 100, 200)]),
            event(EventKind::Speech, 4_000, 5_000, Vec::new()),
        ];
        TurnIndex::new(&turns).mark(&mut events);
        let [speech, music, silent] = &events;
        assert_eq!((speech.speaker_id.as_deref(), speech.meta.overlap), (Some("S2"), true));
        let speakers: Vec<Value> = speech.meta.words.iter().map(|word| word.more.clone().into()).collect();
        let expected = [
            json!({"speaker_id": "S1"}),
            json!({"speaker_id": "S2", "overlap": true}),
            json!({"speaker_id": null}),
        ];
        assert_eq!(speakers, expected);
        assert_eq!((music.speaker_id.as_deref(), music.meta.overlap), (None, false));
        assert_eq!(music.meta.words[0].more["speaker_id"], "S1", "a sung word has a speaker");
        assert_eq!((silent.speaker_id.as_deref(), silent.meta.overlap), (None, false));
    }

    #[test]
    fn single_word_of_another_speaker_is_smoothed() {
        let smoothed = |texts: [&str; 5], turns: &[SpeakerTurn], pause: i64| -> Vec<String> {
            let words = texts.iter().enumerate().map(|(index, text)| {
                let start = index as i64 * 500
                    + if index >= 2 { pause } else { 0 }
                    + if index >= 3 { pause } else { 0 };
                word(text, start, start + 450)
            });
            let mut events = [event(EventKind::Speech, 0, 5_000, words.collect())];
            TurnIndex::new(turns).mark(&mut events);
            let id = |word: &Word| word.more["speaker_id"].as_str().unwrap_or("-").to_owned();
            events[0].meta.words.iter().map(id).collect()
        };
        let flip = [turn(1, 0, 990), turn(2, 990, 1_490), turn(1, 1_490, 4_000)];
        assert_eq!(smoothed(["we", "went", "to", "the", "sea"], &flip, 0), ["S1"; 5]);
        let back_channel = smoothed(["We", "went.", "Yes.", "To", "the"], &flip, 0);
        assert_eq!(back_channel, ["S1", "S1", "S2", "S1", "S1"], "a sentence of its own");
        let apart = [turn(1, 0, 990), turn(2, 1_300, 1_800), turn(1, 2_000, 4_000)];
        let apart = smoothed(["we", "went", "yes", "to", "the"], &apart, 300);
        assert_eq!(apart, ["S1", "S1", "S2", "S1", "S1"], "pauses around it");
        let change = [turn(1, 0, 990), turn(2, 990, 4_000)];
        assert_eq!(smoothed(["a", "b", "c", "d", "e"], &change, 0), ["S1", "S1", "S2", "S2", "S2"]);
    }

    #[test]
    fn speaker_is_derived_from_words_without_turns() {
        let with = |id: Value, start, end| {
            let mut word = word("x", start, end);
            word.more.insert("speaker_id".to_owned(), id);
            word
        };
        let words = [with(json!("S2"), 0, 300), with(json!("S1"), 300, 500), with(Value::Null, 500, 2_000)];
        assert_eq!(speaker_of_words(&words), Some("S2"));
        assert_eq!(speaker_of_words(&[word("x", 0, 1)]), None);
    }

    proptest! {
        #[test]
        fn turn_index_matches_the_reference(
            raw in prop::collection::vec((0i64..400, 1i64..60, 1usize..4), 0..20),
            asked in (0i64..400, 1i64..200),
        ) {
            let mut ends = [-1i64; 4];
            let mut ordered = raw;
            ordered.sort_unstable();
            let mut turns = Vec::new();
            for (start, length, speaker) in ordered {
                if start > ends[speaker] {
                    ends[speaker] = start + length;
                    turns.push(turn(speaker, start, start + length));
                }
            }
            let (start, end) = (asked.0, asked.0 + asked.1);
            let speak = |speaker: usize, ms: i64| {
                turns.iter().any(|t| t.speaker_id == format!("S{speaker}") && t.start_ms <= ms && ms < t.end_ms)
            };
            let speech = |speaker: usize| (start..end).filter(|&ms| speak(speaker, ms)).count();
            let longest = (1..4).map(speech).max().unwrap();
            let expected = (longest > 0).then(|| {
                let first = (1..4).find(|&speaker| speech(speaker) == longest).unwrap();
                let is_overlapped = (start..end).any(|ms| (1..4).filter(|&speaker| speak(speaker, ms)).count() > 1);
                (format!("S{first}"), is_overlapped)
            });
            let found = TurnIndex::new(&turns).speaking(start, end);
            prop_assert_eq!(found.map(|s| (s.speaker_id.to_owned(), s.is_overlapped)), expected);
        }
    }
}
