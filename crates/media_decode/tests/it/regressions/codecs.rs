//! Codecs whose configuration differs from their frames.

use media_decode::DecodeError;
use test_kit::Recordings;

use super::{SOUND, decode, difference};
use crate::matroska::{self, Lacing};
use crate::support::DecodedAudio;

/// An AAC-LC stream whose configuration signals HE-AAC: only the header is read.
#[test]
fn he_aac_is_left_to_ffmpeg() {
    let folder = Recordings::new();
    let path = folder.make("a.m4a", &format!("{SOUND} -ar 24000 -c:a aac"));
    let mut bytes = std::fs::read(&path).unwrap();
    // DecoderSpecificInfo of AAC-LC at 24 kHz, stereo, as ffmpeg writes it with its extension.
    let at = bytes
        .windows(5)
        .position(|window| window == [0x13, 0x10, 0x56, 0xe5, 0x00])
        .expect("the configuration");
    assert!(decode(bytes.clone()).is_ok());
    bytes[at + 4] = 0x98;
    let error = decode(bytes).unwrap_err();
    assert!(matches!(&error, DecodeError::FfmpegUnavailable { what, .. } if what == "HE-AAC"), "{error}");
}

/// A configuration that declares the delay of a core coder and ends before it.
#[test]
fn an_aac_configuration_that_ends_early_is_left_to_ffmpeg() {
    let folder = Recordings::new();
    folder.make("a.aac", &format!("{SOUND} -ar 24000 -c:a aac"));
    let path = folder.make("a.m4a", "-i {a.aac} -c copy");
    let mut bytes = std::fs::read(&path).unwrap();
    let config = [0x05, 0x80, 0x80, 0x80, 0x02, 0x13, 0x10];
    let at = bytes.windows(config.len()).position(|window| window == config).expect("the configuration");
    bytes[at + config.len() - 1] = 0x12;
    let error = decode(bytes.clone()).unwrap_err();
    assert!(matches!(error, DecodeError::FfmpegUnavailable { .. }), "{error}");
    std::fs::write(&path, bytes).unwrap();
    let sound = DecodedAudio::decode_anyhow(&path).unwrap();
    assert_eq!(sound.samples, DecodedAudio::by_ffmpeg(&path).samples);
}

#[test]
fn adts_that_changes_is_decoded_by_ffmpeg() {
    let folder = Recordings::new();
    let make = |name: &str, arguments: &str| {
        std::fs::read(folder.make(name, &format!("{SOUND} {arguments} -c:a aac"))).unwrap()
    };
    let stereo = make("stereo.aac", "-ar 48000");
    for (name, other) in [("mono", make("mono.aac", "-ac 1")), ("rate", make("rate.aac", "-ar 32000"))] {
        let joined = [stereo.as_slice(), &other].concat();
        let error = decode(joined.clone()).unwrap_err();
        assert!(matches!(error, DecodeError::FfmpegUnavailable { .. }), "{name}: {error}");
        let path = folder.path("joined.aac");
        std::fs::write(&path, joined).unwrap();
        let sound = DecodedAudio::decode_anyhow(&path).unwrap();
        let seconds = sound.samples.len() as f64 / sound.channels as f64 / f64::from(sound.rate);
        assert!((seconds - 12.0).abs() < 0.2, "{name}: {seconds} s");
    }
}

/// The header may declare the rate of the encoder's input; Opus is decoded at 48 kHz.
#[test]
fn opus_is_decoded_at_48_khz_regardless_of_the_header() {
    let folder = Recordings::new();
    let ogg =
        std::fs::read(folder.make("a.opus", &format!("{SOUND} -c:a libopus -frame_duration 20"))).unwrap();
    let packets = matroska::ogg_packets(&ogg);
    let file = matroska::opus(&packets[0], &packets[2..], Lacing::None, false);
    let reference = decode(file.clone()).unwrap();
    let rate = 48_000_f64.to_be_bytes();
    let at = file.windows(8).position(|window| window == rate).unwrap();
    let mut other = file;
    other[at..at + 8].copy_from_slice(&44_100_f64.to_be_bytes());
    let found = decode(other).unwrap();
    assert_eq!((found.rate, found.samples.len()), (reference.rate, reference.samples.len()));
    assert_eq!(difference(&found, &reference), 0.0);
}
