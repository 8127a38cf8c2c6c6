//! Source timecode in the editing formats: files that begin at 01:00:00;02 in drop frame, at 01:00:00:00 in non-drop
//! frame, and at a count of samples.

use interchange::edit::{EditTimeline, SourceTimecode, TrackKind, csv, edl, fcp7, fcpxml, otio};
use interchange::frame_rate::FrameRate;
use interchange::loss::{Export, LossKind};

use crate::edits::{clip, media, text, timeline, track, without_doctype};

const NTSC: (u32, u32) = (30_000, 1_001);

fn rate() -> FrameRate {
    FrameRate::new(NTSC.0, NTSC.1).unwrap()
}

/// A clip of a second from second 1 of a drop-frame file, one from second 2 of a non-drop file.
fn mixed() -> EditTimeline {
    let rate = rate();
    let file = |name, count, drop_frame| {
        let mut file = media(name, Some(rate), 2);
        file.duration = Some(rate.time(300));
        file.start_timecode = Some(SourceTimecode::of_count(count, NTSC, drop_frame, file.rate));
        file
    };
    let files = vec![file("a.mov", 107_894, true), file("b.mov", 108_000, false)];
    let clips = vec![clip(rate, 0, [0, 30, 30], 1.0), clip(rate, 1, [30, 60, 60], 1.0)];
    timeline(rate, files, vec![track(TrackKind::Video, "V", clips)])
}

fn has_no_timecode_loss(export: &Export) -> bool {
    export.losses.iter().all(|loss| loss.what != LossKind::TimecodeUnknown)
}

#[test]
fn otio_counts_from_the_source_timecode() {
    let document: serde_json::Value = serde_json::from_slice(&otio::otio(&mixed()).content).unwrap();
    let clips = document["tracks"]["children"][0]["children"].as_array().unwrap();
    let starts = clips.iter().map(|clip| {
        let available = &clip["media_references"]["DEFAULT_MEDIA"]["available_range"];
        [&clip["source_range"], available].map(|range| range["start_time"]["value"].as_f64().unwrap())
    });
    assert_eq!(starts.collect::<Vec<_>>(), [[107_924.0, 107_894.0], [108_060.0, 108_000.0]]);
}

#[test]
fn fcpxml_counts_from_the_source_timecode() {
    let export = fcpxml::fcpxml(&mixed());
    let text = without_doctype(text(&export));
    let document = roxmltree::Document::parse(&text).unwrap();
    let attributes = |element: &str, name: &str| -> Vec<String> {
        let nodes = document.descendants().filter(|node| node.has_tag_name(element));
        nodes.filter_map(|node| node.attribute(name).map(str::to_owned)).collect()
    };
    assert_eq!(attributes("asset", "start"), ["54000947/15000s", "18018/5s"]);
    assert_eq!(attributes("asset-clip", "start"), ["27007981/7500s", "1802801/500s"]);
    assert_eq!(attributes("asset-clip", "tcFormat"), ["DF", "NDF"]);
}

#[test]
fn fcp7xml_has_the_source_timecode_of_files() {
    let export = fcp7::fcp7xml(&mixed());
    let text = without_doctype(text(&export));
    let document = roxmltree::Document::parse(&text).unwrap();
    let files = document.descendants().filter(|node| node.has_tag_name("file"));
    let timecodes = files.filter_map(|file| file.children().find(|node| node.has_tag_name("timecode")));
    let values = timecodes.map(|timecode| {
        let value = |name: &str| timecode.children().find(|node| node.has_tag_name(name))?.text();
        ["string", "frame", "displayformat"].map(|name| value(name).unwrap_or_default())
    });
    let expected = [["01:00:00;02", "107894", "DF"], ["01:00:00:00", "108000", "NDF"]];
    assert_eq!(values.collect::<Vec<_>>(), expected);
    let items = document.descendants().filter(|node| node.has_tag_name("clipitem"));
    let ins = items.filter_map(|item| item.children().find(|node| node.has_tag_name("in"))?.text());
    assert_eq!(ins.collect::<Vec<_>>(), ["30", "60"], "in points count from the start of the file");
    assert!(has_no_timecode_loss(&export));
}

#[test]
fn edl_has_source_timecode_of_both_kinds() {
    let export = edl::edl(&mixed());
    let events: Vec<&str> = text(&export).lines().filter(|line| line.starts_with("00")).collect();
    let expected = [
        "001  A        V     C        01:00:01;02 01:00:02;02 00:00:00;00 00:00:01;00",
        "002  B        V     C        01:00:02:00 01:00:03:00 00:00:01;00 00:00:02;00",
    ];
    assert_eq!(events, expected);
    assert!(has_no_timecode_loss(&export));
}

#[test]
fn csv_has_source_timecode() {
    let mut timeline = mixed();
    timeline.media[1].start_timecode = None;
    let export = csv::csv(&timeline);
    let ends = text(&export).lines().map(|line| line.rsplitn(3, ',').take(2).collect::<Vec<_>>());
    let expected =
        [["source_end_timecode", "source_start_timecode"], ["01:00:02;02", "01:00:01;02"], ["", ""]];
    assert_eq!(ends.collect::<Vec<_>>(), expected, "the second is unknown");
}

#[test]
fn time_reference_of_audio_is_rounded_to_frames() {
    let rate = FrameRate::PAL;
    let mut file = media("a.wav", None, 1);
    file.has_video = false;
    // 10 hours and 30 ms.
    let count = 48_000 * 36_000 + 1_440;
    file.start_timecode = Some(SourceTimecode::of_count(count, (48_000, 1), false, None));
    let clips = vec![clip(rate, 0, [0, 25, 25], 1.0)];
    let export = edl::edl(&timeline(rate, vec![file], vec![track(TrackKind::Audio, "A", clips)]));
    assert!(text(&export).contains("10:00:01:01 10:00:02:01 00:00:00:00 00:00:01:00"), "{}", text(&export));
    assert_eq!(export.losses, [], "the position in the file is exact");
}
