//! Waveforms and plots, over HTTP and by the command line.

use e2e::{Deployment, binary, media};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_is_drawn_and_its_waveform_served() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let asset = asset["id"].as_str().unwrap();

    let peaks = format!("/media-v2/assets/{asset}/waveform?samples_per_pixel=4096&bits=8");
    let peaks = api.get(&peaks).await.ok();
    assert_eq!((&peaks["version"], &peaks["channels"], &peaks["bits"]), (&json!(2), &json!(1), &json!(8)));
    let pairs = peaks["data"].as_array().unwrap().len() as u64 / 2;
    assert_eq!(peaks["length"].as_u64(), Some(pairs));
    let rate = peaks["sample_rate"].as_u64().unwrap();
    assert!((38..=42).contains(&(pairs * 4_096 / rate)), "40 seconds: {pairs} pairs at {rate} Hz");

    let analysed = api.post("/audio/semantic-timeline/analyze", &json!({"asset_id": asset})).await.ok();
    let timeline = analysed["audio_semantic_artifact_id"].as_str().unwrap();
    let path = format!("/audio/semantic-timeline/{timeline}/plot.svg");
    let drawn = api.get(&path).await;
    assert_eq!((drawn.status, drawn.header("content-type")), (200, Some("image/svg+xml")));
    assert_eq!(drawn.header("content-security-policy"), Some("default-src 'none'; sandbox"));
    let svg = drawn.text();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && svg.contains(">talk_and_music.mp4<"));
    assert!(!svg.contains("no waveform"));

    let known =
        api.request(reqwest::Method::GET, &path).header("if-none-match", drawn.header("etag").unwrap());
    let known = api.send(known).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    assert_eq!(api.get(&path).await.body, drawn.body, "the same bytes again");

    server.api("t2", "dev").get(&path).await.problem(404, "semantics_not_found");
    api.get("/audio/semantic-timeline/none/plot.svg").await.problem(404, "semantics_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_without_audio_has_no_waveform() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("no_audio_video.mp4")).await;
    let path = format!("/media-v2/assets/{}/waveform", asset["id"].as_str().unwrap());
    api.get(&path).await.problem(422, "no_audio_stream");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_draws_svg_and_png() {
    let recording = media::fixture("talk_and_music.mp4");
    let directory = tempfile::tempdir().unwrap();
    let draw = async |name: &str| {
        let file = directory.path().join(name);
        let mut command = binary::command(["analyze", "--backend", "signal", "--plot"]);
        let output = command.arg(&file).arg(&recording).output().await.unwrap();
        (output, std::fs::read(&file).ok())
    };
    let (output, svg) = draw("a.svg").await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("speech"), "the timeline is printed as ever");
    let svg = String::from_utf8(svg.unwrap()).unwrap();
    assert!(svg.contains("Timeline of talk_and_music.mp4") && svg.contains("beats"));

    let (output, png) = draw("a.PNG").await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let png = png.unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert_eq!(u32::from_be_bytes(png[16..20].try_into().unwrap()), 2_560, "two pixels for one of the SVG's");

    let (output, nothing) = draw("a.jpg").await;
    assert!(!output.status.success() && nothing.is_none());
    assert!(String::from_utf8_lossy(&output.stderr).contains("`.svg` and `.png`"));
}
