//! The remote client under failures of the network or the remote.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use http_kit::Problem;
use primitives::Id;
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;
use video_timeline::{
    Error, HttpTimeline, HttpTimelineConfig, Meta, NewProject, NewSequence, NewTimeline, NewTrack, Paging,
    ProjectTarget, TrackKind, VideoTimeline as _,
};

use crate::support::{TestState, context};

/// Serves `app` on a loopback port until the test ends.
pub(crate) async fn serve(app: Router) -> Url {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}/").parse().unwrap()
}

fn config(base_url: Url) -> HttpTimelineConfig {
    HttpTimelineConfig { backoff: Duration::from_millis(1), ..HttpTimelineConfig::new(base_url) }
}

async fn client(app: Router) -> HttpTimeline {
    HttpTimeline::new(config(serve(app).await)).unwrap()
}

/// The headers of each received call.
type Seen = Arc<Mutex<Vec<HeaderMap>>>;

/// A remote that returns `answer` for each call.
fn answering(answer: impl Fn(usize) -> Response + Clone + Send + Sync + 'static) -> (Router, Seen) {
    let seen = Seen::default();
    let calls = Arc::clone(&seen);
    let app = Router::new().fallback(async move |request: Request| {
        let mut calls = calls.lock().unwrap();
        calls.push(request.headers().clone());
        answer(calls.len())
    });
    (app, seen)
}

fn titled(title: &str) -> NewTimeline {
    let name = title.to_owned();
    let (label, kind, meta) = (name.clone(), TrackKind::Video, Meta::default());
    NewTimeline {
        project: ProjectTarget::New(NewProject { title: name.clone(), ..NewProject::default() }),
        sequence: NewSequence { name, ..NewSequence::default() },
        track: NewTrack { kind, label, position: None, meta },
        clips: vec![],
        further_tracks: vec![],
    }
}

async fn get(timeline: &HttpTimeline) -> Error {
    timeline.get_clip(&context("t1"), &"clip_1".parse::<Id>().unwrap()).await.unwrap_err()
}

fn detail(error: Error) -> String {
    match error {
        Error::Unavailable { detail } => detail,
        other => panic!("expected unavailable, not {other:?}"),
    }
}

async fn lose_two(State(answers): State<Arc<AtomicUsize>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if answers.fetch_add(1, Ordering::Relaxed) < 2 {
        StatusCode::BAD_GATEWAY.into_response()
    } else {
        response
    }
}

/// The remote performs the write but its response is lost: the write happens once.
#[tokio::test]
async fn write_with_a_lost_response_happens_once() {
    let state = TestState::new().await;
    let answers = Arc::new(AtomicUsize::new(0));
    let lossy = state.api.router().layer(from_fn_with_state(Arc::clone(&answers), lose_two));
    let timeline = client(lossy).await;
    let made = timeline.create_timeline(&context("t1"), titled("once")).await.unwrap();
    assert_eq!(answers.load(Ordering::Relaxed), 3);
    let page = state.api.get("/video/projects").await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(page["items"][0]["id"], json!(made.project.id));
}

#[tokio::test]
async fn every_attempt_carries_the_callers_context() {
    let (app, seen) = answering(|_| StatusCode::SERVICE_UNAVAILABLE.into_response());
    let timeline = client(app).await;
    timeline.create_timeline(&context("t1"), titled("x")).await.unwrap_err();
    timeline.create_timeline(&context("t1"), titled("x")).await.unwrap_err();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 6, "three attempts each");
    for headers in seen.iter() {
        for (name, value) in
            [("x-tenant-id", "t1"), ("x-env", "dev"), ("x-user-id", "u1"), ("x-request-id", "req_test")]
        {
            assert_eq!(headers[name], value, "{name}");
        }
    }
    let key = |call: usize| &seen[call]["idempotency-key"];
    assert_eq!(key(0), key(2), "one key for the attempts of a call");
    assert_ne!(key(0), key(3), "another for the next call");
}

#[tokio::test]
async fn permanent_failures_are_not_retried() {
    for status in [301, 400, 401, 404, 409, 500] {
        let status = StatusCode::from_u16(status).unwrap();
        let (app, seen) = answering(move |_| status.into_response());
        let message = detail(get(&client(app).await).await);
        assert!(message.contains(status.as_str()), "{message}");
        assert_eq!(seen.lock().unwrap().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn invalid_responses_are_unavailable() {
    for body in ["", "{}", "<html>", r#"{"id":"a|b"}"#] {
        let (app, _) = answering(move |_| body.into_response());
        assert!(detail(get(&client(app).await).await).starts_with("an unreadable answer"), "{body}");
    }
    let (app, seen) = answering(|_| vec![b' '; 4_096].into_response());
    let config = HttpTimelineConfig { max_response_bytes: 4_095, ..config(serve(app).await) };
    let timeline = HttpTimeline::new(config).unwrap();
    assert_eq!(detail(get(&timeline).await), "an answer of more than 4095 bytes");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn unresponsive_remote_times_out() {
    let hanging = Router::new().fallback(async || std::future::pending::<StatusCode>().await);
    let base_url = serve(hanging).await;
    let attempt =
        HttpTimelineConfig { attempt_timeout: Duration::from_millis(20), ..config(base_url.clone()) };
    assert!(detail(get(&HttpTimeline::new(attempt).unwrap()).await).contains("timed out"));
    let total = HttpTimelineConfig { total_timeout: Duration::from_millis(20), ..config(base_url) };
    assert_eq!(detail(get(&HttpTimeline::new(total).unwrap()).await), "no answer within 20ms");
}

#[tokio::test]
async fn unreachable_remote_is_a_502() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let problem = Problem::from(get(&HttpTimeline::new(config(base_url)).unwrap()).await);
    assert_eq!((problem.status(), problem.code()), (StatusCode::BAD_GATEWAY, "timeline_unavailable"));
    assert!(!problem.detail().contains("127.0.0.1"), "internals stay in the log");
    assert!(HttpTimeline::new(config("file:///etc".parse().unwrap())).is_err());
}

#[tokio::test]
async fn base_url_may_have_a_path() {
    let state = TestState::new().await;
    let mut base_url = serve(Router::new().nest("/api/v1", state.api.router())).await;
    base_url.set_path("/api/v1");
    let timeline = HttpTimeline::new(config(base_url)).unwrap();
    let made = timeline.create_timeline(&context("t1"), titled("x")).await.unwrap();
    let page = timeline.list_sequences(&context("t1"), &made.project.id, &Paging::default()).await.unwrap();
    assert_eq!(page.items, [made.sequence]);
}
