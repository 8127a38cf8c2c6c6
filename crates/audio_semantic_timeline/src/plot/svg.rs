//! Writes SVG, with numbers of one decimal and escaped text.

use std::fmt::Write;

use super::text;

/// The colours of the plot: Okabe and Ito's for data, greys for the rest.
pub(super) mod colour {
    pub(in crate::plot) const SPEECH: &str = "#0072b2";
    pub(in crate::plot) const MUSIC: &str = "#e69f00";
    pub(in crate::plot) const OTHER: &str = "#009e73";
    pub(in crate::plot) const SUNG: &str = "#d55e00";
    pub(in crate::plot) const SILENCE: &str = "#9aa3af";
    pub(in crate::plot) const WAVEFORM: &str = "#475569";
    pub(in crate::plot) const LOUDNESS: &str = "#7c4d79";
    pub(in crate::plot) const INK: &str = "#1f2937";
    pub(in crate::plot) const FAINT_INK: &str = "#5b6472";
    pub(in crate::plot) const GRID: &str = "#e2e6eb";
    pub(in crate::plot) const PANEL: &str = "#f7f8fa";
}

/// Horizontal alignment of a text at its x.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Font size, colour and alignment of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Font size in pixels.
    pub(super) size: f64,
    pub(super) colour: &'static str,
    pub(super) anchor: Anchor,
    /// Whether the text has an outline in the panel's colour, for text over a curve.
    pub(super) is_haloed: bool,
}

impl Style {
    pub(super) const LABEL: Self =
        Self { size: 12.0, colour: colour::FAINT_INK, anchor: Anchor::Start, is_haloed: false };

    pub(super) const fn haloed(self) -> Self {
        Self { is_haloed: true, ..self }
    }

    pub(super) const fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }

    pub(super) const fn sized(self, size: f64) -> Self {
        Self { size, ..self }
    }

    pub(super) const fn inked(self) -> Self {
        Self { colour: colour::INK, ..self }
    }
}

/// An SVG document that is being written.
pub(super) struct Svg(String);

// Writing to a String cannot fail, so the results of `write!` are ignored throughout.
impl Svg {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let mut text = String::with_capacity(64 << 10);
        let _ = write!(
            text,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title desc" font-family="'Noto Sans', 'DejaVu Sans', Helvetica, Arial, sans-serif">"#
        );
        text.push('\n');
        Self(text)
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }

    /// Writes title and description, for screen readers.
    pub(super) fn describe(&mut self, title: &str, description: &str) {
        let (title, description) = (text::escaped(title), text::escaped(description));
        let _ =
            writeln!(self.0, "<title id=\"title\">{title}</title>\n<desc id=\"desc\">{description}</desc>");
    }

    pub(super) fn rect(&mut self, [x, y, width, height]: [f64; 4], fill: &str) {
        let [x, y, width, height] = [x, y, width, height].map(number);
        let _ =
            writeln!(self.0, r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}"/>"#);
    }

    /// Draws a filled shape; nothing for an empty path.
    pub(super) fn fill(&mut self, path: &Path, fill: &str, opacity: f64) {
        if !path.0.is_empty() {
            let opacity = number(opacity);
            let _ = writeln!(self.0, r#"<path d="{}" fill="{fill}" fill-opacity="{opacity}"/>"#, path.0);
        }
    }

    /// Draws lines; nothing for an empty path.
    pub(super) fn stroke(&mut self, path: &Path, colour: &str, width: f64, dashed: bool) {
        if !path.0.is_empty() {
            let (width, dashes) = (number(width), if dashed { r#" stroke-dasharray="5 4""# } else { "" });
            let path = &path.0;
            let _ = writeln!(
                self.0,
                r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashes}/>"#
            );
        }
    }

    /// Draws a text with its base line at y.
    pub(super) fn text(&mut self, x: f64, y: f64, style: Style, text: &str) {
        let [x, y, size] = [x, y, style.size].map(number);
        let (colour, text) = (style.colour, text::escaped(text));
        let halo = if style.is_haloed {
            format!(
                r#" paint-order="stroke" stroke="{}" stroke-width="4" stroke-linejoin="round""#,
                colour::PANEL
            )
        } else {
            String::new()
        };
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        let _ = writeln!(
            self.0,
            r#"<text x="{x}" y="{y}" font-size="{size}" fill="{colour}"{anchor}{halo}>{text}</text>"#
        );
    }
}

/// The `d` attribute of a path.
#[derive(Debug, Default)]
pub(super) struct Path(String);

impl Path {
    pub(super) fn move_to(&mut self, x: f64, y: f64) {
        let _ = write!(self.0, "M{} {}", number(x), number(y));
    }

    pub(super) fn line_to(&mut self, x: f64, y: f64) {
        let _ = write!(self.0, "L{} {}", number(x), number(y));
    }

    pub(super) fn horizontal(&mut self, x: f64) {
        let _ = write!(self.0, "H{}", number(x));
    }

    pub(super) fn vertical(&mut self, y: f64) {
        let _ = write!(self.0, "V{}", number(y));
    }

    pub(super) fn close(&mut self) {
        self.0.push('Z');
    }
}

/// Formats one decimal, omitted if zero.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, 0.25, -0.01, -3.96].map(number), ["1", "0.2", "0", "-4"]);
    }
}
