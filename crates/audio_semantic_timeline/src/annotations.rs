//! Semantic timelines as annotations, the model that [`interchange::notes`] writes.

use interchange::edit::Media;
use interchange::notes::{Annotations, Beat, Event, Turn};
use media_time::{MediaTime, Window};

use crate::SpeakerLabels;
use crate::model::{AudioEvent, EventKind, RunMeta, Summary};
use crate::speakers::SpeakerTurn;

/// The events, turns, beats and words of a timeline; `media` is the recording, or the artifact, whose time it has.
#[must_use]
pub fn annotations(summary: &Summary, media: Media) -> Annotations {
    let source_start =
        summary.meta.clip.as_ref().map_or(MediaTime::ZERO, |clip| clip.clip_window[0].since_zero());
    let labels = SpeakerLabels::of(summary.meta.run.speakers.as_deref());
    let words = summary.events.iter().flat_map(|event| &event.meta.words);
    let beats = summary.beats.iter().map(|beat| Beat {
        time: MediaTime::from_millis(beat.time_ms),
        position: beat.subdivision.and_then(position),
        confidence: None,
    });
    Annotations {
        media,
        source_start,
        duration: MediaTime::from_millis(summary.duration_ms),
        events: summary.events.iter().filter_map(|found| event(found, &labels)).collect(),
        turns: summary.meta.speaker_turns.iter().filter_map(|found| turn(found, &labels)).collect(),
        beats: beats.collect(),
        words: words.map(|word| labels.timed_word(word)).collect(),
        tempo: tempo(&summary.meta.run),
    }
}

/// The tempo with the weight of its candidate.
fn tempo(run: &RunMeta) -> Option<(f64, f64)> {
    let bpm = run.tempo_bpm?;
    let candidate =
        run.tempo_candidates.iter().min_by(|a, b| (a.bpm - bpm).abs().total_cmp(&(b.bpm - bpm).abs()))?;
    Some((bpm, candidate.weight))
}

/// The position in the bar from 1, of an index from 0.
fn position(index: i64) -> Option<u32> {
    u32::try_from(index).ok()?.checked_add(1)
}

fn turn(turn: &SpeakerTurn, labels: &SpeakerLabels<'_>) -> Option<Turn> {
    let [start, end] = [turn.start_ms, turn.end_ms].map(MediaTime::from_millis);
    Some(Turn { window: Window::new(start, end).ok()?, speaker: labels.label(&turn.speaker_id) })
}

fn event(event: &AudioEvent, labels: &SpeakerLabels<'_>) -> Option<Event> {
    let [start, end] = [event.start_ms, event.end_ms].map(MediaTime::from_millis);
    let kind = match event.kind {
        EventKind::Speech => "speech",
        EventKind::Music => "music",
        EventKind::Silence => "silence",
        EventKind::Other => "other",
    };
    Some(Event {
        kind: kind.to_owned(),
        window: Window::new(start, end).ok()?,
        confidence: event.confidence,
        text: event.transcription.clone(),
        speaker: event.speaker_id.as_deref().map(|id| labels.label(id)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_in_bars_count_from_one() {
        assert_eq!(
            [0, 3, -1, i64::MAX, i64::from(u32::MAX)].map(position),
            [Some(1), Some(4), None, None, None]
        );
    }

    #[test]
    fn turns_have_the_labels_of_their_speakers() {
        let found = |start_ms, end_ms| SpeakerTurn { speaker_id: "S1".to_owned(), start_ms, end_ms };
        let turn = |start_ms, end_ms| turn(&found(start_ms, end_ms), &SpeakerLabels::of(None));
        let window = Window::starting_at(MediaTime::from_millis(5), MediaTime::from_millis(4));
        assert_eq!(turn(5, 9), Some(Turn { window, speaker: "S1".to_owned() }));
        assert_eq!(turn(9, 5), None);
    }
}
