//! The steps from the upload to the timelines of the recording and of a clip.

use std::time::Instant;

use anyhow::Context;
use audio_semantic_timeline::model::Summary;
use reqwest::Method;
use reqwest::multipart::Form;
use serde::Deserialize;
use serde_json::json;

use super::Demo;
use crate::text::{self, Layout};

const UPLOAD: &str = "/media-v2/assets";
const ANALYZE: &str = "/audio/semantic-timeline/analyze";

#[derive(Deserialize)]
struct Asset {
    id: String,
    kind: String,
    duration_ms: Option<f64>,
    sample_rate: Option<f64>,
    audio_channels: Option<f64>,
    codec_info: Option<String>,
}

#[derive(Deserialize)]
struct Analysis {
    audio_semantic_artifact_id: String,
    meta: AnalysisMeta,
}

#[derive(Deserialize)]
struct AnalysisMeta {
    cache_hit: bool,
    backend_version: String,
}

#[derive(Deserialize)]
struct Timeline {
    summary: Summary,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

impl Demo<'_> {
    /// Uploads the recording, analyses it, and prints its timeline and that of a clip. Returns the asset's id.
    pub(super) async fn show_timelines(&mut self) -> anyhow::Result<String> {
        let asset_id = self.upload().await?;

        self.printer.step("Analyse it", &format!("POST {ANALYZE}"))?;
        let (analysis, took_ms) = self.analyze(&asset_id).await?;
        let artifact_id = analysis.audio_semantic_artifact_id;
        let AnalysisMeta { cache_hit, backend_version } = analysis.meta;
        self.printer.text(&format!("in {took_ms} ms, cache_hit {cache_hit}, backend {backend_version}"))?;
        self.printer.text(&artifact_id)?;

        let path = format!("/audio/semantic-timeline/{artifact_id}");
        self.printer.step("The timeline", &format!("GET {path}"))?;
        let duration_ms = self.print_timeline(&path).await?;

        let clip_id = self.cut_clip(&asset_id, duration_ms).await?;
        let path = format!("/audio/semantic-timeline/by-clip/{clip_id}");
        self.printer.step("The clip's timeline, from the clip's start", &format!("GET {path}"))?;
        self.print_timeline(&path).await?;

        self.printer.step("Analyse again: nothing is decoded", &format!("POST {ANALYZE}"))?;
        let (again, took_ms) = self.analyze(&asset_id).await?;
        anyhow::ensure!(
            again.audio_semantic_artifact_id == artifact_id,
            "the second analysis made another artifact"
        );
        let cache_hit = again.meta.cache_hit;
        self.printer.text(&format!("in {took_ms} ms, cache_hit {cache_hit}, the same artifact"))?;
        Ok(asset_id)
    }

    /// Returns the id of the asset.
    async fn upload(&mut self) -> anyhow::Result<String> {
        self.printer.step("Upload the recording", &format!("POST {UPLOAD}"))?;
        let form = Form::new().file("file", self.file).await;
        let form = form.with_context(|| self.file.display().to_string())?;
        let request = self.service.request(Method::POST, UPLOAD).multipart(form);
        let asset: Asset = self.service.read(request).await.with_context(|| format!("POST {UPLOAD}"))?;
        self.printer.text(&format!("{}: {}\n{}", self.file_name(), description(&asset), asset.id))?;
        Ok(asset.id)
    }

    /// Returns the answer, and the time until it came in ms.
    async fn analyze(&self, asset_id: &str) -> anyhow::Result<(Analysis, u128)> {
        let began = Instant::now();
        let analysis = self.post(ANALYZE, &json!({"asset_id": asset_id})).await?;
        Ok((analysis, began.elapsed().as_millis()))
    }

    /// Returns the duration in ms.
    async fn print_timeline(&mut self, path: &str) -> anyhow::Result<i64> {
        let Timeline { summary } = self.get(path).await?;
        self.printer.text(&text::timeline(&summary, Layout::OVERVIEW))?;
        Ok(summary.duration_ms)
    }

    /// Puts a part of the recording on a track; returns the clip's id.
    async fn cut_clip(&mut self, asset_id: &str, duration_ms: i64) -> anyhow::Result<String> {
        let calls = "POST /video/projects … /video/tracks/{id}/clips";
        self.printer.step("Cut a clip from it, on a video timeline", calls)?;
        let project: Created = self.post("/video/projects", &json!({"title": "Demo"})).await?;
        let path = format!("/video/projects/{}/sequences", project.id);
        let sequence: Created = self.post(&path, &json!({"name": "Main"})).await?;
        let path = format!("/video/sequences/{}/tracks", sequence.id);
        let track: Created = self.post(&path, &json!({"kind": "video", "label": "V1"})).await?;
        let (in_ms, out_ms) = clip_window(duration_ms);
        let clip = json!({"asset_id": asset_id, "start_ms_on_timeline": 0, "in_ms": in_ms, "out_ms": out_ms});
        let clip: Created = self.post(&format!("/video/tracks/{}/clips", track.id), &clip).await?;
        let [from_s, to_s] = [in_ms, out_ms].map(|ms| ms as f64 / 1e3);
        self.printer.text(&format!("from {from_s} s to {to_s} s of the source\n{}", clip.id))?;
        Ok(clip.id)
    }
}

/// From a fifth to three fifths of the recording, in ms.
fn clip_window(duration_ms: i64) -> (i64, i64) {
    (duration_ms / 5, (duration_ms * 3 + 4) / 5)
}

fn description(asset: &Asset) -> String {
    let seconds = |ms: f64| format!("{} s", (ms / 100.0).round() / 10.0);
    let facts = [
        asset.duration_ms.map(seconds),
        asset.sample_rate.map(|rate| format!("{rate} Hz")),
        asset.audio_channels.map(|channels| format!("{channels} channels")),
        asset.codec_info.clone(),
    ];
    let facts: Vec<String> = [Some(asset.kind.clone())].into_iter().chain(facts).flatten().collect();
    facts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asset_is_described_by_what_is_known_of_it() {
        let described = |asset| description(&serde_json::from_value(asset).unwrap());
        let film = json!({"id": "a", "kind": "video", "duration_ms": 40_049.342, "sample_rate": 44_100,
            "audio_channels": 2, "codec_info": "isomp4: h264, aac", "uri": "…"});
        assert_eq!(described(film), "video, 40 s, 44100 Hz, 2 channels, isomp4: h264, aac");
        let unknown = json!({"id": "a", "kind": "audio", "duration_ms": null, "sample_rate": null,
            "audio_channels": null, "codec_info": null});
        assert_eq!(described(unknown), "audio");
        let short = json!({"id": "a", "kind": "audio", "duration_ms": 1_250, "audio_channels": 1});
        assert_eq!(described(short), "audio, 1.3 s, 1 channels");
    }

    #[test]
    fn clip_window_is_inside_the_recording() {
        assert_eq!(clip_window(40_001), (8_000, 24_001));
        assert_eq!(clip_window(1), (0, 1));
    }
}
