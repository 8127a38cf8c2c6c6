//! An audio track, as its container declares it.

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known as codecs;
use symphonia::core::formats::Track;
use symphonia::core::units::{TimeBase, Timestamp};

/// What the container declares about an audio track.
#[derive(Clone, Debug)]
pub(crate) struct AudioTrack {
    pub(crate) id: u32,
    pub(crate) params: AudioCodecParameters,
    pub(crate) time_base: Option<TimeBase>,
    /// Samples that the encoder appended after the audio, if the container declares them.
    pub(crate) padding: Option<u32>,
    /// Number of samples without the encoder's delay and padding.
    pub(crate) samples: Option<u64>,
    /// Whether the parameters differ from those that symphonia reads.
    pub(crate) is_repaired: bool,
}

impl AudioTrack {
    pub(super) fn from_track(track: &Track) -> Option<Self> {
        let Some(CodecParameters::Audio(params)) = &track.codec_params else {
            return None;
        };
        let (mut params, mut is_repaired) = (params.clone(), false);
        if params.codec == codecs::CODEC_ID_OPUS {
            is_repaired = params.sample_rate.is_some_and(|rate| rate != 48_000);
            // Opus is decoded at 48 kHz; the header may declare the rate of the encoder's input (RFC 7845 §5.1).
            params.sample_rate = Some(48_000);
        }
        Some(Self {
            id: track.id,
            params,
            time_base: track.time_base,
            padding: track.padding,
            samples: track.num_frames,
            is_repaired,
        })
    }

    /// A timestamp of the container as a position in samples of `rate` Hz.
    pub(crate) fn to_samples(&self, time: Timestamp, rate: u32) -> i64 {
        self.time_base.map_or(time.get(), |base| scale(time.get(), base, rate))
    }
}

/// `ticks` of `base` in samples of `rate` Hz, rounded to the nearest.
fn scale(ticks: i64, base: TimeBase, rate: u32) -> i64 {
    let numerator = i128::from(ticks) * i128::from(base.numer.get()) * i128::from(rate);
    let denominator = i128::from(base.denom.get());
    let rounded = (2 * numerator + denominator).div_euclid(2 * denominator);
    // Half the range, so that differences of positions cannot overflow.
    rounded.clamp(i128::from(i64::MIN / 2), i128::from(i64::MAX / 2)) as i64
}
