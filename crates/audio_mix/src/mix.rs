//! Adds placed clips to one sound.

use std::io;
use std::ops::Range;

use audio_signal::TruePeakMeter;
use media_decode::DecodeError;
use media_time::MediaTime;

use crate::{CHANNELS, ClipStore, MixError, RATE, gain_to_ceiling};

/// Frames that are mixed at once.
const BLOCK: u64 = 4_096;

/// A clip of a [`ClipStore`] placed in a mix. Positions and lengths are frames at [`RATE`](crate::RATE).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlacedClip {
    /// Index of the source in the store.
    pub source: usize,
    /// First frame in the source.
    pub source_start: u64,
    /// First frame in the mix.
    pub start: u64,
    /// Number of frames.
    pub frames: u64,
    /// Factor of the samples.
    pub gain: f32,
}

impl PlacedClip {
    /// First frame after the clip, in the mix.
    const fn end(&self) -> u64 {
        self.start + self.frames
    }

    /// The frames of the source that it plays.
    #[must_use]
    pub const fn source_frames(&self) -> Range<u64> {
        self.source_start..self.source_start + self.frames
    }
}

/// The frames of each of `sources` sources that `clips` play.
#[must_use]
pub fn windows(clips: &[PlacedClip], sources: usize) -> Vec<Vec<Range<u64>>> {
    let mut windows = vec![Vec::new(); sources];
    for clip in clips {
        windows[clip.source].push(clip.source_frames());
    }
    windows
}

/// The frame nearest to an instant, not below 0.
#[must_use]
pub fn frame_at(time: MediaTime) -> u64 {
    u64::try_from(time.to_samples(RATE)).unwrap_or(0)
}

/// The factor of a gain in dB.
#[must_use]
pub fn gain_factor(gain_db: f64) -> f32 {
    10_f64.powf(gain_db / 20.0) as f32
}

/// Writes a mix as interleaved 32-bit floats, little endian, and returns the gain in dB that keeps its true peak below the
/// ceiling, 0 or less.
///
/// # Errors
/// [`MixError::Io`] of the store or of `out`; [`MixError::Decode`] when cancelled.
pub fn write_mix(
    store: &ClipStore,
    clips: &[PlacedClip],
    frames: u64,
    progress: &MixProgress<'_>,
    out: &mut impl io::Write,
) -> Result<f64, MixError> {
    let mut meter = TruePeakMeter::new(CHANNELS);
    mix(store, clips, frames, progress, &mut |samples| {
        meter.push(samples);
        write_samples(out, samples, 1.0)
    })?;
    out.flush()?;
    Ok(gain_to_ceiling(meter.finish()))
}

/// Writes samples times `gain` as 32-bit floats, little endian.
pub(crate) fn write_samples(out: &mut impl io::Write, samples: &[f32], gain: f32) -> io::Result<()> {
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| (gain * sample).to_le_bytes()).collect();
    out.write_all(&bytes)
}

/// Callbacks of a mix.
pub struct MixProgress<'a> {
    /// Told the number of frames so far.
    pub done: &'a dyn Fn(u64),
    /// Whether the caller gave up.
    pub cancelled: &'a dyn Fn() -> bool,
}

/// Adds `clips`, in the order of their starts and then of the list, to a mix of `frames` frames, and passes it to `write`
/// in pieces of interleaved stereo.
///
/// # Errors
/// [`MixError::Io`] of the store or of `write`; [`MixError::Decode`] when cancelled.
pub(crate) fn mix(
    store: &ClipStore,
    clips: &[PlacedClip],
    frames: u64,
    progress: &MixProgress<'_>,
    write: &mut dyn FnMut(&[f32]) -> io::Result<()>,
) -> Result<(), MixError> {
    let mut order: Vec<&PlacedClip> = clips.iter().collect();
    // Stable, so that the order of additions, and with it the rounding, is that of the list.
    order.sort_by_key(|clip| clip.start);
    let mut waiting = order.into_iter().peekable();
    let mut playing: Vec<&PlacedClip> = Vec::new();
    let (mut sum, mut part) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < frames {
        if (progress.cancelled)() {
            return Err(DecodeError::Cancelled.into());
        }
        let end = (at + BLOCK).min(frames);
        playing.retain(|clip| clip.end() > at);
        while let Some(clip) = waiting.next_if(|clip| clip.start < end) {
            playing.push(clip);
        }
        sum.clear();
        sum.resize((end - at) as usize * CHANNELS, 0.0);
        for clip in &playing {
            let (from, to) = (clip.start.max(at), clip.end().min(end));
            part.resize((to.saturating_sub(from)) as usize * CHANNELS, 0.0);
            store.read(clip.source, clip.source_start + (from - clip.start), &mut part)?;
            let out = &mut sum[(from - at) as usize * CHANNELS..];
            for (out, sample) in out.iter_mut().zip(&part) {
                *out += clip.gain * sample;
            }
        }
        write(&sum)?;
        at = end;
        (progress.done)(at);
    }
    Ok(())
}
