//! Webhooks, with receivers on this machine.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use test_kit::{Api, Reply, wait_for};

use crate::support::TestState;

const GRACE: Duration = Duration::from_secs(1);

/// Stores the messages it receives, and answers with the given statuses, then with 204.
#[derive(Clone, Default)]
struct Receiver {
    received: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    async fn start(answers: &[u16]) -> (Self, String) {
        let receiver = Self { answers: Arc::new(Mutex::new(answers.to_vec())), ..Self::default() };
        let receive = async |State(receiver): State<Self>, headers: HeaderMap, body: Bytes| {
            receiver.received.lock().unwrap().push((headers, body));
            let mut answers = receiver.answers.lock().unwrap();
            let status = if answers.is_empty() { 204 } else { answers.remove(0) };
            Response::builder().status(status).header("location", "/elsewhere").body(Body::empty()).unwrap()
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/hook", listener.local_addr().unwrap().port());
        let routes = Router::new().fallback(receive).with_state(receiver.clone());
        tokio::spawn(axum::serve(listener, routes).into_future());
        (receiver, url)
    }

    fn received(&self) -> Vec<(HeaderMap, Bytes)> {
        self.received.lock().unwrap().clone()
    }
}

async fn call(state: &TestState, method: Method, path: &str, body: &Value) -> Reply {
    call_as(state, "t1", method, path, body).await
}

async fn call_as(state: &TestState, tenant: &str, method: Method, path: &str, body: &Value) -> Reply {
    let (router, _) = jobs::webhooks_router(state.jobs.clone()).split_for_parts();
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    Api::new(router).tenant(tenant).send_json(method, path, body).await
}

/// Creates a webhook; returns its id and secret.
async fn create(state: &TestState, body: Value) -> (String, Vec<u8>) {
    let made = call(state, Method::POST, "/webhooks", &body).await.created();
    let secret = made["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
    (made["id"].as_str().unwrap().to_owned(), STANDARD.decode(secret).unwrap())
}

/// Waits for a delivery that is in `state` after `attempts` attempts.
async fn delivery(state: &TestState, webhook: &str, expected: &str, attempts: i32) -> Value {
    let path = format!("/webhooks/{webhook}/deliveries");
    wait_for(Duration::from_secs(30), async || {
        let listed = call(state, Method::GET, &path, &Value::Null).await.ok();
        let is_expected = |delivery: &&Value| {
            delivery["state"] == expected
                && delivery["attempts"] == attempts
                && !delivery["last_status"].is_null()
        };
        let found = listed["items"].as_array().unwrap().iter().find(is_expected).cloned();
        found.ok_or_else(|| format!("a delivery that is {expected} after {attempts} attempts: {listed}"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_delivery_is_signed() {
    let state = TestState::new().await;
    let (receiver, url) = Receiver::start(&[]).await;
    let (id, secret) = create(&state, json!({"url": url, "kinds": ["analyze"]})).await;
    create(&state, json!({"url": url, "kinds": ["render"]})).await;
    state.work(&state.jobs, 1, GRACE);
    let job = state.enqueue("t1", "a").await;
    let other = state.enqueue("t2", "b").await;
    state.ended("t2", &other).await;
    let delivered = delivery(&state, &id, "delivered", 1).await;
    assert_eq!(
        (&delivered["job_id"], &delivered["job_state"], &delivered["last_status"]),
        (&json!(job), &json!("succeeded"), &json!(204))
    );
    let received = receiver.received();
    assert_eq!(received.len(), 1, "of its owner and kind alone");
    let (headers, body) = &received[0];
    let text = |name: &str| headers[name].to_str().unwrap();
    assert_eq!(text("webhook-id"), delivered["id"].as_str().unwrap());
    let signed = format!(
        "{}.{}.{}",
        text("webhook-id"),
        text("webhook-timestamp"),
        std::str::from_utf8(body).unwrap()
    );
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
    assert_eq!(text("webhook-signature"), format!("v1,{}", STANDARD.encode(tag)));
    let message: Value = serde_json::from_slice(body).unwrap();
    assert_eq!((&message["type"], &message["data"]["id"]), (&json!("job.succeeded"), &json!(job)));
    assert_eq!(message["data"]["result"]["body"]["name"], "a");

    let listed = call(&state, Method::GET, "/webhooks", &Value::Null).await.ok();
    assert!(
        listed["items"].as_array().unwrap().iter().all(|webhook| webhook["secret"].is_null()),
        "{listed}"
    );
    let path = format!("/webhooks/{id}");
    assert_eq!(call(&state, Method::DELETE, &path, &Value::Null).await.status, 204);
    assert_eq!(call(&state, Method::DELETE, &path, &Value::Null).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_deliveries_are_retried_and_redirects_are_not_followed() {
    let state = TestState::new().await;
    let (receiver, url) = Receiver::start(&[500]).await;
    let (redirecting, redirect_url) = Receiver::start(&[302]).await;
    let (gone, gone_url) = Receiver::start(&[410]).await;
    let (id, _) = create(&state, json!({"url": url, "states": ["succeeded"]})).await;
    let (redirected_id, _) = create(&state, json!({"url": redirect_url})).await;
    let (gone_id, _) = create(&state, json!({"url": gone_url})).await;
    state.work(&state.jobs, 1, GRACE);
    state.enqueue("t1", "a").await;
    let failed = delivery(&state, &redirected_id, "pending", 1).await;
    assert_eq!((&failed["last_status"], &failed["last_error"]), (&json!(302), &json!("answered 302")));
    assert_eq!(redirecting.received().len(), 1);
    assert!(delivery(&state, &gone_id, "failed", 1).await["next_attempt_at"].is_null());
    delivery(&state, &id, "delivered", 2).await;
    let received = receiver.received();
    assert_eq!(received[0].0["webhook-id"], received[1].0["webhook-id"], "receivers drop what they know");
    assert_eq!(gone.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_validated_and_limited() {
    let state = TestState::new().await;
    for (body, pointer) in [
        (json!({"url": "ftp://example.org"}), "/url"),
        (json!({"url": "https://user:word@example.org"}), "/url"),
        (json!({"url": "https://example.org", "kinds": ["none"]}), "/kinds/0"),
    ] {
        assert_eq!(call(&state, Method::POST, "/webhooks", &body).await.invalid(), [pointer]);
    }
    let repeated = json!({
        "url": "https://example.org", "kinds": ["render", "analyze", "render"], "states": ["failed", "failed"],
    });
    let made = call(&state, Method::POST, "/webhooks", &repeated).await.created();
    assert_eq!((&made["kinds"], &made["states"]), (&json!(["render", "analyze"]), &json!(["failed"])));
    for _ in 1..20 {
        create(&state, json!({"url": "https://example.org"})).await;
    }
    let refused = call(&state, Method::POST, "/webhooks", &json!({"url": "https://example.org"})).await;
    assert_eq!(refused.json()["code"], "too_many_webhooks");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_webhook_receiver_delays_its_own_tenant_only() {
    let state = TestState::new().await;
    // Accepts connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://localhost:{}/", silent.local_addr().unwrap().port());
    for _ in 0..8 {
        create(&state, json!({"url": silent_url})).await;
    }
    let (receiver, url) = Receiver::start(&[]).await;
    let made = call_as(&state, "t2", Method::POST, "/webhooks", &json!({"url": url})).await;
    assert_eq!(made.status, 201);
    state.work(&state.jobs, 1, GRACE);
    let first = state.enqueue("t1", "a").await;
    state.ended("t1", &first).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    for count in 1..=5 {
        let job = state.enqueue("t2", &format!("b{count}")).await;
        state.ended("t2", &job).await;
    }
    wait_for(Duration::from_secs(8), async || match receiver.received().len() {
        5.. => Ok(()),
        count => Err(format!("{count} of 5 messages")),
    })
    .await;
    drop(silent);
}
