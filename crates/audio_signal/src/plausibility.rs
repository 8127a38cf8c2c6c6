//! Is what a decoder delivered plausible? A wrong measurement is worse than none.

use media_decode::{DecodeError, Decoder, DecoderKind, MediaInput};
use media_time::MediaTime;

use crate::{Analysis, SignalError};

/// Integer samples end at 1: what is twice as large was read in another format than it was written in.
const LOUDEST_INTEGER: f32 = 2.0;
/// LUFS. A full-scale sine in both channels has −0.7 + 3; recordings and masters stay far below 0.
const LOUDEST: f64 = 0.0;
/// By so much of its length, and at least [`SLACK`], a decoding may differ from what is declared, or overlap itself.
const TOLERANCE: f64 = 0.02;
/// Priming and padding of short files.
const SLACK: MediaTime = MediaTime::from_millis(250);
/// LU by which two decoders of the same audio may differ.
const SAME_LOUDNESS: f64 = 1.0;
/// What confidences of a doubted decoding are held down to.
pub const DOUBTED_CONFIDENCE: f32 = 0.49;

/// A reason to doubt a decoding.
///
/// A doubted decoding of this process is repeated by ffmpeg. Where both agree in length and loudness, doubts about time
/// stamps and length are settled; where they differ, ffmpeg's counts, and the doubts stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspicion {
    /// Packets begin before the end of those before them.
    TimestampsOverlap,
    /// Time stamps jump further than a recording can.
    TimestampsJump,
    /// Integer samples of more than +6 dBFS.
    PeakOverFullScale,
    /// More than 0 LUFS.
    LoudnessOverFullScale,
    /// Longer or shorter than the container declares.
    LengthDiffers,
    /// ffmpeg decodes something else.
    DecodersDisagree,
}

impl Suspicion {
    /// Its name in a timeline's meta.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TimestampsOverlap => "timestamps_overlap",
            Self::TimestampsJump => "timestamps_jump",
            Self::PeakOverFullScale => "peak_over_full_scale",
            Self::LoudnessOverFullScale => "loudness_over_full_scale",
            Self::LengthDiffers => "length_differs",
            Self::DecodersDisagree => "decoders_disagree",
        }
    }

    /// Is it settled when another decoder delivers the same?
    const fn is_settled_by_agreement(self) -> bool {
        matches!(self, Self::TimestampsOverlap | Self::TimestampsJump | Self::LengthDiffers)
    }
}

/// The reasons to doubt what `decoder`, now at its end, delivered.
pub(crate) fn check(decoder: &Decoder, peak: f32, integrated_lufs: Option<f64>) -> Vec<Suspicion> {
    let (stats, length) = (decoder.stats(), decoder.position());
    let is_off = |by: MediaTime| by > SLACK && by.as_secs_f64() > TOLERANCE * length.as_secs_f64();
    let overlap = i64::try_from(stats.overlapped_frames).unwrap_or(i64::MAX);
    let overlap = MediaTime::from_samples(overlap, decoder.format().rate);
    let declared = decoder.declared_duration().filter(|_| !stats.truncated);
    let reasons = [
        (Suspicion::TimestampsOverlap, is_off(overlap)),
        (Suspicion::TimestampsJump, stats.ignored_jumps > 0),
        (Suspicion::PeakOverFullScale, decoder.format().is_integer() && peak > LOUDEST_INTEGER),
        (Suspicion::LoudnessOverFullScale, integrated_lufs.is_some_and(|lufs| lufs > LOUDEST)),
        (
            Suspicion::LengthDiffers,
            declared.is_some_and(|declared| is_off((declared - length).max(length - declared))),
        ),
    ];
    reasons.into_iter().filter(|(_, holds)| *holds).map(|(reason, _)| reason).collect()
}

/// Checks a doubted analysis by `again`, which repeats it with another decoder.
pub(crate) fn settle(
    first: Analysis,
    input: &MediaInput,
    again: impl FnOnce(Decoder) -> Result<Analysis, SignalError>,
) -> Result<Analysis, SignalError> {
    if first.suspicions.is_empty() {
        return Ok(first);
    }
    let can_check = first.decoder == DecoderKind::Native && input.decoders().ffmpeg().is_some();
    if !can_check {
        return Ok(doubted(first));
    }
    match input.decoder_of_ffmpeg().map_err(SignalError::from).and_then(again) {
        Ok(second) => Ok(chosen(first, second)),
        // None installed after all.
        Err(SignalError::Decode(DecodeError::FfmpegUnavailable { .. })) => Ok(doubted(first)),
        Err(error) if error.is_about_media() => {
            let reasons: Vec<&str> = first.suspicions.iter().map(|reason| reason.as_str()).collect();
            let detail =
                format!("its decoding is implausible ({}), and ffmpeg refuses it", reasons.join(", "));
            Err(DecodeError::Undecodable(detail).into())
        }
        Err(error) => Err(error),
    }
}

fn chosen(mut first: Analysis, mut second: Analysis) -> Analysis {
    let length = first.duration.max(second.duration);
    let difference = (first.duration - second.duration).max(second.duration - first.duration);
    let same_length = difference <= SLACK || difference.as_secs_f64() <= TOLERANCE * length.as_secs_f64();
    let same_loudness = match (first.integrated_lufs, second.integrated_lufs) {
        (Some(first), Some(second)) => (first - second).abs() <= SAME_LOUDNESS,
        (first, second) => first.is_none() && second.is_none(),
    };
    if same_length && same_loudness {
        first.suspicions.retain(|reason| !reason.is_settled_by_agreement());
        return doubted(first);
    }
    second.suspicions.append(&mut first.suspicions);
    second.suspicions.push(Suspicion::DecodersDisagree);
    second.suspicions.sort();
    second.suspicions.dedup();
    doubted(second)
}

/// Holds the confidences of an analysis down that is still doubted.
fn doubted(mut analysis: Analysis) -> Analysis {
    if !analysis.suspicions.is_empty() {
        for segment in &mut analysis.segments {
            segment.confidence = segment.confidence.min(DOUBTED_CONFIDENCE);
        }
    }
    analysis
}
