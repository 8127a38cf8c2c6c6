//! Measures the latency of frequent calls of players at a fixed rate: `latency HARKBACK FILE LONG_FILE`.
//!
//! Starts the given program on a database of its own, analyses `FILE` (with the `signal` backend), puts a clip of it on
//! a timeline, asks for a waveform of `LONG_FILE` (three hours), and then sends requests at a fixed rate, independent of earlier answers (an open loop): a slow answer
//! delays no other request, and its wait counts. Prints a Markdown table with percentiles of the time since a request
//! was due, and exits with 1 when the 99th one of a call misses its aim.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a measurement that fails has nothing to say")]

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use db::testing::TestDatabase;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

const LENGTH: Duration = Duration::from_secs(20);
const WARM_UP: Duration = Duration::from_secs(3);
const HEAD: &str = "\
| call | calls a second | bytes | p50 (ms) | p99 (ms) | p99.9 (ms) | aim of p99 (ms) | |
|---|---|---|---|---|---|---|---|";

/// A call that is measured.
struct Measurement {
    name: &'static str,
    /// Calls a second.
    rate: u32,
    /// Maximum of the 99th percentile, in milliseconds; none if no aim is set.
    aim_ms: Option<f64>,
}

impl Measurement {
    /// Prints the row of the sorted `times` in milliseconds, of answers of `size` bytes; returns whether the aim is met.
    fn report(&self, times: &[f64], size: usize) -> bool {
        let Self { name, rate, aim_ms } = self;
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
        let (p50, p99, p999) = (at(0.5), at(0.99), at(0.999));
        let is_met = aim_ms.is_none_or(|aim| p99 <= aim);
        let aim = aim_ms.map_or_else(|| "none".to_owned(), |aim| aim.to_string());
        let verdict = if is_met { "" } else { "missed" };
        println!("| {name} | {rate} | {size} | {p50:.2} | {p99:.2} | {p999:.2} | {aim} | {verdict} |");
        is_met
    }
}

struct Server {
    child: Child,
    base: String,
    client: Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    async fn start(program: &str, database: &TestDatabase, data: &Path) -> Self {
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))
            .expect("a port")
            .local_addr()
            .expect("bound")
            .port();
        let base = format!("http://127.0.0.1:{port}");
        let child = Command::new(program)
            .args(["serve", "--log", "warn", "--audio-semantic-backend", "signal", "--listen"])
            .arg(format!("127.0.0.1:{port}"))
            .arg("--data-dir")
            .arg(data)
            .env("DATABASE_URL", database.url())
            .stdin(Stdio::null())
            .spawn()
            .expect("starting harkback");
        let server = Self { child, base, client: Client::builder().build().expect("a client") };
        let ready = async || {
            server.request("GET", "/readyz").send().await.is_ok_and(|answer| answer.status().is_success())
        };
        while !ready().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        server
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let request = self.client.request(method.parse().expect("a method"), format!("{}{path}", self.base));
        request.header("x-tenant-id", "t1").header("x-env", "dev")
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.request("POST", path).json(&body).send().await.expect("an answer");
        answer.error_for_status().expect("a success").json().await.expect("JSON")
    }

    /// Uploads a recording and returns its asset.
    async fn upload(&self, file: &str) -> Value {
        let bytes = std::fs::read(file).expect("the recording");
        let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(bytes));
        let request = self.request("POST", "/media-v2/assets").multipart(form);
        request.send().await.expect("an answer").json().await.expect("an asset")
    }

    /// Sends requests at the rate of `measurement` and prints its row; returns whether the aim is met.
    async fn measure(&self, measurement: Measurement, request: impl Fn() -> RequestBuilder) -> bool {
        let rate = measurement.rate;
        let began = Instant::now() + Duration::from_millis(100);
        let calls = rate * (LENGTH + WARM_UP).as_secs() as u32;
        let mut running = Vec::new();
        for call in 0..calls {
            let due = began + Duration::from_secs(1) * call / rate;
            sleep_until(due).await;
            let request = request();
            running.push(tokio::spawn(async move {
                let answer = request.send().await.expect("an answer");
                assert!(answer.status().is_success(), "{}", answer.status());
                let size = answer.bytes().await.expect("a whole answer").len();
                (due, due.elapsed(), size)
            }));
        }
        let (mut times, mut size) = (Vec::new(), 0);
        for call in running {
            let (due, took, bytes) = call.await.expect("an answer");
            size = bytes;
            if due >= began + WARM_UP {
                times.push(took.as_secs_f64() * 1e3);
            }
        }
        times.sort_by(f64::total_cmp);
        measurement.report(&times, size)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |name: &str| arguments.next().expect(name);
    let (program, file, long_file) =
        (argument("the program"), argument("a recording"), argument("a long one"));
    let data = tempfile::tempdir().expect("a directory");
    let database = TestDatabase::create().await;
    let server = Server::start(&program, &database, data.path()).await;
    let (asset, long) = (server.upload(&file).await, server.upload(&long_file).await);
    let analyze = json!({"asset_id": asset["id"]});
    server.post("/audio/semantic-timeline/analyze", analyze.clone()).await;
    let clip = json!({"asset_id": asset["id"], "in_ms": 10_000, "out_ms": 40_000, "start_ms_on_timeline": 0});
    let made = server
        .post(
            "/video/timelines",
            json!({"project": {"new": {"title": "p"}}, "sequence": {"name": "s"},
                "track": {"kind": "audio", "label": "t"}, "clips": [clip]}),
        )
        .await;
    let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
    let by_clip = format!("/audio/semantic-timeline/by-clip/{}", id(&made["clips"][0]));
    let path = "/audio/semantic-timeline/analyze";
    let content = format!("/media-v2/assets/{}/content", id(&asset));
    println!("{HEAD}");
    let clip = Measurement { name: "by-clip, 30 s of the recording", rate: 500, aim_ms: Some(10.0) };
    let cached = Measurement { name: "analyze, found in the cache", rate: 200, aim_ms: Some(5.0) };
    let part = Measurement { name: "48 KiB of content", rate: 200, aim_ms: None };
    let waveform = format!("/media-v2/assets/{}/waveform?points", id(&long));
    // The first call decodes and stores the levels.
    let stored = server.request("GET", &format!("{waveform}=1")).send().await.expect("an answer");
    assert!(stored.status().is_success(), "{}", stored.status());
    let windows = AtomicU64::new(0);
    // Windows of 1 s to the whole recording, from different starts.
    let window = || {
        let call = windows.fetch_add(1, Ordering::Relaxed);
        let length_ms = 1_000 << (call % 14);
        let start_ms = call * 7_919_000 % (10_800_000 - length_ms);
        let end_ms = start_ms + length_ms;
        server.request("GET", &format!("{waveform}=2000&start_ms={start_ms}&end_ms={end_ms}"))
    };
    let zoom = Measurement { name: "a window of a waveform of 3 h", rate: 100, aim_ms: Some(20.0) };
    let met = [
        server.measure(clip, || server.request("GET", &by_clip)).await,
        server.measure(cached, || server.request("POST", path).json(&analyze)).await,
        server.measure(part, || server.request("GET", &content).header("range", "bytes=0-49151")).await,
        server.measure(zoom, window).await,
    ];
    if met == [true; 4] { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
