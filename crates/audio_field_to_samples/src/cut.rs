//! The second pass: cuts all slices from one decoding of the recording.
//!
//! A slice consists of the decoder's own samples; only its two short fades differ from them. It starts at the last
//! zero crossing before the planned frame. Overlapping slices are written in parallel and passed on in pieces, so that
//! memory depends neither on their length nor on the recording's.

use std::ops::Range;

use audio_signal::{Control, Progress};
use bytes::Bytes;
use media_decode::{AudioFormat, DecodeError, MediaInput};
use media_time::MediaTime;

use crate::fade::Fade;
use crate::slice_label::SliceLabel;
use crate::slice_meter::{SliceMeasure, SliceMeter, SliceTraits};
use crate::zero_crossing;

/// Size in bytes from which the bytes of a slice are passed on as a [`Piece`].
const PIECE: usize = 256 << 10;

/// A slice to cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Range of frames in the recording; not empty, within it.
    pub frames: Range<u64>,
    /// Whether the end moves with the start when the start moves to a zero crossing: loops keep their length.
    pub keep_length: bool,
    /// Lengths of the fade-in and the fade-out, in frames.
    pub fades: [u64; 2],
    /// Origin and role, which the file's header records.
    pub label: SliceLabel,
    /// What to measure.
    pub measure: SliceMeasure,
}

/// The result of a [`Cut`].
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Exact range of frames in the recording.
    pub frames: Range<u64>,
    /// Frames at the start and the end that the fades change.
    pub fades: [u64; 2],
    /// Mean square of the samples over all channels, before the fades (full scale 1).
    pub mean_square: f64,
    /// The measured properties.
    pub traits: SliceTraits,
}

/// A chunk of the WAV file of a slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Index of the slice in the list of cuts.
    pub cut: usize,
    /// The next bytes of the file.
    pub bytes: Bytes,
    /// Whether this is the file's last piece.
    pub last: bool,
}

/// Why slices cannot be cut.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The recording cannot be decoded, or the caller cancelled the work.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The recording is shorter than the cuts were planned for.
    #[error("the recording ended before the last slice; it changed while it was read")]
    Changed,
    /// The receiver of the pieces is gone.
    #[error("the receiver of the slices was closed")]
    Abandoned,
}

/// Decodes a recording once and cuts all of `cuts`, in any order, with any overlap. The slices are returned in the
/// order of `cuts`. `take` receives the pieces; it returns `false` to stop. The progress is that to the end of the last
/// slice.
///
/// # Errors
/// See [`CutError`].
pub fn cut(
    input: &MediaInput,
    cuts: &[Cut],
    control: &Control<'_>,
    take: &mut dyn FnMut(Piece) -> bool,
) -> Result<Vec<Slice>, CutError> {
    let mut decoder = input.decoder()?;
    let mut cutter = Cutter::new(decoder.format().clone(), cuts);
    let end = cuts.iter().map(|cut| cut.frames.end).max();
    let expected_duration = end.map(|end| MediaTime::from_frames(end, decoder.format().rate));
    while !cutter.is_done() {
        if (control.cancelled)() {
            return Err(DecodeError::Cancelled.into());
        }
        let block = decoder.next_block()?.ok_or(CutError::Changed)?;
        cutter.push(block.samples, take)?;
        (control.progress)(Progress { position: decoder.position(), expected_duration });
    }
    Ok(cutter.slices.into_iter().flatten().collect())
}

struct Cutter<'a> {
    format: AudioFormat,
    cuts: &'a [Cut],
    /// Indices into `cuts`, ordered by start.
    order: Vec<usize>,
    /// Index into `order` of the next slice to open.
    next: usize,
    open: Vec<Open>,
    slices: Vec<Option<Slice>>,
    /// Maximum distance to a zero crossing before the planned start, in frames.
    reach: usize,
    /// Samples of the previous `reach` frames and of the current block.
    recent: Vec<f32>,
    /// Frame number of the first frame in `recent`.
    start: u64,
}

/// A slice being written.
struct Open {
    cut: usize,
    frames: Range<u64>,
    /// Frame number of the next frame to append.
    at: u64,
    fade: Fade,
    square_sum: f64,
    bytes: Vec<u8>,
    meter: SliceMeter,
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
            // Both are within `recent`: a slice starts at most `reach` frames back and continues without gaps.
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
        for done in self.open.extract_if(.., |open| open.at == open.frames.end) {
            let cut = done.cut;
            self.slices[cut] = Some(done.slice(channels));
        }
        Ok(())
    }

    fn begin(&mut self, index: usize) {
        let cut = &self.cuts[index];
        let channels = self.format.channels();
        // Within `recent`, which extends beyond the planned frame.
        let planned = (cut.frames.start - self.start) as usize;
        let first = planned.saturating_sub(self.reach);
        let preceding = &self.recent[first * channels..(planned + 1) * channels];
        let start =
            self.start + (first + zero_crossing::last(preceding, channels).unwrap_or(planned - first)) as u64;
        let moved = cut.frames.start - start;
        let frames = start..cut.frames.end - if cut.keep_length { moved } else { 0 };
        let length = frames.end - frames.start;
        self.open.push(Open {
            cut: index,
            at: start,
            fade: Fade::new(cut.fades, length),
            square_sum: 0.0,
            bytes: cut.label.header(&self.format, &frames),
            meter: SliceMeter::new(&cut.measure, self.format.rate),
            frames,
        });
    }
}

impl Open {
    fn append(&mut self, samples: &[f32], channels: usize) {
        let first = self.at - self.frames.start;
        self.meter.push(self.at, samples, channels);
        for (position, frame) in (first..).zip(samples.chunks_exact(channels)) {
            let gain = self.fade.gain(position);
            for sample in frame {
                self.square_sum += f64::from(*sample) * f64::from(*sample);
                let faded = gain.map_or(*sample, |gain| gain * sample);
                self.bytes.extend_from_slice(&faded.to_le_bytes());
            }
        }
    }

    fn slice(self, channels: usize) -> Slice {
        let samples = (self.frames.end - self.frames.start) as f64 * channels as f64;
        Slice {
            fades: self.fade.frames(),
            frames: self.frames,
            mean_square: self.square_sum / samples,
            traits: self.meter.finish(),
        }
    }
}
