//! Writer for SubRip (`.srt`) files.

use std::fmt::Write;

use crate::captions::Caption;
use crate::clock::hms_millis;

/// Formats captions as a SubRip file.
#[must_use]
pub fn srt(captions: &[Caption]) -> String {
    let mut text = String::new();
    for (index, caption) in captions.iter().enumerate() {
        let (start, end) = (hms_millis(caption.start_ms, ','), hms_millis(caption.end_ms, ','));
        // Writing to a String cannot fail.
        let _ = write!(text, "{}\n{start} --> {end}\n{}\n\n", index + 1, caption.text());
    }
    text
}
