use interchange::edit::{
    Clip, EditTimeline, Media, SourceTimecode, Track, TrackKind, csv, edl, fcp7, fcpxml, otio,
};
use interchange::frame_rate::FrameRate;
use interchange::loss::{Export, LossKind};
use media_time::Window;

pub(crate) fn media(name: &str, rate: Option<FrameRate>, channels: u32) -> Media {
    Media {
        id: format!("asset_{name}"),
        name: name.to_owned(),
        url: None,
        duration: None,
        has_video: true,
        rate,
        start_timecode: Some(SourceTimecode::ZERO),
        audio_channels: Some(channels),
        sample_rate: Some(48_000),
    }
}

/// A clip from frame `start` to `end`, which plays `media` from its frame `source`.
pub(crate) fn clip(rate: FrameRate, media: usize, [start, end, source]: [i64; 3], speed: f64) -> Clip {
    Clip {
        name: format!("Shot {start}"),
        media,
        target: Window::new(rate.time(start), rate.time(end)).unwrap(),
        source_start: rate.time(source),
        speed,
        gain_db: 0.0,
        metadata: Vec::new(),
    }
}

pub(crate) fn timeline(rate: FrameRate, media: Vec<Media>, tracks: Vec<Track>) -> EditTimeline {
    EditTimeline { name: "Cut".to_owned(), rate, media, tracks, embedded_audio: false }
}

pub(crate) fn track(kind: TrackKind, name: &str, clips: Vec<Clip>) -> Track {
    Track { name: name.to_owned(), kind, clips }
}

pub(crate) fn text(export: &Export) -> &str {
    std::str::from_utf8(&export.content).unwrap()
}

fn kinds(export: &Export) -> Vec<LossKind> {
    export.losses.iter().map(|loss| loss.what).collect()
}

/// The document, without its type, which the parser refuses.
pub(crate) fn without_doctype(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("<!DOCTYPE")).collect::<Vec<_>>().join("\n")
}

#[test]
fn edl_has_drop_frame_timecode_and_motion_effects() {
    let rate = FrameRate::new(30_000, 1_001).unwrap();
    let mut files = vec![media("talk.mp4", Some(rate), 2), media("talk.mov", Some(rate), 2)];
    // One hour of source timecode.
    files[0].start_timecode = Some(SourceTimecode { time: rate.time(107_892), drop_frame: Some(true) });
    let clips = vec![clip(rate, 0, [0, 1_800, 30], 1.0), clip(rate, 1, [1_800, 1_830, 60], 2.0)];
    let export = edl::edl(&timeline(rate, files, vec![track(TrackKind::Video, "Film", clips)]));
    let expected = "TITLE: Cut\n\
        FCM: DROP FRAME\n\
        \n\
        001  TALK     V     C        01:00:01;00 01:01:01;02 00:00:00;00 00:01:00;02\n\
        * FROM CLIP NAME: Shot 0\n\
        * SOURCE FILE: talk.mp4\n\
        \n\
        002  TALK2    V     C        00:00:02;00 00:00:04;00 00:01:00;02 00:01:01;02\n\
        M2   TALK2     59.940                00:00:02:00\n\
        * FROM CLIP NAME: Shot 1800\n\
        * SOURCE FILE: talk.mov\n\
        \n";
    assert_eq!(text(&export), expected);
    assert_eq!(kinds(&export), [LossKind::ReelShortened]);
}

#[test]
fn reels_are_unique_and_have_eight_characters() {
    let rate = FrameRate::PAL;
    let names = ["interview one.mp4", "interview two.mp4", "INTERVI2.mp4", "録音.mp4", "A1"];
    let files = names.map(|name| media(name, Some(rate), 2)).to_vec();
    let clips = (0..5).map(|index| clip(rate, index, [index as i64, index as i64 + 1, 0], 1.0)).collect();
    let export = edl::edl(&timeline(rate, files, vec![track(TrackKind::Video, "V", clips)]));
    let lines = text(&export).lines();
    let reels: Vec<&str> =
        lines.filter(|line| line.starts_with("00")).map(|line| line[5..13].trim()).collect();
    assert_eq!(reels, ["INTERVIE", "INTERVI2", "INTERVI3", "REEL", "A1"]);
    assert_eq!(export.losses[0].place, "4 files");
}

#[test]
fn fcp7xml_counts_played_frames_at_twice_the_speed() {
    let rate = FrameRate::PAL;
    let mut file = media("a b.mp4", Some(rate), 2);
    file.duration = Some(rate.time(100));
    let video = track(TrackKind::Video, "V1", vec![clip(rate, 0, [10, 20, 40], 2.0)]);
    let export = fcp7::fcp7xml(&timeline(rate, vec![file], vec![video]));
    let text = without_doctype(text(&export));
    let document = roxmltree::Document::parse(&text).unwrap();
    let item = document.descendants().find(|node| node.has_tag_name("clipitem")).unwrap();
    let value =
        |name: &str| item.children().find(|node| node.has_tag_name(name)).and_then(|node| node.text());
    let names = ["name", "duration", "start", "end", "in", "out"];
    assert_eq!(names.map(|name| value(name).unwrap()), ["Shot 10", "50", "10", "20", "20", "30"]);
    let values = item.descendants().filter(|node| node.has_tag_name("value")).filter_map(|node| node.text());
    assert_eq!(values.collect::<Vec<_>>(), ["0", "200"]);
    let url = document.descendants().find(|node| node.has_tag_name("pathurl")).unwrap();
    assert_eq!(url.text(), Some("a%20b.mp4"));
    assert_eq!(kinds(&export), []);
}

#[test]
fn fcp7xml_has_a_linked_clip_for_each_audio_channel() {
    let rate = FrameRate::PAL;
    let files = vec![media("mono.wav", None, 1), media("stereo.wav", None, 2), media("many.wav", None, 12)];
    let clips = vec![clip(rate, 0, [0, 10, 0], 1.0), clip(rate, 1, [10, 20, 0], 1.0)];
    let tracks = vec![
        track(TrackKind::Audio, "A1", clips),
        track(TrackKind::Audio, "A2", vec![clip(rate, 2, [0, 10, 0], 1.0)]),
    ];
    let export = fcp7::fcp7xml(&timeline(rate, files, tracks));
    let text = without_doctype(text(&export));
    let document = roxmltree::Document::parse(&text).unwrap();
    let tracks: Vec<_> = document.descendants().filter(|node| node.has_tag_name("track")).collect();
    let items = |track: roxmltree::Node<'_, '_>| -> Vec<(String, String, Vec<String>)> {
        let items = track.children().filter(|node| node.has_tag_name("clipitem"));
        let within = |item: roxmltree::Node<'_, '_>, name: &str| -> Vec<String> {
            let found = item.descendants().filter(|node| node.has_tag_name(name));
            found.filter_map(|node| node.text().map(str::to_owned)).collect()
        };
        items
            .map(|item| {
                let source = item.children().find(|node| node.has_tag_name("sourcetrack")).unwrap();
                let id = item.attribute("id").unwrap().to_owned();
                (id, within(source, "trackindex").concat(), within(item, "linkclipref"))
            })
            .collect()
    };
    let row = |id: &str, index: &str, links: &[&str]| {
        (id.to_owned(), index.to_owned(), links.iter().map(|link| (*link).to_owned()).collect::<Vec<_>>())
    };
    let stereo = ["clipitem-2", "clipitem-3"];
    assert_eq!(tracks.len(), 2 + 8);
    assert_eq!(items(tracks[0]), [row("clipitem-1", "1", &[]), row("clipitem-2", "1", &stereo)]);
    assert_eq!(items(tracks[1]), [row("clipitem-3", "2", &stereo)]);
    assert_eq!(kinds(&export), [LossKind::ChannelsOmitted]);
    assert_eq!(export.losses[0].place, "track A2, 1 clip");
}

#[test]
fn fcpxml_plays_audio_once_and_keeps_stills_on_video_lanes() {
    let rate = FrameRate::PAL;
    let files =
        vec![media("film.mp4", Some(rate), 2), media("still.png", None, 0), media("unknown.mkv", None, 2)];
    let mut still = clip(rate, 1, [0, 10, 0], 1.0);
    still.metadata = vec![("clip_id".to_owned(), "clip_2".to_owned())];
    let mut film = clip(rate, 0, [0, 10, 5], 1.0);
    film.metadata = vec![("clip_id".to_owned(), "clip_1".to_owned())];
    let tracks = vec![
        track(TrackKind::Video, "V1", vec![film, clip(rate, 2, [10, 20, 0], 1.0)]),
        track(TrackKind::Video, "V2", vec![still]),
        track(TrackKind::Audio, "A1", vec![clip(rate, 0, [0, 10, 5], 1.0)]),
    ];
    let mut timeline = timeline(rate, files, tracks);
    let parts = |timeline: &EditTimeline| -> Vec<(String, Option<String>, Option<String>)> {
        let text = without_doctype(text(&fcpxml::fcpxml(timeline)));
        let document = roxmltree::Document::parse(&text).unwrap();
        let clips =
            document.descendants().filter(|node| matches!(node.tag_name().name(), "asset-clip" | "video"));
        let attribute = |node: roxmltree::Node<'_, '_>, name: &str| node.attribute(name).map(str::to_owned);
        clips
            .map(|node| {
                (node.tag_name().name().to_owned(), attribute(node, "lane"), attribute(node, "srcEnable"))
            })
            .collect()
    };
    let row = |name: &str, lane: Option<&str>, part: Option<&str>| {
        (name.to_owned(), lane.map(str::to_owned), part.map(str::to_owned))
    };
    let rows = |part: Option<&str>| {
        [
            row("asset-clip", None, part),
            row("video", Some("1"), None),
            row("asset-clip", Some("-1"), Some("audio")),
            row("asset-clip", None, part),
        ]
    };
    assert_eq!(parts(&timeline), rows(Some("video")));
    timeline.embedded_audio = true;
    assert_eq!(parts(&timeline), rows(None));
    let export = fcpxml::fcpxml(&timeline);
    assert!(text(&export).contains("<md key=\"harkback.clip_id\" value=\"clip_1\"/>"));
    assert!(text(&export).contains("<format id=\"r2\" name=\"FFVideoFormatRateUndefined\"/>"));
    assert_eq!(kinds(&export), [LossKind::MetadataOmitted]);
    assert_eq!(export.losses[0].place, "track V2, 1 clip");
}

#[test]
fn gains_are_applied_where_the_format_has_them() {
    let rate = FrameRate::PAL;
    let gained = |gain_db: f64| Clip { gain_db, ..clip(rate, 0, [0, 10, 0], 1.0) };
    let loud = Clip { gain_db: 20.0, ..clip(rate, 0, [10, 20, 0], 1.0) };
    let tracks = vec![
        track(TrackKind::Video, "V1", vec![gained(-200.0)]),
        track(TrackKind::Audio, "A1", vec![gained(-6.0), loud]),
    ];
    let mut timeline = timeline(rate, vec![media("A.mp4", Some(rate), 1)], tracks);
    let lost = |export: &Export| {
        let losses = export.losses.iter().filter(|loss| loss.what == LossKind::GainOmitted);
        losses.map(|loss| loss.place.clone()).collect::<Vec<_>>()
    };
    let export = fcp7::fcp7xml(&timeline);
    let levels = text(&export).matches("<effectid>audiolevels</effectid>").count();
    assert_eq!((levels, lost(&export)), (2, vec!["track A1, 1 clip".to_owned()]), "only of audio clips");
    for value in ["<value>0.501187</value>", "<value>3.981072</value>"] {
        assert!(text(&export).contains(value), "{}", text(&export));
    }
    let amounts = |export: &Export| {
        let amounts = text(export).split("<adjust-volume amount=\"").skip(1);
        amounts.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect::<Vec<_>>()
    };
    let export = fcpxml::fcpxml(&timeline);
    assert_eq!(
        (amounts(&export), lost(&export)),
        (vec!["-6dB".to_owned(), "12dB".to_owned()], vec!["track A1, 1 clip".to_owned()])
    );
    for export in [otio::otio(&timeline), edl::edl(&timeline)] {
        assert_eq!(lost(&export), ["track A1, 2 clips"]);
    }
    timeline.embedded_audio = true;
    assert_eq!(
        amounts(&fcpxml::fcpxml(&timeline)),
        ["-96dB", "-6dB", "12dB"],
        "of the video's own audio, too"
    );
}

#[test]
fn rates_without_an_editor_are_changed() {
    let rate = FrameRate::new(120, 1).unwrap();
    let timeline = timeline(rate, vec![media("a.mp4", Some(rate), 0)], Vec::new());
    let export = fcpxml::fcpxml(&timeline);
    assert_eq!(kinds(&export), [LossKind::RateChanged]);
    assert_eq!(export.losses[0].place, "120.000 to 60.000 frames per second");
    assert_eq!(kinds(&otio::otio(&timeline)), []);
}

#[test]
fn csv_has_exact_times_and_ids() {
    let rate = FrameRate::PAL;
    let mut shot = clip(rate, 0, [25, 50, 100], 1.0);
    shot.gain_db = -3.5;
    shot.metadata = vec![("clip_id".to_owned(), "clip_1".to_owned())];
    let export = csv::csv(&timeline(
        rate,
        vec![media("a.mp4", Some(rate), 2)],
        vec![track(TrackKind::Video, "Film", vec![shot])],
    ));
    let expected = "track,kind,name,start_ms,end_ms,start_timecode,end_timecode,source_start_ms,source_end_ms,speed,\
        media_id,media_name,media_url,metadata,gain_db,source_start_timecode,source_end_timecode\r\n\
        Film,video,Shot 25,1000,2000,00:00:01:00,00:00:02:00,4000,5000,1,asset_a.mp4,a.mp4,,\
        \"{\"\"clip_id\"\":\"\"clip_1\"\"}\",-3.5,00:00:04:00,00:00:05:00\r\n";
    assert_eq!(text(&export), expected);
    assert_eq!(kinds(&export), []);
}
