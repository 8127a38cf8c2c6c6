//! Writer for Praat's TextGrid files in the long text format (`.TextGrid`).

use std::fmt::Write;

use media_time::{MediaTime, Window};

use crate::clock::seconds_micros as seconds;
use crate::loss::{Export, LossKind, Losses};
use crate::notes::{Annotations, Held, HeldEvents};

/// Tiers of intervals for each kind of event and for words, and a tier of points for beats; times in seconds.
///
/// Intervals of a tier cover the recording without overlap: the end of an interval that overlaps the next is cut, which
/// is a loss, like the speakers.
#[must_use]
pub fn textgrid(annotations: &Annotations) -> Export {
    let held = Held { events: HeldEvents::All, texts: true, words: true, beats: true, ..Held::NOTHING };
    let mut losses = annotations.losses(held);
    let mut tiers: Vec<(String, Vec<(Window, &str)>)> = Vec::new();
    for event in &annotations.events {
        let interval = (event.window, event.label());
        match tiers.iter_mut().find(|(kind, _)| *kind == event.kind) {
            Some((_, intervals)) => intervals.push(interval),
            None => tiers.push((event.kind.clone(), vec![interval])),
        }
    }
    if !annotations.words.is_empty() {
        let words = annotations.words.iter().filter_map(|word| {
            let [start, end] = [word.start_ms, word.end_ms].map(MediaTime::from_millis);
            Some((Window::new(start, end).ok()?, word.text.as_str()))
        });
        tiers.push(("words".to_owned(), words.collect()));
    }
    let end = annotations.duration;
    let count = tiers.len() + usize::from(!annotations.beats.is_empty());
    let mut text = String::from("File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n");
    // Writing to a String cannot fail.
    let _ = write!(text, "xmin = 0\nxmax = {}\ntiers? <exists>\nsize = {count}\nitem []:\n", seconds(end));
    for (index, (name, intervals)) in tiers.iter().enumerate() {
        let intervals = covering(intervals, end, name, &mut losses);
        head(&mut text, index + 1, "IntervalTier", name, end);
        let _ = writeln!(text, "        intervals: size = {}", intervals.len());
        for (number, (window, label)) in intervals.iter().enumerate() {
            let _ = write!(
                text,
                "        intervals [{}]:\n            xmin = {}\n            xmax = {}\n            text = {}\n",
                number + 1,
                seconds(window.start()),
                seconds(window.end()),
                quoted(label)
            );
        }
    }
    if !annotations.beats.is_empty() {
        head(&mut text, count, "TextTier", "beats", end);
        let _ = writeln!(text, "        points: size = {}", annotations.beats.len());
        for (number, beat) in annotations.beats.iter().enumerate() {
            let _ = write!(
                text,
                "        points [{}]:\n            number = {}\n            mark = {}\n",
                number + 1,
                seconds(beat.time),
                quoted(&beat.position.map_or_else(|| "beat".to_owned(), |position| position.to_string()))
            );
        }
    }
    Export { content: text.into_bytes(), losses: losses.finish() }
}

fn head(text: &mut String, number: usize, class: &str, name: &str, end: MediaTime) {
    let _ = write!(
        text,
        "    item [{number}]:\n        class = \"{class}\"\n        name = {}\n        xmin = 0\n        xmax = {}\n",
        quoted(name),
        seconds(end)
    );
}

/// The intervals with empty ones between them, from zero to `end`.
fn covering<'a>(
    intervals: &[(Window, &'a str)],
    end: MediaTime,
    tier: &str,
    losses: &mut Losses,
) -> Vec<(Window, &'a str)> {
    let mut covering = Vec::with_capacity(2 * intervals.len() + 1);
    let mut at = MediaTime::ZERO;
    let mut push = |start: MediaTime, end: MediaTime, label| {
        if let Ok(window) = Window::new(start, end)
            && !window.is_empty()
        {
            covering.push((window, label));
        }
    };
    for (index, &(window, label)) in intervals.iter().enumerate() {
        let next = intervals.get(index + 1).map_or(end, |(next, _)| next.start());
        let stop = window.end().min(next).min(end);
        losses.rounding(LossKind::OverlapCut, format!("tier {tier}"), "interval", window.end() - stop);
        push(at, window.start().max(at), "");
        push(window.start().max(at), stop, label);
        at = at.max(stop);
    }
    push(at, end, "");
    covering
}

/// A string in quotes; quotes in it are doubled.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notes::Beat;
    use crate::notes::tests::{annotations, event};

    #[test]
    fn interval_that_overlaps_the_next_is_cut() {
        let mut annotations = annotations(3_000);
        let mut first = event("speech", 500, 2_000);
        first.text = Some("Say \"hi\"".to_owned());
        annotations.events = vec![first, event("speech", 1_500, 2_500)];
        annotations.beats =
            vec![Beat { time: MediaTime::from_millis(1_000), position: Some(1), confidence: None }];
        let Export { content, losses } = textgrid(&annotations);
        let expected = r#"File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 3.000000
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "speech"
        xmin = 0
        xmax = 3.000000
        intervals: size = 4
        intervals [1]:
            xmin = 0.000000
            xmax = 0.500000
            text = ""
        intervals [2]:
            xmin = 0.500000
            xmax = 1.500000
            text = "Say ""hi"""
        intervals [3]:
            xmin = 1.500000
            xmax = 2.500000
            text = "speech"
        intervals [4]:
            xmin = 2.500000
            xmax = 3.000000
            text = ""
    item [2]:
        class = "TextTier"
        name = "beats"
        xmin = 0
        xmax = 3.000000
        points: size = 1
        points [1]:
            number = 1.000000
            mark = "1"
"#;
        assert_eq!(String::from_utf8(content).unwrap(), expected);
        let lost: Vec<_> = losses.into_iter().map(|loss| (loss.what, loss.place, loss.time)).collect();
        let cut = Some(MediaTime::from_millis(500));
        assert_eq!(lost, [(LossKind::OverlapCut, "tier speech, 1 interval".to_owned(), cut)]);
    }
}
