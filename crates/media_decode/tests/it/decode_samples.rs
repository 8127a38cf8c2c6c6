//! Decoded samples equal those of ffmpeg.

use media_decode::Decoder;
use symphonia::core::audio::{Channels, Position};
use test_kit::Recordings;

use crate::support::DecodedAudio;

/// Half a second of noise and tones, different in each channel.
const TONES: &str = "-f lavfi -i aevalsrc=0.4*sin(440*2*PI*t)+0.1*random(0)|0.3*sin(880*2*PI*t)|0.2*random(1)|0.5*sin(55*2*PI*t)|0.1*random(2)|0.25*sin(330*2*PI*t):s=48000:d=0.5:c=5.1";

fn assert_same_samples(name: &str, ours: &DecodedAudio, reference: &DecodedAudio, tolerance: f32) {
    assert_eq!((ours.rate, ours.channels), (reference.rate, reference.channels), "{name}");
    assert_eq!(ours.samples.len(), reference.samples.len(), "{name}: number of samples");
    let difference = ours.samples.iter().zip(&reference.samples).map(|(own, other)| (own - other).abs());
    let largest = difference.fold(0.0, f32::max);
    assert!(largest <= tolerance, "{name}: samples differ by up to {largest}");
    assert_eq!(ours.stats, Default::default(), "{name}");
}

#[test]
fn lossless_recordings_are_decoded_exactly() {
    let folder = Recordings::new();
    folder.make("six.wav", &format!("{TONES} -c:a pcm_f32le"));
    for (name, arguments) in [
        ("s16.wav", "-ac 2 -c:a pcm_s16le"),
        ("u8.wav", "-ac 2 -c:a pcm_u8"),
        ("s24.wav", "-ac 2 -c:a pcm_s24le"),
        ("s32.wav", "-ac 2 -c:a pcm_s32le"),
        ("f32.wav", "-ac 2 -c:a pcm_f32le"),
        ("f64.wav", "-ac 2 -c:a pcm_f64le"),
        ("alaw.wav", "-ac 1 -ar 8000 -c:a pcm_alaw"),
        ("mulaw.wav", "-ac 1 -ar 8000 -c:a pcm_mulaw"),
        ("mono.wav", "-ac 1 -ar 11025 -c:a pcm_s16le"),
        ("high.wav", "-ac 1 -ar 192000 -c:a pcm_s24le"),
        ("six.wav24.wav", "-c:a pcm_s24le"),
        ("s16.flac", "-ac 2 -c:a flac -sample_fmt s16"),
        ("s24.flac", "-ac 2 -c:a flac -sample_fmt s32"),
        ("mono.flac", "-ac 1 -c:a flac -sample_fmt s16"),
        ("six.flac", "-c:a flac -sample_fmt s16"),
        ("s16.aiff", "-ac 2 -c:a pcm_s16be"),
        ("s24.aiff", "-ac 1 -c:a pcm_s24be"),
        ("f32.aiff", "-ac 2 -c:a pcm_f32be"),
        ("s16.caf", "-ac 2 -c:a pcm_s16be"),
        ("alac.caf", "-ac 2 -c:a alac"),
        ("alac.m4a", "-ac 2 -c:a alac"),
        ("flac.ogg", "-ac 2 -c:a flac -sample_fmt s16"),
        ("flac.mkv", "-ac 2 -c:a flac -sample_fmt s16"),
        ("pcm.mkv", "-ac 2 -c:a pcm_s16le"),
        ("pcm.mov", "-ac 2 -c:a pcm_s16be"),
    ] {
        let path = folder.make(name, &format!("-i {{six.wav}} {arguments}"));
        let ours = DecodedAudio::decode(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_same_samples(name, &ours, &DecodedAudio::by_ffmpeg(&path), 1e-6);
    }
}

/// Decoders of lossy codecs may round differently, and ffmpeg keeps the padding after an MP4's edit. AAC's perceptual
/// noise substitution (PNS) is disabled, because decoders generate different noise.
#[test]
fn lossy_recordings_are_decoded_closely() {
    let folder = Recordings::new();
    folder.make("six.wav", &format!("{TONES} -c:a pcm_f32le"));
    for (name, arguments) in [
        ("stereo.mp3", "-ac 2 -c:a libmp3lame"),
        ("mono.mp3", "-ac 1 -ar 22050 -c:a libmp3lame"),
        ("stereo.ogg", "-ac 2 -c:a libvorbis"),
        ("six.ogg", "-c:a libvorbis"),
        ("stereo.m4a", "-ac 2 -c:a aac -aac_pns 0"),
        ("three.m4a", "-ac 3 -c:a aac -aac_pns 0"),
        ("six.m4a", "-c:a aac -aac_pns 0"),
        ("six.aac", "-c:a aac -aac_pns 0"),
        ("six.mkv", "-c:a aac -aac_pns 0"),
    ] {
        let path = folder.make(name, &format!("-i {{six.wav}} {arguments}"));
        let mut ours = DecodedAudio::decode(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut reference = DecodedAudio::by_ffmpeg(&path);
        let frame = 1_152 * reference.channels;
        let length = ours.samples.len().min(reference.samples.len());
        assert!(length + frame >= ours.samples.len().max(reference.samples.len()), "{name}: length");
        ours.samples.truncate(length);
        reference.samples.truncate(length);
        assert_same_samples(name, &ours, &reference, 2e-3);
    }
}

#[test]
fn surround_channels_have_their_speaker_positions() {
    let folder = Recordings::new();
    folder.make("six.wav", &format!("{TONES} -c:a pcm_s16le"));
    for name in ["six.flac", "six.m4a", "six.ogg", "six.mkv"] {
        let path = folder.make(name, "-i {six.wav}");
        let decoder = Decoder::open(std::fs::File::open(path).unwrap()).unwrap();
        let Channels::Positioned(positions) = decoder.format().layout else {
            panic!("{name}: {:?}", decoder.format());
        };
        assert!(positions.contains(Position::LFE1), "{name}");
        assert_eq!(decoder.format().channels(), 6, "{name}");
    }
}
