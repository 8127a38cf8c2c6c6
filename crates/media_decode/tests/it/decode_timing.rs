//! Clicks are decoded at the time when ffmpeg presents them, in every container, to within a millisecond.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::path::Path;
use test_kit::Recordings;

use crate::support::{DecodedAudio, first_frame};

/// A click of 2 ms each second, the first at 250 ms, for 5 s.
const CLICKS: &str = "-f lavfi -i aevalsrc='if(lt(mod(t+0.75,1),0.002),0.8*sin(2*PI*1000*t),0)':s=44100:d=5";
const THRESHOLD: f32 = 0.2;

fn folder() -> Recordings {
    let folder = Recordings::new();
    folder.make("clicks.wav", &format!("{} -c:a pcm_s16le", CLICKS.replace('\'', "")).replace(',', "\\,"));
    folder
}

/// ffmpeg's click times in ms, relative to the PTS of the earlier of audio and video. Audio before the container's own
/// zero (the priming of `delayed.mp4`) is not presented.
fn presented_by_ffmpeg(path: &Path) -> Vec<f64> {
    let audio = first_frame(path, "a:0").unwrap_or(0.0);
    let zero = first_frame(path, "v:0").map_or(audio, |video| video.min(audio.max(0.0)));
    DecodedAudio::by_ffmpeg(path).clicks(THRESHOLD).into_iter().map(|click| click + audio - zero).collect()
}

fn assert_same_times(name: &str, path: &Path) -> Vec<f64> {
    let (ours, ffmpegs) = (DecodedAudio::decode(path).unwrap().clicks(THRESHOLD), presented_by_ffmpeg(path));
    assert!(!ffmpegs.is_empty(), "{name}: no clicks");
    assert_eq!(ours.len(), ffmpegs.len(), "{name}: clicks at {ours:?} ms, by ffmpeg {ffmpegs:?}");
    for (own, reference) in ours.iter().zip(&ffmpegs) {
        assert!((own - reference).abs() <= 1.0, "{name}: clicks at {ours:?} ms, by ffmpeg {ffmpegs:?}");
    }
    ours
}

/// Clicks keep their time when encoded without offsets or edit lists.
#[test]
fn clicks_keep_their_time_in_every_container() {
    let folder = folder();
    let encodings = [
        ("a.wav", "-c:a pcm_s16le"),
        ("a.flac", "-c:a flac"),
        ("a.aiff", "-c:a pcm_s16be"),
        ("a.caf", "-c:a pcm_s16le"),
        ("cbr.mp3", "-c:a libmp3lame"),
        ("vbr.mp3", "-c:a libmp3lame -q:a 4"),
        ("mono.mp3", "-c:a libmp3lame -ac 1 -ar 22050"),
        ("aac.m4a", "-c:a aac"),
        ("alac.m4a", "-c:a alac"),
        ("opus.mp4", "-c:a libopus"),
        ("vorbis.ogg", "-c:a libvorbis"),
        ("flac.ogg", "-c:a flac"),
        ("opus.opus", "-c:a libopus"),
        ("opus60.opus", "-c:a libopus -frame_duration 60"),
        ("opus.webm", "-c:a libopus"),
        ("vorbis.webm", "-c:a libvorbis"),
        ("vorbis.mkv", "-c:a libvorbis"),
        ("flac.mkv", "-c:a flac"),
        ("mp3.mkv", "-c:a libmp3lame"),
    ];
    for (name, arguments) in encodings {
        let path = folder.make(name, &format!("-i {{clicks.wav}} {arguments}"));
        let clicks = assert_same_times(name, &path);
        // ffmpeg 5 does not write the MP3 delay into Matroska, so it cannot be distinguished from audio.
        if name != "mp3.mkv" {
            let expected = [250.0, 1_250.0, 2_250.0, 3_250.0, 4_250.0];
            assert_eq!(clicks.len(), expected.len(), "{name}: {clicks:?}");
            for (click, expected) in clicks.iter().zip(expected) {
                assert!((click - expected).abs() <= 1.0, "{name}: {clicks:?}");
            }
        }
    }
}

/// An encoder delay that the file does not declare is presented as audio, as by ffmpeg.
#[test]
fn undeclared_encoder_delay_is_presented() {
    let folder = folder();
    for (name, arguments) in [
        ("bare.mp3", "-c:a libmp3lame -write_xing 0 -id3v2_version 0"),
        ("bare.aac", "-c:a aac"),
        ("noedit.m4a", "-c:a aac -use_editlist 0"),
    ] {
        let path = folder.make(name, &format!("-i {{clicks.wav}} {arguments}"));
        assert_same_times(name, &path);
    }
}

#[test]
fn offsets_edit_lists_and_video_starts_are_applied() {
    let folder = folder();
    let pictures = "-f lavfi -i testsrc=size=64x48:rate=25:d=5";
    folder.make("av.mp4", &format!("{pictures} -i {{clicks.wav}} -c:v libx264 -bf 2 -c:a aac"));
    folder.make("av.mov", "-i {av.mp4} -c:v copy -c:a pcm_s16le");
    let late = "-itsoffset 0.5 -i {clicks.wav} -i {av.mp4} -map 0:a -map 1:v -c:v copy";
    let late_pictures = "-i {clicks.wav} -itsoffset 0.7 -i {av.mp4} -map 0:a -map 1:v -c:v copy";
    for (name, arguments) in [
        ("late.mp4", format!("{late} -c:a aac")),
        ("late.mov", format!("{late} -c:a pcm_s16le")),
        ("late.mkv", format!("{late} -c:a libvorbis")),
        ("lateflac.mkv", format!("{late} -c:a flac")),
        ("lateopus.mkv", format!("{late} -c:a libopus")),
        ("latepictures.mp4", format!("{late_pictures} -c:a aac")),
        ("latepictures.mkv", format!("{late_pictures} -c:a libvorbis")),
        ("alone.m4a", "-itsoffset 0.5 -i {clicks.wav} -c:a aac".to_owned()),
        ("alone.mka", "-itsoffset 0.5 -i {clicks.wav} -c:a libvorbis".to_owned()),
        ("cut.mp4", "-ss 1.3 -i {av.mp4} -c copy".to_owned()),
        ("cut.mov", "-ss 1.3 -i {av.mov} -c copy".to_owned()),
        ("cut.mkv", "-ss 1.3 -i {av.mp4} -c copy".to_owned()),
        ("tail.mp4", "-i {av.mp4} -t 2.6 -c copy".to_owned()),
        ("delayed.mp4", "-i {av.mp4} -c copy -movflags frag_keyframe+delay_moov".to_owned()),
        ("faststart.mp4", "-i {av.mp4} -c copy -movflags +faststart".to_owned()),
        ("webm.webm", "-i {av.mp4} -c:v libvpx -c:a libopus".to_owned()),
    ] {
        let path = folder.make(name, &arguments);
        assert_same_times(name, &path);
    }
}

/// For these fragments ffmpeg leaves a gap between the first two audio packets, because the video begins later. Its
/// decoded samples close the gap; its PTS keep it.
#[test]
fn holes_in_the_timestamps_are_silence() {
    let folder = folder();
    let pictures = "-f lavfi -i testsrc=size=64x48:rate=25:d=5";
    folder.make("av.mp4", &format!("{pictures} -i {{clicks.wav}} -c:v libx264 -bf 2 -c:a aac"));
    let path = folder.make("fragments.mp4", "-i {av.mp4} -c copy -movflags frag_keyframe+empty_moov");
    let first_frame = first_frame(&path, "v:0").unwrap();
    assert!(first_frame > 30.0, "ffmpeg no longer writes the gap that this test is about");
    let clicks = DecodedAudio::decode(&path).unwrap().clicks(THRESHOLD);
    assert_eq!(clicks.len(), 5);
    assert!((clicks[0] - 250.0 - first_frame).abs() < 1.0, "{clicks:?}, video from {first_frame} ms on");
}

/// Two recordings joined by `cat` are presented one after the other.
#[test]
fn chained_ogg_is_decoded_to_the_end() {
    let folder = folder();
    for (name, codec) in [("a.ogg", "libvorbis"), ("b.opus", "libopus")] {
        let part = std::fs::read(folder.make(name, &format!("-i {{clicks.wav}} -c:a {codec}"))).unwrap();
        let other = std::fs::read(
            folder.make(&format!("2{name}"), &format!("-i {{clicks.wav}} -c:a {codec} -serial_offset 7")),
        )
        .unwrap();
        let chained = folder.path(&format!("chained-{name}"));
        std::fs::write(&chained, [part, other].concat()).unwrap();
        let clicks = DecodedAudio::decode(&chained).unwrap().clicks(THRESHOLD);
        let expected: Vec<f64> = (0..10).map(|second| 250.0 + 1_000.0 * f64::from(second)).collect();
        assert_eq!(clicks.len(), expected.len(), "{name}: {clicks:?}");
        assert!(
            clicks.iter().zip(expected).all(|(click, expected)| (click - expected).abs() < 1.0),
            "{name}: {clicks:?}"
        );
    }
}
