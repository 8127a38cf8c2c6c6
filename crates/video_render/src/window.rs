//! Windows that can be rendered.

use media_time::{Instant, Window};

use crate::Error;

/// Checks that a window is not empty and does not start before zero.
pub(crate) fn check_window<T: Instant>(window: Window<T>) -> Result<(), Error> {
    if window.is_empty() || window.start().since_zero().is_negative() {
        return Err(Error::InvalidWindow {
            start: window.start().since_zero(),
            end: window.end().since_zero(),
        });
    }
    Ok(())
}
