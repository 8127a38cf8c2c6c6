use std::time::Duration;

use http::StatusCode;
use http_kit::idempotency::Keys;
use serde_json::json;

use crate::support::{World, send, service, until};

#[tokio::test]
async fn a_caller_who_hangs_up_gets_the_answer_when_asking_again() {
    let world = World::new().await;
    let call = tokio::spawn(send(world.app.clone(), "k1", json!({})));
    world.writes.begun().await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());

    let (status, body, _) = send(world.app.clone(), "k1", json!({})).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("idempotency_in_progress")));
    world.writes.let_through();
    world.keys.finished().await;
    let again = send(world.app.clone(), "k1", json!({})).await;
    assert_eq!(again, (StatusCode::OK, json!({"write": 1}), true));
    assert_eq!(world.writes.ended(), 1);
}

#[tokio::test]
async fn what_fails_gives_its_key_back() {
    let world = World::new().await;
    world.writes.let_through();
    let (status, body, _) = send(world.app.clone(), "k1", json!({"say": "panic"})).await;
    assert_eq!((status, &body["code"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal")));
    // A panic cannot wait for the database.
    world.writes.let_through();
    until(async || send(world.app.clone(), "k1", json!({})).await.0 == StatusCode::OK).await;
    assert_eq!(world.writes.ended(), 1);
}

#[tokio::test]
async fn the_key_of_a_process_that_died_is_free_in_a_minute() {
    let world = World::new().await;
    let process = tokio::runtime::Runtime::new().unwrap();
    let (url, writes) = (world.database.url(), world.writes.clone());
    process.spawn(async move {
        let pool = db::connect(url.parse().unwrap(), 2).await.unwrap();
        send(service(Keys::new(pool), writes), "k1", json!({})).await
    });
    world.writes.begun().await;
    process.shutdown_background();

    let (status, body, _) = send(world.app.clone(), "k1", json!({})).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("idempotency_in_progress")));
    sqlx::query("UPDATE idempotency_keys SET expires_at = expires_at - interval '61 s'")
        .execute(&world.database.pool)
        .await
        .unwrap();
    world.writes.let_through();
    assert_eq!(send(world.app.clone(), "k1", json!({})).await, (StatusCode::OK, json!({"write": 1}), false));
}

#[tokio::test]
async fn a_call_that_runs_keeps_its_key() {
    let world = World::with(|keys| keys.with_lease(Duration::from_millis(300))).await;
    let call = tokio::spawn(send(world.app.clone(), "k1", json!({})));
    world.writes.begun().await;
    let expiry = async || {
        sqlx::query_scalar::<_, String>("SELECT expires_at::text FROM idempotency_keys")
            .fetch_one(&world.database.pool)
            .await
            .unwrap()
    };
    let mut last = expiry().await;
    for _ in 0..3 {
        until(async || expiry().await != last).await;
        last = expiry().await;
    }
    world.writes.let_through();
    assert_eq!(call.await.unwrap(), (StatusCode::OK, json!({"write": 1}), false));
    assert_eq!(send(world.app.clone(), "k1", json!({})).await, (StatusCode::OK, json!({"write": 1}), true));
}

#[tokio::test]
async fn an_answer_that_the_previous_version_kept_is_found() {
    let world = World::new().await;
    let body = json!({"b": 1, "a": 2});
    // As version 0.1.0 did: the target, the user and the bytes of the body.
    let digest = "decode(encode(sha256(convert_to('/write', 'UTF8') || '\\x00' || convert_to('anonymous', 'UTF8') || '\\x00'
        || convert_to($1, 'UTF8')), 'hex'), 'hex')";
    let statement = format!(
        "INSERT INTO idempotency_keys (tenant_id, env, key, fingerprint, status, content_type, body, expires_at)
         VALUES ('t1', 'dev', 'k1', {digest}, 200, 'application/json', convert_to('{{\"write\": 7}}', 'UTF8'),
             now() + interval '1 h')"
    );
    let insert = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(body.to_string());
    insert.execute(&world.database.pool).await.unwrap();
    assert_eq!(send(world.app.clone(), "k1", body).await, (StatusCode::OK, json!({"write": 7}), true));
}
