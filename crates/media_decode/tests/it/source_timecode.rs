//! Source timecode of files that ffmpeg writes.

use std::fs::File;

use test_kit::Recordings;

use crate::support::decoders;

const VIDEO: &str = "-f lavfi -i testsrc=size=720x576:rate=25:d=1 -timecode 10:00:00:00";
const DROP_FRAME: &str = "-f lavfi -i testsrc=size=64x48:rate=30000/1001:d=1 -timecode 01:00:00;02";
const BROADCAST_WAVE: &str =
    "-f lavfi -i sine=sample_rate=48000:d=1 -write_bext 1 -metadata time_reference=1728000000";

#[test]
fn source_timecode_is_probed() {
    let folder = Recordings::new();
    let ten_hours = Some((900_000, (25, 1), false));
    let samples = Some((1_728_000_000, (48_000, 1), false));
    for (name, source, codec, expected) in [
        ("a.mov", VIDEO, "-c:v mpeg4", ten_hours),
        ("a.mp4", VIDEO, "-c:v mpeg4 -movflags faststart", ten_hours),
        ("a.mxf", VIDEO, "-c:v mpeg2video", ten_hours),
        ("a.dv", VIDEO, "-c:v dvvideo -pix_fmt yuv420p", ten_hours),
        ("a.avi", VIDEO, "-c:v mpeg4", ten_hours),
        ("drop.mov", DROP_FRAME, "-c:v mpeg4", Some((107_894, (30_000, 1_001), true))),
        ("drop.mxf", DROP_FRAME, "-c:v mpeg2video", Some((107_894, (30_000, 1_001), true))),
        ("a.wav", BROADCAST_WAVE, "-c:a pcm_s16le", samples),
        ("rf64.wav", BROADCAST_WAVE, "-c:a pcm_s24le -rf64 always", samples),
        ("none.mov", "-f lavfi -i testsrc=size=64x48:rate=25:d=1", "-c:v mpeg4", None),
    ] {
        let path = folder.make(name, &format!("{source} {codec}"));
        let probe = decoders().probe(Box::new(File::open(&path).unwrap()), None, &|| false).unwrap();
        let found = probe.source_timecode;
        let found = found.map(|timecode| (timecode.count, timecode.rate, timecode.drop_frame));
        assert_eq!(found, expected, "{name}");
    }
}
