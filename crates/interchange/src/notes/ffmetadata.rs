//! Writer for ffmpeg's metadata files (`.ffmetadata`): <https://ffmpeg.org/ffmpeg-formats.html#Metadata-2>.

use std::fmt::Write;

use crate::loss::Export;
use crate::notes::{Annotations, chapters::chapters};
use crate::text::one_line;

/// Formats chapters made of the events of at least 10 s, or one of the whole recording; times in microseconds.
#[must_use]
pub fn ffmetadata(annotations: &Annotations) -> Export {
    let mut text = format!(";FFMETADATA1\ntitle={}\n", escaped(&annotations.media.name));
    let (chapters, losses) = chapters(annotations);
    for chapter in chapters {
        let (start, end) = (chapter.window.start().as_micros(), chapter.window.end().as_micros());
        // Writing to a String cannot fail.
        let _ = write!(text, "[CHAPTER]\nTIMEBASE=1/1000000\nSTART={start}\nEND={end}\n");
        let _ = writeln!(text, "title={}", escaped(&chapter.title));
    }
    Export { content: text.into_bytes(), losses: losses.finish() }
}

/// `text` with the characters escaped that have a meaning: `=`, `;`, `#` and `\`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in one_line(text).chars() {
        if matches!(letter, '=' | ';' | '#' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    // ffmpeg continues the line after a final backslash, even an escaped one.
    if escaped.ends_with('\\') {
        escaped.push(' ');
    }
    escaped
}
