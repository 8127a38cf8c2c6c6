//! Semantic timelines as annotations, the model that [`interchange::notes`] writes.

use interchange::edit::Media;
use interchange::notes::{Annotations, Beat, Event};
use interchange::words::TimedWord;
use media_time::{MediaTime, Window};

use crate::model::{AudioEvent, EventKind, RunMeta, Summary};

/// Collects the events, beats and words of a timeline; `media` is its recording.
#[must_use]
pub fn annotations(summary: &Summary, media: Media) -> Annotations {
    let source_start =
        summary.meta.clip.as_ref().map_or(MediaTime::ZERO, |clip| clip.clip_window[0].since_zero());
    let beats = summary.beats.iter().map(|beat| Beat {
        time: MediaTime::from_millis(beat.time_ms),
        position: beat.subdivision.and_then(|index| u32::try_from(index + 1).ok()),
        confidence: None,
    });
    Annotations {
        media,
        source_start,
        duration: MediaTime::from_millis(summary.duration_ms),
        events: summary.events.iter().filter_map(event).collect(),
        beats: beats.collect(),
        words: summary.events.iter().flat_map(words).collect(),
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

fn event(event: &AudioEvent) -> Option<Event> {
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
        speaker: event.speaker_id.clone(),
    })
}

fn words(event: &AudioEvent) -> impl Iterator<Item = TimedWord> {
    event.meta.words.iter().map(|word| TimedWord {
        text: word.word.clone(),
        start_ms: word.start_ms,
        end_ms: word.end_ms,
        speaker: word.more.get("speaker_id").and_then(|id| id.as_str()).map(str::to_owned),
        confidence: word.confidence,
    })
}
