//! Peaks compared with a direct computation on ffmpeg's decoded samples.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::fs::File;
use std::path::Path;

use audio_signal::{SignalError, Waveform, WaveformError, WaveformParams, waveform};
use media_decode::DecodeError;

use crate::synthetic_audio::{noise, wav};
use test_kit::{Recordings, ffmpeg};

fn peaks(path: &Path, samples_per_pixel: u32, split_channels: bool) -> Waveform {
    let params = WaveformParams { samples_per_pixel, split_channels };
    waveform(&File::open(path).unwrap().into(), &params, &|| false).unwrap()
}

/// audiowaveform's algorithm, applied directly to all 16-bit samples at once.
fn reference(path: &Path, channels: usize, samples_per_pixel: usize, split: bool) -> Vec<i16> {
    let path = path.to_str().unwrap();
    let bytes = ffmpeg(&["-i", path, "-map", "a:0", "-f", "s16le", "-c:a", "pcm_s16le", "-"]);
    let samples: Vec<i16> = bytes.as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect();
    let mix = |frame: &[i16]| (frame.iter().map(|&s| i32::from(s)).sum::<i32>() / channels as i32) as i16;
    let outputs: Vec<Vec<i16>> = if split {
        (0..channels)
            .map(|channel| samples.iter().skip(channel).step_by(channels).copied().collect())
            .collect()
    } else {
        vec![samples.chunks(channels).map(mix).collect()]
    };
    let mut peaks = Vec::new();
    for start in (0..outputs[0].len()).step_by(samples_per_pixel) {
        for output in &outputs {
            let pixel = &output[start..output.len().min(start + samples_per_pixel)];
            peaks.extend([*pixel.iter().min().unwrap(), *pixel.iter().max().unwrap()]);
        }
    }
    peaks
}

#[test]
fn integer_samples_give_the_reference_peaks() {
    let recordings = Recordings::new();
    let noise = |seed: u8| format!("-f lavfi -i anoisesrc=d=1.37:c=pink:r=44100:a=0.9:seed={seed}");
    let stereo = format!("{} {} -filter_complex join=inputs=2:channel_layout=stereo", noise(1), noise(2));
    for (name, codec, format) in
        [("a.wav", "pcm_s16le", "s16"), ("a.flac", "flac", "s16"), ("a.m4a", "alac", "s16p")]
    {
        let file = recordings.make(name, &format!("{stereo} -sample_fmt {format} -c:a {codec}"));
        for (samples_per_pixel, split) in [(256, false), (256, true), (1_000, false), (100_000, true)] {
            let found = peaks(&file, samples_per_pixel, split);
            assert_eq!((found.rate, found.channels), (44_100, if split { 2 } else { 1 }), "{name}");
            let expected = reference(&file, 2, samples_per_pixel as usize, split);
            assert_eq!(
                found.peaks, expected,
                "{name}, {samples_per_pixel} samples per pixel, split: {split}"
            );
        }
    }
}

#[test]
fn lossy_audio_differs_by_at_most_two() {
    let recordings = Recordings::new();
    let file = recordings
        .make("a.mp3", "-f lavfi -i anoisesrc=d=2:c=pink:r=44100:a=0.5 -ac 2 -c:a libmp3lame -b:a 192k");
    let found = peaks(&file, 256, false);
    let expected = reference(&file, 2, 256, false);
    assert_eq!(found.peaks.len(), expected.len());
    let differ = |(found, expected): (&i16, &i16)| (i32::from(*found) - i32::from(*expected)).abs();
    let worst = found.peaks.iter().zip(&expected).map(differ).max();
    assert!(worst <= Some(2), "{worst:?}");
}

#[test]
fn coarse_peaks_are_the_extremes_of_fine_ones() {
    let audio = wav(8_000, 1, &noise(10_007, 0.7));
    let params = |samples_per_pixel| WaveformParams { samples_per_pixel, split_channels: false };
    let fine = waveform(&audio, &params(16), &|| false).unwrap();
    let coarse = waveform(&audio, &params(64), &|| false).unwrap();
    let joined: Vec<i16> = fine
        .peaks
        .chunks(8)
        .flat_map(|peaks| [*peaks.iter().min().unwrap(), *peaks.iter().max().unwrap()])
        .collect();
    assert_eq!(coarse.peaks, joined);
}

#[test]
fn too_detailed_and_undecodable_waveforms_are_rejected() {
    let long = wav(8_000, 1, &vec![0.0; 2 * WaveformParams::MAX_PAIRS + 1]);
    let finest = WaveformParams { samples_per_pixel: 2, split_channels: false };
    let error = waveform(&long, &finest, &|| false).unwrap_err();
    assert!(matches!(error, WaveformError::TooDetailed { samples_per_pixel: 2, enough: 3 }), "{error}");
    let fits = WaveformParams { samples_per_pixel: 3, ..finest };
    assert_eq!(waveform(&long, &fits, &|| false).unwrap().len(), 1_398_102);
    let cancelled = waveform(&long, &fits, &|| true).unwrap_err();
    assert!(matches!(cancelled, WaveformError::Signal(SignalError::Decode(DecodeError::Cancelled))));
    let text = std::io::Cursor::new(b"not a recording".to_vec());
    assert!(matches!(waveform(&text.into(), &fits, &|| false), Err(WaveformError::Signal(_))));
}
