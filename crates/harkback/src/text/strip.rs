//! One line of signs for the kinds of a whole recording.

use audio_semantic_timeline::model::{EventKind, Summary};

use super::{clock, name};

/// Width of the line in characters.
const WIDTH: usize = 72;
/// In the order of the legend.
const KINDS: [EventKind; 4] = [EventKind::Speech, EventKind::Music, EventKind::Silence, EventKind::Other];

/// The sign of a kind, one column wide.
pub(super) fn sign(kind: EventKind) -> char {
    match kind {
        EventKind::Speech => '▓',
        EventKind::Music => '♪',
        EventKind::Silence => '·',
        EventKind::Other => '~',
    }
}

/// Three lines without a final newline: the signs, the time axis, and the legend.
pub(super) fn draw(summary: &Summary) -> String {
    let signs: String = (0..WIDTH).map(|cell| sign_at(summary, cell)).collect();
    let end = clock(summary.duration_ms);
    let axis = format!("0:00{end:>width$}", width = WIDTH - "0:00".len());
    let legend = KINDS.map(|kind| format!("{} {}", sign(kind), name(kind))).join("   ");
    format!("{signs}\n{axis}\n{legend}")
}

/// The sign of the event at the middle of a cell; a space where no event is.
fn sign_at(summary: &Summary, cell: usize) -> char {
    let middle_ms = (cell as f64 + 0.5) * summary.duration_ms as f64 / WIDTH as f64;
    let event = summary
        .events
        .iter()
        .find(|event| event.start_ms as f64 <= middle_ms && middle_ms < event.end_ms as f64);
    event.map_or(' ', |event| sign(event.kind))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{event, summary};
    use super::*;

    #[test]
    fn strip_shows_the_kind_at_the_middle_of_each_cell() {
        // Cells of 10 ms; the event from 100 to 104 ms contains no middle, that from 104 to 106 ms one.
        let events = json!([
            event("speech", 0, 100),
            event("other", 100, 104),
            event("music", 104, 106),
            event("silence", 110, 720)
        ]);
        let text = draw(&summary(720, &events, &Value::Null));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], format!("{}♪{}", "▓".repeat(10), "·".repeat(61)));
        assert_eq!(lines[1], format!("0:00{}0:00.720", " ".repeat(60)));
        assert_eq!(lines[2], "▓ speech   ♪ music   · silence   ~ other");
    }

    #[test]
    fn strip_of_an_empty_recording_is_blank() {
        let text = draw(&summary(0, &json!([]), &Value::Null));
        assert_eq!(text.lines().next(), Some(" ".repeat(WIDTH).as_str()));
    }
}
