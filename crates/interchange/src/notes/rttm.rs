//! Writer for NIST's Rich Transcription Time Marked files (`.rttm`): who speaks when.

use std::fmt::Write;

use media_time::Window;

use crate::loss::{Export, LossKind};
use crate::notes::{Annotations, Held, HeldEvents, field};

/// Formats the turns of the speakers. Without turns, the speech with its main speakers, which is a loss; speech of an
/// unknown speaker is `unknown`. Texts, words, beats and other events are losses, too.
#[must_use]
pub fn rttm(annotations: &Annotations) -> Export {
    let held = Held { events: HeldEvents::Speech, speakers: true, turns: true, ..Held::NOTHING };
    let mut losses = annotations.losses(held);
    let mut text = String::new();
    let name = field(&annotations.media.name);
    let mut line = |window: Window, speaker: &str| {
        let (start, duration) = (window.start().as_secs_f64(), window.duration().as_secs_f64());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "SPEAKER {name} 1 {start:.3} {duration:.3} <NA> <NA> {speaker} <NA> <NA>");
    };
    for turn in &annotations.turns {
        line(turn.window, &field(&turn.speaker));
    }
    if annotations.turns.is_empty() {
        for event in annotations.events.iter().filter(|event| event.kind == "speech") {
            line(event.window, &event.speaker.as_deref().map_or_else(|| "unknown".to_owned(), field));
            losses.count(LossKind::TurnsUnknown, "", 1, "event");
        }
    }
    Export { content: text.into_bytes(), losses: losses.finish() }
}

#[cfg(test)]
mod tests {
    use media_time::MediaTime;

    use super::*;
    use crate::notes::Turn;
    use crate::notes::tests::{annotations, event};

    fn written(annotations: &Annotations) -> (String, Vec<LossKind>) {
        let Export { content, losses } = rttm(annotations);
        (String::from_utf8(content).unwrap(), losses.iter().map(|loss| loss.what).collect())
    }

    #[test]
    fn turns_are_written_and_else_speech_with_its_main_speaker() {
        let mut annotations = annotations(5_000);
        let mut speech = event("speech", 0, 4_000);
        speech.speaker = Some("Ada Lovelace".to_owned());
        annotations.events = vec![speech, event("silence", 4_000, 5_000)];
        assert_eq!(
            written(&annotations),
            (
                "SPEAKER talk.mp4 1 0.000 4.000 <NA> <NA> Ada_Lovelace <NA> <NA>\n".to_owned(),
                vec![LossKind::EventsOmitted, LossKind::TurnsUnknown]
            )
        );
        let turn = |speaker: &str, start, end| Turn {
            window: Window::new(MediaTime::from_millis(start), MediaTime::from_millis(end)).unwrap(),
            speaker: speaker.to_owned(),
        };
        annotations.turns = vec![turn("Ada Lovelace", 0, 2_500), turn("S2", 2_000, 4_000)];
        assert_eq!(
            written(&annotations),
            (
                "SPEAKER talk.mp4 1 0.000 2.500 <NA> <NA> Ada_Lovelace <NA> <NA>\n\
                 SPEAKER talk.mp4 1 2.000 2.000 <NA> <NA> S2 <NA> <NA>\n"
                    .to_owned(),
                vec![LossKind::EventsOmitted]
            )
        );
    }
}
