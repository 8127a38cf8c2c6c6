use axum::body::{Body, Bytes};
use axum::extract::DefaultBodyLimit;
use futures::{StreamExt as _, stream};
use http::{Request, StatusCode, header};
use tower::ServiceExt as _;

use crate::support::TestState;

#[tokio::test]
async fn refusal_before_the_end_of_the_body_closes_the_connection() {
    let state = TestState::new().await;
    let app = state.app.layer(DefaultBodyLimit::max(1_000));
    let endless =
        || Body::from_stream(stream::repeat(Bytes::from_static(&[b' '; 100])).map(Ok::<_, std::io::Error>));
    for (kind, body, status, closes) in [
        ("application/json", endless(), StatusCode::PAYLOAD_TOO_LARGE, true),
        ("text/plain", endless(), StatusCode::UNSUPPORTED_MEDIA_TYPE, true),
        ("application/json", Body::from("{"), StatusCode::BAD_REQUEST, false),
        ("text/plain", Body::empty(), StatusCode::UNSUPPORTED_MEDIA_TYPE, false),
    ] {
        let request = Request::post("/write").header("x-tenant-id", "t1").header("x-env", "dev");
        let request = request.header("content-type", kind).body(body).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let connection = response.headers().get(header::CONNECTION);
        assert_eq!((response.status(), connection.is_some_and(|value| value == "close")), (status, closes));
    }
}

#[tokio::test]
async fn json_limit_holds_with_and_without_idempotency_key() {
    let state = TestState::new().await;
    let of_all = http_kit::limit_json(state.app.clone(), 2 << 20, &[]);
    let of_route = state.app.clone().layer(DefaultBodyLimit::max(3 << 20));
    let of_route = http_kit::limit_json(of_route, 2 << 20, &[("/write", 3 << 20), ("/other", 1)]);
    for (app, length, key, status) in [
        (&of_all, (2 << 20) - 100, None, StatusCode::OK),
        (&of_all, (2 << 20) - 100, Some("k1"), StatusCode::OK),
        (&of_all, 2 << 20, None, StatusCode::PAYLOAD_TOO_LARGE),
        (&of_all, 2 << 20, Some("k2"), StatusCode::PAYLOAD_TOO_LARGE),
        (&of_route, (3 << 20) - 100, None, StatusCode::OK),
        (&of_route, (3 << 20) - 100, Some("k3"), StatusCode::OK),
        (&of_route, 3 << 20, None, StatusCode::PAYLOAD_TOO_LARGE),
        (&of_route, 3 << 20, Some("k4"), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        state.writes.let_through();
        let mut request = Request::post("/write").header("x-tenant-id", "t1").header("x-env", "dev");
        request = request.header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = Body::from(format!(r#"{{"say": "{}"}}"#, "x".repeat(length)));
        let response = app.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{length} {key:?}");
    }
}
