//! Sort keys of the listings of samples in keyset cursors.

use chrono::{DateTime, Utc};
use primitives::CursorPart;

/// The value by which a listing is ordered. The first letter of its text names the order, so that a cursor of another
/// order is rejected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SampleKey {
    Newest(DateTime<Utc>),
    Score(f64),
    Bpm(f64),
    /// In µs.
    Duration(i64),
    Distance(f64),
    /// In Hz.
    Brightness(f64),
    Energy(f64),
}

impl CursorPart for SampleKey {
    fn to_text(&self) -> String {
        // Floats by their bits: a page continues at exactly the value of the last row.
        let float = |name: char, value: f64| format!("{name}{:016x}", value.to_bits());
        match self {
            Self::Newest(time) => format!("n{}", time.to_text()),
            Self::Score(score) => float('s', *score),
            Self::Bpm(bpm) => float('b', *bpm),
            Self::Duration(micros) => format!("d{micros}"),
            Self::Distance(distance) => float('x', *distance),
            Self::Brightness(hz) => float('h', *hz),
            Self::Energy(energy) => float('e', *energy),
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        let name = text.chars().next().filter(char::is_ascii)?;
        let value = &text[1..];
        let float = || {
            let float = f64::from_bits(u64::from_str_radix(value, 16).ok()?);
            (!float.is_nan()).then_some(float)
        };
        match name {
            'n' => DateTime::from_text(value).map(Self::Newest),
            's' => float().map(Self::Score),
            'b' => float().map(Self::Bpm),
            'd' => value.parse().ok().map(Self::Duration),
            'x' => float().map(Self::Distance),
            'h' => float().map(Self::Brightness),
            'e' => float().map(Self::Energy),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use primitives::KeysetCursor;

    use super::*;

    type Cursor = KeysetCursor<SampleKey>;

    #[test]
    fn sample_cursor_keeps_its_text_and_rejects_other_text() {
        let time = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        for (key, text) in [
            (SampleKey::Newest(time), "n1700000000123456"),
            (SampleKey::Score(0.5), "s3fe0000000000000"),
            (SampleKey::Bpm(120.1), "b405e066666666666"),
            (SampleKey::Duration(-7), "d-7"),
            (SampleKey::Distance(0.0), "x0000000000000000"),
            (SampleKey::Brightness(120.1), "h405e066666666666"),
            (SampleKey::Energy(0.5), "e3fe0000000000000"),
        ] {
            assert_eq!(key.to_text(), text);
            let cursor = Cursor { key, id: "artifact_1".parse().unwrap() };
            assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
        }
        for bad in ["", "n", "s", "sx", "s7ff8000000000000", "q1", "é1", "d1.5"] {
            assert_eq!(SampleKey::from_text(bad), None, "{bad}");
        }
    }
}
