//! The step from a shot list to a film that plays its own beat.

use std::path::PathBuf;

use anyhow::Context;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::Demo;
use super::folders::DEMO_DIRECTORY;

#[derive(Deserialize)]
struct Render {
    artifact_id: String,
    render_profile: String,
    plan: Plan,
}

#[derive(Deserialize)]
struct Plan {
    end_ms: f64,
    pieces: Option<u64>,
    #[serde(default)]
    warnings: Vec<String>,
}

impl Demo<'_> {
    /// Renders a shot list with its samples into a file; returns its path.
    pub(super) async fn render_film(&mut self, shot_list_artifact_id: &str) -> anyhow::Result<PathBuf> {
        let path = "/video/render";
        self.printer.step("The film that plays the beat", &format!("POST {path}"))?;
        let body = json!({
            "shot_list_artifact_id": shot_list_artifact_id, "render_profile": "draft_480p_fast", "audio": "samples"
        });
        let Render { artifact_id, render_profile, plan } = self.post(path, &body).await?;
        let (seconds, pieces) = (plan.end_ms / 1_000.0, plan.pieces.unwrap_or_default());
        self.printer.text(&format!("{seconds:.1} s in {pieces} different pieces, {render_profile}"))?;
        for warning in &plan.warnings {
            self.printer.text(warning)?;
        }
        let file = self.download(&artifact_id, "beat.mp4").await?;
        self.printer.text(&file.display().to_string())?;
        Ok(file)
    }

    /// Writes the bytes of a rendered artifact, some seconds of video, to a file in the kept directory.
    pub(super) async fn download(&self, artifact_id: &str, name: &str) -> anyhow::Result<PathBuf> {
        let path = format!("/media-v2/artifacts/{artifact_id}/content");
        let answer = self.service.send(self.service.request(Method::GET, &path)).await;
        let bytes = answer.with_context(|| format!("GET {path}"))?.bytes().await?;
        let file = PathBuf::from(DEMO_DIRECTORY).join(name);
        std::fs::create_dir_all(DEMO_DIRECTORY)
            .with_context(|| format!("{DEMO_DIRECTORY} cannot be created"))?;
        std::fs::write(&file, bytes).with_context(|| format!("{} cannot be written", file.display()))?;
        Ok(file)
    }
}
