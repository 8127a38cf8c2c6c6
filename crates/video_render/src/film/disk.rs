//! Whether the disk has room for a film and its intermediate files.

use media_time::MediaTime;

use crate::Error;
use crate::film::Film;
use crate::film::sound::scratch_frames;
use crate::profile::{AudioCodec, Profile, SAMPLE_RATE, VideoCodec};

/// Bit rate of ProRes 422 HQ in bits per pixel and frame, from Apple's table (707 Mb/s at 3840 × 2160 and 24 fps).
const PRORES_BITS_PER_PIXEL: f64 = 3.7;
/// Frames a second for which the table's rate is taken, when the rate is lower.
const MIN_FPS: f64 = 24.0;

/// Number of bytes that `film` may need in the staging directory: its sounds, its pieces, and the joined file.
pub(crate) fn needed_bytes(film: &Film, profile: &Profile) -> u64 {
    let length = film.composition.window.duration();
    let sound = scratch_frames(&film.sounds, length).saturating_mul(audio_mix::CHANNELS as u64 * 4);
    let video = match profile.video {
        VideoCodec::H264 { max_kbps, .. } => bytes(f64::from(max_kbps) * 1_000.0, length),
        VideoCodec::ProRes => {
            let pixels = f64::from(profile.width) * f64::from(profile.height);
            bytes(PRORES_BITS_PER_PIXEL * pixels * film.composition.rate.as_f64().max(MIN_FPS), length)
        }
    };
    let audio = match profile.audio {
        AudioCodec::Aac { kbps } => bytes(f64::from(kbps) * 1_000.0, length),
        AudioCodec::Pcm24 => bytes(f64::from(SAMPLE_RATE) * 48.0, length),
    };
    sound.saturating_add(2 * video).saturating_add(audio)
}

fn bytes(bits_per_second: f64, length: MediaTime) -> u64 {
    (bits_per_second / 8.0 * length.as_secs_f64()).ceil() as u64
}

/// Fails if less than `needed` bytes are `free`.
///
/// # Errors
/// [`Error::NoRoom`].
pub(crate) const fn check(needed_bytes: u64, free_bytes: u64) -> Result<(), Error> {
    if needed_bytes > free_bytes { Err(Error::NoRoom { needed_bytes, free_bytes }) } else { Ok(()) }
}
