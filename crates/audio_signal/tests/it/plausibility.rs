//! Implausible decodings are marked, checked by ffmpeg, and never reported with high confidence.

#![expect(clippy::expect_used, reason = "a failed step fails the test")]

use std::fs::File;

use audio_signal::{Analysis, AnalysisParams, Control, DOUBTED_CONFIDENCE, Suspicion, analyze};
use media_decode::{Decoders, Ffmpeg, MediaInput};

use crate::synthetic_audio::{noise, tune, wav};
use test_kit::{Recordings, program};

fn analysis(input: &MediaInput) -> Analysis {
    analyze(input, &AnalysisParams::default(), &Control::none()).expect("a recording")
}

fn with_ffmpeg(file: File) -> MediaInput {
    MediaInput::new(file, Decoders::with_ffmpeg(Ffmpeg::new(program("ffmpeg"), program("ffprobe"))))
}

/// Full-scale noise is typical of samples that are decoded in the wrong format.
#[test]
fn full_scale_noise_is_doubted() {
    let found = analysis(&wav(48_000, 2, &noise(2 * 4 * 48_000, 1.0)));
    assert_eq!(found.suspicions, [Suspicion::LoudnessOverFullScale], "{:?} LUFS", found.integrated_lufs);
    assert!(found.segments.iter().all(|segment| segment.confidence <= DOUBTED_CONFIDENCE));
}

#[test]
fn plausible_recordings_are_not_doubted() {
    let found = analysis(&wav(44_100, 1, &tune(44_100, 6 * 44_100)));
    assert_eq!(found.suspicions, []);
    assert!(found.segments.iter().any(|segment| segment.confidence > DOUBTED_CONFIDENCE));
}

/// If ffmpeg's duration equals that of the decoder, the doubt about a wrong declared duration is dropped.
#[test]
fn wrong_declared_duration_is_resolved_by_ffmpeg() {
    let recordings = Recordings::new();
    let path = recordings.make("a.mka", "-f lavfi -i anoisesrc=d=6:c=pink:r=48000:a=0.3 -ac 2 -c:a flac");
    let mut bytes = std::fs::read(&path).expect("the recording");
    // The segment's Duration: a float of eight bytes, in ms.
    let at = bytes.windows(3).position(|id| id == [0x44, 0x89, 0x88]).expect("a duration") + 3;
    let declared = f64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    bytes[at..at + 8].copy_from_slice(&(2.0 * declared).to_be_bytes());
    std::fs::write(&path, &bytes).expect("the folder");
    let alone = analysis(&File::open(&path).expect("the recording").into());
    assert_eq!(alone.suspicions, [Suspicion::LengthDiffers]);
    let checked = analysis(&with_ffmpeg(File::open(&path).expect("the recording")));
    assert_eq!(checked.suspicions, []);
    assert_eq!(checked.duration, alone.duration);
}
