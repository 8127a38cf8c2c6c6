//! Chains of corrections in the database, and the words of the timeline in force.

use db::testing::TestDatabase;
use media_v2::ArtifactKind;
use primitives::WriteSeed;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::tests::{asset, context, service, with_ffmpeg};
use super::*;
use crate::backend::{Measured, StubBackend};
use crate::corrections::{CorrectedPart, CorrectionRequest};
use crate::model::TimelineResponse;
use crate::store::find_timelines;

/// A service with an analysed recording.
struct Analysed {
    database: TestDatabase,
    _directory: TempDir,
    timelines: SemanticTimelines,
    asset: MediaAsset,
    analysis: Artifact,
}

/// Speech with the words `hark` and `beck`, then music.
fn measured() -> Measured {
    let word = |text: &str, start: i64, end: i64| json!({"word": text, "start_ms": start, "end_ms": end, "confidence": 0.5, "timing": "measured"});
    let event = |kind: &str, start: i64, end: i64, words: Value, text: Value| json!({"kind": kind, "start_ms": start, "end_ms": end, "loudness_lufs": -20.0, "confidence": 0.9, "transcription": text, "speaker_id": null, "meta": {"words": words}});
    let words = json!([word("hark", 100, 400), word("beck", 500, 900)]);
    let events = json!([
        event("speech", 0, 3_000, words, json!("hark beck")),
        event("music", 3_000, 4_000, json!([]), Value::Null)
    ]);
    Measured { duration_ms: 4_000, events: serde_json::from_value(events).unwrap(), ..Measured::default() }
}

impl Analysed {
    async fn new() -> Self {
        let (database, directory) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
        let timelines = service(&database, &directory, with_ffmpeg());
        let asset = asset(&database, None).await;
        let analysis = register(&timelines, &asset, EffectiveParams::default(), measured()).await;
        Self { database, _directory: directory, timelines, asset, analysis }
    }

    async fn correct(&self, id: &Id, base: &Artifact, edits: Value) -> Result<TimelineResponse, Error> {
        let version = base.meta["backend_version"].as_str().unwrap();
        self.timelines.correct(&context(), id, request(version, edits)).await
    }

    /// The artifact of a corrected timeline.
    async fn made(&self, id: &Id, base: &Artifact, edits: Value) -> Artifact {
        let made = self.correct(id, base, edits).await.unwrap();
        let artifact = self.timelines.media().artifact(&context().scope, &made.artifact_id).await.unwrap();
        assert_eq!(Value::from(made.artifact_meta), Value::from(artifact.meta.clone()));
        artifact
    }

    async fn in_force(&self) -> Id {
        let conn = &mut self.database.pool.acquire().await.unwrap();
        let wanted = [TimelineOf { asset_id: self.asset.id.clone(), artifact_id: None }];
        find_timelines(conn, &context().scope, &wanted).await.unwrap().remove(0).unwrap()
    }

    /// The indexed words.
    async fn indexed(&self) -> Vec<String> {
        let query = "SELECT array_to_string(words[1:own_words], ' ') FROM spoken_windows ORDER BY start_us";
        sqlx::query_scalar(query).fetch_all(&self.database.pool).await.unwrap()
    }
}

async fn register(
    timelines: &SemanticTimelines,
    asset: &MediaAsset,
    params: EffectiveParams,
    measured: Measured,
) -> Artifact {
    let selection = timelines.selection().await.unwrap();
    register_with(timelines, asset, params, measured, &selection).await
}

async fn register_with(
    timelines: &SemanticTimelines,
    asset: &MediaAsset,
    params: EffectiveParams,
    measured: Measured,
    selection: &Selection,
) -> Artifact {
    let key = AnalysisKey::new(&context(), asset.id.clone(), None, params, selection).unwrap();
    let input = AnalysisInput::Asset(asset.clone());
    timelines.register(&context().scope, &key, selection, &input, measured).await.unwrap().0
}

fn request(base_version: &str, edits: Value) -> CorrectionRequest {
    serde_json::from_value(json!({"base_version": base_version, "edits": edits})).unwrap()
}

fn back() -> Value {
    json!([{"op": "set_word", "start_ms": 500, "end_ms": 900, "word": "back"}])
}

#[tokio::test]
async fn corrections_form_a_chain_that_is_undone_from_its_end() {
    let analysed = Analysed::new().await;
    let (analysis, scope) = (&analysed.analysis, &context().scope);
    assert_eq!(
        (analysed.in_force().await, analysed.indexed().await),
        (analysis.id.clone(), vec!["hark beck".to_owned()])
    );

    let first = analysed.made(&analysis.id, analysis, back()).await;
    assert_eq!(
        (first.kind, &first.parent_asset_id),
        (ArtifactKind::AudioSemanticTimeline, &analysed.asset.id)
    );
    assert_eq!(first.upstream_artifact_ids, std::slice::from_ref(&analysis.id));
    assert_eq!(first.meta["backend_type"], "corrected");
    let version = first.meta["backend_version"].as_str().unwrap();
    let (of_analysis, digest) = version.split_once("+corrected=").unwrap();
    assert_eq!(of_analysis, analysis.meta["backend_version"]);
    assert!(digest.len() == 16 && digest.chars().all(|c| c.is_ascii_hexdigit()), "{version}");
    let correction = &first.meta["correction"];
    assert_eq!((&correction["edits"], &correction["user_id"]), (&back(), &Value::Null));
    assert_eq!((&correction["revision"], &correction["set_by_person"]), (&json!(1), &json!(["words"])));
    assert_eq!(
        (analysed.in_force().await, analysed.indexed().await),
        (first.id.clone(), vec!["hark back".to_owned()])
    );
    let stored = analysed.timelines.get(scope, &analysis.id).await.unwrap();
    assert_eq!(stored.summary.events[0].transcription.as_deref(), Some("hark beck"), "the analysis stays");
    assert_eq!(analysed.timelines.get_in_force(scope, &analysis.id).await.unwrap().artifact_id, first.id);

    // Edits for the analysis are stale now; those for the correction are applied to it, by any id of the chain.
    let split = json!([{"op": "split", "at_ms": 450}]);
    match analysed.correct(&first.id, analysis, split.clone()).await {
        Err(Error::StaleBaseVersion { artifact_id, version: newest }) => {
            assert_eq!((artifact_id, newest.as_str()), (first.id.clone(), version));
        }
        other => panic!("{other:?}"),
    }
    let second = analysed.made(&analysis.id, &first, split).await;
    assert_eq!(second.upstream_artifact_ids, std::slice::from_ref(&first.id));
    assert_eq!(second.meta["correction"]["analysis_artifact_id"], json!(analysis.id));
    assert_eq!(
        second.meta["correction"]["set_by_person"],
        json!([CorrectedPart::Events, CorrectedPart::Words])
    );
    let listed = analysed.timelines.corrections(scope, &first.id).await.unwrap().items;
    let listed: Vec<_> =
        listed.into_iter().map(|entry| (entry.artifact_id, entry.revision, entry.edit_count)).collect();
    assert_eq!(listed, [(second.id.clone(), 2, 1), (first.id.clone(), 1, 1)]);

    let undo =
        async |correction: &Id| analysed.timelines.undo_correction(scope, &analysis.id, correction).await;
    assert!(matches!(undo(&first.id).await, Err(Error::CorrectionSuperseded { .. })));
    assert!(matches!(undo(&analysis.id).await, Err(Error::CorrectionNotFound(_))));
    undo(&second.id).await.unwrap();
    assert_eq!(analysed.in_force().await, first.id);
    assert!(matches!(undo(&second.id).await, Err(Error::CorrectionNotFound(_))));
    assert!(matches!(analysed.timelines.get(scope, &second.id).await, Err(Error::SemanticsNotFound(_))));
    let again = analysed.made(&first.id, &first, json!([{"op": "split", "at_ms": 450}])).await;
    assert_eq!(
        again.meta["backend_version"], second.meta["backend_version"],
        "the same edits, the same version"
    );
    undo(&again.id).await.unwrap();
    undo(&first.id).await.unwrap();
    assert_eq!(
        (analysed.in_force().await, analysed.indexed().await),
        (analysis.id.clone(), vec!["hark beck".to_owned()])
    );
}

#[tokio::test]
async fn removed_words_leave_the_index_and_return_with_an_undo() {
    let analysed = Analysed::new().await;
    let (analysis, scope) = (&analysed.analysis, &context().scope);
    let silent = json!([{"op": "relabel", "start_ms": 0, "end_ms": 3_000, "kind": "silence"}]);
    let made = analysed.made(&analysis.id, analysis, silent).await;
    assert!(analysed.indexed().await.is_empty());
    let rebuilt = spoken_rebuild(&analysed).await;
    assert_eq!((rebuilt, analysed.indexed().await.len()), (0, 0), "the words of the analysis do not return");
    analysed.timelines.undo_correction(scope, &analysis.id, &made.id).await.unwrap();
    assert_eq!(analysed.indexed().await, ["hark beck"]);
}

/// Rebuilds the index of words; the number of indexed timelines.
async fn spoken_rebuild(analysed: &Analysed) -> u64 {
    crate::spoken::rebuild(analysed.timelines.media(), None, true).await.unwrap().indexed
}

#[tokio::test]
async fn correction_of_an_older_analysis_leaves_the_newer_in_force() {
    let analysed = Analysed::new().await;
    let older = &analysed.analysis;
    let params = EffectiveParams { min_silence_ms: 500, ..EffectiveParams::default() };
    let mut other = measured();
    other.events[0].meta.words.truncate(1);
    let newer = register(&analysed.timelines, &analysed.asset, params, other).await;
    let _corrected = analysed.made(&older.id, older, back()).await;
    assert_eq!(
        (analysed.in_force().await, analysed.indexed().await),
        (newer.id.clone(), vec!["hark".to_owned()])
    );
    let corrected = analysed
        .made(&newer.id, &newer, json!([{"op": "set_word", "start_ms": 100, "end_ms": 400, "word": "Hark!"}]))
        .await;
    assert_eq!(
        (analysed.in_force().await, analysed.indexed().await),
        (corrected.id.clone(), vec!["Hark!".to_owned()])
    );
    assert_eq!(spoken_rebuild(&analysed).await, 1);
    assert_eq!(analysed.indexed().await, ["Hark!"]);
}

#[tokio::test]
async fn only_one_of_two_corrections_of_the_same_version_is_stored() {
    let analysed = Analysed::new().await;
    let analysis = &analysed.analysis;
    let split = json!([{"op": "split", "at_ms": 450}]);
    let (first, second) = tokio::join!(
        analysed.correct(&analysis.id, analysis, back()),
        analysed.correct(&analysis.id, analysis, split)
    );
    let results = [first, second];
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    assert!(
        results.iter().any(|result| matches!(result, Err(Error::StaleBaseVersion { .. }))),
        "{results:?}"
    );
    assert_eq!(analysed.timelines.corrections(&context().scope, &analysis.id).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn idempotency_key_returns_the_correction_that_was_made() {
    let analysed = Analysed::new().await;
    let analysis = &analysed.analysis;
    let seed = Some(WriteSeed::new("seed"));
    let correct =
        || Box::pin(async { analysed.correct(&analysis.id, analysis, back()).await.unwrap().artifact_id });
    let made = WriteSeed::scope(seed.clone(), correct()).await;
    assert_eq!(WriteSeed::scope(seed, correct()).await, made);
}

#[tokio::test]
async fn invalid_corrections_change_nothing() {
    let analysed = Analysed::new().await;
    let analysis = &analysed.analysis;
    let problem = async |edits: Value| {
        let error = analysed.correct(&analysis.id, analysis, edits).await.unwrap_err();
        let problem = http_kit::Problem::from(error);
        (problem.code().to_owned(), problem.errors()[0].pointer.clone())
    };
    let split = json!({"op": "split", "at_ms": 450});
    let outside = json!([split, {"op": "split", "at_ms": 9_000}]);
    assert_eq!(problem(outside).await, ("invalid_body".to_owned(), "/edits/1".to_owned()));
    for count in [0, 1_001] {
        let edits = Value::from(vec![split.clone(); count]);
        assert_eq!(problem(edits).await, ("invalid_body".to_owned(), "/edits".to_owned()));
    }
    assert!(analysed.correct(&analysis.id, analysis, Value::from(vec![split; 1_000])).await.is_ok());

    let stranger =
        RequestContext { scope: Scope { tenant_id: "t2".parse().unwrap(), ..context().scope }, ..context() };
    let version = analysis.meta["backend_version"].as_str().unwrap();
    let foreign = analysed.timelines.correct(&stranger, &analysis.id, request(version, back())).await;
    assert!(matches!(foreign, Err(Error::SemanticsNotFound(_))));
}

#[tokio::test]
async fn a_stub_is_not_corrected() {
    let analysed = Analysed::new().await;
    let timelines = &analysed.timelines;
    let selection = Selection { backend: Arc::new(StubBackend), ..timelines.selection().await.unwrap() };
    let stub =
        register_with(timelines, &analysed.asset, EffectiveParams::default(), measured(), &selection).await;
    let refused = analysed.correct(&stub.id, &stub, back()).await;
    assert!(matches!(refused, Err(Error::TimelineNotMeasured(id)) if id == stub.id));
}
