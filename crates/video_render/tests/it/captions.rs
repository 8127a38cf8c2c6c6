//! Captions that are burned in: when text is on the picture.

use std::path::{Path, PathBuf};

use audio_to_video_origin::{ClipOffset, NewOriginMap};
use media_time::MediaTime;
use media_v2::{ArtifactKind, MediaAsset, NewArtifact};
use primitives::Id;
use serde_json::{Value, json};
use test_kit::{Api, Reply, new_hit, scope, wav, window_ms, with_members};
use video_render::RenderConfig;

use crate::support::{TestState, decode, program_without_libass};
use crate::timelines::timeline;

const DRAFT: (usize, usize) = (854, 480);
/// Words of the recording: text, start and end in ms.
const WORDS: [(&str, i64, i64); 2] = [("Hark", 1_000, 1_400), ("back!", 4_000, 4_400)];

/// A black recording of 6 s with the semantic timeline of [`WORDS`].
async fn recording(state: &TestState) -> (MediaAsset, Id) {
    let source = ["-f", "lavfi", "-i", "color=c=black:s=320x180:r=25:d=6"];
    let audio = ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono:d=6", "-c:a", "aac", "-shortest"];
    let video = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
    let asset = state.make("black.mp4", &[&source[..], &audio[..], &video[..]].concat()).await;
    let timeline = words_of(state, &asset, &WORDS, None).await;
    (asset, timeline)
}

/// Registers a semantic timeline with these words.
async fn words_of(
    state: &TestState,
    asset: &MediaAsset,
    words: &[(&str, i64, i64)],
    artifact: Option<&str>,
) -> Id {
    let words: Vec<Value> = words
        .iter()
        .map(|(word, start, end)| json!({"word": word, "start_ms": start, "end_ms": end, "confidence": 0.9}))
        .collect();
    let dependency = json!({"available": true, "version": "1", "error": null});
    let summary = json!({
        "asset_id": asset.id, "artifact_id": artifact, "duration_ms": 6_000, "beats": [],
        "events": [{
            "kind": "speech", "start_ms": 0, "end_ms": 6_000, "loudness_lufs": -20.0, "confidence": 0.9,
            "transcription": null, "speaker_id": null, "meta": {"words": words}
        }],
        "meta": {
            "model_used": "m", "backend": "whisper_aubio", "backend_version": "v", "backend_type": "signal",
            "requested_backend": "signal", "fallback_reason": null, "semantic_version": "v",
            "include_beats": false, "include_speech_music": true, "min_silence_ms": 300,
            "loudness_window_ms": 1_000, "language": "en", "speed_change_limit": 1.05,
            "audio_semantic_cache_key": "k", "tempo_bpm": null, "integrated_lufs": null,
            "loudness_range_lu": null,
            "backend_info": {"service": "audio_semantic_timeline", "backend_version": "v", "dependencies": {
                "whisper": dependency, "aubio": dependency, "vad": dependency, "decoder": dependency
            }}
        }
    });
    let blob = state.media.service.blobs().put(summary.to_string().into()).await.unwrap();
    let kind = ArtifactKind::AudioSemanticTimeline;
    let mut artifact = NewArtifact::new(kind, asset.id.clone(), blob.id.uri(), "v", &json!({}));
    let key = format!("{}|{}", asset.id, blob.id.uri());
    let meta = json!({"model_used": "m", "cache_key": key, "duration_ms": 6_000});
    artifact.meta.extend(meta.as_object().unwrap().clone());
    state.media.insert_artifact("t1", artifact).await
}

async fn post(state: &TestState, body: Value) -> Reply {
    let (router, _) = video_render::router(state.renderer.clone()).split_for_parts();
    let body = with_members(json!({"render_profile": "draft_480p_fast"}), body);
    Api::new(router).tenant("t1").post("/video/render", &body).await
}

fn file(state: &TestState, answer: &Value) -> PathBuf {
    let hash = answer["uri"].as_str().unwrap().rsplit('/').next().unwrap();
    state.media.directory().join("blobs/sha256").join(&hash[..2]).join(hash)
}

/// The times in ms between which frames of 25 a second have bright pixels in the lower third; the rest must be black.
fn captioned(path: &Path) -> Vec<(usize, usize)> {
    let (width, height) = DRAFT;
    let options = ["-map", "0:v", "-vf", "format=gray", "-fps_mode", "passthrough", "-f", "rawvideo"];
    let pixels = decode(path, &options);
    let has_text = |frame: &[u8]| {
        let (upper, lower) = frame.split_at(2 * width * height / 3);
        assert!(upper.iter().all(|pixel| *pixel < 40), "text is at the bottom");
        lower.iter().any(|pixel| *pixel > 180)
    };
    let shown: Vec<bool> = pixels.chunks_exact(width * height).map(has_text).collect();
    let mut spans = Vec::new();
    let mut at = 0;
    for run in shown.chunk_by(|a, b| a == b) {
        if run[0] {
            spans.push((40 * at, 40 * (at + run.len())));
        }
        at += run.len();
    }
    spans
}

/// Captions that are as long as the words.
fn exact(timeline: &Id) -> Value {
    json!({"artifact_id": timeline, "min_duration_ms": 0, "max_cps": 100, "max_gap_ms": 100})
}

fn shot(asset: &MediaAsset, from: i64, start: i64, duration: i64) -> Value {
    json!({"asset_id": asset.id, "source_offset_ms": from, "start_ms": start, "duration_ms": duration})
}

async fn shot_list(state: &TestState, clips: Value) -> Id {
    let body = json!({"sequence": {"tracks": [{"name": "t", "clips": clips}]}, "alignment": "none"});
    let (router, _) = audio_to_video_origin::router(state.shot_lists.clone()).split_for_parts();
    let list = Api::new(router).tenant("t1").post("/audio/to-video-origin", &body).await.ok();
    list["shot_list_artifact_id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_on_the_picture_while_they_are_spoken() {
    let state = TestState::new().await;
    let (asset, timeline) = recording(&state).await;
    let body = json!({"asset_id": asset.id, "start_ms": 800, "end_ms": 4_800});
    let plain = post(&state, body.clone()).await.ok();
    assert_eq!(captioned(&file(&state, &plain)), []);
    let body = with_members(body, json!({"captions": exact(&timeline)}));
    let answer = post(&state, body.clone()).await.ok();
    assert_eq!(captioned(&file(&state, &answer)), [(200, 600), (3_200, 3_600)]);
    assert_ne!(answer["asset_id"], plain["asset_id"], "captions are part of the render's key");
    assert_eq!(post(&state, body).await.ok()["asset_id"], answer["asset_id"]);
    let artifact: Id = answer["artifact_id"].as_str().unwrap().parse().unwrap();
    let conn = &mut *state.media.pool().acquire().await.unwrap();
    let artifact = media_v2::store::find_artifact(conn, &scope("t1"), &artifact).await.unwrap().unwrap();
    assert_eq!(artifact.upstream_artifact_ids, std::slice::from_ref(&timeline));
    assert_eq!(artifact.meta["captions_artifact_id"], json!(timeline));
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_of_films_follow_the_cuts_to_the_frame() {
    let state = TestState::new().await;
    let (asset, timeline) = recording(&state).await;
    // The second word first, then both again; the cut at 1 000 is in the middle of a frame's caption.
    let clips = json!([
        shot(&asset, 3_900, 0, 1_000),
        shot(&asset, 800, 1_000, 400),
        shot(&asset, 4_000, 1_400, 600)
    ]);
    let list = shot_list(&state, clips).await;
    let body = json!({"shot_list_artifact_id": list, "captions": exact(&timeline)});
    let answer = post(&state, body).await.ok();
    // Frames begin at 0, 40, 80, 120 …; the first word is cut off after 200 ms, its middle.
    assert_eq!(captioned(&file(&state, &answer)), [(120, 520), (1_400, 1_800)]);
    let silent = json!({"shot_list_artifact_id": list, "captions": exact(&timeline), "audio": "none"});
    let answer = post(&state, silent).await.ok();
    assert_eq!(captioned(&file(&state, &answer)).len(), 2, "without audio, where the words are shown");
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_of_several_pieces_have_the_words_of_each() {
    let state = TestState::new().await;
    let (asset, timeline) = recording(&state).await;
    let mut writer = state.media.service.blobs().writer().await.unwrap();
    writer.write(wav(48_000, 1, &vec![0; 57_600]).into()).await.unwrap();
    let mut sample = new_hit(&asset.id, &[], json!({}));
    sample.uri = writer.finish().await.unwrap().id.uri();
    let sample = state.media.insert_artifact("t1", sample).await;
    let mut map = NewOriginMap::new(sample.clone(), asset.id.clone(), window_ms(0, 6_000));
    let piece = |offset: i64| ClipOffset {
        offset: MediaTime::from_millis(offset),
        duration: MediaTime::from_millis(600),
    };
    map.clip_offsets = Some(vec![piece(900), piece(3_900)]);
    state.shot_lists.put_origin_map(&scope("t1"), &map).await.unwrap();
    let clip = json!({"artifact_id": sample, "start_ms": 0, "duration_ms": 1_200});
    let list = shot_list(&state, json!([clip])).await;
    let body = json!({"shot_list_artifact_id": list, "captions": exact(&timeline), "audio": "samples"});
    let answer = post(&state, body).await.ok();
    // Frames begin at 0, 40, 80, 120 …: `Hark` is spoken from 100 to 500, `back!` from 700 to 1 100.
    assert_eq!(captioned(&file(&state, &answer)), [(120, 520), (720, 1_120)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_of_timelines_follow_clips_and_speeds() {
    let state = TestState::new().await;
    let (asset, words) = recording(&state).await;
    let clip = json!({
        "asset_id": asset.id, "in_ms": 800, "out_ms": 1_800, "start_ms_on_timeline": 1_000, "speed": 0.5
    });
    let made = timeline(&state, json!([clip])).await;
    let body = json!({
        "project_id": made.project.id, "start_ms": 0, "end_ms": 3_000, "captions": exact(&words)
    });
    let answer = post(&state, body).await.ok();
    assert_eq!(captioned(&file(&state, &answer)), [(1_400, 2_200)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_that_cannot_be_drawn_are_refused_or_named() {
    let state = TestState::new().await;
    let (asset, timeline) = recording(&state).await;
    let ask = async |captions: Value| {
        let body = json!({"asset_id": asset.id, "start_ms": 2_000, "end_ms": 3_000, "captions": captions});
        post(&state, with_members(body, json!({"dry_run": true}))).await
    };
    let silent = ask(exact(&timeline)).await.ok();
    let warning = silent["plan"]["warnings"][0].as_str().unwrap();
    assert!(warning.contains("no words") && warning.contains(timeline.as_str()), "{warning}");
    let narrow = json!({"artifact_id": timeline, "max_chars": 3});
    assert_eq!(ask(narrow).await.invalid(), ["/captions/max_chars"]);
    ask(json!({"artifact_id": "unknown"})).await.problem(404, "semantics_not_found");
    let wordless = words_of(&state, &asset, &[], None).await;
    ask(json!({"artifact_id": wordless})).await.problem(422, "words_not_found");
    let of_sample = words_of(&state, &asset, &WORDS, Some("hit")).await;
    assert_eq!(ask(json!({"artifact_id": of_sample})).await.invalid(), ["/captions/artifact_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_need_libass() {
    let scripts = tempfile::tempdir().unwrap();
    let config = RenderConfig { ffmpeg: program_without_libass(scripts.path()), ..RenderConfig::default() };
    let state = TestState::with(config).await;
    let (asset, timeline) = recording(&state).await;
    let body = json!({"asset_id": asset.id, "start_ms": 0, "end_ms": 1_000, "captions": exact(&timeline)});
    let problem = post(&state, body).await.problem(503, "renderer_unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("libass"), "{problem}");
}
