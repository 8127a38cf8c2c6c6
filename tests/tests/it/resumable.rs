//! Resumable uploads (tus 1.0): broken connections, crashes, two processes, and `harkback upload`.

use std::time::Duration;

use e2e::{Api, Deployment, Reply, Server, binary, media};
use reqwest::{Body, Method};
use serde_json::Value;
use test_kit::wait_for;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

const UPLOADS: &str = "/media-v2/uploads";
const OFFSET_STREAM: &str = "application/offset+octet-stream";
const LIMIT: Duration = Duration::from_secs(60);

/// Bytes that repeat after a prime number of them.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 65_521) as u8).collect()
}

async fn create(api: &Api, length: usize) -> String {
    let request = api.request(Method::POST, UPLOADS).header("tus-resumable", "1.0.0");
    // talk.bin
    let request = request.header("upload-length", length).header("upload-metadata", "filename dGFsay5iaW4=");
    let reply = api.send(request).await;
    reply.created();
    assert_eq!(reply.header("tus-resumable"), Some("1.0.0"));
    reply.header("location").unwrap().to_owned()
}

async fn patch(api: &Api, upload: &str, offset: usize, body: impl Into<Body>) -> Reply {
    let request = api.request(Method::PATCH, upload).header("tus-resumable", "1.0.0");
    let request = request.header("content-type", OFFSET_STREAM).header("upload-offset", offset);
    api.send(request.body(body)).await
}

async fn offset(api: &Api, upload: &str) -> usize {
    let head = api.send(api.request(Method::HEAD, upload)).await;
    head.header("upload-offset").unwrap().parse().unwrap()
}

async fn wait_for_offset(api: &Api, upload: &str, expected: usize) {
    wait_for(LIMIT, async || match offset(api, upload).await {
        found if found == expected => Ok(()),
        found => Err(format!("{found} of {expected} bytes")),
    })
    .await;
}

/// Sends a PATCH whose body is cut after `sent` bytes; the connection stays open until the result is dropped.
async fn send_part(server: &Server, upload: &str, offset: usize, body: &[u8], sent: usize) -> TcpStream {
    let address = server.base().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "PATCH {upload} HTTP/1.1\r\nHost: {address}\r\nX-Tenant-Id: t1\r\nX-Env: dev\r\nTus-Resumable: 1.0.0\r\n\
         Upload-Offset: {offset}\r\nContent-Type: {OFFSET_STREAM}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body[..sent]).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

async fn asset(api: &Api, upload: &str) -> Value {
    let id = api.get(upload).await.ok()["asset_id"].as_str().unwrap().to_owned();
    api.get(&format!("/media-v2/assets/{id}")).await.ok()["asset"].clone()
}

/// The hash of the same bytes in a form.
async fn hash(api: &Api, bytes: &[u8]) -> Value {
    api.upload_bytes("talk.bin", bytes.to_vec(), &[]).await.created()["content_sha256"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_continues_after_broken_connections_on_another_process() {
    let deployment = Deployment::new().await;
    let servers = [deployment.start().await, deployment.start().await];
    let apis = servers.each_ref().map(|server| server.api("t1", "dev"));
    let bytes = bytes(3_000_000);
    let upload = create(&apis[0], bytes.len()).await;
    let mut stored = 0;
    for (turn, sent) in [1_000, 400_000, 70_000, 900_000].into_iter().enumerate() {
        let mut stream = send_part(&servers[turn % 2], &upload, stored, &bytes[stored..], sent).await;
        stream.shutdown().await.unwrap();
        stored += sent;
        wait_for_offset(&apis[turn % 2], &upload, stored).await;
    }
    let reply = wait_for(LIMIT, async || {
        let reply = patch(&apis[0], &upload, stored, bytes[stored..].to_vec()).await;
        if reply.status == 423 { Err("locked") } else { Ok(reply) }
    })
    .await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    let asset = asset(&apis[1], &upload).await;
    assert_eq!(reply.header("harkback-asset-id"), asset["id"].as_str());
    assert_eq!(asset["content_sha256"], hash(&apis[1], &bytes).await);
    assert_eq!(asset["meta"]["file_name"], "talk.bin");
    for server in servers {
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_continues_after_a_crash_of_the_service() {
    const STORED: usize = 16 << 20;
    let deployment = Deployment::new().await;
    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    let bytes = bytes(STORED + (4 << 20));
    let upload = create(&api, bytes.len()).await;
    let stream = send_part(&server, &upload, 0, &bytes, STORED + 1_000).await;
    wait_for_offset(&api, &upload, STORED).await;
    server.kill().await;
    drop(stream);

    let server = deployment.start().await;
    let api = server.api("t1", "dev");
    assert_eq!(offset(&api, &upload).await, STORED, "what was recorded");
    // The lease of the dead process has to expire.
    let reply = wait_for(LIMIT, async || {
        let reply = patch(&api, &upload, STORED, bytes[STORED..].to_vec()).await;
        if reply.status == 423 { Err("locked") } else { Ok(reply) }
    })
    .await;
    assert_eq!(reply.status, 204, "{}", reply.text());
    assert_eq!(asset(&api, &upload).await["content_sha256"], hash(&api, &bytes).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_uploads_have_their_status_and_the_headers_of_the_protocol() {
    let deployment = Deployment::new().await;
    let server = deployment.start_with(&[("HARKBACK_MAX_UPLOAD_BYTES", "1000000")]).await;
    let api = server.api("t1", "dev");
    let upload = create(&api, 10).await;
    let too_large = api.request(Method::POST, UPLOADS).header("tus-resumable", "1.0.0");
    let reply = api.send(too_large.header("upload-length", 1_000_001)).await;
    reply.problem(413, "upload_too_large");
    assert_eq!(reply.header("tus-resumable"), Some("1.0.0"));
    let old = api.request(Method::PATCH, &upload).header("tus-resumable", "0.2.0");
    let reply = api.send(old).await;
    reply.problem(412, "tus_version_unsupported");
    assert_eq!(reply.header("tus-version"), Some("1.0.0"));

    patch(&api, &upload, 4, "hark").await.problem(409, "upload_offset_mismatch");
    let wrong =
        api.request(Method::PATCH, &upload).header("tus-resumable", "1.0.0").header("upload-offset", 0);
    let wrong = wrong.header("content-type", OFFSET_STREAM);
    let wrong = wrong.header("upload-checksum", "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=").body("hark");
    api.send(wrong).await.problem(460, "checksum_mismatch");
    patch(&server.api("t2", "dev"), &upload, 0, "hark").await.problem(404, "upload_not_found");

    let parallel = tokio::join!(patch(&api, &upload, 0, "hark back!"), patch(&api, &upload, 0, "hark back!"));
    let mut statuses = [parallel.0.status, parallel.1.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);

    let expiring = create(&api, 10).await;
    sqlx::query(
        "UPDATE resumable_uploads SET expires_at = now() - interval '1 minute' WHERE state = 'receiving'",
    )
    .execute(&deployment.database().pool)
    .await
    .unwrap();
    patch(&api, &expiring, 0, "hark").await.problem(410, "upload_expired");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_can_ask_for_the_extensions() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let reply = api.send(api.request(Method::OPTIONS, UPLOADS)).await;
    assert_eq!((reply.status, reply.header("tus-version")), (204, Some("1.0.0")));
    assert!(reply.header("tus-extension").unwrap().contains("termination"));
    let preflight = api.request(Method::OPTIONS, UPLOADS).header("access-control-request-method", "POST");
    let reply = api.send(preflight.header("origin", "https://editor.example")).await;
    assert!(reply.header("tus-version").is_none(), "the answer of CORS");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn command_uploads_files_and_finds_them_again() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let recording = media::fixture("click_120bpm.wav");
    let upload = async |more: &[&str]| {
        let arguments = ["upload", "--url", server.base(), "--tenant", "t1", "--env", "dev"];
        let output = binary::command(arguments).args(more).output().await.unwrap();
        let [printed, errors] =
            [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        (output.status.code(), printed, errors)
    };
    let file = recording.to_str().unwrap();
    let (code, printed, errors) = upload(&[file, "--tag", "walk", "--source-ref", "take 1"]).await;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{printed}");
    let id = printed.split(' ').next().unwrap();
    let asset = api.get(&format!("/media-v2/assets/{id}")).await.ok()["asset"].clone();
    assert_eq!(asset["content_sha256"], api.upload(&recording).await["content_sha256"]);
    assert_eq!((&asset["tags"][0], &asset["source_ref"]), (&"walk".into(), &"take 1".into()));
    assert_eq!(asset["meta"]["file_name"], "click_120bpm.wav");

    let again = upload(&[file, "--tag", "walk", "--source-ref", "take 1"]).await;
    assert_eq!(again.1, printed, "the same upload");
    let (code, printed, errors) = upload(&["no-such-file", file, "--json"]).await;
    assert_eq!(code, Some(1));
    assert!(errors.contains("no-such-file"), "{errors}");
    let other: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(other["content_sha256"], asset["content_sha256"]);
    assert_ne!(other["id"], asset["id"], "another description");
    server.stop().await;
}
