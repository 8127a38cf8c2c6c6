//! The first pass over a recording: extracts the features of all detectors.

use audio_signal::{Control, Progress, Rhythm, SceneRhythmAnalyzer, SignalError};
use media_decode::{AudioFormat, DecodeError, MediaInput};
use media_time::MediaTime;

use crate::bands::{BandLevels, BandMeter};
use crate::envelope::Envelope;
use crate::slice_meter::mix;

/// The features of a recording. While they are extracted, memory grows by about 14 KB per second of audio, regardless of
/// sample rate and channels.
#[derive(Debug)]
pub struct RecordingFeatures {
    /// Sample rate and channel layout.
    pub format: AudioFormat,
    /// Exact length in frames.
    pub frames: u64,
    /// Peak levels per millisecond.
    pub envelope: Envelope,
    /// Onsets and beats of the recording: those of its analysis.
    pub rhythm: Rhythm,
    /// Levels of frequency bands per 10 ms.
    pub bands: BandLevels,
}

/// The features to extract; others stay empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeatureSet {
    /// The envelope and the rhythm.
    pub rhythm: bool,
    /// The bands, with the envelope and the rhythm.
    pub bands: bool,
}

impl FeatureSet {
    /// The features of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self { rhythm: self.rhythm || other.rhythm, bands: self.bands || other.bands }
    }
}

/// Decodes a recording once and extracts its features.
///
/// # Errors
/// Those of [`MediaInput::decoder`] and of decoding; [`DecodeError::Undecodable`] when there are no samples;
/// [`DecodeError::Cancelled`] when `control` cancels; [`SignalError::Model`] when the speech detector cannot be used.
pub fn extract(
    input: &MediaInput,
    wanted: FeatureSet,
    control: &Control<'_>,
) -> Result<RecordingFeatures, SignalError> {
    let mut decoder = input.decoder()?;
    let format = decoder.format().clone();
    let channels = format.channels();
    let expected_duration = decoder.expected_duration();
    let mut envelope = Envelope::new(format.rate, channels);
    let wants_rhythm = wanted.rhythm || wanted.bands;
    let mut rhythm = wants_rhythm.then(|| SceneRhythmAnalyzer::new(&format)).transpose()?;
    let mut bands = wanted.bands.then(|| BandMeter::new(format.rate));
    let (mut frames, mut mono) = (0, Vec::new());
    while let Some(block) = decoder.next_block()? {
        if (control.cancelled)() {
            return Err(DecodeError::Cancelled.into());
        }
        frames += block.frames() as u64;
        let position = MediaTime::from_frames(frames, format.rate);
        (control.progress)(Progress { position, expected_duration });
        let Some(rhythm) = &mut rhythm else { continue };
        envelope.push(block.samples);
        rhythm.push(block.samples);
        if let Some(bands) = &mut bands {
            mix(block.samples, channels, &mut mono);
            bands.push(&mono);
        }
    }
    if frames == 0 {
        return Err(DecodeError::Undecodable("it contains no audio samples".to_owned()).into());
    }
    envelope.finish();
    let duration = MediaTime::from_frames(frames, format.rate);
    let rhythm = rhythm.map(|rhythm| rhythm.finish(duration)).unwrap_or_default();
    let bands = bands.map(BandMeter::finish).unwrap_or_default();
    Ok(RecordingFeatures { format, frames, envelope, rhythm, bands })
}
