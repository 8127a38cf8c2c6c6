use std::time::Duration;

use http::StatusCode;
use http_kit::idempotency::Keys;
use serde_json::{Value, json};
use test_kit::wait_for;

use crate::support::{TestState, send, service};

/// Time that a background task may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn idempotency_key_replays_the_answer_after_a_disconnect() {
    let state = TestState::new().await;
    let call = tokio::spawn(send(state.app.clone(), "k1", json!({})));
    state.writes.begun().await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());

    let (status, body, _) = send(state.app.clone(), "k1", json!({})).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("idempotency_in_progress")));
    state.writes.let_through();
    state.keys.finished().await;
    let again = send(state.app.clone(), "k1", json!({})).await;
    assert_eq!(again, (StatusCode::OK, json!({"write": 1}), true));
    assert_eq!(state.writes.ended(), 1);
}

#[tokio::test]
async fn idempotency_key_is_released_by_a_failed_call() {
    let state = TestState::new().await;
    state.writes.let_through();
    let (status, body, _) = send(state.app.clone(), "k1", json!({"say": "panic"})).await;
    assert_eq!((status, &body["code"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("internal")));
    // A panicking call releases its key in a spawned task.
    state.writes.let_through();
    wait_for(LIMIT, async || match send(state.app.clone(), "k1", json!({})).await {
        (StatusCode::OK, ..) => Ok(()),
        (status, body, _) => Err(format!("{status}: {body}")),
    })
    .await;
    assert_eq!(state.writes.ended(), 1);
}

#[tokio::test]
async fn idempotency_key_is_released_by_an_unstored_answer() {
    let state = TestState::new().await;
    for n in 1..3 {
        state.writes.let_through();
        let answer = send(state.app.clone(), "k1", json!({"say": "unstored"})).await;
        assert_eq!(answer, (StatusCode::OK, json!({"write": n}), false));
    }
}

#[tokio::test]
async fn idempotency_key_of_a_dead_process_expires_in_a_minute() {
    let state = TestState::new().await;
    let process = tokio::runtime::Runtime::new().unwrap();
    let (url, writes) = (state.database.url(), state.writes.clone());
    process.spawn(async move {
        let pool = db::connect(url.parse().unwrap(), 2).await.unwrap();
        send(service(Keys::new(pool), writes), "k1", json!({})).await
    });
    state.writes.begun().await;
    process.shutdown_background();

    let (status, body, _) = send(state.app.clone(), "k1", json!({})).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("idempotency_in_progress")));
    sqlx::query("UPDATE idempotency_keys SET expires_at = expires_at - interval '61 s'")
        .execute(&state.database.pool)
        .await
        .unwrap();
    state.writes.let_through();
    assert_eq!(send(state.app.clone(), "k1", json!({})).await, (StatusCode::OK, json!({"write": 1}), false));
}

/// Waits until the lease of the only key was renewed three times while its call runs, then lets the call through.
async fn assert_renewed(body: Value) {
    let state = TestState::with(|keys| keys.with_lease(Duration::from_millis(300))).await;
    let call = tokio::spawn(send(state.app.clone(), "k1", body.clone()));
    state.writes.begun().await;
    let expiry = async || {
        sqlx::query_scalar::<_, String>("SELECT expires_at::text FROM idempotency_keys")
            .fetch_one(&state.database.pool)
            .await
            .unwrap()
    };
    let mut last = expiry().await;
    for _ in 0..3 {
        let renewed = async || Some(expiry().await).filter(|expiry| *expiry != last).ok_or("a later expiry");
        last = wait_for(LIMIT, renewed).await;
    }
    state.writes.let_through();
    assert_eq!(call.await.unwrap(), (StatusCode::OK, json!({"write": 1}), false));
    assert_eq!(send(state.app.clone(), "k1", body).await, (StatusCode::OK, json!({"write": 1}), true));
}

#[tokio::test]
async fn idempotency_key_is_renewed_while_its_call_runs() {
    assert_renewed(json!({})).await;
}

#[tokio::test]
async fn idempotency_key_is_renewed_while_its_answer_is_read() {
    assert_renewed(json!({"say": "slowly"})).await;
}

/// The fingerprint of version 0.1.0: of the target, the user and the bytes of the body, which is `$1`.
const RAW: &str =
    "sha256(convert_to('/write', 'UTF8') || '\\x00' || convert_to('anonymous', 'UTF8') || '\\x00'
    || convert_to($1, 'UTF8'))";

async fn execute(state: &TestState, statement: String) {
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&state.database.pool).await.unwrap();
}

#[tokio::test]
async fn idempotency_key_finds_answers_of_the_previous_version() {
    let state = TestState::new().await;
    let body = json!({"b": 1, "a": 2});
    let digest = RAW;
    let statement = format!(
        "INSERT INTO idempotency_keys (tenant_id, env, key, fingerprint, status, content_type, body, expires_at)
         VALUES ('t1', 'dev', 'k1', {digest}, 200, 'application/json', convert_to('{{\"write\": 7}}', 'UTF8'),
             now() + interval '1 h')"
    );
    let insert = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(body.to_string());
    insert.execute(&state.database.pool).await.unwrap();
    assert_eq!(send(state.app.clone(), "k1", body).await, (StatusCode::OK, json!({"write": 7}), true));
}

#[tokio::test]
async fn previous_version_finds_answers_of_this_one() {
    let state = TestState::new().await;
    state.writes.let_through();
    let body = json!({"b": 1.0, "a": 2});
    assert_eq!(send(state.app.clone(), "k1", body.clone()).await.0, StatusCode::OK);
    let is_raw = format!("SELECT fingerprint = {RAW} FROM idempotency_keys WHERE key = 'k1'");
    let is_raw: bool = sqlx::query_scalar(sqlx::AssertSqlSafe(is_raw))
        .bind(body.to_string())
        .fetch_one(&state.database.pool)
        .await
        .unwrap();
    assert!(is_raw);
    let again = send(state.app.clone(), "k1", json!({"a": 2, "b": 1})).await;
    assert_eq!(again, (StatusCode::OK, json!({"write": 1}), true), "another spelling of the same JSON");
    // The previous version takes an expired key for another call, and does not know the newer column.
    execute(&state, "UPDATE idempotency_keys SET fingerprint = sha256('other')".to_owned()).await;
    let (status, other, _) = send(state.app.clone(), "k1", json!({"a": 2, "b": 1})).await;
    assert_eq!((status, &other["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("idempotency_mismatch")));
}

#[tokio::test]
async fn call_that_lost_its_idempotency_key_keeps_the_seed_of_its_successor() {
    let state = TestState::new().await;
    let first = tokio::spawn(send(state.app.clone(), "k1", json!({})));
    state.writes.begun().await;
    execute(&state, "UPDATE idempotency_keys SET expires_at = now() - interval '1 s'".to_owned()).await;
    let second = tokio::spawn(send(state.app.clone(), "k1", json!({})));
    state.writes.begun().await;
    let seeds = async || {
        let seeds = sqlx::query_scalar::<_, String>("SELECT seed FROM idempotency_seeds");
        seeds.fetch_all(&state.database.pool).await.unwrap()
    };
    let before = seeds().await;
    assert_eq!(before.len(), 1);
    // The first in line is the first call.
    state.writes.let_through();
    assert_eq!(first.await.unwrap().1, json!({"write": 1}));
    assert_eq!(seeds().await, before, "after a crash, the second call would create its things again");
    state.writes.let_through();
    assert_eq!(second.await.unwrap().1, json!({"write": 2}));
    assert!(seeds().await.is_empty());
}

#[tokio::test]
async fn body_releases_its_share_of_the_budget_once_read() {
    let limit = 80 << 20;
    let state = TestState::new().await;
    let app = http_kit::limit_json(state.app.clone(), limit, &[]);
    // Two of them exceed the budget of all bodies.
    let body = json!({"say": "x".repeat(60 << 20)});
    let calls = ["k1", "k2"].map(|key| (key, body.clone()));
    let mut running = Vec::new();
    for (key, body) in calls {
        running.push(tokio::spawn(send(app.clone(), key, body)));
        let begun = tokio::time::timeout(Duration::from_secs(60), state.writes.begun()).await;
        assert!(begun.is_ok(), "{key} did not begin");
    }
    state.writes.let_through();
    state.writes.let_through();
    for call in running {
        assert_eq!(call.await.unwrap().0, StatusCode::OK);
    }
}
