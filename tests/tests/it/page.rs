//! The page at `/app`: its files and their headers, and that everything that a file refers to is served.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use e2e::{Deployment, Server, binary, media};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// A file as it was served.
struct Served {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Served {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Calls without context or credentials, as a browser that opens an address.
async fn get(url: &Url, headers: &[(&str, &str)]) -> Served {
    let client = Client::builder().timeout(Duration::from_secs(60)).redirect(Policy::none()).build().unwrap();
    let request =
        headers.iter().fold(client.get(url.clone()), |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    Served { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
}

fn page(server: &Server) -> Url {
    Url::parse(server.base()).unwrap().join("/app").unwrap()
}

/// The files that a file refers to: attributes of the document, imports of a module.
fn references(url: &Url, text: &str) -> Vec<Url> {
    let is_document = !url.path().ends_with(".js");
    let quoted = text.split('"').skip(1).step_by(2).zip(text.split('"').step_by(2));
    quoted
        .filter(|(_, before)| match is_document {
            true => before.ends_with("href=") || before.ends_with("src="),
            false => before.ends_with("from ") || before.ends_with("import ") || before.ends_with("import("),
        })
        .filter(|(target, _)| target.starts_with('.') || target.starts_with("app/"))
        .map(|(target, _)| url.join(target).unwrap())
        .collect()
}

/// All files that the page loads, by their address.
async fn crawl(server: &Server) -> BTreeMap<Url, Served> {
    let mut waiting = vec![page(server)];
    let mut found = BTreeMap::new();
    while let Some(url) = waiting.pop() {
        if found.contains_key(&url) {
            continue;
        }
        let served = get(&url, &[]).await;
        if url.path() == "/app" || url.path().ends_with(".js") {
            waiting.extend(references(&url, &served.text));
        }
        found.insert(url, served);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_of_the_page_is_served_with_its_type_policy_and_entity_tag() {
    let server = Deployment::new().await.start().await;
    let files = crawl(&server).await;
    assert!(files.len() > 40, "{:?}", files.keys().collect::<Vec<_>>());
    for (url, served) in &files {
        assert_eq!(served.status, 200, "{url}");
        let expected = match url.path().rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "svg")) => "image/svg+xml",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!(served.header("content-type"), expected, "{url}");
        let policy = served.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'self'; ") && policy.contains("frame-ancestors 'none'"),
            "{url}: {policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("//"), "{url}: {policy}");
        assert_eq!(served.header("x-content-type-options"), "nosniff", "{url}");
        assert!(served.header("etag").starts_with("W/\""), "{url}");
        // A name space is no address.
        let text = served.text.replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("http:") && !text.contains("https:"), "{url} refers to another host");
        let known = get(url, &[("if-none-match", served.header("etag"))]).await;
        assert_eq!((known.status, known.text.as_str()), (StatusCode::NOT_MODIFIED, ""), "{url}");
    }
    let main = page(&server).join("/app/main.js").unwrap();
    assert!(files.contains_key(&main));
    assert_eq!(get(&main, &[("accept-encoding", "gzip")]).await.header("content-encoding"), "gzip");
    assert_eq!(get(&main, &[]).await.header("content-encoding"), "");

    let missing = get(&page(&server).join("/app/missing.js").unwrap(), &[]).await;
    assert_eq!(missing.status, 404);
    assert!(missing.text.contains("route_not_found"), "{}", missing.text);
    let slash = get(&page(&server).join("/app/").unwrap(), &[]).await;
    assert_eq!((slash.status.as_u16(), slash.header("location")), (308, "../app"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_opens_without_credentials_and_its_calls_need_them() {
    let server = Deployment::new().await.start_with(&[("HARKBACK_AUTH", "keys")]).await;
    assert_eq!(get(&page(&server), &[]).await.status, 200);
    assert_eq!(get(&page(&server).join("/app/main.js").unwrap(), &[]).await.status, 200);
    let call = get(&page(&server).join("/media-v2/assets").unwrap(), &[]).await;
    assert_eq!(call.status, 401, "{}", call.text);
    // A name of another site that leads to this machine is refused, as for every other call.
    let open = Deployment::new().await.start().await;
    assert_eq!(get(&page(&open), &[("host", "evil.example")]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn open_starts_a_service_and_prints_the_address_of_the_uploaded_recording() {
    let deployment = Deployment::new().await;
    // Free a moment ago.
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let mut process =
        binary::command(["open", "--no-browser", "--tenant", "t1", "--listen", &listen, "--data-dir"])
            .arg(deployment.data_directory())
            .arg(media::fixture("digits.wav"))
            .env("DATABASE_URL", deployment.database().url())
            .env("AUDIO_SEMANTIC_BACKEND", "signal")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let address = async {
        loop {
            let line = lines.next_line().await.unwrap().unwrap();
            if line.starts_with("http://") {
                break Url::parse(&line).unwrap();
            }
        }
    };
    let address = tokio::time::timeout(Duration::from_secs(120), address).await.unwrap();
    assert_eq!((address.path(), address.port()), ("/app", Some(port)));
    let state = address.fragment().unwrap();
    let value = |name: &str| state.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let asset = address.join(&format!("/media-v2/assets/{}", value("asset").unwrap())).unwrap();
    let context = [("x-tenant-id", value("tenant").unwrap()), ("x-env", value("env").unwrap())];
    assert_eq!(context[0].1, "t1");
    let found: Value = serde_json::from_str(&get(&asset, &context).await.text).unwrap();
    assert_eq!(found["asset"]["meta"]["file_name"], "digits.wav", "{found}");
    process.kill().await.unwrap();
}
