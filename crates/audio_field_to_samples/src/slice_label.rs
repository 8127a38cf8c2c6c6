//! The header of a slice's file, with chunks that record where in the recording the slice begins.

use std::ops::Range;

use interchange::wave::{self, Cue, FloatFormat, Loop, WaveOrigin};
use media_decode::AudioFormat;
use media_time::MediaTime;
use primitives::Id;

/// Beats of a bar of every loop.
pub(crate) const BEATS_PER_BAR: u16 = 4;
/// Maximum length of `OriginatorReference` in `bext`, in characters.
const MAX_REFERENCE: usize = 32;

/// What the header of a slice states besides its range of frames, which is known when cutting begins. It depends on the
/// request and the recording only: equal requests make equal files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceLabel {
    /// The asset of the recording.
    pub asset_id: Id,
    /// Index among the audio streams of the recording; `None` for the container's default stream.
    pub audio_stream: Option<u32>,
    /// Role of the slice: `hit`, `loop` or `phrase`.
    pub role: &'static str,
    /// Label of the cue point at the first frame.
    pub text: String,
    /// Length of a loop in beats; `None` for slices that are not repeated.
    pub beats: Option<u32>,
}

impl SliceLabel {
    /// The header of the file of a slice: everything before its samples. `frames` is its range in the recording.
    pub(crate) fn header(&self, format: &AudioFormat, frames: &Range<u64>) -> Vec<u8> {
        // A decoder has at most 32 channels.
        let channels = u16::try_from(format.channels()).unwrap_or(u16::MAX);
        let float = FloatFormat { channels, rate: format.rate, speaker_mask: format.speaker_mask() };
        wave::header(&float, frames.end - frames.start, &wave::chunks(&self.origin(format.rate, frames)))
    }

    fn origin(&self, rate: u32, frames: &Range<u64>) -> WaveOrigin {
        let length = frames.end - frames.start;
        let [start_ms, end_ms] = [frames.start, frames.end]
            .map(|frame| format!("{:.3}", MediaTime::from_frames(frame, rate).as_millis_f64()));
        let (asset, role) = (self.asset_id.as_str(), self.role);
        let stream = self.audio_stream.map(|stream| format!("-stream{stream}")).unwrap_or_default();
        let mut properties = vec![
            ("ASSET_ID", asset.to_owned()),
            ("KIND", role.to_owned()),
            ("START_MS", start_ms.clone()),
            ("END_MS", end_ms.clone()),
            ("START_FRAME", frames.start.to_string()),
            ("FRAMES", length.to_string()),
        ];
        properties.extend(self.audio_stream.map(|stream| ("AUDIO_STREAM", stream.to_string())));
        WaveOrigin {
            description: format!("{role} of {asset}, {start_ms} to {end_ms} ms"),
            originator: "harkback".to_owned(),
            reference: reference(asset).to_owned(),
            family: asset.to_owned(),
            file: format!("{asset}{stream}-{role}-{}-{length}", frames.start),
            sample_rate: rate,
            first_sample: frames.start,
            properties,
            cues: vec![Cue { frame: 0, label: self.text.clone() }],
            looped: self.beats.map(|beats| Loop {
                frames: u32::try_from(length).unwrap_or(u32::MAX),
                beats,
                beats_per_bar: BEATS_PER_BAR,
                // Of the exact length, so that `beats` at this tempo are the length of the file.
                bpm: (60.0 * f64::from(beats) * f64::from(rate) / length.max(1) as f64) as f32,
            }),
        }
    }
}

/// The end of an asset's id that fits `OriginatorReference`: all hexadecimal digits of a generated id.
fn reference(asset_id: &str) -> &str {
    asset_id.get(asset_id.len().saturating_sub(MAX_REFERENCE)..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(asset_id: &str) -> SliceLabel {
        SliceLabel {
            asset_id: asset_id.parse().unwrap(),
            audio_stream: None,
            role: "loop",
            text: "loop".to_owned(),
            beats: Some(8),
        }
    }

    #[test]
    fn references_are_the_digits_of_generated_ids() {
        let id = Id::generate("asset");
        let short = reference(id.as_str());
        assert_eq!(short.len(), 32);
        assert_eq!(id.as_str(), format!("asset_{short}"));
        assert_eq!(reference("asset_1"), "asset_1");
    }

    #[test]
    fn origins_state_the_window_and_the_exact_tempo() {
        let origin = label("asset_1").origin(48_000, &(24_000..24_000 + 192_000));
        assert_eq!(origin.description, "loop of asset_1, 500.000 to 4500.000 ms");
        assert_eq!((origin.first_sample, origin.reference.as_str()), (24_000, "asset_1"));
        assert_eq!(origin.file, "asset_1-loop-24000-192000");
        let looped = origin.looped.unwrap();
        assert_eq!((looped.frames, looped.beats, looped.bpm), (192_000, 8, 120.0));
        let other = SliceLabel { audio_stream: Some(1), beats: None, ..label("asset_1") };
        let origin = other.origin(48_000, &(0..1));
        assert_eq!((origin.file.as_str(), origin.looped), ("asset_1-stream1-loop-0-1", None));
        assert!(origin.properties.contains(&("AUDIO_STREAM", "1".to_owned())));
    }
}
