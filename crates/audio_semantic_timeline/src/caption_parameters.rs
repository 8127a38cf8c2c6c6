use interchange::captions::CaptionLimits;

/// Requested limits of captions; those that are absent have their defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CaptionParameters {
    /// Characters of a line, 8 to 200.
    pub max_chars: Option<u16>,
    /// Lines of a caption, 1 to 6.
    pub max_lines: Option<u16>,
    /// Words of a caption, 1 to 80; unlimited by default.
    pub max_words: Option<u16>,
    /// Characters a second, 5 to 100.
    pub max_cps: Option<f64>,
    /// Minimum duration of a caption in ms, 0 to 7 000.
    pub min_duration_ms: Option<u16>,
    /// Minimum pause that ends a caption in ms, 100 to 60 000.
    pub max_gap_ms: Option<u16>,
}

/// A limit of captions outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{name}: is {value}; expected {least} to {most}")]
pub struct OutOfRange {
    /// Name of the parameter.
    pub name: &'static str,
    value: f64,
    least: f64,
    most: f64,
}

impl OutOfRange {
    /// The message without the name.
    #[must_use]
    pub fn detail(&self) -> String {
        format!("is {}; expected {} to {}", self.value, self.least, self.most)
    }
}

impl CaptionParameters {
    /// The limits, with defaults.
    ///
    /// # Errors
    /// [`OutOfRange`] for the first one outside its range.
    pub fn limits(self) -> Result<CaptionLimits, OutOfRange> {
        let usual = CaptionLimits::DEFAULT;
        let count = |name, given: Option<u16>, least, most| {
            within(name, given.map(f64::from), f64::from(least), f64::from(most))
                .map(|()| given.map(usize::from))
        };
        within("max_cps", self.max_cps, 5.0, 100.0)?;
        within("min_duration_ms", self.min_duration_ms.map(f64::from), 0.0, 7_000.0)?;
        within("max_gap_ms", self.max_gap_ms.map(f64::from), 100.0, 60_000.0)?;
        Ok(CaptionLimits {
            max_chars: count("max_chars", self.max_chars, 8, 200)?.unwrap_or(usual.max_chars),
            max_lines: count("max_lines", self.max_lines, 1, 6)?.unwrap_or(usual.max_lines),
            max_words: count("max_words", self.max_words, 1, 80)?,
            max_cps: self.max_cps.unwrap_or(usual.max_cps),
            min_duration_ms: self.min_duration_ms.map_or(usual.min_duration_ms, i64::from),
            max_gap_ms: self.max_gap_ms.map_or(usual.max_gap_ms, i64::from),
        })
    }
}

fn within(name: &'static str, value: Option<f64>, least: f64, most: f64) -> Result<(), OutOfRange> {
    match value {
        // NaN is outside every range.
        Some(value) if !(least..=most).contains(&value) => Err(OutOfRange { name, value, least, most }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_outside_their_ranges_are_refused_by_name() {
        assert_eq!(CaptionParameters::default().limits(), Ok(CaptionLimits::DEFAULT));
        let short = CaptionParameters { max_chars: Some(20), ..CaptionParameters::default() };
        assert_eq!(short.limits(), Ok(CaptionLimits { max_chars: 20, ..CaptionLimits::DEFAULT }));
        for (name, parameters) in [
            ("max_chars", CaptionParameters { max_chars: Some(7), ..CaptionParameters::default() }),
            ("max_cps", CaptionParameters { max_cps: Some(f64::NAN), ..CaptionParameters::default() }),
            ("max_gap_ms", CaptionParameters { max_gap_ms: Some(60_001), ..CaptionParameters::default() }),
        ] {
            assert_eq!(parameters.limits().unwrap_err().name, name);
        }
    }
}
