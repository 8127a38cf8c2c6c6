//! Windows that can be rendered.

use media_time::Window;

use crate::Error;

/// Checks that a window is not empty and does not start before zero.
pub(crate) fn check_window(window: Window) -> Result<(), Error> {
    if window.is_empty() || window.start().is_negative() {
        return Err(Error::InvalidWindow { start: window.start(), end: window.end() });
    }
    Ok(())
}
