//! Writers for Advanced SubStation Alpha: with karaoke, in which each word is highlighted when it is spoken, and plain, for
//! burning in.

use std::fmt::Write;

use crate::captions::{Caption, CaptionLine};

/// Lines are broken only at explicit line breaks.
const INFO: &str = "[Script Info]
ScriptType: v4.00+
PlayResX: 1920
PlayResY: 1080
WrapStyle: 2
ScaledBorderAndShadow: yes
";
/// White on a black outline at the bottom; words are grey until they are spoken.
const STYLE: &str = "Style: Default,Arial,64,&H00FFFFFF,&H00A0A0A0,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,3,1,2,96,96,64,1";
const STYLE_FORMAT: &str = "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, \
Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, \
MarginR, MarginV, Encoding";
const EVENT_FORMAT: &str = "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text";

/// Formats captions as an ASS file.
#[must_use]
pub fn ass(captions: &[Caption]) -> String {
    let mut text = header(INFO, STYLE);
    for caption in captions {
        let (start, end) = (centis(caption.start_ms), centis(caption.end_ms));
        let name = caption.speaker.as_deref().map(field).unwrap_or_default();
        let mut karaoke = Karaoke { at: start, text: String::new() };
        for (index, line) in caption.lines.iter().enumerate() {
            if index > 0 {
                karaoke.text.push_str("\\N");
            }
            karaoke.line(line);
        }
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "Dialogue: 0,{},{},Default,{name},0,0,0,,{}",
            clock(start),
            clock(end),
            karaoke.text
        );
    }
    text
}

/// A text on the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subtitle<'a> {
    /// When it appears, in hundredths of a second.
    pub start_cs: i64,
    /// When it disappears, in hundredths of a second.
    pub end_cs: i64,
    /// The text, with line breaks.
    pub text: &'a str,
}

/// The picture that subtitles are drawn on, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubtitlePicture {
    /// Width of the picture.
    pub width: u32,
    /// Height of the picture.
    pub height: u32,
    /// Height of the font.
    pub font_size: u32,
}

/// Formats subtitles as an ASS file without effects: white on a black outline at the bottom, in the sans-serif font of the
/// system. Lines that are wider than the picture are broken.
#[must_use]
pub fn subtitles<'a>(subtitles: impl IntoIterator<Item = Subtitle<'a>>, picture: SubtitlePicture) -> String {
    let SubtitlePicture { width, height, font_size } = picture;
    let outline = (font_size / 20).max(1);
    let (side, bottom) = (width / 20, height / 16);
    let info = format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: {width}\nPlayResY: {height}\nWrapStyle: 0\n\
         ScaledBorderAndShadow: yes\n"
    );
    let style = format!(
        "Style: Default,sans-serif,{font_size},&H00FFFFFF,&H00FFFFFF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,\
         {outline},0,2,{side},{side},{bottom},1"
    );
    let mut text = header(&info, &style);
    for Subtitle { start_cs, end_cs, text: lines } in subtitles {
        let lines: Vec<String> = lines.lines().map(escaped).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "Dialogue: 0,{},{},Default,,0,0,0,,{}",
            clock(start_cs),
            clock(end_cs),
            lines.join("\\N")
        );
    }
    text
}

fn header(info: &str, style: &str) -> String {
    format!("{info}\n[V4+ Styles]\n{STYLE_FORMAT}\n{style}\n\n[Events]\n{EVENT_FORMAT}\n")
}

/// Converts milliseconds to the format's hundredths of a second, rounded.
const fn centis(ms: i64) -> i64 {
    (ms + 5) / 10
}

fn clock(centis: i64) -> String {
    let (seconds, centis) = (centis / 100, centis % 100);
    format!("{}:{:02}:{:02}.{centis:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Syllables with durations: `\k` counts from the end of the previous one, so that rounding does not accumulate.
struct Karaoke {
    at: i64,
    text: String,
}

impl Karaoke {
    fn line(&mut self, line: &CaptionLine) {
        for word in &line.words {
            let start = centis(word.start_ms).max(self.at);
            let end = centis(word.end_ms).max(start);
            if start > self.at {
                let _ = write!(self.text, "{{\\k{}}}", start - self.at);
            }
            let _ = write!(self.text, "{{\\k{}}}{}", end - start, escaped(&word.text));
            self.at = end;
        }
    }
}

/// Escapes a field of an event, which ends at a comma.
fn field(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).map(|c| if c == ',' { ';' } else { c }).collect()
}

/// Text without override blocks and line breaks. A backslash cannot be escaped: a word joiner (U+2060) after it keeps
/// it from being a command.
fn escaped(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    text.replace('\\', "\\\u{2060}").replace('{', "\\{").replace('}', "\\}")
}
