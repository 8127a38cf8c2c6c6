//! Real recordings in codecs that the installed ffmpeg cannot encode; skipped unless `fixtures/rare_codecs.py` has
//! downloaded them.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a failed step fails the test")]

use std::fs::File;
use std::path::{Path, PathBuf};

use media_decode::{DecodeError, DecoderKind, Decoders};

use crate::support::{DecodedAudio, decoders};

/// Sample level above which a noise burst is detected.
const THRESHOLD: f32 = 0.1;
/// Files with a known source: bursts of white noise at 1, 2, 3 and 4 s of 5 s.
const BURSTS: &[&str] = &[
    "amr_nb.3gp",
    "amr_nb.amr",
    "he_aac_v1.aac",
    "he_aac_v1.m4a",
    "he_aac_v1.mkv",
    "he_aac_v1.ts",
    "he_aac_v2.aac",
    "he_aac_v2.m4a",
    "he_aac_v2.mkv",
    "he_aac_v2.ts",
];
/// Files of known length, in ms.
const LENGTHS: &[(&str, f64)] =
    &[("click.mpc", 78.4), ("mac-396.ape", 3_684.7), ("mac-399.ape", 3_684.7), ("silence-44-s.tak", 3_684.7)];

fn files() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/media/rare");
    if folder.is_dir() {
        return Some(folder);
    }
    test_kit::skipped(&format!("run fixtures/rare_codecs.py first (no folder {})", folder.display()));
    None
}

/// Decodes a file, and checks that only ffmpeg decodes it.
fn decode(path: &Path) -> DecodedAudio {
    let file = || Box::new(File::open(path).unwrap());
    let refused = Decoders::native().open(file(), None).unwrap_err();
    assert!(matches!(refused, DecodeError::FfmpegUnavailable { .. }), "{}: {refused}", path.display());
    let decoder = decoders().open(file(), None).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(matches!(decoder.kind(), DecoderKind::Ffmpeg(_)), "{}", path.display());
    DecodedAudio::from_decoder(decoder).unwrap()
}

fn length_ms(sound: &DecodedAudio) -> f64 {
    sound.samples.len() as f64 * 1_000.0 / sound.channels as f64 / f64::from(sound.rate)
}

/// Ratio of the energy of sample differences to that of white noise: 1 for the full band, about 0.36 for half the band.
fn brightness(sound: &DecodedAudio) -> f64 {
    let samples: Vec<f64> = sound.first_channel().map(f64::from).collect();
    let energy: f64 = samples.iter().map(|sample| sample * sample).sum();
    let change: f64 = samples.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum();
    change / energy / 2.0
}

#[test]
fn decoded_bursts_are_one_second_apart() {
    let Some(folder) = files() else { return };
    for name in BURSTS {
        let sound = decode(&folder.join(name));
        let bursts = sound.clicks(THRESHOLD);
        println!(
            "| {name} | {} Hz | {:.0} ms | {:+.1} ms | {:.2} |",
            sound.rate,
            length_ms(&sound),
            bursts.first().map_or(f64::NAN, |first| first - 1_000.0),
            brightness(&sound)
        );
        assert_eq!(bursts.len(), 4, "{name}: {bursts:?}");
        let is_apart = |pair: &[f64]| (pair[1] - pair[0] - 1_000.0).abs() <= 5.0;
        assert!(bursts.windows(2).all(is_apart), "{name}: {bursts:?}");
        if name.starts_with("he_aac") {
            assert!(sound.rate == 48_000 && brightness(&sound) > 0.45, "{name}: the upper band");
        }
    }
}

#[test]
fn decoded_files_have_their_known_length() {
    let Some(folder) = files() else { return };
    for (name, expected) in LENGTHS {
        let found = length_ms(&decode(&folder.join(name)));
        println!("| {name} | {found:.1} ms |");
        assert!((found - expected).abs() <= 0.1, "{name}: {found} ms");
    }
}
