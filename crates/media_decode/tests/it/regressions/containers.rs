//! Streams, durations and frame rates that containers declare.

use std::fs::File;
use std::io::Cursor;

use media_decode::DecodeError;
use media_time::MediaTime;
use test_kit::Recordings;

use super::{PICTURES, SHORT, SOUND, decode, difference};
use crate::matroska::{self, Lacing};
use crate::support::{DecodedAudio, decoders, probe};

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
