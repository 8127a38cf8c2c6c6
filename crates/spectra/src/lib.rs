//! Power spectra of windowed samples, and the vectorised loops they are made of: the same bits on every processor.
//!
//! Of `audio_signal` and `audio_fingerprint`, which share spectra when both look at one recording.

mod power;
pub mod simd;

pub use power::PowerSpectra;
