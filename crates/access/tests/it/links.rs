use access::{Access, Authentication, BrowserPolicy, Links};
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use chrono::TimeDelta;
use db::testing::TestDatabase;
use http::{HeaderMap, Method, Request, StatusCode};
use primitives::Clock;
use std::sync::Arc;
use tower::ServiceExt;

use test_kit::scope;

use crate::clock;

const CONTENT: &str = "/media-v2/assets/a1/content";

/// A router that answers with the tenant and the query that its handler receives.
fn router(links: &Links) -> Router {
    let access = Access {
        authentication: Authentication::None,
        links: links.clone(),
        browsers: Arc::new(BrowserPolicy::default()),
    };
    let seen = async |headers: HeaderMap, uri: http::Uri| {
        let tenant = headers.get("x-tenant-id").map_or("", |value| value.to_str().unwrap()).to_owned();
        format!("{tenant} {}", uri.query().unwrap_or_default())
    };
    Router::new().fallback(get(seen)).layer(axum::middleware::from_fn_with_state(access, access::enforce))
}

async fn call(router: &Router, method: Method, uri: &str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(uri).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn links_carry_the_context_of_their_creator() {
    let database = TestDatabase::create().await;
    let clock = clock();
    let links = Links::new(database.pool.clone(), clock.clone());
    let router = router(&links);
    let expires = clock.now() + TimeDelta::hours(1);
    let link = links.sign(&scope("t1"), CONTENT, expires).await.unwrap();
    assert_eq!(call(&router, Method::GET, &link).await, (StatusCode::OK, "t1 ".to_owned()));
    let path = "/audio/semantic-timeline/a1/transcript?format=vtt&max_chars=30";
    let link = links.sign(&scope("t1"), path, expires).await.unwrap();
    assert_eq!(call(&router, Method::GET, &link).await.1, "t1 format=vtt&max_chars=30");
    for refused in
        ["/media-v2/assets", "//evil.example/media-v2/assets/a/content", "https://x/", "nothing", ""]
    {
        assert!(links.sign(&scope("t1"), refused, expires).await.is_err(), "{refused}");
    }
}

#[tokio::test]
async fn changed_and_expired_links_are_refused() {
    let database = TestDatabase::create().await;
    let clock = clock();
    let links = Links::new(database.pool.clone(), clock.clone());
    let router = router(&links);
    let link = links.sign(&scope("t1"), CONTENT, clock.now() + TimeDelta::seconds(5)).await.unwrap();
    let (path, query) = link.split_once('?').unwrap();
    for changed in [
        link.replace("a1", "a2"),
        link.replace("hb_tenant=t1", "hb_tenant=t2"),
        link.replace("hb_env=dev", "hb_env=prod"),
        link.replace("hb_expires=18", "hb_expires=19"),
        link.replace("/content", "/content/"),
        format!("{link}&start_ms=3"),
        format!("{link}&hb_tenant=t2"),
        format!("{path}?hb_tenant=t2&{query}"),
        format!("{path}?hb_signature=AAAA&hb_tenant=t1&hb_env=dev&hb_expires=1900000000"),
        format!("{path}?hb_signature=%00"),
    ] {
        let (status, body) = call(&router, Method::GET, &changed).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{changed}: {body}");
        assert!(body.contains("link_invalid"), "{body}");
    }
    assert_eq!(call(&router, Method::POST, &link).await.0, StatusCode::FORBIDDEN);
    clock.advance(TimeDelta::seconds(5));
    let (status, body) = call(&router, Method::GET, &link).await;
    assert!(status == StatusCode::FORBIDDEN && body.contains("expired"), "{body}");
}

#[tokio::test]
async fn second_rotation_invalidates_a_link() {
    let database = TestDatabase::create().await;
    let clock = clock();
    let links = Links::new(database.pool.clone(), clock.clone());
    // Represents another process of the installation.
    let operator = Links::new(database.pool.clone(), clock.clone());
    let router = router(&links);
    let link = links.sign(&scope("t1"), CONTENT, clock.now() + TimeDelta::days(1)).await.unwrap();
    for expected in [StatusCode::OK, StatusCode::FORBIDDEN] {
        clock.advance(TimeDelta::seconds(11));
        operator.rotate().await.unwrap();
        assert_eq!(call(&router, Method::GET, &link).await.0, expected);
    }
}
