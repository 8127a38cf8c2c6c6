//! The second pass: cuts every slice out of one decoding of the recording.
//!
//! A slice holds the decoder's own samples; nothing but its two short fades differs from them. It begins at the zero
//! crossing next before the planned frame. Slices that are open at the same time take turns; what is done of them is
//! handed on in pieces, so that memory depends neither on their length nor on the recording's.

use std::ops::Range;

use bytes::Bytes;
use media_decode::{AudioFormat, DecodeError, MediaInput};

use crate::fade::Fade;
use crate::{wav, zero_crossing};

/// Bytes of a slice that are handed on at a time.
const PIECE: usize = 256 << 10;

/// A slice to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Frames of the recording, not empty, within it.
    pub frames: Range<u64>,
    /// When the beginning moves to a zero crossing, does the end move with it? A loop keeps its length.
    pub keep_length: bool,
    /// Frames to fade in and out.
    pub fades: [u64; 2],
}

/// A slice that was cut.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Frames of the recording, exactly.
    pub frames: Range<u64>,
    /// Frames at its beginning and end that differ from the recording.
    pub fades: [u64; 2],
    /// Mean square of its samples over all channels, before the fades (full scale 1).
    pub mean_square: f64,
}

/// Some bytes of the WAV file of a slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which of the cuts.
    pub cut: usize,
    /// Behind those before.
    pub bytes: Bytes,
    /// Nothing follows.
    pub last: bool,
}

/// Why the slices were not cut.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The recording cannot be decoded, or the caller asked to stop.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It is not the one that the cuts were planned for.
    #[error("the recording ended before the last slice did: it changed while it was read")]
    Changed,
    /// Nobody takes the pieces.
    #[error("nobody takes the slices")]
    Abandoned,
}

/// Decodes a recording once and cuts all of `cuts`, in any order, with any overlap; what is found of each is in the
/// order of `cuts`. `take` gets the pieces, and says whether it takes more.
///
/// # Errors
/// See [`CutError`].
pub fn cut(
    input: &MediaInput,
    cuts: &[Cut],
    cancelled: &dyn Fn() -> bool,
    take: &mut dyn FnMut(Piece) -> bool,
) -> Result<Vec<Slice>, CutError> {
    let mut decoder = input.decoder()?;
    let mut cutter = Cutter::new(decoder.format().clone(), cuts);
    while !cutter.is_done() {
        if cancelled() {
            return Err(DecodeError::Cancelled.into());
        }
        let block = decoder.next_block()?.ok_or(CutError::Changed)?;
        cutter.push(block.samples, take)?;
    }
    Ok(cutter.slices.into_iter().flatten().collect())
}

struct Cutter<'a> {
    format: AudioFormat,
    cuts: &'a [Cut],
    /// Indices into `cuts`, by their beginning.
    order: Vec<usize>,
    /// The next of them to open.
    next: usize,
    open: Vec<Open>,
    slices: Vec<Option<Slice>>,
    /// How far back a zero crossing is looked for, frames.
    reach: usize,
    /// The last `reach` frames and those that came now.
    recent: Vec<f32>,
    /// Position of the first frame of `recent`.
    start: u64,
}

/// A slice on its way.
struct Open {
    cut: usize,
    frames: Range<u64>,
    /// Position of the next frame it wants.
    at: u64,
    fade: Fade,
    square_sum: f64,
    bytes: Vec<u8>,
}

impl<'a> Cutter<'a> {
    fn new(format: AudioFormat, cuts: &'a [Cut]) -> Self {
        let mut order: Vec<usize> = (0..cuts.len()).collect();
        order.sort_by_key(|index| cuts[*index].frames.start);
        let reach = zero_crossing::reach(format.rate);
        let slices = vec![None; cuts.len()];
        Self { format, cuts, order, next: 0, open: Vec::new(), slices, reach, recent: Vec::new(), start: 0 }
    }

    fn is_done(&self) -> bool {
        self.next == self.order.len() && self.open.is_empty()
    }

    fn push(&mut self, samples: &[f32], take: &mut dyn FnMut(Piece) -> bool) -> Result<(), CutError> {
        let channels = self.format.channels();
        let known = self.recent.len() / channels;
        let obsolete = known.saturating_sub(self.reach);
        self.recent.drain(..obsolete * channels);
        self.start += obsolete as u64;
        self.recent.extend_from_slice(samples);
        let end = self.start + (self.recent.len() / channels) as u64;

        while let Some(cut) =
            self.order.get(self.next).copied().filter(|cut| self.cuts[*cut].frames.start < end)
        {
            self.next += 1;
            self.begin(cut);
        }
        for open in &mut self.open {
            let to = end.min(open.frames.end);
            // Both lie within `recent`: a slice begins at most `reach` frames back, and goes on where it stopped.
            let range = (open.at - self.start) as usize * channels..(to - self.start) as usize * channels;
            open.append(&self.recent[range], channels);
            open.at = to;
            let last = open.at == open.frames.end;
            if last || open.bytes.len() >= PIECE {
                let bytes = std::mem::take(&mut open.bytes).into();
                if !take(Piece { cut: open.cut, bytes, last }) {
                    return Err(CutError::Abandoned);
                }
            }
        }
        let slices = &mut self.slices;
        self.open.retain(|open| {
            let more = open.at < open.frames.end;
            if !more {
                slices[open.cut] = Some(open.slice(channels));
            }
            more
        });
        Ok(())
    }

    fn begin(&mut self, index: usize) {
        let cut = &self.cuts[index];
        let channels = self.format.channels();
        // Within `recent`, which reaches beyond it.
        let planned = (cut.frames.start - self.start) as usize;
        let first = planned.saturating_sub(self.reach);
        let seen = &self.recent[first * channels..(planned + 1) * channels];
        let start =
            self.start + (first + zero_crossing::last(seen, channels).unwrap_or(planned - first)) as u64;
        let moved = cut.frames.start - start;
        let frames = start..cut.frames.end - if cut.keep_length { moved } else { 0 };
        let length = frames.end - frames.start;
        self.open.push(Open {
            cut: index,
            at: start,
            fade: Fade::new(cut.fades, length),
            square_sum: 0.0,
            bytes: wav::header(&self.format, length),
            frames,
        });
    }
}

impl Open {
    fn append(&mut self, samples: &[f32], channels: usize) {
        let first = self.at - self.frames.start;
        for (position, frame) in (first..).zip(samples.chunks_exact(channels)) {
            let gain = self.fade.gain(position);
            for sample in frame {
                self.square_sum += f64::from(*sample) * f64::from(*sample);
                let faded = gain.map_or(*sample, |gain| gain * sample);
                self.bytes.extend_from_slice(&faded.to_le_bytes());
            }
        }
    }

    fn slice(&self, channels: usize) -> Slice {
        let samples = (self.frames.end - self.frames.start) as f64 * channels as f64;
        Slice {
            frames: self.frames.clone(),
            fades: self.fade.frames(),
            mean_square: self.square_sum / samples,
        }
    }
}
