//! Chapters of a recording, made of its events.

use media_time::{MediaTime, Window};

use crate::notes::{Annotations, Event};

/// Minimum length of a chapter; shorter events belong to the chapter before.
const MIN_CHAPTER: MediaTime = MediaTime::from_millis(10_000);
/// Maximum length of a title, in characters.
const MAX_TITLE: usize = 60;

pub(super) struct Chapter {
    pub(super) window: Window,
    pub(super) title: String,
}

/// The chapters of the recording: one begins where an event of another kind or speaker, not shorter than
/// [`MIN_CHAPTER`], begins. They cover the whole recording.
pub(super) fn chapters(annotations: &Annotations) -> Vec<Chapter> {
    let mut starts: Vec<&Event> = Vec::new();
    for event in annotations.events.iter().filter(|event| event.window.duration() >= MIN_CHAPTER) {
        let continues =
            starts.last().is_some_and(|last| last.kind == event.kind && last.speaker == event.speaker);
        if !continues && event.kind != "silence" {
            starts.push(event);
        }
    }
    let ends = starts.iter().skip(1).map(|event| event.window.start()).chain([annotations.duration]);
    let mut chapters: Vec<Chapter> = Vec::with_capacity(starts.len());
    for (event, end) in starts.iter().zip(ends) {
        // The first chapter includes what is before its event.
        let start = if chapters.is_empty() { MediaTime::ZERO } else { event.window.start() };
        if let Ok(window) = Window::new(start, end)
            && !window.is_empty()
        {
            chapters.push(Chapter { window, title: title(event) });
        }
    }
    chapters
}

/// The speaker or kind, with the first words: `Music`, `Speech: Good morning, and …`.
fn title(event: &Event) -> String {
    let who = event.speaker.as_deref().unwrap_or(&event.kind);
    let mut letters = who.chars();
    let who: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    let Some(text) = event.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) else { return who };
    let mut title = format!("{who}: ");
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 && title.chars().count() + word.chars().count() >= MAX_TITLE {
            title.push_str(" …");
            break;
        }
        if index > 0 {
            title.push(' ');
        }
        title.push_str(word);
    }
    title
}
