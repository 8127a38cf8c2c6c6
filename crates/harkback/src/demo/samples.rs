//! The steps from samples to the video that they come from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Demo;

const TEMPLATE: &str = "boom_bap_90";
/// Length of the beat.
const BARS: u32 = 4;
/// Roles of the template, in the order of the hits that play them, best first.
const ROLES: [&str; 3] = ["kick", "snare", "hat"];
/// Maximum number of shots to print.
const MAX_SHOTS: usize = 8;
/// Extra time before and after the rendered hit, in ms.
const PADDING_MS: u32 = 500;

#[derive(Deserialize)]
struct Samples {
    summary_meta: SamplesMeta,
}

#[derive(Deserialize)]
struct SamplesMeta {
    hits_count: u64,
    loops_count: u64,
    phrases_count: u64,
    score_details: ScoreDetails,
    /// By detector.
    errors: Option<BTreeMap<String, Problem>>,
}

#[derive(Deserialize)]
struct ScoreDetails {
    /// By artifact.
    hits: BTreeMap<String, Score>,
}

#[derive(Clone, Copy, Deserialize)]
struct Score {
    score: f64,
    offset_ms: f64,
}

#[derive(Deserialize)]
struct Problem {
    detail: String,
}

#[derive(Deserialize)]
struct Pattern {
    pattern_id: String,
    bpm: f64,
    swing_pct: f64,
    clips: Vec<Value>,
}

#[derive(Deserialize)]
struct ShotList {
    shot_list_artifact_id: String,
    shots: Vec<Shot>,
    meta: ShotListMeta,
}

#[derive(Deserialize)]
struct Shot {
    target_start_ms: f64,
    source_start_ms: f64,
    source_end_ms: f64,
}

#[derive(Deserialize)]
struct ShotListMeta {
    count: u64,
}

#[derive(Deserialize)]
struct Batch {
    snippets: Vec<Snippet>,
}

#[derive(Deserialize)]
struct Snippet {
    video_artifact_id: Option<String>,
    source_start_ms: f64,
    source_end_ms: f64,
    meta: Map<String, Value>,
}

#[derive(Deserialize)]
struct Lineage {
    artifacts: Vec<LineageArtifact>,
    assets: Vec<LineageAsset>,
}

#[derive(Deserialize)]
struct LineageArtifact {
    id: String,
    kind: String,
    start_ms: Option<f64>,
    end_ms: Option<f64>,
}

#[derive(Deserialize)]
struct LineageAsset {
    id: String,
}

impl Demo<'_> {
    /// Cuts samples, puts the best hits into a pattern, and renders the film of the pattern and the video of the best hit.
    /// Returns their paths, none without a hit.
    pub(super) async fn show_samples(&mut self, asset_id: &str) -> anyhow::Result<Vec<PathBuf>> {
        let path = "/audio/field-to-samples";
        self.printer.step("Cut samples from it", &format!("POST {path}"))?;
        let Samples { summary_meta } = self.post(path, &json!({"asset_id": asset_id})).await?;
        self.printer.text(&counts(&summary_meta))?;
        let hits = best_hits(&summary_meta.score_details.hits);
        let Some(best) = hits.first() else {
            self.printer.text("nothing in it is struck: no pattern, no snippet")?;
            return Ok(Vec::new());
        };
        let pattern_id = self.make_pattern(&hits).await?;
        let list = self.list_shots(&pattern_id).await?;
        let film = self.render_film(&list).await?;
        let (snippet_id, snippet) = self.render(best).await?;
        self.print_lineage(&snippet_id).await?;
        Ok(vec![film, snippet])
    }

    /// Returns the pattern's id.
    async fn make_pattern(&mut self, hits: &[&str]) -> anyhow::Result<String> {
        let path = "/audio/patterns";
        self.printer.step("A beat of its loudest hits", &format!("POST {path}"))?;
        let sample_map: BTreeMap<&str, &str> = ROLES.into_iter().zip(hits.iter().copied()).collect();
        let pattern: Pattern = self
            .post(path, &json!({"template_id": TEMPLATE, "sample_map": sample_map, "bars": BARS}))
            .await?;
        let Pattern { pattern_id, bpm, swing_pct, clips } = pattern;
        let hits = clips.len();
        self.printer
            .text(&format!("{TEMPLATE}: {hits} hits at {bpm} bpm, swing {swing_pct} %\n{pattern_id}"))?;
        Ok(pattern_id)
    }

    /// Returns the id of the shot list.
    async fn list_shots(&mut self, pattern_id: &str) -> anyhow::Result<String> {
        let path = "/audio/to-video-origin";
        self.printer.step("The shots that show it", &format!("POST {path}"))?;
        let list: ShotList = self.post(path, &json!({"pattern_id": pattern_id, "alignment": "none"})).await?;
        for shot in list.shots.iter().take(MAX_SHOTS) {
            let Shot { target_start_ms, source_start_ms, source_end_ms } = shot;
            let source = format!("{source_start_ms} to {source_end_ms} ms of the source");
            self.printer.text(&format!("at {target_start_ms} ms: {source}"))?;
        }
        self.printer.text(&format!("… {} in all\n{}", list.meta.count, list.shot_list_artifact_id))?;
        Ok(list.shot_list_artifact_id)
    }

    /// Renders the source of a hit into a file; returns the id of its artifact and the path.
    async fn render(&mut self, hit: &str) -> anyhow::Result<(String, PathBuf)> {
        let path = "/origin-snippets/batch";
        self.printer.step("The pictures of the loudest one", &format!("POST {path}"))?;
        let item = json!({"audio_artifact_id": hit, "padding_ms": PADDING_MS});
        let body = json!({"mode": "render_clips", "render_profile": "draft_480p_fast", "items": [item]});
        let batch: Batch = self.post(path, &body).await?;
        let snippet = batch.snippets.into_iter().next().context("the batch has no snippet")?;
        let meta = |name: &str| snippet.meta.get(name).unwrap_or(&Value::Null);
        let reason = meta("render_error");
        let id = snippet.video_artifact_id.as_ref();
        let id = id.with_context(|| format!("the snippet was not rendered: {reason}"))?;
        let file = self.download(id, "snippet.mp4").await?;
        let (start_ms, end_ms) = (snippet.source_start_ms, snippet.source_end_ms);
        let profile = meta("render_profile").as_str().unwrap_or_default();
        self.printer.text(&format!("{start_ms} to {end_ms} ms of the source, {profile}"))?;
        self.printer.text(&file.display().to_string())?;
        Ok((id.clone(), file))
    }

    async fn print_lineage(&mut self, artifact_id: &str) -> anyhow::Result<()> {
        let path = format!("/media-v2/artifacts/{artifact_id}/lineage?direction=up");
        self.printer.step("Where they come from", &format!("GET {path}"))?;
        let lineage: Lineage = self.get(&path).await?;
        for artifact in &lineage.artifacts {
            self.printer.text(&lineage_line(artifact))?;
        }
        let asset = lineage.assets.first().context("the lineage has no asset")?;
        self.printer.text(&format!("{}, {}", self.file_name(), asset.id))?;
        Ok(())
    }
}

/// One line of numbers, and one for each detector that failed.
fn counts(meta: &SamplesMeta) -> String {
    let SamplesMeta { hits_count, loops_count, phrases_count, errors, .. } = meta;
    let counts = format!("{hits_count} hits, {loops_count} loops, {phrases_count} phrases");
    let errors = errors.iter().flatten().map(|(kind, problem)| format!("no {kind}: {}", problem.detail));
    [counts].into_iter().chain(errors).collect::<Vec<_>>().join("\n")
}

/// The artifacts of at most one hit for each role, best first.
fn best_hits(scores: &BTreeMap<String, Score>) -> Vec<&str> {
    let mut hits: Vec<(&str, Score)> = scores.iter().map(|(id, score)| (id.as_str(), *score)).collect();
    hits.sort_by(|(_, a), (_, b)| b.score.total_cmp(&a.score).then(a.offset_ms.total_cmp(&b.offset_ms)));
    hits.into_iter().take(ROLES.len()).map(|(id, _)| id).collect()
}

fn lineage_line(artifact: &LineageArtifact) -> String {
    let LineageArtifact { id, kind, start_ms, end_ms } = artifact;
    match start_ms.zip(*end_ms) {
        Some((start_ms, end_ms)) => format!("{kind} {id}, {start_ms} to {end_ms} ms of"),
        None => format!("{kind} {id} of"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(scores: &[(&str, f64, f64)]) -> BTreeMap<String, Score> {
        scores
            .iter()
            .map(|(id, score, offset_ms)| ((*id).to_owned(), Score { score: *score, offset_ms: *offset_ms }))
            .collect()
    }

    #[test]
    fn best_hits_are_ordered_by_score_then_by_time() {
        let all = scores(&[("a", 0.5, 1.0), ("b", 0.9, 8.0), ("c", 0.9, 7.5), ("d", 0.6, 2.0)]);
        assert_eq!(best_hits(&all), ["c", "b", "d"]);
        assert_eq!(best_hits(&scores(&[("a", 0.5, 1.0)])), ["a"]);
        assert!(best_hits(&BTreeMap::new()).is_empty());
    }

    #[test]
    fn failed_detectors_are_listed_below_the_counts() {
        let meta = json!({"hits_count": 2, "loops_count": 1, "phrases_count": 0, "score_details": {"hits": {}},
            "errors": {"phrases": {"code": "no_words", "detail": "there are no words"}}});
        assert_eq!(
            counts(&serde_json::from_value(meta).unwrap()),
            "2 hits, 1 loops, 0 phrases\nno phrases: there are no words"
        );
    }

    #[test]
    fn lineage_line_has_the_window_if_there_is_one() {
        let line = |artifact| lineage_line(&serde_json::from_value(artifact).unwrap());
        let hit = json!({"id": "a1", "kind": "audio_hit", "start_ms": 16_488.617, "end_ms": 16_751});
        assert_eq!(line(hit), "audio_hit a1, 16488.617 to 16751 ms of");
        assert_eq!(line(json!({"id": "a1", "kind": "render", "start_ms": null})), "render a1 of");
    }
}
