//! Chapters of a recording, made of its events.

use media_time::{MediaTime, Window};

use crate::loss::{LossKind, Losses};
use crate::notes::{Annotations, Event, Held, HeldEvents};

/// Minimum length of a chapter; shorter events belong to the chapter before.
const MIN_CHAPTER: MediaTime = MediaTime::from_millis(10_000);
/// Maximum length of a title, in characters.
const MAX_TITLE: usize = 60;

pub(super) struct Chapter {
    pub(super) window: Window,
    pub(super) title: String,
}

/// The chapters of the recording: one begins where an event of another kind or speaker, not shorter than
/// [`MIN_CHAPTER`], begins; silence belongs to the chapter before. They cover the whole recording. Without such an event
/// there is one chapter with the name of the recording.
///
/// Events that begin no chapter, shortened texts, beats and words are losses.
pub(super) fn chapters(annotations: &Annotations) -> (Vec<Chapter>, Losses) {
    let held = Held { events: HeldEvents::All, texts: true, speakers: true, ..Held::NOTHING };
    let mut losses = annotations.losses(held);
    let mut starts: Vec<&Event> = Vec::new();
    for event in &annotations.events {
        let continues =
            starts.last().is_some_and(|last| last.kind == event.kind && last.speaker == event.speaker);
        if event.window.duration() >= MIN_CHAPTER && !continues && event.kind != "silence" {
            starts.push(event);
        } else {
            losses.count(LossKind::EventsOmitted, event.kind.clone(), 1, "event");
        }
    }
    let ends = starts.iter().skip(1).map(|event| event.window.start()).chain([annotations.duration]);
    let mut chapters: Vec<Chapter> = Vec::with_capacity(starts.len());
    let mut push = |start: MediaTime, end: MediaTime, title: String| {
        if let Ok(window) = Window::new(start, end)
            && !window.is_empty()
        {
            chapters.push(Chapter { window, title });
        }
    };
    for (index, (event, end)) in starts.iter().zip(ends).enumerate() {
        // The first chapter includes what is before its event.
        let start = if index == 0 { MediaTime::ZERO } else { event.window.start() };
        push(start, end, title(event, &mut losses));
    }
    if starts.is_empty() {
        push(MediaTime::ZERO, annotations.duration, annotations.media.name.clone());
    }
    (chapters, losses)
}

/// The speaker or kind, with the first words: `Music`, `Speech: Good morning, and …`.
fn title(event: &Event, losses: &mut Losses) -> String {
    let who = event.speaker.as_deref().unwrap_or(&event.kind);
    let mut letters = who.chars();
    let who: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    let Some(text) = event.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return who };
    let mut title = format!("{who}: ");
    let mut length = title.chars().count();
    for (index, word) in text.split_whitespace().enumerate() {
        let letters = word.chars().count();
        if index > 0 && length + letters >= MAX_TITLE {
            title.push_str(" …");
            losses.count(LossKind::TextShortened, event.kind.clone(), 1, "event");
            break;
        }
        if index > 0 {
            title.push(' ');
            length += 1;
        }
        title.push_str(word);
        length += letters;
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes::tests::{annotations, event};

    fn titles(annotations: &Annotations) -> Vec<(i64, i64, String)> {
        let millis = |time: MediaTime| time.as_millis_round();
        let (chapters, _) = chapters(annotations);
        let row =
            |chapter: Chapter| (millis(chapter.window.start()), millis(chapter.window.end()), chapter.title);
        chapters.into_iter().map(row).collect()
    }

    #[test]
    fn recording_without_long_events_is_one_chapter() {
        let mut annotations = annotations(20_000);
        annotations.events = vec![event("speech", 0, 3_000), event("silence", 3_000, 20_000)];
        assert_eq!(titles(&annotations), [(0, 20_000, "talk.mp4".to_owned())]);
        annotations.duration = MediaTime::ZERO;
        assert!(titles(&annotations).is_empty());
    }

    #[test]
    fn silence_and_short_events_begin_no_chapter() {
        let mut annotations = annotations(60_000);
        annotations.events = vec![
            event("silence", 0, 12_000),
            event("speech", 12_000, 30_000),
            event("music", 30_000, 35_000),
            event("silence", 35_000, 48_000),
            event("music", 48_000, 60_000),
        ];
        let expected = [(0, 48_000, "Speech".to_owned()), (48_000, 60_000, "Music".to_owned())];
        assert_eq!(titles(&annotations), expected);
    }
}
