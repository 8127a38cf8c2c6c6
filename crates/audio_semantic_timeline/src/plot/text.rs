//! Escapes, clips and formats text for the plot.

/// Escapes text for an element's content or an attribute's value. Characters not allowed in XML become U+FFFD;
/// bidirectional control characters are removed, because they would affect the text after it.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Estimated width in pixels at this font size: an upper estimate for the usual sans-serif fonts.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let ems = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | '\'' | '!' | ':' | ';' | '|' | ' ' => 0.3,
        'f' | 't' | 'r' | '(' | ')' | '-' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 0.95,
        'A'..='Z' => 0.72,
        '\0'..='\u{10ff}' => 0.6,
        _ => 1.0,
    };
    size * text.chars().map(ems).sum::<f64>()
}

/// The text, or as much of its start as fits with an ellipsis into `room` pixels; `None` if not even one character
/// does. At most `MAX_CHARACTERS`, for any width.
pub(super) fn clipped(text: &str, size: f64, room: f64) -> Option<String> {
    const MAX_CHARACTERS: usize = 160;
    let text = text.trim();
    let is_short = text.chars().nth(MAX_CHARACTERS).is_none();
    if is_short && width(text, size) <= room {
        return Some(text.to_owned());
    }
    let mut clipped = String::new();
    for c in text.chars().take(MAX_CHARACTERS) {
        clipped.push(c);
        if width(&clipped, size) + width("…", size) > room {
            clipped.pop();
            break;
        }
    }
    let clipped = clipped.trim_end();
    (!clipped.is_empty()).then(|| format!("{clipped}…"))
}

/// Formats one decimal with a typographic minus; clamped, because a registered timeline may have any value.
pub(super) fn decimal(value: f64) -> String {
    format!("{:.1}", value.clamp(-9_999.0, 9_999.0)).replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escaped("<b a='1'>&\"\u{0}\u{202e}x\n"), "&lt;b a=&#39;1&#39;&gt;&amp;&quot;\u{fffd}x ");
    }

    #[test]
    fn texts_are_clipped_to_the_width() {
        assert_eq!(clipped("  hello ", 10.0, 100.0).as_deref(), Some("hello"));
        assert_eq!(clipped("hello world", 10.0, 40.0).as_deref(), Some("hello…"));
        assert_eq!(clipped("hello", 10.0, 5.0), None);
        assert_eq!(clipped("", 10.0, 5.0).as_deref(), Some(""));
        assert_eq!(clipped(&"x".repeat(1_000), 0.1, 1e9).unwrap().chars().count(), 161);
    }
}
