//! Damaged, inconsistent and hostile recordings: a correct result or a typed error in bounded time, and never a panic.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::io::Cursor;
use std::path::Path;

use media_decode::DecodeError;
use media_decode::Decoder;
use media_decode::MediaKind;
use media_time::MediaTime;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use test_kit::Recordings;

use crate::support::{DecodedAudio, probe};

/// Most silence that the decoder inserts for gaps between timestamps, in seconds.
const MAX_GAPS_S: usize = 3_600;
const TONE: &str = "-f lavfi -i sine=frequency=440:sample_rate=44100:duration";

fn decode(bytes: Vec<u8>) -> Result<DecodedAudio, DecodeError> {
    DecodedAudio::from_decoder(Decoder::open(Cursor::new(bytes))?)
}

/// A recording of `seconds` in each container and codec.
fn recordings(folder: &Recordings, seconds: u32) -> Vec<(&'static str, Vec<u8>)> {
    folder.make("tone.wav", &format!("{TONE}={seconds} -ac 2"));
    [
        ("a.wav", "-c:a pcm_s16le"),
        ("f.wav", "-c:a pcm_f32le"),
        ("adpcm.wav", "-c:a adpcm_ima_wav"),
        ("a.flac", "-c:a flac"),
        ("a.aiff", "-c:a pcm_s16be"),
        ("a.caf", "-c:a pcm_s16be"),
        ("a.mp3", "-c:a libmp3lame"),
        ("a.mp2", "-c:a mp2"),
        ("a.aac", "-c:a aac"),
        ("a.m4a", "-c:a aac"),
        ("six.m4a", "-c:a aac -ac 6"),
        ("alac.m4a", "-c:a alac"),
        ("faststart.mp4", "-c:a aac -movflags +faststart"),
        ("fragments.mp4", "-c:a aac -movflags frag_keyframe+empty_moov"),
        ("a.ogg", "-c:a libvorbis -page_duration 200000"),
        ("a.opus", "-c:a libopus -page_duration 200000"),
        ("flac.ogg", "-c:a flac -page_duration 200000"),
        ("a.webm", "-c:a libopus"),
        ("a.mkv", "-c:a libvorbis"),
    ]
    .into_iter()
    .map(|(name, arguments)| {
        (name, std::fs::read(folder.make(name, &format!("-i {{tone.wav}} {arguments}"))).unwrap())
    })
    .collect()
}

/// Cuts and flipped bytes at random positions. The seed is fixed, so failures are reproducible.
#[test]
fn random_damage_does_not_panic() {
    let folder = Recordings::new();
    for (name, bytes) in recordings(&folder, 1) {
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(
            Config { cases: 60, failure_persistence: None, ..Config::default() },
            rng,
        );
        let length = bytes.len();
        // Damaged headers have the largest effect: half of the flips are in the first kilobyte.
        let offset = prop_oneof![0..length.min(1_024), 0..length];
        let flips = proptest::collection::vec((offset, any::<u8>()), 0..12);
        let cut = prop_oneof![Just(length), 0..=length];
        let result = runner.run(&(flips, cut), |(flips, cut)| {
            let mut damaged = bytes.clone();
            for (at, byte) in flips {
                damaged[at] = byte;
            }
            damaged.truncate(cut);
            let _ = probe(Cursor::new(damaged.clone()));
            if let Ok(sound) = decode(damaged) {
                // A damaged header may declare another rate: the audio itself is bounded by its frames.
                let (frames, rate) = (sound.samples.len() / sound.channels, sound.rate as usize);
                let most = MAX_GAPS_S * rate + 10 * rate.max(48_000);
                prop_assert!(frames <= most, "{frames} frames at {rate} Hz of a recording of 1 s");
            }
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn truncated_files_are_decoded_up_to_the_cut() {
    let folder = Recordings::new();
    for (name, bytes) in recordings(&folder, 4) {
        // The index of these MP4 files is at the end, and is lost.
        if name.ends_with("m4a") {
            assert!(
                matches!(decode(bytes[..bytes.len() / 2].to_vec()), Err(DecodeError::Undecodable(_))),
                "{name}"
            );
            continue;
        }
        // Symphonia reads all chunks of these formats before the audio.
        if name.ends_with("aiff") || name.ends_with("caf") {
            continue;
        }
        let whole = decode(bytes.clone()).unwrap();
        let half =
            decode(bytes[..bytes.len() * 6 / 10].to_vec()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let share = half.samples.len() as f64 / whole.samples.len() as f64;
        assert!((0.25..0.8).contains(&share), "{name}: {share} of the audio in 0.6 of the bytes");
        assert!(!whole.stats.truncated, "{name}");
        // MP2 declares no length, so a cut between its frames cannot be detected.
        assert_eq!(half.stats.truncated, !name.ends_with("mp2"), "{name}");
    }
}

/// MP3, ADTS and Ogg can be joined end to end; their headers then describe the first part only.
#[test]
fn joined_recordings_are_decoded_and_counted_whole() {
    let folder = Recordings::new();
    for (name, bytes) in recordings(&folder, 2) {
        if !["a.mp3", "a.mp2", "a.aac", "a.ogg", "a.opus"].contains(&name) {
            continue;
        }
        let once = decode(bytes.clone()).unwrap();
        let joined = [bytes.as_slice(), &bytes].concat();
        let twice = decode(joined.clone()).unwrap();
        for (bytes, decoded) in [(bytes, &once), (joined, &twice)] {
            let frames = (decoded.samples.len() / decoded.channels) as i64;
            let counted = probe(Cursor::new(bytes)).unwrap().duration;
            assert_eq!(counted, Some(MediaTime::from_samples(frames, decoded.rate)), "{name}");
        }
        let seconds = twice.samples.len() as f64 / (twice.rate as usize * twice.channels) as f64;
        assert!(
            (seconds - 4.0).abs() < 0.1 && !twice.stats.truncated,
            "{name}: {seconds} s, {:?}",
            once.stats
        );
    }
}

#[test]
fn audio_whose_channels_or_rate_change_needs_ffmpeg() {
    let folder = Recordings::new();
    let make = |name: &str, arguments: &str| {
        std::fs::read(folder.make(name, &format!("{TONE}=2 {arguments} -c:a libmp3lame"))).unwrap()
    };
    let stereo = make("stereo.mp3", "-ac 2");
    for (name, other) in
        [("mono.mp3", make("mono.mp3", "-ac 1")), ("low.mp3", make("low.mp3", "-ac 2 -ar 22050"))]
    {
        for joined in [[stereo.as_slice(), &other].concat(), [other.as_slice(), &stereo].concat()] {
            let result = decode(joined);
            assert!(
                matches!(result, Err(DecodeError::FfmpegUnavailable { .. })),
                "{name}: {:?}",
                result.map(|sound| sound.stats)
            );
        }
    }
}

#[test]
fn damaged_mp3_frame_becomes_silence_of_its_own_length() {
    let folder = Recordings::new();
    let once =
        std::fs::read(folder.make("once.mp3", &format!("{TONE}=3 -c:a libmp3lame -b:a 128k"))).unwrap();
    let mut joined = [once.as_slice(), &once].concat();
    // In the second recording, which the tag of the first does not count.
    let at = once.len() + once.len() / 2;
    let frame = at + joined[at..].windows(2).position(|two| two == [0xff, 0xfb]).unwrap();
    joined[frame + 4..frame + 38].iter_mut().for_each(|byte| *byte ^= 0xff);
    let sound = decode(joined).unwrap();
    let silent = sound.samples.chunk_by(|a, b| (a.abs() < 1e-3) == (b.abs() < 1e-3));
    let longest =
        silent.skip(1).filter(|run| run[0].abs() < 1e-3 && run.len() < 60_000).map(<[f32]>::len).max();
    assert!(sound.stats.damaged_packets > 0);
    assert!(longest.unwrap() < 4 * 1_152, "{longest:?} samples of silence");
}

#[test]
fn a_lost_page_of_ogg_is_counted_as_damage() {
    let folder = Recordings::new();
    let (_, bytes) = recordings(&folder, 4).into_iter().find(|(name, _)| *name == "a.ogg").unwrap();
    let pages: Vec<usize> =
        bytes.windows(4).enumerate().filter(|(_, name)| name == b"OggS").map(|(at, _)| at).collect();
    let lost = pages[pages.len() / 2]..pages[pages.len() / 2 + 1];
    let sound = decode([&bytes[..lost.start], &bytes[lost.end..]].concat()).unwrap();
    assert!(sound.stats.damaged_packets > 0, "{:?}", sound.stats);
}

#[test]
fn truncated_wave_has_the_duration_of_its_remaining_samples() {
    let folder = Recordings::new();
    for (name, bytes) in recordings(&folder, 4).into_iter().filter(|(name, _)| name.ends_with("wav")) {
        let cut = bytes[..bytes.len() * 6 / 10].to_vec();
        let mut decoder = Decoder::open(Cursor::new(cut.clone())).unwrap();
        while decoder.next_block().unwrap().is_some() {}
        let probed = probe(Cursor::new(cut)).unwrap().duration.unwrap();
        assert_eq!(probed.as_millis_floor(), decoder.position().as_millis_floor(), "{name}");
        assert!((2_300..2_500).contains(&probed.as_millis_floor()), "{name}: {probed}");
        assert!(decoder.stats().truncated, "{name}");
        let whole = probe(Cursor::new(bytes.clone())).unwrap().duration.unwrap();
        assert!((whole.as_millis_floor() - 4_000).abs() < 30, "{name}: {whole}");
        // A file that ends after the length of the `data` chunk has no audio.
        let data = bytes.windows(4).position(|name| name == b"data").unwrap();
        let header = bytes[..data + 8].to_vec();
        assert_eq!(probe(Cursor::new(header.clone())).unwrap().duration, None, "{name}");
        assert!(matches!(decode(header), Err(DecodeError::Undecodable(_))), "{name}");
    }
}

/// Damaged packets become silence of their length, so that later audio keeps its timestamps.
#[test]
fn audio_after_damage_keeps_its_time() {
    let folder = Recordings::new();
    let clicks = "-f lavfi -i aevalsrc=0.05*random(0)+if(lt(mod(t+0.75\\,1)\\,0.002)\\,0.8*sin(2*PI*1000*t)\\,0):s=44100:d=5";
    for (name, arguments) in [("a.m4a", "-c:a aac"), ("a.ogg", "-c:a libvorbis"), ("a.flac", "-c:a flac")] {
        let mut bytes = std::fs::read(folder.make(name, &format!("{clicks} {arguments}"))).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 200].fill(0xff);
        let times = decode(bytes).unwrap_or_else(|error| panic!("{name}: {error}")).clicks(0.3);
        let last = times.last().copied().unwrap_or(0.0);
        assert!((last - 4_250.0).abs() < 1.5, "{name}: {times:?}");
    }
}

#[test]
fn format_is_detected_by_content_not_by_name() {
    let folder = Recordings::new();
    folder.make("tone.wav", &format!("{TONE}=1"));
    let misnamed = folder.path("tone.mp3");
    std::fs::copy(folder.path("tone.wav"), &misnamed).unwrap();
    assert_eq!(DecodedAudio::decode(&misnamed).unwrap().samples.len(), 44_100);
    let probe = probe(std::fs::File::open(&misnamed).unwrap()).unwrap();
    assert_eq!((probe.kind, probe.container.as_deref()), (MediaKind::Audio, Some("wave")));
}

#[test]
fn files_that_are_not_media_are_rejected() {
    let mut state = 7u32;
    let mut noise = |length: usize| -> Vec<u8> {
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        std::iter::repeat_with(next).take(length).collect()
    };
    for bytes in
        [Vec::new(), vec![0], vec![0; 100_000], b"plain text".repeat(1_000), noise(100), noise(5_000_000)]
    {
        let length = bytes.len();
        let error = decode(bytes).expect_err("no recording");
        assert!(
            matches!(error, DecodeError::Unrecognised(_) | DecodeError::Undecodable(_)),
            "{length} bytes: {error}"
        );
        assert!(error.is_about_media());
    }
}

#[test]
fn video_without_audio_has_no_audio_stream() {
    let folder = Recordings::new();
    for name in ["a.mp4", "a.mkv", "a.webm"] {
        let path = folder.make(name, "-f lavfi -i testsrc=size=64x48:rate=25:d=1");
        assert!(matches!(DecodedAudio::decode(&path), Err(DecodeError::NoAudioStream { .. })), "{name}");
        let probe = probe(std::fs::File::open(&path).unwrap()).unwrap();
        let video = probe.video.unwrap();
        assert_eq!((probe.kind, video.width, video.height), (MediaKind::Video, Some(64), Some(48)), "{name}");
        assert_eq!(video.fps, Some(25.0), "{name}");
        assert_eq!(probe.duration.map(MediaTime::as_millis_round), Some(1_000), "{name}");
    }
}

#[test]
fn codecs_that_only_ffmpeg_decodes_are_named() {
    let folder = Recordings::new();
    let path = folder.make("a.mkv", &format!("{TONE}=1 -c:a ac3"));
    let error = DecodedAudio::decode(&path).unwrap_err();
    assert!(matches!(&error, DecodeError::FfmpegUnavailable { what, .. } if what.contains("ac3")), "{error}");
    assert_eq!(probe(std::fs::File::open(&path).unwrap()).unwrap().audio.unwrap().codec, "ac3");
}

/// A WAVE file with the given rate, channels and 32-bit float samples.
fn float_wave(rate: u32, channels: u16, samples: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let frame = channels.wrapping_mul(4);
    let format = [
        &3u16.to_le_bytes()[..],
        &channels.to_le_bytes(),
        &rate.to_le_bytes(),
        &rate.wrapping_mul(u32::from(frame)).to_le_bytes(),
        &frame.to_le_bytes(),
        &32u16.to_le_bytes(),
    ]
    .concat();
    let length = u32::try_from(data.len()).unwrap();
    [
        &b"RIFF"[..],
        &(length + 36).to_le_bytes(),
        b"WAVEfmt ",
        &16u32.to_le_bytes(),
        &format,
        b"data",
        &length.to_le_bytes(),
        &data,
    ]
    .concat()
}

#[test]
fn nan_and_infinite_samples_become_silence_and_are_counted() {
    let samples = [0.5, f32::NAN, -0.25, f32::INFINITY, f32::NEG_INFINITY, 0.125];
    let sound = decode(float_wave(8_000, 1, &samples.repeat(1_000))).unwrap();
    assert_eq!(sound.samples[..6], [0.5, 0.0, -0.25, 0.0, 0.0, 0.125]);
    assert_eq!(sound.stats.bad_samples, 3_000);
}

#[test]
fn absurd_rates_and_channel_counts_are_over_the_limit() {
    let silence = vec![0.0; 64 * 100];
    for (rate, channels) in [(1, 1), (500, 2), (4_000_000_000, 1), (48_000, 64)] {
        let error = decode(float_wave(rate, channels, &silence)).unwrap_err();
        assert!(error.is_about_media(), "{rate} Hz, {channels} channels: {error}");
        assert!(!matches!(error, DecodeError::Unrecognised(_)), "{rate} Hz, {channels} channels: {error}");
    }
}

#[test]
fn failing_source_is_an_io_error() {
    #[derive(Clone)]
    struct Failing(Cursor<Vec<u8>>);
    impl media_decode::Source for Failing {
        fn reopen(&self) -> std::io::Result<Box<dyn media_decode::Source>> {
            Ok(Box::new(Self(Cursor::new(self.0.get_ref().clone()))))
        }
    }
    impl std::io::Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.position() > 200_000 {
                return Err(std::io::Error::other("the disk is gone"));
            }
            self.0.read(buffer)
        }
    }
    impl std::io::Seek for Failing {
        fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }
    let wave = float_wave(48_000, 1, &vec![0.1; 500_000]);
    let result = Decoder::open(Failing(Cursor::new(wave))).and_then(DecodedAudio::from_decoder);
    assert!(matches!(result, Err(DecodeError::Io(_))), "{result:?}");
}

/// An hour and a half of FLAC silence decodes within the memory of one block.
#[test]
fn memory_does_not_grow_with_duration() {
    let folder = Recordings::new();
    let path = folder.make("long.flac", "-f lavfi -i anullsrc=r=8000:cl=mono -t 5400 -c:a flac");
    let mut decoder = Decoder::open(std::fs::File::open(Path::new(&path)).unwrap()).unwrap();
    let mut largest = 0;
    while let Some(block) = decoder.next_block().unwrap() {
        largest = largest.max(block.samples.len());
    }
    assert_eq!(decoder.position(), MediaTime::from_millis(5_400_000));
    assert!(largest <= 65_536, "a block of {largest} samples");
}
