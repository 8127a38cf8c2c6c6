//! The search of spoken words.

use std::collections::HashSet;

use audio_semantic_timeline::spoken;
use media_v2::AssetKind;
use serde_json::{Value, json};

use crate::support::TestState;

/// Words at intervals of 300 ms from `start`.
fn said(text: &str, start: i64) -> Vec<(&str, i64)> {
    text.split_whitespace().zip(0..).map(|(word, index)| (word, start + 300 * index)).collect()
}

/// Texts of the matches of each hit.
async fn matches(state: &TestState, q: &str) -> Vec<Vec<String>> {
    let encoded: String = q.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let hits = state.all(&format!("/search?q={encoded}"), 50).await;
    let texts = |hit: &Value| {
        let matches = hit["matches"].as_array().unwrap().iter();
        matches.map(|found| found["text"].as_str().unwrap().to_owned()).collect()
    };
    hits.iter().map(texts).collect()
}

#[tokio::test]
async fn words_phrases_and_prefixes_are_found() {
    let state = TestState::new().await;
    let asset = state.asset("t1", AssetKind::Video, &[]).await;
    let words = said("We were running – back to the Été, don't panic", 0);
    let timeline = state.timeline("t1", &asset, &words).await;

    for (q, expected) in [
        ("RUNNING", vec!["running"]),
        ("runs", vec!["running"]),
        ("\"runs\"", vec![]),
        ("ete", vec!["Été,"]),
        ("\"to the été\"", vec!["to the Été,"]),
        ("\"running back\"", vec!["running – back"]),
        ("\"back running\"", vec![]),
        ("pan*", vec!["panic"]),
        ("\"don't pan*\"", vec!["don't panic"]),
        ("panic we", vec!["We", "panic"]),
        ("panic absent", vec![]),
    ] {
        let found = matches(&state, q).await;
        let expected: Vec<Vec<String>> = if expected.is_empty() {
            vec![]
        } else {
            vec![expected.iter().map(|w| (*w).to_owned()).collect()]
        };
        assert_eq!(found, expected, "{q}");
    }
    let hit = state.all("/search?q=panic", 50).await.remove(0);
    assert_eq!((&hit["asset_id"], &hit["timeline_artifact_id"]), (&json!(asset), &json!(timeline)));
    assert_eq!((&hit["start_ms"], &hit["language"]), (&json!(0), &json!("en")));
    assert_eq!(hit["matches"], json!([{"start_ms": 2700, "end_ms": 2900, "text": "panic"}]));
    let highlighted = hit["words"].as_array().unwrap().iter().filter(|word| word["highlighted"] == true);
    assert_eq!(highlighted.map(|word| &word["word"]).collect::<Vec<_>>(), ["panic"]);
    for q in ["", "%22%22", "a".repeat(501).as_str()] {
        state.api.get(&format!("/search?q={q}")).await.problem(422, "invalid_query");
    }
}

#[tokio::test]
async fn phrase_over_the_end_of_a_window_is_found_once() {
    let state = TestState::new().await;
    let asset = state.asset("t1", AssetKind::Audio, &[]).await;
    let mut words = said("it harks", 0);
    words.extend(said("back again", 2_000));
    state.timeline("t1", &asset, &words).await;
    assert_eq!(matches(&state, "\"it harks back\"").await, [["it harks back"]]);
    assert_eq!(matches(&state, "\"harks back again\"").await, [["harks back again"]]);
    assert_eq!(matches(&state, "back").await, [["back"]], "the word belongs to the second window");
    let hit = state.all("/search?q=%22harks%20back%22", 50).await.remove(0);
    assert_eq!((&hit["text"], hit["words"].as_array().unwrap().len()), (&json!("it harks"), 3));
    assert_eq!(hit["matches"][0]["end_ms"], 2_200);
}

#[tokio::test]
async fn newest_timeline_of_a_recording_is_searched() {
    let state = TestState::new().await;
    let film = state.asset("t1", AssetKind::Video, &[]).await;
    let talk = state.asset("t1", AssetKind::Audio, &[]).await;
    let _old = state.timeline("t1", &film, &said("hark bark", 0)).await;
    let new = state.timeline("t1", &film, &said("hark back", 0)).await;
    state.timeline("t1", &talk, &said("hark back", 0)).await;
    let theirs = state.asset("t2", AssetKind::Audio, &[]).await;
    state.timeline("t2", &theirs, &said("hark back", 0)).await;

    assert_eq!(matches(&state, "bark").await.len(), 0);
    let hits = state.all("/search?q=hark", 1).await;
    assert_eq!(hits.len(), 2, "in pages, without those of another owner");
    assert_ne!(hits[0]["asset_id"], hits[1]["asset_id"]);
    let of_film = state.all(&format!("/search?q=hark&asset_id={film}"), 50).await;
    assert_eq!((of_film.len(), &of_film[0]["timeline_artifact_id"]), (1, &json!(new)));
    let videos = state.all("/search?q=hark&kind=video", 50).await;
    assert_eq!(videos, of_film);
    let page = state.api.tenant("t2").get("/search?q=hark").await.ok();
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next_cursor"]), (1, &Value::Null));
}

#[tokio::test]
async fn languages_without_stemmer_or_spaces_are_searched() {
    let state = TestState::new().await;
    let asset = state.asset("t1", AssetKind::Audio, &[]).await;
    state.timeline_in("t1", &asset, "ja", &[("世界", 0), ("の", 300), ("音楽", 600)]).await;
    assert_eq!(matches(&state, "界の音").await, [["世界 の 音楽"]]);
    assert!(matches(&state, "界音").await.is_empty());
    let french = state.asset("t1", AssetKind::Audio, &[]).await;
    state.timeline_in("t1", &french, "fr", &said("nous aimons l'île", 0)).await;
    assert_eq!(matches(&state, "ILES").await, [["l'île"]]);
    assert!(matches(&state, "\"iles\"").await.is_empty());
}

#[tokio::test]
async fn timelines_of_before_the_index_are_indexed_in_batches() {
    let state = TestState::new().await;
    let (film, talk) =
        (state.asset("t1", AssetKind::Video, &[]).await, state.asset("t1", AssetKind::Audio, &[]).await);
    state.timeline("t1", &film, &said("hark bark", 0)).await;
    state.media.clock.advance(chrono::TimeDelta::seconds(1));
    state.timeline("t1", &film, &said("hark back", 0)).await;
    state.timeline("t1", &talk, &said("hark hark", 0)).await;
    let before = state.all("/search?q=hark", 50).await;
    state.execute("DELETE FROM spoken_windows").await;
    assert!(matches(&state, "hark").await.is_empty());

    let first = spoken::rebuild(&state.media.service, None, false).await.unwrap();
    assert_eq!((first.indexed, first.skipped.len()), (2, 0));
    let rest = spoken::rebuild(&state.media.service, first.last.as_ref(), false).await.unwrap();
    assert!(rest.last.is_none());
    assert_eq!(matches(&state, "bark").await.len(), 0, "only the newest timeline");
    let after = state.all("/search?q=hark", 50).await;
    let sorted = |hits: &[Value]| {
        let mut ids: Vec<String> = hits.iter().map(|hit| hit["timeline_artifact_id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(sorted(&after), sorted(&before));
    let again = spoken::rebuild(&state.media.service, None, false).await.unwrap();
    assert_eq!(again.indexed, 0, "nothing is missing");
    let all = spoken::rebuild(&state.media.service, None, true).await.unwrap();
    assert_eq!(all.indexed, 2);
    // Rows of the index go with their timelines.
    state.execute("DELETE FROM artifacts").await;
    assert!(matches(&state, "hark").await.is_empty());
}

#[tokio::test]
async fn timeline_that_the_database_rejects_is_skipped() {
    let state = TestState::new().await;
    let (film, talk) =
        (state.asset("t1", AssetKind::Video, &[]).await, state.asset("t1", AssetKind::Audio, &[]).await);
    let rejected = state.timeline("t1", &film, &said("hark bark", 0)).await;
    state.timeline("t1", &talk, &said("hark back", 0)).await;
    state.execute("DELETE FROM spoken_windows").await;
    state.execute("ALTER TABLE spoken_windows ADD CHECK (words[2] <> 'bark')").await;
    let batch = spoken::rebuild(&state.media.service, None, false).await.unwrap();
    let skipped: Vec<String> = batch.skipped.iter().map(|(_, id, _)| id.to_string()).collect();
    assert_eq!((batch.indexed, skipped), (1, vec![rejected]));
    assert_eq!(matches(&state, "hark").await, [["hark"]]);
}

#[tokio::test]
async fn matches_are_listed_in_blocks_each_once() {
    let state = TestState::new().await;
    let asset = state.asset("t1", AssetKind::Audio, &[]).await;
    // A window for each pair of words: a pause of two seconds follows.
    let words: Vec<(&str, i64)> =
        (0..450).flat_map(|index| [("hark", index * 2_600), ("back", index * 2_600 + 300)]).collect();
    state.timeline("t1", &asset, &words).await;
    for q in ["hark", "%22hark%20back%20hark%22", "ha*"] {
        let hits = state.all(&format!("/search?q={q}"), 60).await;
        let starts: HashSet<i64> = hits.iter().map(|hit| hit["start_ms"].as_i64().unwrap()).collect();
        let expected = if q.contains("back") { 449 } else { 450 };
        assert_eq!((hits.len(), starts.len()), (expected, expected), "{q}");
    }
}

#[tokio::test]
async fn newest_windows_come_first_also_where_their_ids_are_far_apart() {
    let state = TestState::new().await;
    let (old, new) =
        (state.asset("t1", AssetKind::Audio, &[]).await, state.asset("t1", AssetKind::Audio, &[]).await);
    let windows = |count: i64| -> Vec<(&'static str, i64)> {
        (0..count).flat_map(|index| [("hark", index * 2_600), ("back", index * 2_600 + 300)]).collect()
    };
    let of_new = |hits: &[Value]| hits.iter().filter(|hit| hit["asset_id"] == new).count();
    state.timeline("t1", &old, &windows(150)).await;
    // The search looks among the newest 65 536 ids first.
    state.execute("SELECT setval(pg_get_serial_sequence('spoken_windows', 'id'), 1000000)").await;
    state.timeline("t1", &new, &windows(120)).await;
    for q in ["%22hark%20back%22", "hark&kind=audio"] {
        let hits = state.all(&format!("/search?q={q}"), 60).await;
        assert_eq!((hits.len(), of_new(&hits[..200]), of_new(&hits)), (270, 120, 120), "{q}");
    }
    state.timeline("t1", &new, &windows(250)).await;
    let hits = state.all("/search?q=%22hark%20back%22", 60).await;
    assert_eq!((hits.len(), of_new(&hits[..200]), of_new(&hits)), (400, 200, 250));
    let of_old = state.all(&format!("/search?q=%22hark%20back%22&asset_id={old}"), 60).await;
    assert_eq!(of_old.len(), 150);
}
