//! Writer for WebVTT: <https://www.w3.org/TR/webvtt1/>.

use std::fmt::Write;

use crate::captions::Caption;
use crate::clock::hms_millis;

/// Formats captions as WebVTT. Speakers are voice spans; markup characters are escaped.
///
/// # Examples
///
/// ```
/// use interchange::captions::{Caption, CaptionLine};
/// use interchange::vtt::vtt;
///
/// let line = CaptionLine { text: "Q & A".to_owned(), words: Vec::new() };
/// let caption =
///     Caption { start_ms: 500, end_ms: 3_661_250, speaker: Some("Ada".to_owned()), lines: vec![line] };
/// assert_eq!(vtt(&[caption]), "WEBVTT\n\n00:00:00.500 --> 01:01:01.250\n<v Ada>Q &amp; A\n");
/// ```
#[must_use]
pub fn vtt(captions: &[Caption]) -> String {
    let mut text = "WEBVTT\n".to_owned();
    for caption in captions {
        let (start, end) = (hms_millis(caption.start_ms, '.'), hms_millis(caption.end_ms, '.'));
        let voice = caption.speaker.as_deref().map(|name| format!("<v {}>", voice_name(name)));
        // Writing to a String cannot fail.
        let _ =
            write!(text, "\n{start} --> {end}\n{}{}\n", voice.unwrap_or_default(), escaped(&caption.text()));
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Escapes an annotation, which ends at `>` and is a single line.
fn voice_name(name: &str) -> String {
    escaped(&name.split_whitespace().collect::<Vec<_>>().join(" "))
}
