//! Owners that are forgotten; the tests of the whole service register one thing of every kind.

use std::time::{Duration, SystemTime};

use housekeeping::{ForgetOptions, Forgotten, Owner, forget};
use primitives::{Clock as _, SystemClock};
use serde_json::json;

use crate::support::TestState;

fn owner(tenant: &str, env: Option<&str>) -> Owner {
    Owner { tenant_id: tenant.parse().unwrap(), env: env.map(|env| env.parse().unwrap()) }
}

/// Blobs that are older than `hours` are removed; a negative age is that of the future.
fn options(hours: i64) -> ForgetOptions {
    let now = SystemTime::from(SystemClock.now());
    let age = Duration::from_secs(3_600 * hours.unsigned_abs());
    ForgetOptions { cutoff: if hours < 0 { now + age } else { now - age }, dry_run: false }
}

async fn forgotten(state: &TestState, owner: &Owner, options: ForgetOptions) -> Forgotten {
    forget(&state.media.service, owner, options).await.unwrap()
}

#[tokio::test]
async fn rows_and_bytes_of_the_owner_are_removed_and_those_of_others_stay() {
    let state = TestState::new().await;
    let asset = state.asset().await;
    state.measure(&asset).await;
    state.shot_list(&[&asset]).await;
    let (_, track) = state.track().await;
    state.clip(&track, &asset, json!({})).await;
    let other = state.asset_of("t2", &[]).await;
    // Bytes of both owners.
    let bytes = state.api.tenant("t2").get(&format!("/media-v2/assets/{other}")).await.ok();
    state
        .execute(
            "UPDATE media_assets SET source_uri = $3 WHERE tenant_id = $1 AND id = $2",
            &state.asset().await,
            bytes["asset"]["source_uri"].as_str().unwrap(),
        )
        .await;
    let (of_other, before) = (state.rows("t2").await, state.rows("t1").await);

    let dry = ForgetOptions { dry_run: true, ..options(-1) };
    let found = forgotten(&state, &owner("t1", None), dry).await;
    // The asset and the list; the blob of the second asset has lost its row, and no blob has the peaks.
    assert_eq!((found.blobs, found.kept_blobs), (2, 0), "{found:?}");
    assert_eq!(state.rows("t1").await, before, "a dry run removes nothing");

    let removed = forgotten(&state, &owner("t1", None), options(-1)).await;
    assert_eq!(removed, found);
    assert!(state.rows("t1").await.is_empty());
    assert_eq!(state.rows("t2").await, of_other);
    let content = format!("/media-v2/assets/{other}/content");
    assert_eq!(state.api.tenant("t2").get(&content).await.status, 200);
    assert_eq!(forgotten(&state, &owner("t1", None), options(-1)).await, Forgotten::default(), "again");
}

#[tokio::test]
async fn young_bytes_are_kept_for_a_later_collection() {
    let state = TestState::new().await;
    state.asset().await;
    let kept = forgotten(&state, &owner("t1", None), options(24)).await;
    assert_eq!((kept.blobs, kept.kept_blobs, kept.kept_bytes), (0, 1, 4), "{kept:?}");
    // The database has no asset, but had one: the store is its own.
    let collection = media_v2::Collection { cutoff: options(-1).cutoff, remove: true, waveforms: false };
    let collected =
        media_v2::collect(&state.media.pool(), state.media.service.blobs(), collection).await.unwrap();
    assert_eq!((collected.blobs, collected.bytes), (1, 4));
    assert_eq!(state.media.blob_files(), 0);
}

#[tokio::test]
async fn one_environment_is_forgotten_and_the_others_stay() {
    let state = TestState::new().await;
    let prod = state.api.header("x-env", "prod");
    state.track().await;
    prod.post("/video/projects", &json!({"title": "A film"})).await.ok();
    let turns = "INSERT INTO job_turns (lane, priority, tenant_id, last_ticket) SELECT $2, $3, $1, 1";
    state.execute(turns, "analysis", "batch").await;
    forgotten(&state, &owner("t1", Some("dev")), options(-1)).await;
    let left = [("job_turns".to_owned(), 1), ("video_projects".to_owned(), 1)];
    assert_eq!(state.rows("t1").await, left, "turns are those of the tenant");
    forgotten(&state, &owner("t1", Some("prod")), options(-1)).await;
    assert!(state.rows("t1").await.is_empty(), "they leave with its last environment");
}

#[tokio::test]
async fn leases_of_the_owner_are_removed() {
    let state = TestState::new().await;
    let names = [
        "t1|dev|a1|None",
        "samples|t1|dev|a1",
        "t2|t1|a1|None",
        "samples|t2|t1|a1",
        "video_render|t1|prod|k",
    ];
    for name in names {
        let lease = "INSERT INTO work_leases (name, holder, expires_at) SELECT $2, $1 || $3, now()";
        state.execute(lease, name, "").await;
    }
    let left = async || -> Vec<String> {
        let query = sqlx::query_scalar("SELECT name FROM work_leases ORDER BY name");
        query.fetch_all(&state.media.pool()).await.unwrap()
    };
    forgotten(&state, &owner("t1", Some("dev")), options(-1)).await;
    assert_eq!(left().await, [names[3], names[2], names[4]]);
    forgotten(&state, &owner("t1", None), options(-1)).await;
    assert_eq!(left().await, [names[3], names[2]]);
}

#[tokio::test]
async fn unfinished_uploads_are_removed_with_their_bytes() {
    let state = TestState::new().await;
    let request = state.api.request(axum::http::Method::POST, "/media-v2/uploads");
    let request = request.header("tus-resumable", "1.0.0").header("upload-length", "9");
    let request = request.header("content-type", "application/offset+octet-stream");
    let reply = state.api.send(request.body("hark".into()).unwrap()).await;
    assert_eq!((reply.status, reply.header("upload-offset")), (201, Some("4")), "{}", reply.text());
    assert_eq!(state.media.blob_files(), 1);
    let removed = forgotten(&state, &owner("t1", None), options(24)).await;
    assert_eq!((removed.uploads, removed.blobs, removed.kept_blobs), (1, 0, 0));
    assert_eq!(state.media.blob_files(), 0);
    assert!(state.rows("t1").await.is_empty());
}
