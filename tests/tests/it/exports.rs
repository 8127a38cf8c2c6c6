//! Exports of sequences, shot lists and analyses over HTTP. `tools/exports/read_back.py` reads the formats themselves back.

use e2e::{Api, Deployment, binary, media};
use serde_json::{Value, json};
use test_kit::Recordings;

use crate::analysis::ANALYZE;

/// Formats of edited timelines, with a text that each contains.
const EDIT: [(&str, &str, &str); 5] = [
    ("otio", "application/json", "\"OTIO_SCHEMA\": \"Timeline.1\""),
    ("fcpxml", "application/xml", "<fcpxml version=\"1.10\">"),
    ("fcp7xml", "application/xml", "<xmeml version=\"5\">"),
    ("edl", "text/plain; charset=utf-8", "FCM: NON-DROP FRAME"),
    ("csv", "text/csv; charset=utf-8", "track,kind,name,start_ms"),
];

/// Formats of analyses, with a text that each contains; empty for a file that is empty without words.
const NOTES: [(&str, &str, &str); 12] = [
    ("otio", "application/json", "\"OTIO_SCHEMA\": \"Marker.2\""),
    ("markers-edl", "text/plain; charset=utf-8", "|M:speech"),
    ("markers-csv", "text/csv; charset=utf-8", "#,Name,Start,End,Length"),
    ("audition-csv", "text/csv; charset=utf-8", "Name\tStart\tDuration"),
    ("audacity", "text/plain; charset=utf-8", "0.000000\t"),
    ("midi", "audio/midi", "MThd"),
    ("chapters", "application/json", "\"version\": \"1.2.0\""),
    ("ffmetadata", "text/plain; charset=utf-8", ";FFMETADATA1"),
    ("jams", "application/json", "\"jams_version\""),
    ("rttm", "text/plain; charset=utf-8", "SPEAKER talk_and_music.mp4 1 0.000"),
    ("ctm", "text/plain; charset=utf-8", ""),
    ("textgrid", "text/plain; charset=utf-8", "ooTextFile"),
];

/// A sequence with a video track of overlapping clips, one of them at twice the speed.
async fn sequence(api: &Api, film: &Value) -> (String, String) {
    let project = api.post("/video/projects", &json!({"title": "Çut"})).await.created();
    let project = project["id"].as_str().unwrap().to_owned();
    let body = json!({"name": "Main \"A\" & B", "fps": 25});
    let sequence = api.post(&format!("/video/projects/{project}/sequences"), &body).await.created();
    let sequence = sequence["id"].as_str().unwrap().to_owned();
    let body = json!({"kind": "video", "label": "V"});
    let track = api.post(&format!("/video/sequences/{sequence}/tracks"), &body).await.created();
    for (start, speed) in [(0, 1.0), (1_000, 2.0), (5_010, 1.0)] {
        let clip = json!({"asset_id": film["id"], "in_ms": 2_000, "out_ms": 6_000, "start_ms_on_timeline": start,
            "speed": speed, "volume_db": if start == 0 { -6.0 } else { 0.0 }});
        let path = format!("/video/tracks/{}/clips", track["id"].as_str().unwrap());
        let _clip = api.post(&path, &clip).await.created();
    }
    (project, sequence)
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_of_a_sequence_have_all_formats_and_list_their_losses() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let (project, sequence) = sequence(&api, &film).await;
    for (format, media_type, text) in EDIT {
        let path = format!("/video/sequences/{sequence}/export");
        let reply = api.get(&format!("{path}?format={format}")).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(media_type)), "{format}");
        let content = reply.text();
        assert!(content.contains(text), "{format}: {content}");
        assert!(content.contains("talk_and_music.mp4"), "{format}");
        assert!(
            reply.header("content-disposition").unwrap().starts_with("attachment; filename=\"Main _A_ _ B.")
        );
        let report = api.post(&path, &json!({"format": format})).await.ok();
        let warnings = report["warnings"].as_array().unwrap();
        assert_eq!(reply.header("harkback-warnings"), Some(warnings.len().to_string().as_str()), "{format}");
        let is_lost = warnings.iter().any(|warning| warning["what"] == "gain_omitted");
        assert_eq!(is_lost, ["otio", "edl"].contains(&format), "{format}: {report}");
        assert_eq!(content.contains("amount=\"-6dB\""), format == "fcpxml", "{format}");
        assert_eq!(
            api.get(report["href"].as_str().unwrap()).await.body,
            reply.body,
            "{format}: the same bytes"
        );
        let of_project = api.get(&format!("/video/projects/{project}/export?format={format}")).await;
        assert_eq!(of_project.body, reply.body, "{format}: the project's first sequence");
    }
    // 5 010 ms is a quarter of a frame after a frame of 25.
    let report =
        api.post(&format!("/video/sequences/{sequence}/export"), &json!({"format": "otio"})).await.ok();
    let rounded = report["warnings"].as_array().unwrap().iter().find(|one| one["what"] == "rounded_to_frame");
    assert_eq!(rounded.unwrap()["loss_ms"], 10, "{report}");
    assert_eq!(
        rounded.unwrap()["where"],
        "track V, 2 clips",
        "the frames and the audio of one clip: {report}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_refer_to_media_by_links_that_work() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let (_, sequence) = sequence(&api, &film).await;
    let path = format!("/video/sequences/{sequence}/export?format=otio&media=link");
    let document = api.get(&path).await.json();
    let clip = &document["tracks"]["children"][0]["children"][0];
    let link = clip["media_references"]["DEFAULT_MEDIA"]["target_url"].as_str().unwrap();
    let file = reqwest::Client::builder().no_proxy().build().unwrap().get(link).send().await.unwrap();
    assert_eq!(file.status(), 200, "{link}");
    assert_eq!(file.content_length(), film["size_bytes"].as_u64());
    server.api("t2", "dev").get(&path).await.problem(404, "sequence_not_found");
    let problem = api.get(&path.replace("otio", "avi")).await.problem(422, "invalid_query");
    assert!(problem["detail"].as_str().unwrap().contains("fcpxml"), "the formats are named: {problem}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_of_an_analysis_have_all_formats() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let made = api.post(ANALYZE, &json!({"asset_id": film["id"]})).await.ok();
    let path =
        format!("/audio/semantic-timeline/{}/export", made["audio_semantic_artifact_id"].as_str().unwrap());
    for (format, media_type, text) in NOTES {
        let reply = api.get(&format!("{path}?format={format}")).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(media_type)), "{format}");
        let content = String::from_utf8_lossy(&reply.body);
        assert!(content.contains(text) && content.is_empty() == text.is_empty(), "{format}: {content}");
        let report = api.post(&path, &json!({"format": format})).await.ok();
        let warnings = report["warnings"].as_array().unwrap().len().to_string();
        assert_eq!(reply.header("harkback-warnings"), Some(warnings.as_str()), "{format}");
        assert_eq!(api.get(report["href"].as_str().unwrap()).await.body, reply.body, "{format}");
    }
    api.get(&format!("{path}?format=midi&fps=0")).await.problem(422, "invalid_query");

    let (_, sequence) = sequence(&api, &film).await;
    let clips = api.get(&format!("/video/sequences/{sequence}/clips")).await.ok();
    let clip = clips["items"][0]["id"].as_str().unwrap();
    let of_clip = format!("/audio/semantic-timeline/by-clip/{clip}/export?format=otio");
    let document = api.get(&of_clip).await.json();
    let range = &document["tracks"]["children"][0]["children"][0]["source_range"];
    let seconds = |time: &Value| time["value"].as_f64().unwrap() / time["rate"].as_f64().unwrap();
    assert!((seconds(&range["start_time"]) - 2.0).abs() < 0.05, "{range}");
    assert!((seconds(&range["duration"]) - 4.0).abs() < 0.05, "{range}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_of_a_shot_list_have_the_samples_below_the_frames() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let hit = json!({"kind": "audio_hit", "uri": film["source_uri"], "start_ms": 12_000, "end_ms": 12_500});
    let path = format!("/media-v2/assets/{}/artifacts", film["id"].as_str().unwrap());
    let hit = api.post(&path, &hit).await.created()["id"].clone();
    let clip = |start: u32, offset: u32| json!({"artifact_id": hit, "start_ms": start, "duration_ms": 400, "source_offset_ms": offset});
    let tracks = json!([{"name": "drums", "clips": [clip(0, 0), clip(200, 50), clip(1_000, 0)]}]);
    let request = json!({"sequence": {"tracks": tracks}, "alignment": "none"});
    let list = api.post("/audio/to-video-origin", &request).await.ok();
    let id = list["shot_list_artifact_id"].as_str().unwrap();
    let path = format!("/audio/to-video-origin/{id}/export");
    let rows = api.get(&format!("{path}?format=csv")).await.text();
    let kinds = |kind: &str| rows.lines().filter(|row| row.split(',').nth(1) == Some(kind)).count();
    assert_eq!((kinds("video"), kinds("audio")), (3, 3), "{rows}");
    assert!(rows.contains("\nV2,video,") && rows.contains("12000,"), "overlapping shots are layers: {rows}");
    // The frames and the sample of the second shot start at its offset.
    assert!(rows.contains(",12050,12450,1,") && rows.contains(",50,450,1,"), "{rows}");
    for (format, media_type, text) in EDIT {
        let reply = api.get(&format!("{path}?format={format}")).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(media_type)), "{format}");
        assert!(reply.text().contains(text), "{format}");
    }
    let document = api.get(&format!("{path}?format=fcpxml")).await.text();
    assert_eq!(document.matches("srcEnable=\"video\"").count(), 3, "the sources are silent: {document}");
    let unknown = "/audio/to-video-origin/artifact_unknown/export?format=csv";
    api.get(unknown).await.problem(404, "shot_list_not_found");
    server.stop().await;
}

/// Makes a sequence of clips at its start, each on a track of its own: kind of the track, asset, in and out point in ms.
/// Returns the path of its export.
async fn cut(api: &Api, fps: f64, clips: &[(&str, &Value, u32, u32)]) -> String {
    let project = api.post("/video/projects", &json!({"title": "Conform"})).await.created();
    let path = format!("/video/projects/{}/sequences", project["id"].as_str().unwrap());
    let sequence = api.post(&path, &json!({"name": "Cut", "fps": fps})).await.created();
    let sequence = sequence["id"].as_str().unwrap();
    for (kind, asset, start, end) in clips {
        let body = json!({"kind": kind, "label": kind});
        let track = api.post(&format!("/video/sequences/{sequence}/tracks"), &body).await.created();
        let path = format!("/video/tracks/{}/clips", track["id"].as_str().unwrap());
        let clip = json!({"asset_id": asset["id"], "in_ms": start, "out_ms": end, "start_ms_on_timeline": 0});
        let _clip = api.post(&path, &clip).await.created();
    }
    format!("/video/sequences/{sequence}/export")
}

/// The first frames of the clips of an OTIO track, and of their files.
fn first_frames(document: &Value, track: usize) -> Vec<[f64; 2]> {
    let clips = document["tracks"]["children"][track]["children"].as_array().unwrap();
    let frames = clips.iter().map(|clip| {
        let available = &clip["media_references"]["DEFAULT_MEDIA"]["available_range"];
        [&clip["source_range"], available].map(|range| range["start_time"]["value"].as_f64().unwrap())
    });
    frames.collect()
}

async fn assert_export_contains(api: &Api, path: &str, format: &str, texts: &[&str]) {
    let content = api.get(&format!("{path}?format={format}")).await.text();
    for text in texts {
        assert!(content.contains(text), "{format}, {text}: {content}");
    }
    let report = api.post(path, &json!({"format": format})).await.ok();
    let warnings = report["warnings"].as_array().unwrap();
    assert!(warnings.iter().all(|warning| warning["what"] != "timecode_unknown"), "{format}: {report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_count_from_the_source_timecode_of_recordings() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let recordings = Recordings::new();
    let video = |rate: &str, timecode: &str| {
        format!(
            "-f lavfi -i testsrc=size=64x48:rate={rate}:d=4 -f lavfi -i sine=sample_rate=48000:d=4 \
             -timecode {timecode} -c:v mpeg4 -c:a aac"
        )
    };
    let film = api.upload(&recordings.make("film.mov", &video("25", "10:00:00:00"))).await;
    let ntsc = api.upload(&recordings.make("ntsc.mov", &video("30000/1001", "01:00:00;02"))).await;
    // 10 hours and a second.
    let wave = "-f lavfi -i sine=sample_rate=48000:d=4 -write_bext 1 -metadata time_reference=1728048000";
    let wave = api.upload(&recordings.make("wave.wav", wave)).await;
    let timecode = |count: u64, [numerator, denominator]: [u32; 2], drop_frame: bool| {
        json!({"count": count, "rate_numerator": numerator, "rate_denominator": denominator,
            "drop_frame": drop_frame})
    };
    assert_eq!(film["start_timecode"], timecode(900_000, [25, 1], false));
    assert_eq!(ntsc["start_timecode"], timecode(107_894, [30_000, 1_001], true));
    assert_eq!(wave["start_timecode"], timecode(1_728_048_000, [48_000, 1], false));

    let path = cut(&api, 25.0, &[("video", &film, 400, 1_400), ("audio", &wave, 1_000, 2_000)]).await;
    let document = api.get(&format!("{path}?format=otio")).await.json();
    let film_frames = vec![[900_010.0, 900_000.0]];
    let wave_frames = vec![[900_050.0, 900_025.0]];
    assert_eq!(
        [0, 1, 2].map(|track| first_frames(&document, track)),
        [film_frames.clone(), film_frames, wave_frames]
    );
    let edl = [
        "10:00:00:10 10:00:01:10 00:00:00:00 00:00:01:00",
        "10:00:02:00 10:00:03:00 00:00:00:00 00:00:01:00",
    ];
    assert_export_contains(&api, &path, "edl", &edl).await;
    let fcpxml = ["start=\"36000s\"", "start=\"180002/5s\"", "start=\"36001s\"", "start=\"36002s\""];
    assert_export_contains(&api, &path, "fcpxml", &fcpxml).await;
    let fcp7xml =
        ["<string>10:00:00:00</string>", "<in>10</in>", "<string>10:00:01:00</string>", "<in>25</in>"];
    assert_export_contains(&api, &path, "fcp7xml", &fcp7xml).await;
    assert_export_contains(&api, &path, "csv", &[",10:00:00:10,10:00:01:10", ",10:00:02:00,10:00:03:00"])
        .await;

    let path = cut(&api, 29.97, &[("video", &ntsc, 1_001, 2_002)]).await;
    let document = api.get(&format!("{path}?format=otio")).await.json();
    assert_eq!(first_frames(&document, 0), [[107_924.0, 107_894.0]]);
    let edl = ["FCM: DROP FRAME", "01:00:01;02 01:00:02;02 00:00:00;00 00:00:01;00"];
    assert_export_contains(&api, &path, "edl", &edl).await;
    let fcpxml = ["start=\"54000947/15000s\"", "start=\"27007981/7500s\"", "tcFormat=\"DF\""];
    assert_export_contains(&api, &path, "fcpxml", &fcpxml).await;
    let fcp7xml = ["<string>01:00:00;02</string>", "<displayformat>DF</displayformat>", "<in>30</in>"];
    assert_export_contains(&api, &path, "fcp7xml", &fcp7xml).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn export_command_writes_what_the_service_exports() {
    let server = Deployment::new().await.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let (project, sequence) = sequence(&api, &film).await;
    let made = api.post(ANALYZE, &json!({"asset_id": film["id"]})).await.ok();
    let analysis = made["audio_semantic_artifact_id"].as_str().unwrap();
    let export = async |arguments: &[&str]| {
        let service = ["--url", server.base(), "--tenant", "t1", "--env", "dev"];
        let output = binary::command([&["export"], arguments, &service].concat()).output().await.unwrap();
        (output.status.code(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cut.edl");
    let (code, out, error) = export(&[&sequence, "--format", "edl", "-o", file.to_str().unwrap()]).await;
    assert!(code == Some(0) && out.is_empty(), "{error}");
    let expected = api.get(&format!("/video/sequences/{sequence}/export?format=edl")).await.body;
    assert!(std::fs::read(&file).unwrap() == expected);
    assert!(error.starts_with("warning: edl cannot hold ") && error.contains("gain_omitted"), "{error}");

    let (_, otio, _) = export(&[analysis, "--format", "otio"]).await;
    let expected = api.get(&format!("/audio/semantic-timeline/{analysis}/export?format=otio")).await.body;
    assert!(otio == expected, "found after projects, sequences and shot lists");
    let (code, csv, _) = export(&[&project, "--format", "csv", "--of", "project", "--media", "link"]).await;
    assert!(code == Some(0) && csv.starts_with(b"track,kind"));

    let before = std::fs::read(&file).unwrap();
    let (code, _, error) = export(&["none", "--format", "edl", "-o", file.to_str().unwrap()]).await;
    assert!(code == Some(1) && error.contains("none of 3 kinds has this id"), "{error}");
    let (code, _, error) = export(&[analysis, "--format", "fcpxml"]).await;
    assert!(
        code == Some(1) && error.contains("is an analysis, which has no format `fcpxml`; use otio, "),
        "{error}"
    );
    assert!(std::fs::read(&file).unwrap() == before, "a failure leaves the file");
    let (code, _, error) = export(&["none", "--format", "edl", "--of", "sequence"]).await;
    assert!(code == Some(1) && error.starts_with("error: sequence_not_found: "), "{error}");
    let (code, _, error) = export(&[analysis, "--format", "srt"]).await;
    assert!(code == Some(1) && error.starts_with("error: words_not_found: "), "{error}");
    server.stop().await;
}
