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

/// Noise of 16-bit samples, mono.
fn noise(frames: usize) -> Vec<i16> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as u16 as i16
    };
    (0..frames).map(|frame| next() / (1 + (frame / 3_000 % 5) as i16)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_of_a_waveform_equal_a_direct_computation() {
    let deployment = Deployment::new().await;
    let server = deployment.start_with(&[("AUDIO_SEMANTIC_BACKEND", "signal")]).await;
    let api = server.api("t1", "dev");
    let pool = &deployment.database().pool;
    let stored = async || {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM waveforms").fetch_one(pool).await.unwrap()
    };
    let directory = tempfile::tempdir().unwrap();
    let samples = noise(120_000);
    let file = directory.path().join("noise.wav");
    std::fs::write(&file, test_kit::wav(16_000, 1, &samples)).unwrap();
    let asset = api.upload(&file).await;
    let waveform = format!("/media-v2/assets/{}/waveform", asset["id"].as_str().unwrap());

    // The analysis stores the levels, from which windows are read.
    let request = json!({"asset_id": asset["id"]});
    let analysed = api.post("/audio/semantic-timeline/analyze", &request).await.ok();
    assert_eq!(stored().await, 1);
    let path = format!("{waveform}?start_ms=1234&end_ms=5678.9&points=777");
    let of_analysis = api.get(&path).await;
    assert_eq!(stored().await, 1);
    let window = of_analysis.ok();

    let number = |name: &str| window[name].as_u64().unwrap() as usize;
    let (start, end, block) = (number("start_frame"), number("end_frame"), number("block_frames"));
    // The window in frames is 19 744 to 90 862.
    assert!(start <= 19_744 && start + block > 19_744 && end >= 90_862 && end - block < 90_862);
    let (count, length) = ((end - start).div_ceil(block), number("length"));
    assert_eq!(length, 777);
    for point in 0..length {
        let frame = |point: usize| (start + point * count / length * block).min(end);
        let own = &samples[frame(point)..frame(point + 1)];
        let peaks = [own.iter().min().unwrap(), own.iter().max().unwrap()];
        assert_eq!(json!([window["data"][2 * point], window["data"][2 * point + 1]]), json!(peaks));
    }

    // Without them, the first request computes the same.
    sqlx::query("DELETE FROM waveforms").execute(pool).await.unwrap();
    assert_eq!(api.get(&path).await.body, of_analysis.body);
    assert_eq!(stored().await, 1);

    let meta = &analysed["meta"];
    let [peak, momentary, short_term, integrated] =
        ["true_peak_dbtp", "momentary_max_lufs", "short_term_max_lufs", "integrated_lufs"]
            .map(|name| meta[name].as_f64().unwrap());
    // Noise of full scale: the true peak is above it, and the loudest moments above the whole.
    assert!(peak > 0.0 && peak < 9.0, "{meta}");
    assert!(momentary > short_term - 0.5 && short_term > integrated - 1.0, "{meta}");
    api.get(&format!("{waveform}?points=10001")).await.problem(422, "invalid_query");
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
