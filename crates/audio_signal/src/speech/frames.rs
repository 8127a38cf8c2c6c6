//! Times of speech detector frames.

use std::ops::Range;

use media_time::{MediaTime, Window};

/// Sample rate of the detector's input, in Hz.
pub const SPEECH_RATE: u32 = 16_000;
/// Number of samples per probability: 32 ms.
pub const SPEECH_FRAME: usize = 512;

/// The window of a range of speech detector frames, truncated at `duration`.
pub(crate) fn window_of(frames: Range<usize>, duration: MediaTime) -> Option<Window> {
    let time = |frame: usize| {
        let samples = i64::try_from(frame * SPEECH_FRAME).unwrap_or(i64::MAX);
        MediaTime::from_samples(samples, SPEECH_RATE).min(duration)
    };
    Window::new(time(frames.start), time(frames.end)).ok().filter(|window| !window.is_empty())
}
