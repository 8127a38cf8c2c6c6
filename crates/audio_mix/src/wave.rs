//! A mix as a WAVE file.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::ops::Range;

use interchange::wave::{FloatFormat, header};
use media_decode::MediaInput;
use media_time::MediaTime;
use primitives::Id;

use crate::clip_store::FRAME_BYTES;
use crate::mix::write_samples;
use crate::{CHANNELS, ClipStore, Error, MixError, MixProgress, PlacedClip, RATE, gain_factor, write_mix};

const STEREO: FloatFormat = FloatFormat { channels: CHANNELS as u16, rate: RATE, speaker_mask: 0b11 };

/// Shares of decoding the samples and of mixing them; then the file is written.
const DECODING: f64 = 0.5;
const MIXING: f64 = 0.4;

/// A written file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WrittenMix {
    pub(crate) duration: MediaTime,
    /// Gain in dB by which the mix was lowered to the ceiling, 0 or less.
    pub(crate) gain_db: f64,
}

/// Mixes `clips` of `samples`, each with the windows that are used, into the last of `files`; the others hold the
/// samples and the mix before its level is known. `done` receives the stage and the completed fraction.
pub(crate) fn write_wave(
    files: [File; 3],
    samples: impl ExactSizeIterator<Item = ((Id, MediaInput), Vec<Range<u64>>)>,
    clips: &[PlacedClip],
    frames: u64,
    done: &dyn Fn(&'static str, f64),
    cancelled: &dyn Fn() -> bool,
) -> Result<WrittenMix, Error> {
    let [clip_file, mix_file, out] = files;
    let mut store = ClipStore::new(clip_file);
    let count = samples.len() as f64;
    for (index, ((artifact_id, input), windows)) in samples.enumerate() {
        let added = store.add(&input, windows, cancelled);
        added.map_err(|source| Error::Sample { artifact_id, source })?;
        done("decoding", DECODING * (index + 1) as f64 / count);
    }
    let mixed = |position: u64| done("mixing", DECODING + MIXING * position as f64 / frames.max(1) as f64);
    let progress = MixProgress { done: &mixed, cancelled };
    let gain_db = write_mix(&store, clips, frames, &progress, &mut BufWriter::new(&mix_file))?;
    write_file(mix_file, out, frames, gain_db).map_err(MixError::from)?;
    let duration = MediaTime::from_frames(frames, RATE);
    Ok(WrittenMix { duration, gain_db })
}

/// Writes the header and the samples of `mix` with their gain.
fn write_file(mut mix: File, out: File, frames: u64, gain_db: f64) -> io::Result<()> {
    let gain = gain_factor(gain_db);
    mix.rewind()?;
    let (mut mix, mut out) = (BufReader::new(mix), BufWriter::new(out));
    out.write_all(&header(&STEREO, frames, &[]))?;
    let mut bytes = vec![0; 4_096 * FRAME_BYTES as usize];
    let mut left = frames * FRAME_BYTES;
    while left > 0 {
        let count = left.min(bytes.len() as u64) as usize;
        mix.read_exact(&mut bytes[..count])?;
        let samples: Vec<f32> =
            bytes[..count].as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        write_samples(&mut out, &samples, gain)?;
        left -= count as u64;
    }
    out.flush()
}
