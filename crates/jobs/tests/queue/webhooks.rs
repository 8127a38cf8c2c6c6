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
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{World, json_of};

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

async fn call(world: &World, method: Method, path: &str, body: &Value) -> Response {
    call_as(world, "t1", method, path, body).await
}

async fn call_as(world: &World, tenant: &str, method: Method, path: &str, body: &Value) -> Response {
    let (router, _) = jobs::webhooks_router(world.jobs.clone()).split_for_parts();
    let request =
        Request::builder().method(method).uri(path).header("x-tenant-id", tenant).header("x-env", "dev");
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let request = request.header("content-type", "application/json").body(body).unwrap();
    router.oneshot(request).await.unwrap()
}

/// Creates a webhook; returns its id and secret.
async fn create(world: &World, body: Value) -> (String, Vec<u8>) {
    let made = call(world, Method::POST, "/webhooks", &body).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let made = json_of(made).await;
    let secret = made["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
    (made["id"].as_str().unwrap().to_owned(), STANDARD.decode(secret).unwrap())
}

/// Waits for a delivery that is in `state` after `attempts` attempts.
async fn delivery(world: &World, webhook: &str, state: &str, attempts: i32) -> Value {
    for remaining in (0..300).rev() {
        let listed = call(world, Method::GET, &format!("/webhooks/{webhook}/deliveries"), &Value::Null).await;
        let listed = json_of(listed).await;
        let found = listed["items"].as_array().unwrap().iter().find(|delivery| {
            delivery["state"] == state
                && delivery["attempts"] == attempts
                && !delivery["last_status"].is_null()
        });
        if let Some(found) = found {
            return found.clone();
        }
        assert!(remaining > 0, "no delivery is {state} after {attempts} tries: {listed}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    unreachable!("the last round returns or fails")
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_delivery_is_signed() {
    let world = World::new().await;
    let (receiver, url) = Receiver::start(&[]).await;
    let (id, secret) = create(&world, json!({"url": url, "kinds": ["analyze"]})).await;
    create(&world, json!({"url": url, "kinds": ["render"]})).await;
    world.work(&world.jobs, 1, GRACE);
    let job = world.enqueue("t1", "a").await;
    let other = world.enqueue("t2", "b").await;
    world.ended("t2", &other).await;
    let delivered = delivery(&world, &id, "delivered", 1).await;
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

    let listed = json_of(call(&world, Method::GET, "/webhooks", &Value::Null).await).await;
    assert!(
        listed["items"].as_array().unwrap().iter().all(|webhook| webhook["secret"].is_null()),
        "{listed}"
    );
    let path = format!("/webhooks/{id}");
    assert_eq!(call(&world, Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(call(&world, Method::DELETE, &path, &Value::Null).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_deliveries_are_retried_and_redirects_are_not_followed() {
    let world = World::new().await;
    let (receiver, url) = Receiver::start(&[500]).await;
    let (redirecting, redirect_url) = Receiver::start(&[302]).await;
    let (gone, gone_url) = Receiver::start(&[410]).await;
    let (id, _) = create(&world, json!({"url": url, "states": ["succeeded"]})).await;
    let (redirected_id, _) = create(&world, json!({"url": redirect_url})).await;
    let (gone_id, _) = create(&world, json!({"url": gone_url})).await;
    world.work(&world.jobs, 1, GRACE);
    world.enqueue("t1", "a").await;
    let failed = delivery(&world, &redirected_id, "pending", 1).await;
    assert_eq!((&failed["last_status"], &failed["last_error"]), (&json!(302), &json!("answered 302")));
    assert_eq!(redirecting.received().len(), 1);
    assert!(delivery(&world, &gone_id, "failed", 1).await["next_attempt_at"].is_null());
    delivery(&world, &id, "delivered", 2).await;
    let received = receiver.received();
    assert_eq!(received[0].0["webhook-id"], received[1].0["webhook-id"], "receivers drop what they know");
    assert_eq!(gone.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_validated_and_limited() {
    let world = World::new().await;
    for (body, pointer) in [
        (json!({"url": "ftp://example.org"}), "/url"),
        (json!({"url": "https://user:word@example.org"}), "/url"),
        (json!({"url": "https://example.org", "kinds": ["none"]}), "/kinds/0"),
    ] {
        let refused = json_of(call(&world, Method::POST, "/webhooks", &body).await).await;
        assert_eq!(
            (&refused["code"], &refused["errors"][0]["pointer"]),
            (&json!("invalid_body"), &json!(pointer))
        );
    }
    for _ in 0..20 {
        create(&world, json!({"url": "https://example.org"})).await;
    }
    let refused = call(&world, Method::POST, "/webhooks", &json!({"url": "https://example.org"})).await;
    assert_eq!(json_of(refused).await["code"], "too_many_webhooks");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_webhook_receiver_delays_its_own_tenant_only() {
    let world = World::new().await;
    // Accepts connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://localhost:{}/", silent.local_addr().unwrap().port());
    for _ in 0..8 {
        create(&world, json!({"url": silent_url})).await;
    }
    let (receiver, url) = Receiver::start(&[]).await;
    let made = call_as(&world, "t2", Method::POST, "/webhooks", &json!({"url": url})).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    world.work(&world.jobs, 1, GRACE);
    let first = world.enqueue("t1", "a").await;
    world.ended("t1", &first).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    for count in 1..=5 {
        let job = world.enqueue("t2", &format!("b{count}")).await;
        world.ended("t2", &job).await;
    }
    let begun = tokio::time::Instant::now();
    while receiver.received().len() < 5 {
        assert!(begun.elapsed() < Duration::from_secs(8), "{} of 5", receiver.received().len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(silent);
}
