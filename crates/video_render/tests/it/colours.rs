//! Renders are BT.709 in limited range, regardless of the colours of the source.

use std::path::Path;

use media_v2::MediaAsset;
use serde_json::json;
use test_kit::{context, window_ms};
use video_render::{Error, Profile, RenderConfig};

use crate::support::{TestState, decode, ffmpeg, probe, script};
use crate::timelines::{render_timeline, timeline};

type Rgb = [u8; 3];

/// RGB values of four columns, each a quarter of the frame.
const BARS: [Rgb; 4] = [[0, 255, 0], [255, 0, 0], [0, 0, 255], [128, 128, 128]];
const TAGS: &str = "tv,bt709,bt709,bt709";
const TAG_ENTRIES: &str = "stream=color_range,color_space,color_transfer,color_primaries";

/// A lavfi source of [`BARS`], 0.4 s long.
fn bars(size: &str) -> String {
    let steps =
        |[a, b, c, d]: [u8; 4]| format!("if(lt(X,W/4),{a},if(lt(X,W/2),{b},if(lt(X,3*W/4),{c},{d})))");
    let plane = |index: usize| steps(BARS.map(|colour| colour[index]));
    let planes = format!("r='{}':g='{}':b='{}'", plane(0), plane(1), plane(2));
    format!("nullsrc=s={size}:r=5:d=0.2,format=gbrp,geq={planes},fps=25")
}

/// Makes a source of bars, with `filters` applied.
async fn make(state: &TestState, name: &str, size: &str, filters: &str, options: &[&str]) -> MediaAsset {
    let bars = bars(size);
    let arguments = [&["-f", "lavfi", "-i", &bars, "-vf", filters], options].concat();
    state.make(name, &arguments).await
}

/// RGB values at the centre of each quarter of the first frame, from the left, as decoded by an HD player.
fn columns(path: &Path) -> [Rgb; 4] {
    let filter = "scale=in_color_matrix=bt709:in_range=tv:flags=accurate_rnd+full_chroma_int,format=rgb24";
    let pixels = decode(path, &["-map", "0:v", "-frames:v", "1", "-vf", filter, "-f", "rawvideo"]);
    let size = &probe(path, &["-select_streams", "v"], "stream=width,height")[0];
    let (width, height) = size.split_once(',').unwrap();
    let (width, height): (usize, usize) = (width.parse().unwrap(), height.parse().unwrap());
    [1, 3, 5, 7].map(|eighths| {
        let x = width * eighths / 8;
        let at = 3 * (height / 2 * width + x);
        [pixels[at], pixels[at + 1], pixels[at + 2]]
    })
}

fn assert_near(found: &[Rgb], expected: &[Rgb], tolerance: u8, what: &str) {
    let is_near = |(found, expected): (&Rgb, &Rgb)| {
        found.iter().zip(expected).all(|(found, expected)| found.abs_diff(*expected) <= tolerance)
    };
    assert!(found.iter().zip(expected).all(is_near), "{what}: {found:?}, not {expected:?}");
}

/// Renders the first two frames and checks their colours and tags.
async fn check(state: &TestState, asset: &MediaAsset, profile: &str, what: &str) {
    check_near(state, asset, profile, 3, what).await;
}

async fn check_near(state: &TestState, asset: &MediaAsset, profile: &str, tolerance: u8, what: &str) {
    let rendered = state.render(asset, window_ms(0, 80), profile).await;
    let path = state.copy(&rendered).await;
    assert_near(&columns(&path), &BARS, tolerance, what);
    assert_eq!(probe(&path, &["-select_streams", "v"], TAG_ENTRIES), [TAGS], "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rgb_becomes_bt709_in_every_profile() {
    let state = TestState::new().await;
    let source = make(&state, "rgb.mkv", "1280x720", "null", &["-c:v", "libx264rgb", "-crf", "1"]).await;
    for profile in &Profile::ALL {
        check(&state, &source, profile.name, profile.name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_matrix_and_range_becomes_bt709_limited() {
    let state = TestState::new().await;
    let to = |matrix: &str, range: &str| format!("scale=out_color_matrix={matrix}:out_range={range}");
    let smpte170m = ["-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m"];
    let full = ["-color_range", "pc"];
    let bt709 = ["-colorspace", "bt709"];
    for (name, size, filters, tags) in [
        ("sd.mp4", "640x360", to("bt601", "tv") + ",format=yuv420p", &[][..]),
        ("pal.mp4", "720x576", to("bt601", "tv") + ",format=yuv420p,setsar=64/45", &[]),
        ("hd.mp4", "1280x720", to("bt709", "tv") + ",format=yuv420p", &[]),
        ("hd_tagged_bt601.mp4", "1280x720", to("bt601", "tv") + ",format=yuv420p", &smpte170m),
        ("sd_tagged_bt709.mp4", "640x360", to("bt709", "tv") + ",format=yuv420p", &bt709),
        ("full.mp4", "1280x720", to("bt709", "pc") + ",format=yuv420p", &full),
        ("yuvj.mp4", "1280x720", to("bt709", "pc") + ",format=yuvj420p", &[]),
    ] {
        let options = [&["-c:v", "libx264", "-crf", "1"], tags].concat();
        let source = make(&state, name, size, &filters, &options).await;
        for profile in ["draft_480p_fast", "social_1_1_h264"] {
            check(&state, &source, profile, &format!("{name} {profile}")).await;
        }
    }
    // JPEG is BT.601 in full range by definition.
    let jpeg = ["-c:v", "mjpeg", "-q:v", "1"];
    let source = make(&state, "a.avi", "1280x720", "format=yuvj444p", &jpeg).await;
    check(&state, &source, "1080p_30_web", "mjpeg").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wide_gamut_is_converted_by_its_tags() {
    let state = TestState::new().await;
    let filters = "zscale=pin=bt709:tin=bt709:p=bt2020:t=bt2020-10:m=bt2020nc:r=tv,format=yuv420p10le";
    let tags = ["-color_primaries", "bt2020", "-color_trc", "bt2020-10", "-colorspace", "bt2020nc"];
    let options = [&["-c:v", "libx264", "-crf", "1", "-color_range", "tv"], &tags[..]].concat();
    let source = make(&state, "bt2020.mp4", "1280x720", filters, &options).await;
    // Near the edge of the gamut, one step of the source is several steps of the render. Unconverted: (145, 248, 71).
    check_near(&state, &source, "1080p_30_web", 10, "bt2020").await;
    check_near(&state, &source, "master_4k_prores", 10, "bt2020 in ten bits").await;
    let filters = "scale=out_color_matrix=bt709,zscale=min=bt709:m=ycgco:rin=tv:r=tv,format=yuv444p";
    let ycgco = ["-c:v", "libx264", "-crf", "1", "-colorspace", "ycgco"];
    let source = make(&state, "ycgco.mp4", "1280x720", filters, &ycgco).await;
    check(&state, &source, "1080p_30_web", "YCgCo").await;
}

/// A source with white at 203 cd/m², as BT.2408 recommends.
async fn hdr(state: &TestState, transfer: &str) -> MediaAsset {
    let filters = format!(
        "zscale=tin=bt709:t=linear:npl=203,format=gbrpf32le,\
         zscale=pin=bt709:p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
    );
    let tags = ["-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc"];
    let options = [&["-c:v", "libx264", "-crf", "1", "-color_range", "tv"], &tags[..]].concat();
    make(state, &format!("{transfer}.mp4"), "640x360", &filters, &options).await
}

#[tokio::test(flavor = "multi_thread")]
async fn hdr_is_tone_mapped() {
    let state = TestState::new().await;
    for transfer in ["smpte2084", "arib-std-b67"] {
        let source = hdr(&state, transfer).await;
        for profile in ["draft_480p_fast", "social_1080p_h264"] {
            let rendered = state.render(&source, window_ms(0, 80), profile).await;
            let path = state.copy(&rendered).await;
            let [green, red, blue, _] = columns(&path);
            // Unconverted, green is about (120, 145, 90) for PQ and (140, 187, 86) for HLG.
            for (colour, strong) in [(green, 1), (red, 0), (blue, 2)] {
                let weak = (0..3).filter(|channel| *channel != strong).map(|channel| colour[channel]);
                assert!(colour[strong] > 170 && weak.max() < Some(50), "{transfer} {profile}: {colour:?}");
            }
            assert_eq!(probe(&path, &["-select_streams", "v"], TAG_ENTRIES), [TAGS], "{transfer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hdr_without_tone_mapping_filters_names_the_missing_filter() {
    let scripts = tempfile::tempdir().unwrap();
    let body = "if [ \"$2\" = -filters ]; then echo ' ... scale V->V'; exit; fi\nexec ffmpeg \"$@\"";
    let config = RenderConfig { ffmpeg: script(scripts.path(), body), ..RenderConfig::default() };
    let state = TestState::with(config).await;
    let source = hdr(&state, "smpte2084").await;
    let profile = Profile::named("draft_480p_fast").unwrap();
    let error =
        state.renderer.render_window(&context("t1"), &source, window_ms(0, 80), profile).await.unwrap_err();
    assert!(matches!(error, Error::MissingFilter { filter: "zscale", .. }), "{error:?}");
    let problem = http_kit::Problem::from(error);
    assert_eq!((problem.status().as_u16(), problem.code()), (503, "renderer_unavailable"));
}

/// Four columns: fully transparent magenta, green at half opacity, and two of opaque green.
const VEILED: &str = "nullsrc=s=640x360:r=5:d=0.2,format=rgba,geq=r='if(lt(X,W/4),255,0)':g='if(lt(X,W/4),0,255)':\
    b='if(lt(X,W/4),255,0)':a='if(lt(X,W/4),0,if(lt(X,W/2),128,255))',fps=25";

async fn veiled(state: &TestState, name: &str, codec: &[&str]) -> MediaAsset {
    state.make(name, &[&["-f", "lavfi", "-i", VEILED], codec].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn transparent_areas_are_black() {
    let state = TestState::new().await;
    let prores = ["-vf", "scale=out_color_matrix=bt601", "-c:v", "prores_ks", "-pix_fmt", "yuva444p10le"];
    for (name, codec) in [
        ("qtrle.mov", &["-c:v", "qtrle"][..]),
        ("png.mov", &["-c:v", "png"]),
        ("prores.mov", &prores),
        ("ffv1.mkv", &["-c:v", "ffv1", "-pix_fmt", "bgra"]),
        ("vp9.webm", &["-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p", "-b:v", "2M"]),
        ("vp8.webm", &["-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0", "-b:v", "2M"]),
    ] {
        let source = veiled(&state, name, codec).await;
        for profile in ["draft_480p_fast", "social_1_1_h264"] {
            let path = state.copy(&state.render(&source, window_ms(0, 80), profile).await).await;
            let expected = [[0, 0, 0], [0, 128, 0], [0, 255, 0], [0, 255, 0]];
            assert_near(&columns(&path), &expected, 5, &format!("{name} {profile}"));
        }
    }
    let path = state
        .copy(
            &state
                .render(
                    &veiled(&state, "again.mov", &["-c:v", "qtrle"]).await,
                    window_ms(0, 40),
                    "master_4k_prores",
                )
                .await,
        )
        .await;
    assert_near(&columns(&path)[..1], &[[0, 0, 0]], 3, "ten bits");
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_of_a_timeline_keep_their_colours_and_transparency() {
    let state = TestState::new().await;
    let rgb = make(&state, "rgb.mkv", "640x360", "null", &["-c:v", "ffv1"]).await;
    let clip = |asset: &MediaAsset, start: i64| json!({"asset_id": asset.id, "in_ms": 0, "out_ms": 120, "start_ms_on_timeline": start});
    let made = timeline(&state, json!([clip(&rgb, 0)])).await;
    for profile in ["social_1080p_h264", "master_4k_prores"] {
        let path = render_timeline(&state, &made, (0, 80), profile).await;
        assert_near(&columns(&path), &BARS, 3, profile);
        assert_eq!(probe(&path, &["-select_streams", "v"], TAG_ENTRIES), [TAGS], "{profile}");
    }
    let veiled = veiled(&state, "veiled.mov", &["-c:v", "qtrle"]).await;
    let blue = "color=blue:s=640x360:r=25:d=0.2,format=gbrp";
    let blue = state.make("blue.mkv", &["-f", "lavfi", "-i", blue, "-c:v", "ffv1"]).await;
    let made = timeline(&state, json!([clip(&blue, 0), clip(&veiled, 0)])).await;
    for profile in ["social_1080p_h264", "master_4k_prores"] {
        let path = render_timeline(&state, &made, (0, 80), profile).await;
        let expected = [[0, 0, 255], [0, 128, 127], [0, 255, 0], [0, 255, 0]];
        assert_near(&columns(&path), &expected, 5, &format!("{profile}: over blue"));
    }
}

/// 50 fields per second of a white bar on black that moves by 8 pixels per field.
const MOVING_BAR: &str = "nullsrc=s=320x240:r=50:d=1,format=gray,geq=lum='if(between(X,8*N,8*N+40),235,16)',\
    tinterlace=interleave_top,setfield=tff,format=yuv420p";

/// Number of lines that differ from both neighbours in all frames: the combing of interlaced motion.
fn combed_lines(path: &Path) -> usize {
    let filter = "scale=320:240:flags=neighbor,format=gray";
    let pixels = decode(path, &["-map", "0:v", "-vf", filter, "-fps_mode", "passthrough", "-f", "rawvideo"]);
    let is_combed = |lines: &[&[u8]]| {
        let differ = |a: &[u8], b: &[u8]| a.iter().zip(b).filter(|(a, b)| a.abs_diff(**b) > 100).count() > 2;
        differ(lines[0], lines[1]) && differ(lines[1], lines[2])
    };
    let frames = pixels.chunks_exact(320 * 240);
    frames
        .map(|frame| frame.chunks_exact(320).collect::<Vec<_>>().windows(3).filter(|l| is_combed(l)).count())
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn interlaced_sources_are_deinterlaced_frame_by_frame() {
    let state = TestState::new().await;
    let interlaced = ["-flags", "+ildct+ilme"];
    for (name, codec) in [
        ("mpeg2.mkv", &["-c:v", "mpeg2video", "-q:v", "2"][..]),
        ("h264.mp4", &["-c:v", "libx264", "-crf", "10"]),
        // ffprobe reports no field order for MPEG-4.
        ("mpeg4.mov", &["-c:v", "mpeg4", "-q:v", "2"]),
    ] {
        let arguments = [&["-f", "lavfi", "-i", MOVING_BAR], codec, &interlaced].concat();
        ffmpeg(&arguments, &state.media.source(name));
        assert!(combed_lines(&state.media.source(name)) > 1_000, "{name} is interlaced");
        let source = state.register(name).await;
        for (profile, frames) in [("draft_480p_fast", 20), ("social_1_1_h264", 24)] {
            let path = state.copy(&state.render(&source, window_ms(200, 1_000), profile).await).await;
            let stamps = probe(&path, &["-select_streams", "v"], "frame=pts_time");
            assert_eq!(stamps.len(), frames, "{name} {profile}");
            if frames == 20 {
                let due = |n: usize| n as f64 * 0.04;
                let is_due =
                    |(n, stamp): (usize, &String)| (stamp.parse::<f64>().unwrap() - due(n)).abs() < 0.001;
                assert!(stamps.iter().enumerate().all(is_due), "{name}: {stamps:?}");
            }
            assert!(combed_lines(&path) < 50, "{name} {profile}: {} combed lines", combed_lines(&path));
        }
    }
}
