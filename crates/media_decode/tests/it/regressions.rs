//! Regression tests: intact files that were decoded incorrectly, and damaged files that caused internal errors.

use std::fs::File;
use std::io::Cursor;

use media_decode::{DecodeError, DecoderKind, Decoders};
use media_time::MediaTime;
use test_kit::Recordings;

use crate::matroska::{self, Lacing};
use crate::support::{DecodedAudio, decoders, probe};

/// Six seconds of noise and a tone, in stereo.
const SOUND: &str =
    "-f lavfi -i aevalsrc=0.3*sin(440*2*PI*t)+0.1*random(0)|0.3*sin(660*2*PI*t)+0.1*random(1):s=48000:d=6";
const SHORT: &str = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=0.5";
const PICTURES: &str = "-f lavfi -i testsrc=size=64x48:rate=25:d=6";

fn decode(bytes: Vec<u8>) -> Result<DecodedAudio, DecodeError> {
    DecodedAudio::from_decoder(media_decode::Decoder::open(Cursor::new(bytes))?)
}

/// RMS of the difference, relative to the RMS of `reference`.
fn difference(found: &DecodedAudio, reference: &DecodedAudio) -> f64 {
    let square = |samples: &mut dyn Iterator<Item = f32>| samples.map(|s| f64::from(s).powi(2)).sum::<f64>();
    let pairs = found.samples.iter().zip(&reference.samples);
    let error = square(&mut pairs.map(|(found, reference)| found - reference));
    (error / square(&mut reference.samples.iter().copied())).sqrt()
}

#[test]
fn laced_matroska_is_decoded_as_unlaced() {
    let folder = Recordings::new();
    let ogg =
        std::fs::read(folder.make("a.opus", &format!("{SOUND} -c:a libopus -frame_duration 20"))).unwrap();
    let packets = matroska::ogg_packets(&ogg);
    let (head, packets) = (&packets[0], &packets[2..]);
    let unlaced = decode(matroska::opus(head, packets, Lacing::None, false)).unwrap();
    assert!(unlaced.samples.len() > 2 * 48_000 * 59 / 10);
    for lacing in [Lacing::Xiph, Lacing::Ebml] {
        let file = matroska::opus(head, packets, lacing, false);
        let laced = decode(file.clone()).unwrap();
        assert_eq!(laced.samples.len(), unlaced.samples.len(), "{lacing:?}");
        assert_eq!(difference(&laced, &unlaced), 0.0, "{lacing:?}");
        assert_eq!(laced.stats, Default::default(), "{lacing:?}");
        assert!(probe(Cursor::new(file)).unwrap().is_repaired, "{lacing:?}");
    }
}

#[test]
fn compressed_matroska_is_decoded_by_ffmpeg() {
    let folder = Recordings::new();
    let ogg =
        std::fs::read(folder.make("a.opus", &format!("{SOUND} -c:a libopus -frame_duration 20"))).unwrap();
    let packets = matroska::ogg_packets(&ogg);
    let prefix: Vec<u8> = packets[2][..matroska::PREFIX_BYTES].to_vec();
    let common: Vec<Vec<u8>> =
        packets[2..].iter().filter(|packet| packet.starts_with(&prefix)).cloned().collect();
    let plain = decode(matroska::opus(&packets[0], &common, Lacing::None, false)).unwrap();
    let path = folder.path("stripped.mkv");
    std::fs::write(&path, matroska::opus(&packets[0], &common, Lacing::None, true)).unwrap();
    let stripped = DecodedAudio::decode_anyhow(&path).unwrap();
    let frames = |sound: &DecodedAudio| sound.samples.len() / sound.channels;
    assert!(frames(&stripped).abs_diff(frames(&plain)) < 960, "{} {}", frames(&stripped), frames(&plain));
    let error = DecodedAudio::decode(&path).unwrap_err();
    assert!(matches!(error, DecodeError::FfmpegUnavailable { .. }), "{error}");
}

#[test]
fn quicktime_pcm_is_read_in_its_byte_order() {
    let folder = Recordings::new();
    let path = folder.make("a.wav", &format!("{SOUND} -c:a pcm_f32le"));
    let reference = DecodedAudio::decode(&path).unwrap();
    for codec in [
        "pcm_s24be",
        "pcm_s24le",
        "pcm_s32be",
        "pcm_s32le",
        "pcm_f32be",
        "pcm_f32le",
        "pcm_f64be",
        "pcm_f64le",
    ] {
        let path = folder.make(&format!("{codec}.mov"), &format!("-i {{a.wav}} -c:a {codec}"));
        let found = DecodedAudio::decode_anyhow(&path).unwrap();
        assert_eq!(found.samples.len(), reference.samples.len(), "{codec}");
        assert!(difference(&found, &reference) < 1e-4, "{codec}: {}", difference(&found, &reference));
    }
}

#[test]
fn duration_of_joined_fragments_is_their_sum() {
    let folder = Recordings::new();
    folder.make("av.mp4", &format!("{PICTURES} {SOUND} -c:v libx264 -g 50 -bf 2 -c:a aac"));
    let segments = folder.path("part%d.m4s");
    folder.make(
        "list.m3u8",
        &format!(
            "-i {{av.mp4}} -c copy -f hls -hls_time 2 -hls_segment_type fmp4 -hls_segment_filename {}",
            segments.to_str().unwrap()
        ),
    );
    let part = |name: &str| std::fs::read(folder.path(name)).unwrap();
    let joined = [part("init.mp4"), part("part0.m4s"), part("part1.m4s"), part("part2.m4s")].concat();
    let found = probe(Cursor::new(joined.clone())).unwrap();
    let duration = found.duration.unwrap().as_secs_f64();
    assert!((5.99..6.1).contains(&duration), "{duration}");
    assert_eq!(found.video.unwrap().fps, Some(25.0));
    let seconds = decode(joined).unwrap().samples.len() as f64 / 2.0 / 48_000.0;
    assert!((5.99..6.1).contains(&seconds), "{seconds}");
}

#[test]
fn default_audio_stream_is_used_before_the_first() {
    let folder = Recordings::new();
    folder.make("loud.wav", &format!("{SOUND} -c:a pcm_s16le"));
    folder.make(
        "quiet.wav",
        "-f lavfi -i sine=frequency=200:sample_rate=48000:duration=6 -af volume=0.05 -ac 2",
    );
    for (container, first, second) in [("mp4", "ac3", "aac"), ("mkv", "ac3", "aac"), ("mkv", "aac", "flac")] {
        for (flags, expected) in [
            ("-disposition:a:0 default -disposition:a:1 0", 0),
            ("-disposition:a:0 0 -disposition:a:1 default", 1),
        ] {
            let name = format!("{first}-{second}-{expected}.{container}");
            let path = folder.make(
                &name,
                &format!(
                    "-i {{loud.wav}} -i {{quiet.wav}} -map 0 -map 1 -c:a:0 {first} -c:a:1 {second} {flags} \
                     -metadata:s:a:0 language=spa -metadata:s:a:1 language=eng"
                ),
            );
            let open = |wanted| decoders().open(Box::new(File::open(&path).unwrap()), wanted).unwrap();
            let decoder = open(None);
            assert_eq!(decoder.audio_index(), expected, "{name}");
            let peak = |sound: DecodedAudio| {
                sound.samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()))
            };
            assert_eq!(peak(DecodedAudio::from_decoder(decoder).unwrap()) > 0.2, expected == 0, "{name}");
            let other = peak(DecodedAudio::from_decoder(open(Some(1 - expected))).unwrap());
            assert_eq!(other > 0.2, expected == 1, "{name}");
            let probe = decoders().probe(Box::new(File::open(&path).unwrap()), None, &|| false).unwrap();
            let streams: Vec<_> = probe
                .audio_streams
                .iter()
                .map(|stream| (stream.index, &*stream.codec, stream.rate.is_some(), stream.channels))
                .collect();
            let expected_streams = [(0, first, true, Some(2)), (1, second, true, Some(2))];
            assert_eq!(streams, expected_streams, "{name}");
            let languages = probe.audio_streams.iter().map(|stream| stream.language.as_deref());
            assert_eq!(languages.collect::<Vec<_>>(), [Some("spa"), Some("eng")], "{name}");
            let default = probe.audio_streams.iter().position(|stream| stream.is_default);
            assert_eq!(default, Some(expected), "{name}");
        }
    }
}

#[test]
fn quicktime_without_its_brand_is_decoded() {
    let folder = Recordings::new();
    let path = folder.make("a.mov", &format!("{SOUND} -c:a pcm_s16be"));
    let mut bytes = std::fs::read(&path).unwrap();
    let reference = decode(bytes.clone()).unwrap();
    assert_eq!(&bytes[4..8], b"ftyp");
    bytes[4..8].copy_from_slice(b"free");
    let path = folder.path("brandless.mov");
    std::fs::write(&path, &bytes).unwrap();
    let found = DecodedAudio::decode_anyhow(&path).unwrap();
    assert_eq!(difference(&found, &reference), 0.0);
    assert!(matches!(decode(bytes), Err(DecodeError::FfmpegUnavailable { .. })));
}

#[test]
fn tags_before_and_after_mp3_frames_are_skipped() {
    let folder = Recordings::new();
    let make = |name: &str, arguments: &str| {
        let bare = "-c:a libmp3lame -write_xing 0 -id3v2_version 0";
        std::fs::read(folder.make(name, &format!("{SOUND} {arguments} {bare}"))).unwrap()
    };
    let (whole, other) = (make("a.mp3", "-b:a 128k"), make("b.mp3", "-ar 16000 -b:a 32k"));
    let reference = decode(whole.clone()).unwrap();
    // Cover art in a tag may contain bytes that look like frames of other audio.
    let length = other.len() as u32;
    let size =
        [length >> 21, length >> 14 & 0x7f, length >> 7 & 0x7f, length & 0x7f].map(|seven| seven as u8);
    let id3 = [b"ID3\x04\0\0".as_slice(), &size, &other].concat();
    let ape = [b"APETAGEX\xd0\x07\0\0".as_slice(), &length.to_le_bytes(), &[0; 16], &other].concat();
    for (name, file) in [
        ("ID3v2 behind", [whole.clone(), id3.clone()].concat()),
        ("ID3v2 before", [id3.clone(), whole.clone()].concat()),
        ("APE behind", [whole.clone(), ape.clone()].concat()),
        ("both", [id3, whole.clone(), ape].concat()),
    ] {
        let found = decode(file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(found.samples.len(), reference.samples.len(), "{name}");
        assert!(difference(&found, &reference) < 1e-6, "{name}");
    }
}

#[test]
fn wave_headers_that_were_never_updated_are_read_to_the_end() {
    let folder = Recordings::new();
    let whole =
        std::fs::read(folder.make("a.wav", &format!("{SOUND} -c:a pcm_s16le -bitexact -map_metadata -1")))
            .unwrap();
    let reference = decode(whole.clone()).unwrap();
    assert_eq!(&whole[36..40], b"data");
    for (riff, data) in [(36_u32, 0_u32), (0, 0), (u32::MAX, u32::MAX), (0x7fff_f024, 0x7fff_f000)] {
        let mut file = whole.clone();
        file[4..8].copy_from_slice(&riff.to_le_bytes());
        file[40..44].copy_from_slice(&data.to_le_bytes());
        let found = decode(file.clone()).unwrap_or_else(|error| panic!("{riff} {data}: {error}"));
        assert_eq!(
            (found.samples.len(), found.stats.truncated),
            (reference.samples.len(), false),
            "{riff} {data}"
        );
        assert_eq!(
            probe(Cursor::new(file)).unwrap().duration,
            Some(MediaTime::from_millis(6_000)),
            "{riff} {data}"
        );
    }
}

#[test]
fn archives_and_other_formats_do_not_pass_for_mp3() {
    let folder = Recordings::new();
    let mp3 = std::fs::read(folder.make("a.mp3", &format!("{SOUND} -c:a libmp3lame"))).unwrap();
    let mut tar = b"a.mp3".to_vec();
    tar.resize(257, 0);
    tar.extend(b"ustar\x0000");
    tar.resize(512, 0);
    let inside = |head: &[u8], tail: &[u8]| [head, &mp3, tail].concat();
    for (name, file) in [
        ("tar", inside(&tar, &[0; 1_024])),
        ("zip", inside(b"PK\x03\x04\x14\0\0\0\0\0", b"PK\x01\x02 a central directory, and so on")),
        ("OptimFROG", inside(b"OFR \x0c\0\0\0", b"")),
        ("text before and behind", inside(&b"not a header ".repeat(50), &b"nor a trailer ".repeat(50))),
    ] {
        let error = decode(file.clone()).unwrap_err();
        assert!(
            matches!(error, DecodeError::Unrecognised(_) | DecodeError::Unsupported(_)),
            "{name}: {error}"
        );
        assert_eq!(probe(Cursor::new(file)).unwrap().audio, None, "{name}");
    }
    for (name, arguments) in
        [("a.wv", "-c:a wavpack"), ("a.ts", "-c:a aac"), ("a.mpg", "-c:a mp2"), ("a.tta", "-c:a tta")]
    {
        let path = folder.make(name, &format!("{SOUND} {arguments}"));
        let decoder = decoders().open(Box::new(File::open(&path).unwrap()), None).unwrap();
        assert!(matches!(decoder.kind(), DecoderKind::Ffmpeg(_)), "{name}");
        let without = Decoders::native().open(Box::new(File::open(&path).unwrap()), None).unwrap_err();
        assert!(matches!(without, DecodeError::FfmpegUnavailable { .. }), "{name}: {without}");
    }
}

/// Formats without an encoder here: the decoder is chosen by the header, and the error without it names the format.
#[test]
fn formats_without_an_encoder_are_recognised_by_their_headers() {
    for (header, name) in [
        (&b"#!AMR\n\x3c\x91\x17\x16"[..], "amr"),
        (b"#!AMR-WB\n\x44", "amr"),
        (b"MAC \x96\x0f\0\0\x34\0\0\0", "ape"),
        (b"tBaK\x00\x22\0\0", "tak"),
        (b"MPCKSH", "musepack"),
        (b".RMF\0\0\0\x12", "rm"),
    ] {
        let file = [header, &[0; 512]].concat();
        let error = decode(file.clone()).unwrap_err();
        assert!(
            matches!(&error, DecodeError::FfmpegUnavailable { what, .. } if what == name),
            "{name}: {error}"
        );
        let probe = probe(Cursor::new(file)).unwrap();
        assert!(
            probe.needs_ffmpeg && !probe.is_complete && probe.container.as_deref() == Some(name),
            "{probe:?}"
        );
    }
}

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
fn damaged_bytes_are_not_reported_as_io_errors() {
    let folder = Recordings::new();
    let caf = std::fs::read(folder.make("a.caf", &format!("{SHORT} -c:a pcm_s16be"))).unwrap();
    let webm = std::fs::read(folder.make("a.webm", &format!("{SHORT} -c:a libvorbis"))).unwrap();
    for (name, bytes) in [("caf", caf), ("webm", webm)] {
        for at in 0..bytes.len().min(400) {
            for value in [0x00, 0x62, 0xff] {
                let mut mutant = bytes.clone();
                mutant[at] = value;
                let result = decode(mutant);
                assert!(
                    !matches!(result, Err(DecodeError::Io(_))),
                    "{name}: byte {at} as {value:#x}: {result:?}"
                );
            }
        }
    }
}

#[test]
fn duration_is_counted_when_the_header_declares_an_implausible_one() {
    let folder = Recordings::new();
    let mut flac = std::fs::read(folder.make("a.flac", &format!("{SHORT} -c:a flac"))).unwrap();
    // STREAMINFO: 36 bits of total samples, after rate, channels and depth.
    flac[8 + 13] = flac[8 + 13] & 0xf0 | 0x0f;
    flac[8 + 14..8 + 18].fill(0xff);
    let duration = probe(Cursor::new(flac)).unwrap().duration.unwrap();
    assert_eq!(duration, MediaTime::from_millis(500));
}

#[test]
fn frame_rates_are_those_of_the_encoder() {
    let folder = Recordings::new();
    for (name, arguments) in [
        ("b.mkv", "-c:v libx264 -bf 3"),
        ("b.mp4", "-c:v libx264 -bf 3"),
        ("fragments.mp4", "-c:v libx264 -bf 2 -movflags frag_keyframe+empty_moov"),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8"),
    ] {
        let path = folder.make(name, &format!("{PICTURES} {arguments}"));
        let video = probe(File::open(&path).unwrap()).unwrap().video.unwrap();
        assert_eq!(video.fps, Some(25.0), "{name}");
        // Without the declared rate, as some muxers write it: frames are counted.
        let mut bytes = std::fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(3).position(|id| id == [0x23, 0xE3, 0x83]) {
            bytes[at..at + 3].copy_from_slice(&[0x23, 0xE3, 0x84]);
            let counted = probe(Cursor::new(bytes)).unwrap().video.unwrap().fps.unwrap();
            assert!((counted - 25.0).abs() < 0.01, "{name}: {counted}");
        }
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
