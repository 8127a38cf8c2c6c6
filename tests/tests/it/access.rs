//! Access control: API keys, signed links, browsers.

use std::time::Duration;

use e2e::{Deployment, Server, binary, media};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

fn client() -> Client {
    Client::builder().timeout(Duration::from_secs(60)).build().unwrap()
}

/// Runs `harkback keys …` on the deployment's database.
async fn keys(deployment: &Deployment, arguments: &[&str]) -> String {
    let command = binary::command([&["keys"], arguments].concat())
        .env("DATABASE_URL", deployment.database().url())
        .output()
        .await
        .unwrap();
    assert!(command.status.success(), "{}", String::from_utf8_lossy(&command.stderr));
    String::from_utf8(command.stdout).unwrap().trim().to_owned()
}

async fn create(deployment: &Deployment, tenant: &str, scope: &str) -> String {
    keys(deployment, &["create", "--tenant", tenant, "--env", "dev", "--scope", scope]).await
}

fn call(server: &Server, method: Method, path: &str, key: &str) -> RequestBuilder {
    client().request(method, format!("{}{path}", server.base())).bearer_auth(key)
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

#[track_caller]
fn refused((status, body): (StatusCode, Value), expected: u16, code: &str) {
    assert_eq!((status.as_u16(), body["code"].as_str()), (expected, Some(code)), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn api_keys_set_the_tenant_and_the_access_level() {
    let deployment = Deployment::new().await;
    let (write, read) = (create(&deployment, "t1", "write").await, create(&deployment, "t1", "read").await);
    let other = create(&deployment, "t2", "write").await;
    let server = deployment.start_with(&[("HARKBACK_AUTH", "keys")]).await;
    let projects = "/video/projects";

    let without = client().get(format!("{}/media-v2/assets", server.base())).header("x-tenant-id", "t1");
    let without = without.header("x-env", "dev").send().await.unwrap();
    assert_eq!(without.headers()["www-authenticate"], "Bearer realm=\"harkback\"");
    assert_eq!(without.json::<Value>().await.unwrap()["code"], "unauthorized");
    assert_eq!(client().get(format!("{}/readyz", server.base())).send().await.unwrap().status(), 200);

    let (status, made) =
        answer(call(&server, Method::POST, projects, &write).json(&json!({"title": "a"}))).await;
    assert_eq!(status, 201, "{made}");
    let project = format!("{projects}/{}", made["id"].as_str().unwrap());
    assert_eq!(answer(call(&server, Method::GET, &project, &read)).await.0, 200);
    refused(answer(call(&server, Method::GET, &project, &other)).await, 404, "project_not_found");
    let title = json!({"title": "b"});
    refused(
        answer(call(&server, Method::POST, projects, &read).json(&title)).await,
        403,
        "scope_insufficient",
    );
    let archive = json!({"artifact_ids": ["none"]});
    let archive = call(&server, Method::POST, "/audio/samples/archive", &read).json(&archive);
    refused(answer(archive).await, 404, "artifact_not_found");
    // The report of an export writes nothing; signed links are made by callers that may write.
    let export = format!("{project}/export");
    let body = |media: &str| json!({"format": "otio", "media": media});
    for (key, media, expected) in
        [(&read, "name", 200), (&write, "name", 200), (&read, "link", 403), (&write, "link", 200)]
    {
        let report = answer(call(&server, Method::POST, &export, key).json(&body(media))).await;
        assert_eq!(report.0, expected, "{media}: {}", report.1);
        let path = format!("{export}?format=otio&media={media}");
        let file = answer(call(&server, Method::GET, &path, key)).await;
        assert_eq!(file.0, expected, "{media}: {}", file.1);
    }
    let linked = call(&server, Method::GET, &format!("{export}?format=otio&media=link"), &read);
    refused(answer(linked).await, 403, "scope_insufficient");
    let header = call(&server, Method::GET, &project, &write).header("x-tenant-id", "t2");
    refused(answer(header).await, 403, "context_mismatch");
    let body = call(&server, Method::POST, projects, &write).json(&json!({"title": "b", "tenant_id": "t2"}));
    refused(answer(body).await, 403, "context_mismatch");

    let id = write.split('_').nth(1).unwrap();
    assert!(keys(&deployment, &["list", "--tenant", "t1"]).await.contains(id));
    keys(&deployment, &["revoke", id]).await;
    for key in [&write, "hb_000000000000000000_x", "hb_", "x", &format!("{read}x")] {
        refused(answer(call(&server, Method::GET, &project, key)).await, 401, "unauthorized");
    }
    assert!(!server.stop().await.contains(&read), "keys are never logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_register_files_of_the_machine() {
    let deployment = Deployment::new().await;
    let (write, admin) = (create(&deployment, "t1", "write").await, create(&deployment, "t1", "admin").await);
    let files = tempfile::tempdir().unwrap();
    let own = files.path().join("t1");
    std::fs::create_dir(&own).unwrap();
    for directory in [files.path(), &own] {
        std::fs::copy(media::fixture("digits.wav"), directory.join("a.wav")).unwrap();
    }
    let roots = format!("{0}:{0}/{{tenant}}", files.path().display());
    let environment = [("HARKBACK_AUTH", "keys"), ("HARKBACK_SOURCE_ROOTS", roots.as_str())];
    let server = deployment.start_with(&environment).await;
    let register = async |key: &str, path: &str| {
        let uri = format!("file://{}/{path}", files.path().display());
        answer(call(&server, Method::POST, "/media-v2/assets", key).json(&json!({"source_uri": uri}))).await
    };
    refused(register(&write, "a.wav").await, 403, "scope_insufficient");
    let (status, own) = register(&write, "t1/a.wav").await;
    assert_eq!(status, 201, "{own}");
    assert_eq!(register(&admin, "a.wav").await.0, 201);
    let path = format!("/media-v2/assets/{}/artifacts", own["id"].as_str().unwrap());
    for scheme in ["file:", "FILE:", " file:"] {
        let uri = format!("{scheme}//{}/a.wav", files.path().display());
        let artifact = json!({"kind": "audio_hit", "uri": uri, "meta": {}});
        let registered = answer(call(&server, Method::POST, &path, &write).json(&artifact)).await;
        refused(registered, 403, "scope_insufficient");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_work_without_headers_until_their_asset_is_gone() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let asset = api.upload(&media::fixture("digits.wav")).await;
    let path = format!("/media-v2/assets/{}/content", asset["id"].as_str().unwrap());
    let link = api.post("/media-v2/links", &json!({"path": path, "expires_in_s": 60})).await.ok();
    let url = link["url"].as_str().unwrap();
    assert!(url.starts_with(server.base()), "{url}");
    let part = client().get(url).header("range", "bytes=0-3").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.bytes().await.unwrap().as_ref(), b"RIFF");
    let changed = answer(client().get(url.replace("hb_tenant=t1", "hb_tenant=t2"))).await;
    refused(changed, 403, "link_invalid");
    // A link of another tenant does not lead to the asset.
    let foreign = server.api("t2", "dev").post("/media-v2/links", &json!({"path": path})).await.ok();
    refused(answer(client().get(foreign["url"].as_str().unwrap())).await, 404, "asset_not_found");
    // No call removes an asset; an operator may remove its row.
    let removed = sqlx::query("DELETE FROM media_assets WHERE tenant_id = 't1' AND id = $1")
        .bind(asset["id"].as_str().unwrap())
        .execute(&server.deployment().database().pool);
    assert_eq!(removed.await.unwrap().rows_affected(), 1);
    refused(answer(client().get(url)).await, 404, "asset_not_found");
    for (path, seconds) in [("/media-v2/assets", 60), (path.as_str(), 604_801), (path.as_str(), 0)] {
        let refused = api.post("/media-v2/links", &json!({"path": path, "expires_in_s": seconds})).await;
        refused.problem(422, "invalid_body");
    }
    assert!(!server.stop().await.contains("hb_signature"), "links are never logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_limited_to_this_host_and_allowed_origins() {
    let editor = "https://editor.example";
    let server = Deployment::new().await.start_with(&[("HARKBACK_CORS_ORIGINS", editor)]).await;
    let url = format!("{}/video/projects", server.base());
    let request = |method, host: &str, origin: Option<&str>| {
        let request = client().request(method, &url).header("x-tenant-id", "t1").header("x-env", "dev");
        let request = request.header("host", host);
        origin.map_or(request.try_clone().unwrap(), |origin| request.header("origin", origin))
    };
    refused(answer(request(Method::GET, "evil.example", None)).await, 403, "host_not_allowed");
    let write = |origin| request(Method::POST, "localhost", Some(origin)).json(&json!({"title": "a"}));
    refused(answer(write("https://evil.example")).await, 403, "cross_site_request");
    let made = write(editor).send().await.unwrap();
    assert_eq!(
        (made.status(), &made.headers()["access-control-allow-origin"]),
        (StatusCode::CREATED, &editor.parse().unwrap())
    );
    let preflight = request(Method::OPTIONS, "localhost", Some(editor))
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "x-tenant-id,content-type");
    let preflight = preflight.send().await.unwrap();
    assert_eq!(preflight.headers()["access-control-allow-origin"], editor);
    // Pages may read problem documents and headers of ranges, too.
    let missing =
        request(Method::GET, "localhost", Some(editor)).query(&[("limit", "0")]).send().await.unwrap();
    assert_eq!(missing.headers()["access-control-allow-origin"], editor);
    assert!(missing.headers()["access-control-expose-headers"].to_str().unwrap().contains("content-range"));
    let foreign = request(Method::GET, "localhost", Some("https://evil.example")).send().await.unwrap();
    assert!(!foreign.headers().contains_key("access-control-allow-origin"));

    let document =
        client().get(format!("{}/openapi.json", server.base())).header("accept-encoding", "zstd, gzip");
    assert!(document.send().await.unwrap().headers().contains_key("content-encoding"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_without_authentication_stays_on_loopback() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let serve = async |arguments: &[&str]| {
        let started = binary::command([&["serve", "--listen", "0.0.0.0:0"], arguments].concat())
            .env("HARKBACK_DATA_DIR", &data)
            .output();
        let output = tokio::time::timeout(Duration::from_secs(60), started).await.unwrap().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let error = serve(&[]).await;
    assert!(error.contains("--auth keys") && error.contains("--trust-context-headers"), "{error}");
    let error = serve(&["--auth", "jwt"]).await;
    assert!(error.contains("--jwt-issuer"), "{error}");
    assert!(!data.exists(), "refused before a private Postgres is created");
}
