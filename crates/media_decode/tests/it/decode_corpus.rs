//! Decoding of real recordings; skipped without the corpus.

use std::fs::File;

use media_decode::DecodeError;
use media_decode::Decoder;
use media_decode::MediaKind;
use test_kit::files::corpus;

use crate::support::{DecodedAudio, probe};

#[test]
fn videos_are_decoded_as_by_ffmpeg() {
    let Some(corpus) = corpus("video") else { return };
    for name in ["bbb_30s.webm", "bbb_51.mp4", "friday.mp4", "talk_example.mp4", "silent_track_flower.mp4"] {
        let path = corpus.join(name);
        let (ours, reference) = (DecodedAudio::decode(&path).unwrap(), DecodedAudio::by_ffmpeg(&path));
        assert_eq!((ours.rate, ours.channels), (reference.rate, reference.channels), "{name}");
        let frame = 1_024 * ours.channels;
        assert!(ours.samples.len().abs_diff(reference.samples.len()) <= frame, "{name}: length");
        let pairs = ours.samples.iter().zip(&reference.samples);
        let largest = pairs.map(|(own, other)| (own - other).abs()).fold(0.0, f32::max);
        assert!(largest < 1e-3, "{name}: samples differ by up to {largest}");
        assert_eq!(ours.stats, Default::default(), "{name}");
    }
}

#[test]
fn video_without_audio_has_no_audio_stream() {
    let Some(corpus) = corpus("video") else { return };
    let path = corpus.join("no_audio_bug.mp4");
    assert!(matches!(DecodedAudio::decode(&path), Err(DecodeError::NoAudioStream { .. })));
    let probe = probe(File::open(path).unwrap()).unwrap();
    assert_eq!((probe.kind, probe.audio), (MediaKind::Video, None));
    assert_eq!(probe.video.unwrap().fps.map(f64::round), Some(30.0));
}

#[test]
fn duration_comes_from_decoding_when_the_header_has_none() {
    let Some(corpus) = corpus("video") else { return };
    let path = corpus.join("no_duration.webm");
    let mut decoder = Decoder::open(File::open(&path).unwrap()).unwrap();
    assert_eq!(decoder.expected_duration(), None);
    while decoder.next_block().unwrap().is_some() {}
    assert_eq!(decoder.position().as_millis_round(), 4_875);
    assert!(!decoder.stats().truncated);
}
