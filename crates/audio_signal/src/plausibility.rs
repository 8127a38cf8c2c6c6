//! Plausibility checks of a decoder's output: a wrong measurement is worse than none.

use media_decode::{DecodeError, Decoder, DecoderKind, MediaInput};
use media_time::MediaTime;

use crate::{Analysis, SignalError, Suspicion};

/// Maximum peak of integer samples, whose full scale is 1: higher ones were decoded in the wrong format.
const LOUDEST_INTEGER: f32 = 2.0;
/// Maximum loudness in LUFS. A full-scale sine in both channels has −0.7 + 3; recordings and masters are far below 0.
const LOUDEST: f64 = 0.0;
/// Maximum difference of a decoding from its declared duration, or overlap within it, as a fraction of its duration;
/// at least [`SLACK`].
const TOLERANCE: f64 = 0.02;
/// Tolerance for priming and padding of short files.
const SLACK: MediaTime = MediaTime::from_millis(250);
/// Maximum difference in LU between two decoders of the same audio.
const SAME_LOUDNESS: f64 = 1.0;
/// Maximum confidence of a doubted decoding.
pub const DOUBTED_CONFIDENCE: f32 = 0.49;

/// The reasons to doubt the output of `decoder`, which is at its end.
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

/// Checks a doubted analysis by `analyze_with`, which repeats it with another decoder.
pub(crate) fn verify(
    first: Analysis,
    input: &MediaInput,
    analyze_with: impl FnOnce(Decoder) -> Result<Analysis, SignalError>,
) -> Result<Analysis, SignalError> {
    if first.suspicions.is_empty() {
        return Ok(first);
    }
    let can_check = first.decoder == DecoderKind::Native && input.decoders().ffmpeg().is_some();
    if !can_check {
        return Ok(limit_confidence(first));
    }
    match input.ffmpeg_decoder().map_err(SignalError::from).and_then(analyze_with) {
        Ok(second) => Ok(reconcile(first, second)),
        // The configured ffmpeg is not installed.
        Err(SignalError::Decode(DecodeError::FfmpegUnavailable { .. })) => Ok(limit_confidence(first)),
        Err(error) if error.is_about_media() => {
            let reasons: Vec<&str> = first.suspicions.iter().map(|reason| reason.as_str()).collect();
            let detail =
                format!("its decoding is implausible ({}), and ffmpeg rejects it", reasons.join(", "));
            Err(DecodeError::Undecodable(detail).into())
        }
        Err(error) => Err(error),
    }
}

fn reconcile(mut first: Analysis, mut second: Analysis) -> Analysis {
    let length = first.duration.max(second.duration);
    let difference = (first.duration - second.duration).max(second.duration - first.duration);
    let same_length = difference <= SLACK || difference.as_secs_f64() <= TOLERANCE * length.as_secs_f64();
    let same_loudness = match (first.integrated_lufs, second.integrated_lufs) {
        (Some(first), Some(second)) => (first - second).abs() <= SAME_LOUDNESS,
        (first, second) => first.is_none() && second.is_none(),
    };
    if same_length && same_loudness {
        first.suspicions.retain(|reason| !reason.is_cleared_by_agreement());
        return limit_confidence(first);
    }
    second.suspicions.append(&mut first.suspicions);
    second.suspicions.push(Suspicion::DecodersDisagree);
    second.suspicions.sort();
    second.suspicions.dedup();
    limit_confidence(second)
}

/// Limits the confidences of an analysis that is still doubted.
fn limit_confidence(mut analysis: Analysis) -> Analysis {
    if !analysis.suspicions.is_empty() {
        for segment in &mut analysis.segments {
            segment.confidence = segment.confidence.min(DOUBTED_CONFIDENCE);
        }
    }
    analysis
}
