//! Progress where standard error is not a terminal: one line per 10 %.

use std::io::{IsTerminal as _, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Minimum duration of work before lines are printed.
const SHORT: Duration = Duration::from_secs(2);

/// Prints a line for each 10 % that is reached.
#[derive(Debug)]
pub(crate) struct ProgressLines {
    label: String,
    began: Instant,
    tenths: AtomicU64,
}

impl ProgressLines {
    /// Lines with this label; `None` on a terminal, which has a progress bar.
    pub(crate) fn unless_terminal(label: &str) -> Option<Self> {
        (!stderr().is_terminal()).then(|| Self::new(label))
    }

    fn new(label: &str) -> Self {
        Self { label: label.to_owned(), began: Instant::now(), tenths: AtomicU64::new(0) }
    }

    /// Sets the progress to `position` of `length`, in any unit. A length of 0 is unknown.
    pub(crate) fn set(&self, position: u64, length: u64) {
        if self.began.elapsed() >= SHORT
            && let Some(tenths) = self.reached(position, length)
        {
            #[expect(clippy::print_stderr, reason = "the command line's progress")]
            {
                eprintln!("{}: {}0 %", self.label, tenths);
            }
        }
    }

    /// The number of completed tenths, once for each.
    fn reached(&self, position: u64, length: u64) -> Option<u64> {
        let tenths = position.min(length).saturating_mul(10).checked_div(length)?;
        (self.tenths.fetch_max(tenths, Ordering::Relaxed) < tenths).then_some(tenths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tenth_is_reached_once() {
        let lines = ProgressLines::new("a");
        let reached: Vec<u64> = (0..=200).filter_map(|position| lines.reached(position, 200)).collect();
        assert_eq!(reached, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(lines.reached(300, 200), None);
        assert_eq!(ProgressLines::new("b").reached(5, 0), None, "of unknown length");
    }
}
