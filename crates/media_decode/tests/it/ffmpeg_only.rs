//! Formats that only ffmpeg decodes: click times are exact, and decoding without ffmpeg is a typed error.

#![expect(clippy::panic, reason = "a failed step fails the test")]

use std::fs::File;
use std::path::Path;

use media_decode::{DecodeError, DecoderKind, Decoders};
use media_time::AssetTime;
use test_kit::Recordings;

use crate::support::{DecodedAudio, decoders};

/// A click of 2 ms each second, the first at 250 ms, for 5 s.
const CLICKS: &str =
    "-f lavfi -i aevalsrc=if(lt(mod(t+0.75\\,1)\\,0.002)\\,0.8*sin(2*PI*1000*t)\\,0):s=48000:d=5";
const PICTURES: &str = "-f lavfi -i testsrc=size=64x48:rate=25:d=5";
const THRESHOLD: f32 = 0.2;

#[track_caller]
fn assert_clicks(name: &str, path: &Path, delay_ms: f64) {
    let sound = DecodedAudio::decode_anyhow(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let clicks = sound.clicks(THRESHOLD);
    let expected: Vec<f64> = (0..5).map(|second| 250.0 + 1_000.0 * f64::from(second) + delay_ms).collect();
    assert_eq!(clicks.len(), expected.len(), "{name}: {clicks:?}");
    let worst =
        clicks.iter().zip(&expected).map(|(click, expected)| (click - expected).abs()).fold(0.0, f64::max);
    assert!(worst <= 1.0, "{name}: {clicks:?}");
}

#[test]
fn clicks_keep_their_time_in_formats_of_ffmpeg() {
    let folder = Recordings::new();
    folder.make("clicks.wav", &format!("{CLICKS} -c:a pcm_s16le"));
    for (name, arguments) in [
        ("a.w64", "-c:a pcm_s16le"),
        ("a.au", "-c:a pcm_s16be"),
        ("a.wv", "-c:a wavpack"),
        ("a.tta", "-c:a tta"),
        ("a.avi", "-c:a pcm_s16le"),
        ("pcm.mkv", "-c:a pcm_s24le"),
        ("ima.mov", "-c:a adpcm_ima_qt"),
        ("s24be.mov", "-c:a pcm_s24be"),
        ("a.nut", "-c:a pcm_s16le"),
    ] {
        let path = folder.make(name, &format!("-i {{clicks.wav}} {arguments}"));
        assert_clicks(name, &path, 0.0);
    }
}

#[test]
fn without_ffmpeg_the_error_names_it() {
    let folder = Recordings::new();
    folder.make("clicks.wav", &format!("{CLICKS} -c:a pcm_s16le"));
    for (name, arguments) in
        [("a.avi", "-c:a pcm_s16le"), ("a.ts", "-c:a mp2"), ("a.wma", "-c:a wmav2"), ("a.mkv", "-c:a ac3")]
    {
        let path = folder.make(name, &format!("-i {{clicks.wav}} {arguments}"));
        let file = || Box::new(File::open(&path).unwrap());
        let error = Decoders::native().open(file(), None).unwrap_err();
        assert!(matches!(error, DecodeError::FfmpegUnavailable { .. }), "{name}: {error}");
        assert!(error.to_string().contains("install ffmpeg"), "{name}: {error}");
        let probe = Decoders::native().probe(file(), None, &|| false).unwrap();
        assert!(probe.needs_ffmpeg, "{name}: {probe:?}");
    }
}

#[test]
fn audio_and_video_of_a_transport_stream_share_one_zero() {
    let folder = Recordings::new();
    folder.make("clicks.wav", &format!("{CLICKS} -c:a pcm_s16le"));
    let path = folder.make("a.ts", &format!("{PICTURES} -i {{clicks.wav}} -c:v mpeg2video -c:a mp2"));
    let mut decoder = decoders().open(Box::new(File::open(&path).unwrap()), None).unwrap();
    assert!(matches!(decoder.kind(), DecoderKind::Ffmpeg(_)));
    let video = decoder.video_start().unwrap();
    assert!(!video.is_negative() && (video == AssetTime::ZERO || decoder.audio_start() == AssetTime::ZERO));
    while decoder.next_block().unwrap().is_some() {}
    assert!((decoder.position().as_millis_round() - 5_000).abs() < 60, "{}", decoder.position());
}

#[test]
fn an_mp3_that_changes_is_decoded_at_one_rate() {
    let folder = Recordings::new();
    let make = |name: &str, arguments: &str| {
        std::fs::read(
            folder
                .make(name, &format!("{CLICKS} {arguments} -c:a libmp3lame -write_xing 0 -id3v2_version 0")),
        )
        .unwrap()
    };
    let joined = [make("stereo.mp3", "-ac 2"), make("low.mp3", "-ac 1 -ar 24000")].concat();
    let path = folder.path("joined.mp3");
    std::fs::write(&path, joined).unwrap();
    let sound = DecodedAudio::decode_anyhow(&path).unwrap();
    let clicks = sound.clicks(THRESHOLD);
    assert_eq!(clicks.len(), 10, "{clicks:?}");
    let probe = decoders().probe(Box::new(File::open(&path).unwrap()), None, &|| false).unwrap();
    assert!(probe.needs_ffmpeg);
    let seconds = probe.duration.unwrap().as_secs_f64();
    assert!((seconds - 10.0).abs() < 0.2, "{seconds}");
}
