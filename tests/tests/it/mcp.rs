//! `harkback mcp`: tools of the Model Context Protocol, over standard input and output and over HTTP.

use std::process::Stdio;
use std::time::Duration;

use e2e::{Deployment, Server, binary, media};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

use crate::jobs::{Long, wait_until};
use crate::words::{model, server_with};

/// Maximum time of an answer.
const PATIENCE: Duration = Duration::from_secs(300);

/// A client of `harkback mcp`, over its standard input and output.
struct Session {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    requests: u64,
    /// All progress reported so far.
    progress: Vec<f64>,
}

impl Session {
    async fn start(server: &Server, tenant: &str) -> Self {
        let mut child = binary::command(["mcp", "--url", server.base(), "--tenant", tenant, "--env", "dev"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let output = BufReader::new(output).lines();
        let mut session = Self { child, input, output, requests: 0, progress: Vec::new() };
        let made = session.request("initialize", initialize()).await;
        assert_eq!(made["result"]["serverInfo"]["name"], "harkback", "{made}");
        assert_eq!(made["result"]["protocolVersion"], "2025-06-18", "{made}");
        session.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        session
    }

    async fn send(&mut self, message: &Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    /// Sends a request without waiting; returns its id.
    async fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        id
    }

    async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params).await;
        loop {
            let line = timeout(PATIENCE, self.output.next_line()).await.unwrap().unwrap().unwrap();
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["method"] == "notifications/progress" {
                self.progress.push(message["params"]["progress"].as_f64().unwrap());
            } else if message["id"] == id {
                return message;
            }
        }
    }

    /// The structured result of a tool.
    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.request("tools/call", call(tool, &arguments)).await;
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        answer["result"]["structuredContent"].clone()
    }

    /// The text of a result, and whether it is an error.
    async fn text(&mut self, tool: &str, arguments: Value) -> (String, bool) {
        let answer = self.request("tools/call", call(tool, &arguments)).await;
        let text = answer["result"]["content"][0]["text"].as_str();
        (text.unwrap_or_default().to_owned(), answer["result"]["isError"] == true)
    }
}

fn initialize() -> Value {
    let client = json!({"name": "test", "version": "1"});
    json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
}

fn call(tool: &str, arguments: &Value) -> Value {
    json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": "p"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn mcp_tools_lead_from_a_recording_to_its_words_and_a_film() {
    let server = server_with(&model()).await;
    let api = server.api("t1", "dev");
    let digits = api.upload(&media::fixture("digits.wav")).await;
    let film = api.upload(&media::fixture("talk_and_music.mp4")).await;
    let mut session = Session::start(&server, "t1").await;

    let tools = session.request("tools/list", json!({})).await;
    let tools = tools["result"]["tools"].as_array().unwrap();
    let search = tools.iter().find(|tool| tool["name"] == "search_words").unwrap();
    assert_eq!(search["inputSchema"]["required"], json!(["q"]));
    assert_eq!(search["annotations"]["readOnlyHint"], true);

    let listed = session.call("list_assets", json!({"kind": "audio"})).await;
    assert_eq!(listed["items"][0]["id"], digits["id"]);
    let made = session.call("analyze_recording", json!({"asset_id": digits["id"]})).await;
    let progress = &session.progress;
    assert!(progress.last().is_some_and(|last| *last > 0.0), "{progress:?}");
    assert!(progress.is_sorted_by(|a, b| a < b), "{progress:?}");
    let timeline = made["audio_semantic_artifact_id"].clone();
    let found = session.call("search_words", json!({"q": "four", "limit": 5})).await;
    assert_eq!(found["items"][0]["timeline_artifact_id"], timeline, "{found}");
    let (captions, _) =
        session.text("get_transcript", json!({"artifact_id": timeline, "format": "srt"})).await;
    assert!(captions.contains("-->") && captions.contains("four"), "{captions}");
    let (reason, is_error) =
        session.text("export_timeline", json!({"artifact_id": timeline, "format": "midi"})).await;
    assert!(is_error && reason.contains("binary"), "{reason}");

    let windows = json!([{"asset_id": film["id"], "start_ms": 0, "end_ms": 400}]);
    let shots = session.call("make_supercut", json!({"windows": windows})).await;
    let shots = &shots["shot_list_artifact_id"];
    let (list, is_error) =
        session.text("export_shot_list", json!({"shot_list_artifact_id": shots, "format": "edl"})).await;
    assert!(!is_error && list.starts_with("TITLE"), "{list}");
    let request = json!({"shot_list_artifact_id": shots, "render_profile": "draft_480p_fast"});
    let rendered = session.call("render_window", request).await;
    let path = format!("/media-v2/assets/{}/content", rendered["asset_id"].as_str().unwrap());
    let link = session.call("create_link", json!({"path": path})).await;
    assert!(link["url"].as_str().unwrap().contains(&path), "{link}");

    drop(session.input);
    assert!(session.child.wait().await.unwrap().success());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mcp_refusals_are_results_that_name_their_code() {
    let server = Deployment::new().await.start().await;
    let digits = server.api("t1", "dev").upload(&media::fixture("digits.wav")).await;
    let mut session = Session::start(&server, "t2").await;
    for (tool, arguments, code) in [
        ("analyze_recording", json!({"asset_id": digits["id"]}), "asset_not_found"),
        ("analyze_recording", json!({}), "invalid_body"),
        ("analyze_recording", json!({"asset_id": "a", "tenant_id": "t1"}), "context_mismatch"),
        ("search_words", json!({"q": "a", "page": 2}), "invalid_query"),
        ("get_transcript", json!({"artifact_id": "../jobs"}), "artifact_id"),
        ("get_transcript", json!({}), "artifact_id"),
    ] {
        let (reason, is_error) = session.text(tool, arguments).await;
        assert!(is_error && reason.contains(code), "{tool}: {reason}");
    }
    let unknown = session.request("tools/call", call("delete_everything", &json!({}))).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mcp_cancellation_cancels_the_job() {
    let server = Deployment::new().await.start().await;
    let api = server.api("t1", "dev");
    let long = api.upload(&Long::new(6).path()).await;
    let mut session = Session::start(&server, "t1").await;
    let id = session.begin("tools/call", call("analyze_recording", &json!({"asset_id": long["id"]}))).await;
    let running = wait_until(&api, "/jobs", |jobs| jobs["items"][0]["state"] == "running").await;
    let params = json!({"requestId": id});
    session.send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})).await;
    let path = format!("/jobs/{}", running["items"][0]["id"].as_str().unwrap());
    wait_until(&api, &path, |job| job["state"] == "cancelled").await;
    // The session goes on.
    assert_eq!(session.call("list_assets", json!({})).await["items"][0]["id"], long["id"]);
    server.stop().await;
}

/// The JSON-RPC answer in the body of a response, which is an event stream.
fn answer_in(body: &str) -> Value {
    let events = body.lines().filter_map(|line| line.strip_prefix("data:"));
    events
        .filter_map(|data| serde_json::from_str(data).ok())
        .find(|message: &Value| message["id"] == 1)
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn mcp_over_http_calls_as_its_caller() {
    let server = Deployment::new().await.start().await;
    let digits = server.api("t1", "dev").upload(&media::fixture("digits.wav")).await;
    // The identity of the process is that of no caller.
    let arguments = ["--listen", "127.0.0.1:0", "--url", server.base(), "--tenant", "t1", "--env", "dev"];
    let mut child =
        binary::command([&["mcp"], &arguments[..]].concat()).stderr(Stdio::piped()).spawn().unwrap();
    let mut messages = BufReader::new(child.stderr.take().unwrap()).lines();
    let message = timeout(PATIENCE, messages.next_line()).await.unwrap().unwrap().unwrap();
    let url = message.split_whitespace().find(|word| word.starts_with("http")).unwrap().to_owned();
    let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let post = |headers: &[(&str, &str)], method: &str, params: &Value| {
        let request = client.post(&url).header("accept", "application/json, text/event-stream");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.json(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})).send()
    };
    let owner: [(&str, &str); 2] = [("x-tenant-id", "t1"), ("x-env", "dev")];

    let made = post(&[], "initialize", &initialize()).await.unwrap().text().await.unwrap();
    assert_eq!(answer_in(&made)["result"]["serverInfo"]["name"], "harkback");
    let list = call("list_assets", &json!({}));
    let listed = answer_in(&post(&owner, "tools/call", &list).await.unwrap().text().await.unwrap());
    let text = |answer: &Value| answer["result"]["content"][0]["text"].as_str().unwrap().to_owned();
    assert!(text(&listed).contains(digits["id"].as_str().unwrap()), "{listed}");
    let stranger = [("x-tenant-id", "t2"), ("x-env", "dev")];
    let listed = answer_in(&post(&stranger, "tools/call", &list).await.unwrap().text().await.unwrap());
    assert!(text(&listed).contains(r#""items":[]"#), "{listed}");
    let refused = answer_in(&post(&[], "tools/call", &list).await.unwrap().text().await.unwrap());
    assert!(text(&refused).starts_with("invalid_context"), "{refused}");

    // Web pages, and names that lead to this machine by DNS.
    for (name, value) in [("origin", "https://elsewhere.example"), ("host", "elsewhere.example")] {
        let headers = [owner[0], owner[1], (name, value)];
        assert_eq!(post(&headers, "tools/call", &list).await.unwrap().status(), 403, "{name}");
    }
    child.kill().await.unwrap();
    server.stop().await;
}
