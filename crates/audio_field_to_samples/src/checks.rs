//! Ranges of parameters.

use http_kit::FieldError;
use media_time::MediaTime;

/// Collects all values out of range, so that one response reports them together.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    /// Checks a number, which must be from `lowest` to `highest`.
    pub fn number(&mut self, pointer: &str, value: f64, lowest: f64, highest: f64) {
        // NaN is outside every range.
        if !(lowest..=highest).contains(&value) {
            self.reject(pointer, format!("is {value:?}; expected {lowest} to {highest}"));
        }
    }

    /// Checks a time, which must be from `lowest_ms` to `highest_ms`.
    pub fn time(&mut self, pointer: &str, value: MediaTime, lowest_ms: i64, highest_ms: i64) {
        self.number(pointer, value.as_millis_f64(), lowest_ms as f64, highest_ms as f64);
    }

    /// Checks a fraction, 0 to 1.
    pub fn fraction(&mut self, pointer: &str, value: f64) {
        self.number(pointer, value, 0.0, 1.0);
    }

    /// Adds an error of the field at `pointer`.
    pub fn reject(&mut self, pointer: &str, detail: String) {
        self.0.push(FieldError { pointer: pointer.to_owned(), detail });
    }

    /// All errors.
    ///
    /// # Errors
    /// The collected errors, unless there are none.
    pub fn finish(self) -> Result<(), Vec<FieldError>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}
