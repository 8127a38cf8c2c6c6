//! Display times of captions.

use super::caption::Caption;
use super::limits::CaptionLimits;

/// Extends captions into the following silence, to the minimum duration and until they can be read, and removes
/// overlaps. No caption ends after the start of the next, or after the recording.
pub(super) fn adjust(captions: &mut [Caption], duration_ms: i64, limits: &CaptionLimits) {
    let mut earliest = 0;
    for index in 0..captions.len() {
        let next = captions.get(index + 1).map(|next| next.start_ms);
        let caption = &mut captions[index];
        caption.start_ms = caption.start_ms.max(earliest);
        // Every caption is visible, even where words of a registered timeline have no duration.
        let spoken = caption.end_ms.max(caption.start_ms + 1);
        let end_of_silence = next.unwrap_or(duration_ms.max(spoken)).max(caption.start_ms + 1);
        let chars: usize = caption.lines.iter().map(|line| line.text.chars().count()).sum();
        let readable = (chars as f64 * 1_000.0 / limits.max_cps).ceil() as i64;
        let wanted = caption.start_ms + readable.max(limits.min_duration_ms);
        caption.end_ms = spoken.max(wanted).min(end_of_silence);
        earliest = caption.end_ms;
    }
}
