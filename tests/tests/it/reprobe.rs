//! A database of the version before the second prober: assets are probed again, and results of wrong decoders listed.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::{Api, Deployment, Reply, binary};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::analysis::{ANALYZE, clip};

const OLD_VERSION: &str = "signal_v3+silero_v6-1a153a22+s42";

/// Runs `harkback COMMAND ARGUMENTS…` on a deployment; returns its exit code and output.
async fn command(deployment: &Deployment, arguments: &[&str]) -> (Option<i32>, String) {
    let output = binary::command(arguments)
        .arg("--data-dir")
        .arg(deployment.data_directory())
        .env("DATABASE_URL", deployment.database().url())
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), printed + &String::from_utf8_lossy(&output.stderr))
}

/// Writes a recording of ten seconds of clicks.
fn recording(directory: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = directory.join(name);
    let source = "aevalsrc=if(lt(mod(t\\,0.5)\\,0.01)\\,0.8*sin(2*PI*1000*t)\\,0.001*random(0)):s=48000:d=10";
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", source])
        .args(arguments)
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success(), "{name}");
    path
}

/// Facts that the previous version of the program stored about a file.
struct OldFacts {
    id: &'static str,
    kind: &'static str,
    duration_us: Option<i64>,
    codec_info: Option<&'static str>,
}

/// Inserts an asset as the previous version did, with the columns of that version. The bytes are those of `uploaded`.
async fn insert_asset(pool: &PgPool, uploaded: &Value, facts: OldFacts) {
    sqlx::query(
        "INSERT INTO media_assets (tenant_id, env, id, user_id, kind, source_uri, duration_us, fps, audio_channels,
             sample_rate, codec_info, size_bytes, content_sha256, tags, source_ref, created_at, meta)
         VALUES ('t1', 'dev', $1, NULL, $2, $3, $4, NULL, NULL, NULL, $5, $6, $7, '{}', NULL, now(), $8)",
    )
    .bind(facts.id)
    .bind(facts.kind)
    .bind(uploaded["source_uri"].as_str())
    .bind(facts.duration_us)
    .bind(facts.codec_info)
    .bind(uploaded["size_bytes"].as_i64())
    .bind(uploaded["content_sha256"].as_str())
    .bind(json!({"file_name": "take.bin", "media_type": "application/octet-stream"}))
    .execute(pool)
    .await
    .unwrap();
}

/// Inserts an artifact as the previous version did.
async fn insert_artifact(pool: &PgPool, id: &str, asset: &str, kind: &str, uploaded: &Value, meta: Value) {
    sqlx::query(
        "INSERT INTO artifacts (tenant_id, env, id, parent_asset_id, kind, uri, start_us, end_us, track_label,
             content_sha256, created_at, meta)
         VALUES ('t1', 'dev', $1, $2, $3, $4, 0, 250000, NULL, $5, now(), $6)",
    )
    .bind(id)
    .bind(asset)
    .bind(kind)
    .bind(uploaded["source_uri"].as_str())
    .bind(uploaded["content_sha256"].as_str())
    .bind(meta)
    .execute(pool)
    .await
    .unwrap();
}

fn measured(version: &str, key: &str) -> Value {
    json!({
        "pipeline_hash": "0", "backend_version": version, "backend_type": "signal", "model_used": "silero-v6",
        "cache_key": key, "duration_ms": 10_000, "source_artifact_id": null, "media_type": "application/json"
    })
}

/// Inserts the timeline, transcript, sample and origin map that the previous version made of a recording.
async fn insert_results(pool: &PgPool, seed: &Api, asset: &str) {
    let event = json!({"kind": "music", "start_ms": 0, "end_ms": 10_000, "loudness_lufs": null, "confidence": 0.5,
        "transcription": null, "speaker_id": null, "meta": {}});
    let mut meta = json!({
        "model_used": "silero-v6", "backend": "signal", "backend_version": OLD_VERSION, "backend_type": "signal",
        "requested_backend": "signal", "fallback_reason": null, "semantic_version": "audio_semantic_v1",
        "include_beats": true, "include_speech_music": true, "min_silence_ms": 300, "loudness_window_ms": 1000,
        "language": null, "speed_change_limit": 1.05, "audio_semantic_cache_key": "k", "tempo_bpm": null,
        "integrated_lufs": null, "loudness_range_lu": null
    });
    let part = json!({"available": true, "version": "1"});
    meta["backend_info"] = json!({"service": "audio_semantic_timeline", "backend_version": OLD_VERSION,
        "dependencies": {"whisper": part, "aubio": part, "vad": part, "decoder": part}});
    let summary = json!({"asset_id": asset, "artifact_id": null, "duration_ms": 10_000, "events": [event],
        "beats": [], "meta": meta});
    let summary = seed.upload_bytes("s", summary.to_string().into_bytes(), &[]).await.ok();
    let words = json!({"words": [{"word": "hello", "start_ms": 0, "end_ms": 900}]});
    let words = seed.upload_bytes("w", words.to_string().into_bytes(), &[]).await.ok();
    insert_artifact(
        pool,
        "old_timeline",
        asset,
        "audio_semantic_timeline",
        &summary,
        measured(OLD_VERSION, "old"),
    )
    .await;
    let transcript = measured("whisper_aubio_v3+tiny-1a2b3c4d+s42", "old");
    insert_artifact(pool, "old_transcript", asset, "asr_transcript", &words, transcript).await;
    let sample = json!({"pipeline_hash": "0", "backend_version": "samples_v1+hits+signal_v3"});
    insert_artifact(pool, "old_hit", asset, "audio_hit", &words, sample).await;
    sqlx::query(
        "INSERT INTO origin_maps (tenant_id, env, audio_artifact_id, parent_asset_id, source_start_us, source_end_us,
             clip_offsets_us, created_at)
         VALUES ('t1', 'dev', 'old_hit', $1, 0, 250000, NULL, now())",
    )
    .bind(asset)
    .execute(pool)
    .await
    .unwrap();
    // A caller's own decoding is not checked.
    let external = measured("external", "external");
    insert_artifact(pool, "own_hit", asset, "audio_hit", &words, external).await;
}

/// A deployment with rows of the previous version: `big_endian` (decoded in this process, but wrongly), `film` (decoded
/// by ffmpeg) and `lost` (without bytes).
async fn previous_deployment(deployment: &Deployment, seed: &Api) {
    let directory = tempfile::tempdir().unwrap();
    let pool = &deployment.database().pool;
    let mov = recording(directory.path(), "a.mov", &["-c:a", "pcm_s24be"]);
    let avi = recording(
        directory.path(),
        "a.avi",
        &["-f", "lavfi", "-i", "testsrc=size=64x48:rate=25:d=10", "-c:v", "mpeg4", "-c:a", "pcm_s16le"],
    );
    let (mov, avi) = (seed.upload(&mov).await, seed.upload(&avi).await);
    let codec_info = Some("isomp4: pcm_s24be");
    let facts = OldFacts { id: "big_endian", kind: "audio", duration_us: Some(9_000_000), codec_info };
    insert_asset(pool, &mov, facts).await;
    let facts = OldFacts { id: "film", kind: "other", duration_us: None, codec_info: None };
    insert_asset(pool, &avi, facts).await;
    let lost = json!({"source_uri": format!("blob://sha256/{}", "0".repeat(64)), "size_bytes": 4});
    let facts = OldFacts { id: "lost", kind: "audio", duration_us: Some(1), codec_info: None };
    insert_asset(pool, &lost, facts).await;
    insert_results(pool, seed, "big_endian").await;
}

fn detail(reply: &Reply, status: u16, code: &str) -> String {
    reply.problem(status, code)["detail"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_previous_version_are_probed_again() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let (api, seed) = (server.api("t1", "dev"), server.api("seed", "dev"));
    previous_deployment(&deployment, &seed).await;
    let (code, printed) = command(&deployment, &["verify", "--skip-bytes"]).await;
    assert_eq!(code, Some(0), "nothing is known to be wrong before it is probed: {printed}");

    // The first call about an asset probes it again.
    let film = api.get("/media-v2/assets/film").await.ok()["asset"].clone();
    assert_eq!((&film["kind"], &film["fps"]), (&json!("video"), &json!(25.0)), "{film}");
    assert!((film["duration_ms"].as_f64().unwrap() - 10_000.0).abs() < 50.0, "{film}");
    assert_eq!(film["codec_info"], "avi: mpeg4, pcm_s16le");
    assert_eq!(film["meta"]["media_type"], "video/x-msvideo", "{film}");
    assert_eq!(api.get("/media-v2/assets/lost").await.ok()["asset"]["duration_ms"], 0.001);

    // The command probes all others.
    let (code, printed) = command(&deployment, &["reprobe"]).await;
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("t1 dev lost skipped: "), "{printed}");
    assert!(printed.contains("probed again: 1 changed, 0 unchanged, 1 skipped"), "{printed}");
    let sql = "SELECT duration_us, decoder FROM media_assets WHERE id = 'big_endian'";
    let row: (i64, String) = sqlx::query_as(sql).fetch_one(&deployment.database().pool).await.unwrap();
    assert_eq!(row, (10_000_000, "decode2".to_owned()));
    let (_, printed) = command(&deployment, &["reprobe", "--all"]).await;
    assert!(printed.contains("probed again: 0 changed, "), "{printed}");

    // Decoded by ffmpeg: its release is part of the key.
    let request = json!({"asset_id": "film"});
    let made = api.post(ANALYZE, &request).await.ok();
    let decoder = &made["meta"]["backend_info"]["dependencies"]["decoder"]["version"];
    let release = decoder.as_str().unwrap().strip_prefix("ffmpeg ").unwrap();
    let version = made["meta"]["backend_version"].as_str().unwrap();
    assert!(version.ends_with(&format!("+s42+ffmpeg-{release}")), "{version}");
    assert!(made["meta"]["cache_key"].as_str().unwrap().contains(version));
    assert_eq!(api.post(ANALYZE, &request).await.ok()["meta"]["cache_hit"], true);
    let hits = api.post("/audio/hits/detect", &request).await.ok();
    let version = hits["meta"]["backend_version"].as_str().unwrap();
    assert!(version.ends_with(&format!("+ffmpeg-{release}")), "{version}");
    assert!(hits["meta"]["count"].as_u64().unwrap() >= 19, "{hits}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_of_a_wrong_decoder_are_found_and_replaced() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let (api, seed) = (server.api("t1", "dev"), server.api("seed", "dev"));
    previous_deployment(&deployment, &seed).await;

    // Lists do not probe; the first call about the clip's recording does.
    let clip = clip(&api, &json!({"id": "big_endian"}), 0.0, 4_000.0, 1.0).await;
    let by_clip = format!("/audio/semantic-timeline/by-clip/{clip}");
    let reason = "an earlier decoder that read this kind of file wrongly";
    let message = detail(&api.get(&by_clip).await, 404, "semantics_not_found");
    assert!(message.contains(reason) && message.contains("analyze"), "{message}");
    let clip = json!({"asset_id": "big_endian", "start_ms": 0, "duration_ms": 100});
    let sequence = json!({"id": "s", "tracks": [{"name": "t", "clips": [clip]}]});
    let shots = json!({"sequence": sequence, "require_semantics": true});
    let message = detail(&api.post("/audio/to-video-origin", &shots).await, 422, "semantics_missing");
    assert!(message.contains(reason), "{message}");
    let request = json!({"asset_id": "big_endian"});
    let message = detail(&api.post("/audio/voice-phrases/detect", &request).await, 422, "words_not_found");
    assert!(message.contains(reason), "{message}");
    let old = api.get("/audio/semantic-timeline/old_timeline").await.ok();
    assert!(old["artifact_meta"]["stale"].as_str().unwrap().contains(reason), "{}", old["artifact_meta"]);

    let (code, printed) = command(&deployment, &["verify"]).await;
    assert_eq!(code, Some(1), "{printed}");
    for (id, kind) in [
        ("old_timeline", "audio_semantic_timeline"),
        ("old_transcript", "asr_transcript"),
        ("old_hit", "audio_hit"),
        ("old_hit", "origin_map"),
    ] {
        assert!(printed.contains(&format!("t1 dev big_endian {id} {kind} ")), "{id}: {printed}");
    }
    assert!(
        printed.contains("found: 3 results and 1 origin maps") && !printed.contains("own_hit"),
        "{printed}"
    );

    let made = api.post(ANALYZE, &request).await.ok();
    assert!(made["meta"]["backend_version"].as_str().unwrap().ends_with("+s42+decode2"), "{made}");
    let decoder = &made["meta"]["backend_info"]["dependencies"]["decoder"]["version"];
    assert!(decoder.as_str().unwrap().starts_with("symphonia "), "{decoder}");
    assert_eq!(api.post(ANALYZE, &request).await.ok()["meta"]["cache_hit"], true);
    let id = &made["audio_semantic_artifact_id"];
    assert_eq!(&api.get(&by_clip).await.ok()["artifact_id"], id);
    let new = api.get(&format!("/audio/semantic-timeline/{}", id.as_str().unwrap())).await.ok();
    assert_eq!(new["artifact_meta"]["stale"], json!(null));
    assert_eq!(api.post("/audio/to-video-origin", &shots).await.status, 200);
    let (_, printed) = command(&deployment, &["verify"]).await;
    assert!(printed.contains("found: 3 results"), "what was made rightly is not among them: {printed}");
    server.stop().await;
}
