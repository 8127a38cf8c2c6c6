//! Assets that are changed, removed, and removed by their age; tenants that are forgotten.

use std::collections::BTreeSet;
use std::path::Path;

use e2e::{Api, Deployment, binary, media};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::analysis::{ANALYZE, clip};

/// Runs a command of the operator on the deployment; returns what it prints.
async fn operate(deployment: &Deployment, arguments: &[&str]) -> String {
    let output = binary::command(arguments)
        .env("HARKBACK_DATA_DIR", deployment.data_directory())
        .env("DATABASE_URL", deployment.database().url())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn id(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn samples(api: &Api, tag: &str) -> usize {
    let page = api.get(&format!("/audio/samples?tag={tag}&limit=500")).await.ok();
    page["items"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_is_changed_counted_and_deleted() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("music_120bpm.wav")).await;
    let path = format!("/media-v2/assets/{}", id(&asset["id"]));
    let analysis = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let made = api
        .post("/audio/field-to-samples", &json!({"asset_id": asset["id"], "run_phrases": false}))
        .await
        .ok();
    let hits = made["hit_artifact_ids"].as_array().unwrap().len();
    let loops = made["loop_artifact_ids"].as_array().unwrap().len();

    // Tags of a recording are those of its samples.
    assert_eq!(samples(&api, "loud").await, 0);
    let changed =
        api.patch(&path, &json!({"tags": ["loud"], "source_ref": "r1", "meta": {"a": 1}})).await.ok();
    assert_eq!((&changed["tags"], &changed["source_ref"]), (&json!(["loud"]), &json!("r1")));
    assert_eq!(samples(&api, "loud").await, hits + loops);

    let figures = api.get("/usage").await.ok();
    assert_eq!(figures["assets"], json!({"total": 1, "by_kind": {"audio": 1}}));
    let by_kind = &figures["artifacts"]["by_kind"];
    assert_eq!((&by_kind["audio_hit"], &by_kind["audio_loop"]), (&json!(hits), &json!(loops)), "{figures}");
    assert_eq!(by_kind["audio_semantic_timeline"], 1, "{figures}");
    assert_eq!(figures["analysed_ms"], analysis["meta"]["duration_ms"], "{figures}");
    assert_eq!(figures["blobs_without_size"], 0, "{figures}");
    assert!(figures["stored_bytes"].as_u64().unwrap() > asset["size_bytes"].as_u64().unwrap());
    assert_eq!(figures["blobs"], 1 + 1 + hits + loops, "{figures}");

    let hit = format!("/media-v2/artifacts/{}", id(&made["hit_artifact_ids"][0]));
    assert_eq!(api.delete(&hit).await.status, 204);
    api.get(&hit).await.problem(404, "artifact_not_found");
    assert_eq!(samples(&api, "loud").await, hits + loops - 1);

    let clip_id = clip(&api, &asset, 0.0, 1_000.0, 1.0).await;
    let problem = api.delete(&path).await.problem(409, "asset_in_use");
    assert_eq!(problem["usage_counts"], json!({"clip": 1}));
    assert_eq!(problem["usages"][0]["id"], clip_id);
    assert_eq!(api.delete(&format!("{path}?cascade=true")).await.status, 204);
    api.get(&path).await.problem(404, "asset_not_found");
    api.get(&format!("/video/clips/{clip_id}")).await.problem(404, "clip_not_found");
    let artifact = id(&analysis["audio_semantic_artifact_id"]);
    api.get(&format!("/audio/semantic-timeline/{artifact}")).await.problem(404, "semantics_not_found");
    assert_eq!(api.get("/audio/samples").await.ok()["items"], json!([]));
    let figures = api.get("/usage").await.ok();
    assert_eq!((&figures["stored_bytes"], &figures["artifacts"]["total"]), (&json!(0), &json!(0)));

    // Measured again, the same bytes get the same results under other ids.
    let asset = api.upload(&media::fixture("music_120bpm.wav")).await;
    let again = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    assert_eq!(again["meta"]["cache_hit"], false);
    assert_eq!(api.delete(&format!("/media-v2/assets/{}", id(&asset["id"]))).await.status, 204);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gc_removes_old_recordings_by_their_tags() {
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let upload = async |name: &str, tag: &str| {
        api.upload_bytes(name, name.as_bytes().to_vec(), &[("tags", tag)]).await.created()
    };
    let old = upload("old", "draft").await;
    let used = upload("used", "draft").await;
    let final_cut = upload("final", "final").await;
    clip(&api, &used, 0.0, 1_000.0, 1.0).await;
    let pool = &deployment.database().pool;
    sqlx::query("UPDATE media_assets SET created_at = created_at - interval '31 days'")
        .execute(pool)
        .await
        .unwrap();
    let young = upload("young", "draft").await;

    let rule = ["gc", "--retention", "draft=30"];
    let printed = operate(&deployment, &rule).await;
    let found = "retention draft=30: found 1 assets with 0 artifacts; 1 older ones are in use\n";
    assert!(printed.starts_with(found), "{printed}");
    let is_there =
        async |asset: &Value| api.get(&format!("/media-v2/assets/{}", id(&asset["id"]))).await.status == 200;
    assert!(is_there(&old).await, "nothing is removed without --delete");
    let printed = operate(&deployment, &[&rule[..], &["--delete"]].concat()).await;
    assert!(printed.starts_with(&found.replace("found", "removed")), "{printed}");
    assert!(!is_there(&old).await);
    for kept in [&used, &final_cut, &young] {
        assert!(is_there(kept).await, "{kept}");
    }
    // The same rule in a file.
    let file = deployment.data_directory().join("harkback.toml");
    std::fs::write(&file, "retention = ['draft=29', 'final=30']\n").unwrap();
    let printed = operate(&deployment, &["gc", "--delete", "--config", file.to_str().unwrap()]).await;
    assert!(printed.contains("retention final=30: removed 1 assets"), "{printed}");
    assert!(!is_there(&final_cut).await && is_there(&young).await);
    server.stop().await;
}

/// All tables of this program and of its queue: schema and name.
async fn tables(pool: &PgPool) -> Vec<(String, String)> {
    sqlx::query_as(
        "SELECT table_schema::text, table_name::text FROM information_schema.tables
         WHERE table_schema IN ('public', 'graphile_worker') AND table_type = 'BASE TABLE' ORDER BY 1, 2",
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

/// The tables with a row that contains `text` in any column.
async fn mentions(pool: &PgPool, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (schema, table) in tables(pool).await {
        let query = format!("SELECT EXISTS (SELECT FROM {schema}.{table} r WHERE strpos(r::text, $1) > 0)");
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(text);
        let is_found: bool = query.fetch_one(pool).await.unwrap();
        if is_found {
            found.push(table);
        }
    }
    found
}

/// Rows of tables that a short use of the service does not fill, made of those that it does.
const FURTHER_ROWS: [&str; 13] = [
    "INSERT INTO artifact_upstreams (tenant_id, env, artifact_id, position, upstream_id)
     SELECT tenant_id, env, min(id), 99, max(id) FROM artifacts WHERE tenant_id = $1 GROUP BY 1, 2",
    "INSERT INTO origin_snippets (tenant_id, env, clip_id, audio_artifact_id, source_asset_id, source_start_us, source_end_us,
         project_id, sequence_id, track_id, mode, created_at, meta)
     SELECT tenant_id, env, 'clip_1', id, parent_asset_id, 0, 5, 'p', 's', 't', 'timeline_only', now(), '{}'
     FROM artifacts WHERE tenant_id = $1 LIMIT 1",
    "INSERT INTO renders (tenant_id, env, render_key, parent_asset_id, artifact_id, render_asset_id, plan)
     SELECT tenant_id, env, repeat('1', 64), parent_asset_id, id, parent_asset_id, '{}'
     FROM artifacts WHERE tenant_id = $1 LIMIT 1",
    "INSERT INTO pattern_renders (tenant_id, env, render_key, artifact_id, asset_id, duration_us, gain_db)
     SELECT tenant_id, env, repeat('1', 64), id, parent_asset_id, 5, 0 FROM artifacts WHERE tenant_id = $1 LIMIT 1",
    "INSERT INTO timeline_speakers (tenant_id, env, timeline_id, speaker_id, embedding, model_version)
     SELECT tenant_id, env, id, 'S1', array_fill(0::real, ARRAY [192]), 'v' FROM artifacts WHERE tenant_id = $1 LIMIT 1",
    "INSERT INTO spoken_windows (tenant_id, env, asset_id, timeline_id, start_us, end_us, words, starts_ms, ends_ms, own_words,
         token_words, lexemes)
     SELECT tenant_id, env, parent_asset_id, id, 0, 1, '{a}', '{0}', '{1}', 1, '{0}', 'a'
     FROM artifacts WHERE tenant_id = $1 LIMIT 1",
    "INSERT INTO voices (tenant_id, env, id, name, embedding, model_version, speech_us, created_at)
     SELECT $1, 'dev', 'voice_1', 'A', array_fill(0::real, ARRAY [192]), 'v', 5, now()",
    "INSERT INTO webhook_deliveries (tenant_id, env, webhook_id, id, job_id, job_state, state, created_at)
     SELECT tenant_id, env, id, 'msg_1', 'job_1', 'failed', 'failed', now() FROM webhooks WHERE tenant_id = $1",
    "INSERT INTO resumable_upload_parts (tenant_id, env, upload_id, part_index, content_id)
     SELECT tenant_id, env, id, 0, 'e' FROM resumable_uploads WHERE tenant_id = $1",
    "INSERT INTO idempotency_seeds (tenant_id, env, key, fingerprint, seed, expires_at)
     SELECT $1, 'dev', 'key_2', decode(repeat('0', 64), 'hex'), 's', now() + interval '1 day'",
    "INSERT INTO job_tickets (tenant_id, last_ticket) SELECT $1, 1",
    // An analysis without the stub fills these.
    "INSERT INTO fingerprint_owners (tenant_id, env) SELECT $1, 'dev'
     ON CONFLICT (tenant_id, env) DO UPDATE SET env = excluded.env",
    "INSERT INTO fingerprint_sources (tenant_id, env, asset_id, owner_id, version, duration_us, landmark_count, indexed_at)
     SELECT a.tenant_id, a.env, a.id, o.id, 1, 0, 0, now() FROM media_assets a
     JOIN fingerprint_owners o ON o.tenant_id = a.tenant_id AND o.env = a.env WHERE a.tenant_id = $1
     ON CONFLICT (tenant_id, env, asset_id) DO UPDATE SET indexed_at = excluded.indexed_at",
];

/// Makes something of every kind for the caller.
async fn register_everything(api: &Api, deployment: &Deployment, tenant: &str) {
    let asset = api.upload(&media::fixture("music_120bpm.wav")).await;
    let own = api.upload_bytes("own", tenant.as_bytes().to_vec(), &[]).await.created();
    let timeline = api.post(ANALYZE, &json!({"asset_id": asset["id"]})).await.ok();
    let base_version = &timeline["meta"]["backend_version"];
    let correction = json!({"base_version": base_version, "edits": [{"op": "split", "at_ms": 500}]});
    let path =
        format!("/audio/semantic-timeline/{}/corrections", id(&timeline["audio_semantic_artifact_id"]));
    api.post(&path, &correction).await.created();
    let request = json!({"asset_id": asset["id"], "run_phrases": false});
    let made = api.post("/audio/field-to-samples", &request).await.ok();
    let waveform = format!("/media-v2/assets/{}/waveform?samples_per_pixel=4096", id(&asset["id"]));
    assert_eq!(api.get(&waveform).await.status, 200);
    let clip = json!({"asset_id": asset["id"], "start_ms": 0, "duration_ms": 500, "source_offset_ms": 0});
    let list = json!({"alignment": "none", "sequence": {"tracks": [{"name": "t", "clips": [clip]}]}});
    api.post("/audio/to-video-origin", &list).await.ok();
    crate::analysis::clip(api, &asset, 0.0, 1_000.0, 1.0).await;
    let samples = json!({"kick": made["hit_artifact_ids"][0]});
    api.post("/audio/patterns", &json!({"template_id": "four_on_the_floor", "sample_map": samples}))
        .await
        .ok();
    // Nothing is delivered: no such job is made.
    let webhook = json!({"url": "https://example.com/hook", "kinds": ["render"], "states": ["failed"]});
    api.post("/webhooks", &webhook).await.created();
    let artifact = json!({"kind": "audio_hit", "uri": own["source_uri"]});
    let path = format!("/media-v2/assets/{}/artifacts", id(&own["id"]));
    let request = api.request(Method::POST, &path).header("idempotency-key", "key_1").json(&artifact);
    api.send(request).await.created();
    let upload = api.request(Method::POST, "/media-v2/uploads").header("tus-resumable", "1.0.0");
    let upload = upload.header("upload-length", 9).header("content-type", "application/offset+octet-stream");
    api.send(upload.body("hark")).await.created();
    operate(deployment, &["keys", "create", "--tenant", tenant, "--env", "dev"]).await;
    for statement in FURTHER_ROWS {
        let inserted =
            sqlx::query(statement).bind(tenant).execute(&deployment.database().pool).await.unwrap();
        assert!(inserted.rows_affected() > 0, "{statement}");
    }
}

fn files(directory: &Path) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(directory) else { return BTreeSet::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let nested = paths.flat_map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() { files(&path) } else { BTreeSet::from([name]) }
    });
    nested.collect()
}

/// Number of rows of each table that has a column `tenant_id`.
async fn owned_rows(pool: &PgPool, tenant: &str) -> Vec<(String, i64)> {
    let mut rows = Vec::new();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND column_name = 'tenant_id' ORDER BY 1",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    for table in tables {
        let query = format!("SELECT count(*) FROM {table} WHERE tenant_id = $1");
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(tenant);
        let count: i64 = query.fetch_one(pool).await.unwrap();
        rows.push((table, count));
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn forgotten_tenant_leaves_nothing() {
    const GONE: &str = "tenant-that-leaves";
    let deployment = Deployment::new().await;
    let pool = &deployment.database().pool;
    let server = deployment.start().await;
    register_everything(&server.api("tenant-that-stays", "dev"), &deployment, "tenant-that-stays").await;
    register_everything(&server.api(GONE, "dev"), &deployment, GONE).await;
    server.stop().await;
    // A job that waits: this process runs none.
    let server = deployment.start_with(&[("HARKBACK_ROLE", "api")]).await;
    let api = server.api(GONE, "dev");
    let asset = api.get("/media-v2/assets?kind=audio").await.ok()["items"][0].clone();
    let waiting = json!({"asset_id": asset["id"], "min_silence_ms": 400});
    let request = api.request(Method::POST, ANALYZE).header("prefer", "respond-async, wait=0");
    assert_eq!(api.send(request.json(&waiting)).await.status, 202);
    assert!(mentions(pool, GONE).await.contains(&"_private_jobs".to_owned()), "an entry of the queue");

    // Every table has rows of the tenant, so that each is tested; in `removals` there are none between removals.
    let of_gone = owned_rows(pool, GONE).await;
    let empty: Vec<_> =
        of_gone.iter().filter(|(_, count)| *count == 0).map(|(table, _)| table.as_str()).collect();
    assert_eq!(empty, ["removals"], "make rows of the table in this test");
    let of_other = owned_rows(pool, "tenant-that-stays").await;
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM media_assets WHERE tenant_id = $1 UNION ALL SELECT id FROM artifacts WHERE tenant_id = $1
         UNION ALL SELECT id FROM jobs WHERE tenant_id = $1 UNION ALL SELECT id FROM resumable_uploads WHERE tenant_id = $1
         UNION ALL SELECT id FROM api_keys WHERE tenant_id = $1",
    )
    .bind(GONE)
    .fetch_all(pool)
    .await
    .unwrap();
    let blobs = "SELECT DISTINCT right(uri, 64) FROM (
             SELECT tenant_id, source_uri AS uri FROM media_assets UNION ALL SELECT tenant_id, uri FROM artifacts
             UNION ALL SELECT tenant_id, blob_sha256 FROM waveforms
         ) AS owned WHERE tenant_id = $1 ORDER BY 1";
    let hashes = async |tenant: &str| -> BTreeSet<String> {
        let hashes: Vec<String> = sqlx::query_scalar(blobs).bind(tenant).fetch_all(pool).await.unwrap();
        hashes.into_iter().collect()
    };
    let (only_gone, kept) = (hashes(GONE).await, hashes("tenant-that-stays").await);
    let only_gone: BTreeSet<String> = only_gone.difference(&kept).cloned().collect();
    assert!(!only_gone.is_empty() && !kept.is_empty());
    let store = deployment.data_directory().join("blobs");
    let uploads = files(&store.join("uploads"));
    assert_eq!(uploads.len(), 2);

    let arguments = ["forget", "--tenant", GONE, "--env", "dev", "--older-than-hours", "0"];
    let dry_run = operate(&deployment, &[&arguments[..], &["--dry-run"]].concat()).await;
    assert!(dry_run.contains("\nfound: ") && dry_run.contains("media_assets\t2\n"), "{dry_run}");
    assert_eq!(owned_rows(pool, GONE).await, of_gone);
    let printed = operate(&deployment, &arguments).await;
    assert!(printed.contains("\nremoved: ") && printed.contains("1 uploads under way"), "{printed}");

    assert_eq!(mentions(pool, GONE).await, Vec::<String>::new());
    for text in ids.iter().chain(&only_gone) {
        assert_eq!(mentions(pool, text).await, Vec::<String>::new(), "{text}");
    }
    let left = files(&store);
    assert_eq!(left.intersection(&only_gone).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(files(&store.join("uploads")).len(), 1, "that of the other tenant");

    // The other tenant has everything, also the bytes that both had.
    assert_eq!(owned_rows(pool, "tenant-that-stays").await, of_other);
    assert!(kept.is_subset(&left));
    let other = server.api("tenant-that-stays", "dev");
    for asset in other.get("/media-v2/assets").await.ok()["items"].as_array().unwrap() {
        assert_eq!(other.get(&format!("/media-v2/assets/{}/content", id(&asset["id"]))).await.status, 200);
    }
    let again = operate(&deployment, &arguments).await;
    assert_eq!(again, "removed: 0 rows, 0 uploads under way, 0 blobs, 0 bytes\n");
    server.stop().await;
}
