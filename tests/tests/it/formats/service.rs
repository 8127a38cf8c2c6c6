//! Requests to the service about a file, over HTTP.

use std::path::Path;

use e2e::{Api, Reply};
use serde_json::{Value, json};

use crate::analysis::ANALYZE;

/// The body of a success, or the problem's code and detail.
fn success(reply: &Reply) -> Result<Value, String> {
    let body = reply.json();
    if (200..300).contains(&reply.status) {
        return Ok(body);
    }
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    Err(format!("{} `{}`: {}", reply.status, text("code"), text("detail")))
}

pub(crate) async fn upload(api: &Api, file: &Path) -> Result<String, String> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let name = file.file_name().and_then(|name| name.to_str()).unwrap();
    let asset = success(&api.upload_bytes(name, bytes, &[]).await)?;
    Ok(asset["id"].as_str().unwrap().to_owned())
}

/// Results of an analysis.
#[derive(Clone, Debug)]
pub(crate) struct Analysis {
    pub(crate) duration_ms: f64,
    pub(crate) integrated_lufs: Option<f64>,
    pub(crate) decoder: Option<String>,
}

pub(crate) async fn analyze(api: &Api, asset: &str) -> Result<Analysis, String> {
    let made = success(&api.post(ANALYZE, &json!({"asset_id": asset})).await)?;
    let id = made["audio_semantic_artifact_id"].as_str().unwrap();
    let timeline = success(&api.get(&format!("/audio/semantic-timeline/{id}")).await)?;
    let (summary, meta) = (&timeline["summary"], &timeline["summary"]["meta"]);
    Ok(Analysis {
        duration_ms: summary["duration_ms"].as_f64().unwrap(),
        integrated_lufs: meta["integrated_lufs"].as_f64(),
        decoder: meta["backend_info"]["dependencies"]["decoder"]["version"].as_str().map(str::to_owned),
    })
}

/// The artifact of a hit, and the start of its slice.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) artifact: String,
    pub(crate) start_ms: f64,
}

pub(crate) async fn hits(api: &Api, asset: &str) -> Result<Vec<Hit>, String> {
    let found = success(&api.post("/audio/hits/detect", &json!({"asset_id": asset})).await)?;
    let (events, artifacts) =
        (found["events"].as_array().unwrap(), found["artifact_ids"].as_array().unwrap());
    let hit = |(event, artifact): (&Value, &Value)| Hit {
        artifact: artifact.as_str().unwrap().to_owned(),
        start_ms: event["source_start_ms"].as_f64().unwrap(),
    };
    let mut hits: Vec<Hit> = events.iter().zip(artifacts).map(hit).collect();
    hits.sort_by(|a, b| a.start_ms.total_cmp(&b.start_ms));
    Ok(hits)
}

/// Writes the bytes of an artifact to `file`.
pub(crate) async fn download(api: &Api, artifact: &str, file: &Path) -> Result<(), String> {
    let content = api.get(&format!("/media-v2/artifacts/{artifact}/content")).await;
    if content.status != 200 {
        return Err(success(&content).map_or_else(|problem| problem, |_| content.status.to_string()));
    }
    std::fs::write(file, content.body).map_err(|error| format!("{}: {error}", file.display()))
}

/// A rendered snippet: its artifact, and the start of its window.
#[derive(Clone, Debug)]
pub(crate) struct Snippet {
    pub(crate) artifact: String,
    pub(crate) start_ms: f64,
}

/// Renders a window of `length_ms` that begins `padding_ms` before the hit.
pub(crate) async fn render(
    api: &Api,
    hit: &Hit,
    padding_ms: f64,
    length_ms: f64,
    profile: &str,
) -> Result<Snippet, String> {
    let item =
        json!({"audio_artifact_id": hit.artifact, "padding_ms": padding_ms, "max_duration_ms": length_ms});
    let request = json!({"items": [item], "mode": "render_clips", "render_profile": profile});
    let batch = success(&api.post("/origin-snippets/batch", &request).await)?;
    let snippet = &batch["snippets"][0];
    match snippet["video_artifact_id"].as_str() {
        Some(artifact) => Ok(Snippet {
            artifact: artifact.to_owned(),
            start_ms: snippet["source_start_ms"].as_f64().unwrap(),
        }),
        None => Err(snippet["meta"]["render_error"].to_string()),
    }
}
