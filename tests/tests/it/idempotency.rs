//! A write under an `Idempotency-Key` happens once, even if the process crashes.

use std::time::Duration;

use e2e::{Api, Deployment, Reply};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sqlx::PgPool;
use test_kit::wait_for;

/// Makes storing of answers hang: a call has committed its rows, and waits to store its answer.
const HANG: [&str; 2] = [
    "CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$",
    "CREATE TRIGGER hang BEFORE UPDATE ON idempotency_keys FOR EACH ROW WHEN (NEW.status IS NOT NULL)
     EXECUTE FUNCTION hang()",
];
const GO_ON: &str = "DROP FUNCTION hang CASCADE";

/// Number of rows that the calls of these tests create.
const COUNT: &str = "SELECT (SELECT count(*) FROM media_assets) + (SELECT count(*) FROM artifacts)
    + (SELECT count(*) FROM video_projects) + (SELECT count(*) FROM video_sequences)
    + (SELECT count(*) FROM video_tracks) + (SELECT count(*) FROM video_clips)
    + (SELECT count(*) FROM origin_snippets)";

async fn count(pool: &PgPool) -> i64 {
    sqlx::query_scalar(COUNT).fetch_one(pool).await.unwrap()
}

async fn execute(pool: &PgPool, statement: &'static str) {
    sqlx::query(statement).execute(pool).await.unwrap();
}

/// Existing rows that other calls refer to.
struct Things {
    asset: String,
    hit: String,
    project: String,
    sequence: String,
    track: String,
    clip: String,
}

async fn things(api: &Api) -> Things {
    let id = |made: Value| made["id"].as_str().unwrap().to_owned();
    let asset = api.upload_bytes("a.bin", vec![1; 100], &[]).await.ok();
    let hit = json!({"kind": "audio_hit", "uri": asset["source_uri"], "start_ms": 0, "end_ms": 500});
    let hit =
        api.post(&format!("/media-v2/assets/{}/artifacts", asset["id"].as_str().unwrap()), &hit).await.ok();
    let made = json!({
        "project": {"new": {"title": "e2e"}}, "sequence": {"name": "s"}, "track": {"kind": "video", "label": "t"},
        "clips": [{"asset_id": asset["id"], "in_ms": 0, "out_ms": 500, "start_ms_on_timeline": 0}]
    });
    let made = api.post("/video/timelines", &made).await.ok();
    Things {
        asset: id(asset),
        hit: id(hit),
        project: id(made["project"].clone()),
        sequence: id(made["sequence"].clone()),
        track: id(made["track"].clone()),
        clip: id(made["clips"][0].clone()),
    }
}

/// Every call that creates something, with its number of rows.
fn writes(things: &Things) -> Vec<(String, Value, i64)> {
    let Things { asset, hit, project, sequence, track, clip } = things;
    let new_clip = json!({"asset_id": asset, "in_ms": 0, "out_ms": 500, "start_ms_on_timeline": 0});
    let timeline = |project: Value| {
        json!({"project": project, "sequence": {"name": "s"}, "track": {"kind": "video", "label": "t"},
            "clips": [new_clip.clone(), new_clip.clone()]})
    };
    let artifact = json!({"kind": "audio_hit", "uri": "mem:a", "start_ms": 0, "end_ms": 500});
    let items = json!([{"audio_artifact_id": hit}, {"audio_artifact_id": hit, "padding_ms": 0}]);
    vec![
        (format!("/media-v2/assets/{asset}/artifacts"), artifact, 1),
        ("/video/projects".to_owned(), json!({"title": "p"}), 1),
        (format!("/video/projects/{project}/sequences"), json!({"name": "s"}), 1),
        (format!("/video/sequences/{sequence}/tracks"), json!({"kind": "video", "label": "t"}), 1),
        (format!("/video/tracks/{track}/clips"), new_clip.clone(), 1),
        (
            format!("/video/tracks/{track}/clips/batch"),
            json!({"clips": [new_clip.clone(), new_clip.clone()]}),
            2,
        ),
        ("/video/timelines".to_owned(), timeline(json!({"new": {"title": "n"}})), 5),
        ("/video/timelines".to_owned(), timeline(json!({"existing": project})), 4),
        (format!("/video/clips/{clip}/split"), json!({"at_ms": 200}), 1),
        ("/origin-snippets/batch".to_owned(), json!({"items": items}), 7),
        (
            "/origin-snippets/batch".to_owned(),
            json!({"items": items, "attach_to_project_id": project, "mode": "timeline_only"}),
            6,
        ),
    ]
}

async fn send(api: &Api, key: usize, path: &str, body: &Value) -> Reply {
    let key = format!("k{key}");
    api.send(api.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

async fn upload(api: &Api) -> Reply {
    let form = Form::new().part("file", Part::bytes(vec![2; 100]).file_name("b.bin"));
    api.send(
        api.request(Method::POST, "/media-v2/assets").header("idempotency-key", "upload").multipart(form),
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_key_prevents_duplicates_after_a_crash() {
    let deployment = Deployment::new().await;
    let pool = deployment.database().pool.clone();
    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let writes = writes(&things(&api).await);
    let made: i64 = writes.iter().map(|(_, _, rows)| rows).sum::<i64>() + 1;
    let before = count(&pool).await;
    for statement in HANG {
        execute(&pool, statement).await;
    }
    let mut calls: Vec<_> = writes
        .iter()
        .cloned()
        .enumerate()
        .map(|(key, (path, body, _))| {
            let request =
                api.request(Method::POST, &path).header("idempotency-key", format!("k{key}")).json(&body);
            tokio::spawn(async move { drop(request.send().await) })
        })
        .collect();
    let form = Form::new().part("file", Part::bytes(vec![2; 100]).file_name("b.bin"));
    let request =
        api.request(Method::POST, "/media-v2/assets").header("idempotency-key", "upload").multipart(form);
    calls.push(tokio::spawn(async move { drop(request.send().await) }));
    let hanging =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    let expected = i64::try_from(calls.len()).unwrap();
    wait_for(Duration::from_secs(30), async || {
        let hanging: i64 = sqlx::query_scalar(hanging).fetch_one(&pool).await.unwrap();
        if hanging < expected { Err(format!("the calls do not commit: {}", server.log())) } else { Ok(()) }
    })
    .await;
    assert_eq!(count(&pool).await, before + made);
    server.kill().await;
    for call in calls {
        call.await.unwrap();
    }
    execute(
        &pool,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'
         AND datname = current_database()",
    )
    .await;
    execute(&pool, GO_ON).await;

    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let (path, body, _) = &writes[0];
    send(&api, 0, path, body).await.problem(409, "idempotency_in_progress");
    execute(&pool, "UPDATE idempotency_keys SET expires_at = now() - interval '1 s'").await;
    for (key, (path, body, _)) in writes.iter().enumerate() {
        let again = send(&api, key, path, body).await;
        assert_eq!(again.header("idempotency-replayed"), None, "{path}");
        let found = again.ok();
        let replay = send(&api, key, path, body).await;
        assert_eq!(replay.header("idempotency-replayed"), Some("true"), "{path}");
        assert_eq!(replay.ok(), found, "{path}");
        if let Some(snippets) = found["snippets"].as_array() {
            assert!(
                snippets.len() == 2 && snippets.iter().all(|snippet| snippet["video_clip_id"].is_string()),
                "{found}"
            );
        }
    }
    let _ = upload(&api).await.ok();
    assert_eq!(count(&pool).await, before + made, "nothing was made twice");
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM idempotency_seeds").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0, "a seed goes when its answer is kept");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_key_compares_bodies_as_canonical_json() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let send = async |body: &'static str| {
        let request = api.request(Method::POST, "/video/projects").header("idempotency-key", "k1");
        api.send(request.header("content-type", "application/json").body(body)).await
    };
    let first = send(r#"{"title": "A film", "meta": {"a": 1, "b": [2]}}"#).await.ok();
    let again = send(r#"{"meta":{"b":[2.0],"a":1},"title":"A\u0020film"}"#).await;
    assert_eq!((again.header("idempotency-replayed"), again.ok()), (Some("true"), first));
    send(r#"{"title": "A film", "meta": {"a": 1, "b": [3]}}"#).await.problem(422, "idempotency_mismatch");
    let request = api.request(Method::POST, "/video/projects").header("idempotency-key", "k2");
    let request = request.header("idempotency-key", "k3").json(&json!({"title": "a"}));
    api.send(request).await.problem(422, "invalid_idempotency_key");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn snippet_batch_is_all_or_nothing() {
    let deployment = Deployment::new().await;
    let pool = deployment.database().pool.clone();
    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let things = things(&api).await;
    let before = count(&pool).await;
    execute(
        &pool,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
    )
    .await;
    execute(
        &pool,
        "CREATE TRIGGER refuse BEFORE INSERT ON origin_snippets FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    .await;
    let batch = json!({"items": [{"audio_artifact_id": things.hit}]});
    api.post("/origin-snippets/batch", &batch).await.problem(500, "internal");
    assert_eq!(count(&pool).await, before, "no timeline without its snippets");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_context_headers_and_cross_site_uploads_are_refused() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    for (name, value) in [("x-tenant-id", "t2"), ("x-tenant-id", "t1"), ("x-env", "prod")] {
        let request = api.request(Method::GET, "/media-v2/assets").header(name, value);
        api.send(request).await.problem(400, "invalid_context");
    }
    // A page of another site cannot upload through its visitor's browser.
    let form = Form::new().text("tenant_id", "t1").text("env", "dev").part("file", Part::bytes(vec![1]));
    let client = reqwest::Client::builder().build().unwrap();
    let upload =
        client.post(format!("{}/media-v2/assets", server.base())).header("origin", "https://evil.example");
    let refused = upload.multipart(form).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert_eq!(refused.json::<Value>().await.unwrap()["code"], "cross_site_request");
    let page = client.get(format!("{}/docs/", server.base())).send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'self'"));
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    server.stop().await;
}
