//! Progress, notices and warnings of an analysis, on standard error.

use std::io::IsTerminal;
use std::time::Duration;

use audio_semantic_timeline::backend::Selection;
use audio_signal::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use interchange::loss::Loss;

use super::format::AnalysisFormat;
use crate::progress_lines::ProgressLines;

/// A progress bar on standard error, hidden where that is not a terminal.
pub(super) fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    let style = "{spinner} {wide_bar} {msg}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Shows a position in the recording.
pub(super) fn show(bar: &ProgressBar, lines: Option<&ProgressLines>, progress: Progress) {
    let position = u64::try_from(progress.position.as_millis_floor()).unwrap_or(0);
    if let Some(expected) = progress.expected_duration {
        let length = u64::try_from(expected.as_millis_ceil()).unwrap_or(0).max(position);
        bar.set_length(length);
        bar.set_message(format!("{} of {expected}", progress.position));
        if let Some(lines) = lines {
            lines.set(position, length);
        }
    } else {
        bar.set_message(progress.position.to_string());
    }
    bar.set_position(position);
}

#[expect(clippy::print_stderr, reason = "the command line's own notice")]
pub(super) fn print_fallback(selection: &Selection) {
    if let Some(reason) = &selection.fallback_reason {
        eprintln!("note: {reason} (backend used: `{}`)", selection.backend.kind());
    }
}

/// Prints what the output cannot hold, if anything: the number of losses, and each with its place.
#[expect(clippy::print_stderr, reason = "the command line's own warning")]
pub(super) fn print_losses(recording: &str, format: AnalysisFormat, losses: &[Loss]) {
    if let Some(text) = losses_text(losses) {
        eprintln!("warning: {recording}: {} {text}", format.name());
    }
}

/// `cannot hold 2: beats_omitted (8 beats), event_omitted (music)`; `None` without losses.
fn losses_text(losses: &[Loss]) -> Option<String> {
    let each: Vec<String> = losses.iter().map(|loss| format!("{} ({})", loss.what, loss.place)).collect();
    (!each.is_empty()).then(|| format!("cannot hold {}: {}", each.len(), each.join(", ")))
}

#[cfg(test)]
mod tests {
    use interchange::loss::LossKind;

    use super::*;

    #[test]
    fn losses_are_counted_and_named() {
        let loss = |what: LossKind, place: &str| Loss { what, place: place.to_owned(), time: None };
        assert_eq!(losses_text(&[]), None);
        let losses = [loss(LossKind::BeatsOmitted, "8 beats"), loss(LossKind::EventsOmitted, "3 events")];
        let expected = "cannot hold 2: beats_omitted (8 beats), events_omitted (3 events)";
        assert_eq!(losses_text(&losses).as_deref(), Some(expected));
    }
}
