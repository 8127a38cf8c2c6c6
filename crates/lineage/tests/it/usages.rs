//! Tests of `GET /media-v2/assets/{id}/usages`.

use serde_json::{Value, json};

use crate::support::{TestState, brief, text};
use db::testing::statements;

fn kinds_and_ids(usages: &[Value]) -> Vec<(String, String)> {
    usages.iter().map(|usage| (text(&usage["kind"]), text(&usage["id"]))).collect()
}

#[tokio::test]
async fn usages_lists_all_kinds_in_order() {
    let state = TestState::new().await;
    let (film, other) = (state.asset().await, state.asset().await);
    let hit = state.hit(&film, 1_000.0, 1_200.5).await;
    let mapped = state.artifact(&other, json!({"kind": "audio_loop", "start_ms": 5, "end_ms": 9})).await;
    state.map(&mapped, &film, 500, 1_001).await;
    let snippet =
        json!({"kind": "render_snippet", "start_ms": 750, "end_ms": 1_450, "upstream_artifact_ids": [hit]});
    let snippet = state.artifact(&film, snippet).await;
    let shots =
        state.shot_list(&film, &[(1_900, 2_500), (1_000, 1_100), (1_050, 1_150), (7_000, 8_000)]).await;
    let track = state.track("t1").await;
    let clip = state.clip(&track, &film, (1_000, 3_000), json!({"artifact_id": hit})).await;

    let used = state.usages(&film, "start_ms=1000&end_ms=2000", 50).await;
    let expected = [
        ("audio_loop", &mapped, 500.0, 1_001.0),
        ("render_snippet", &snippet, 750.0, 1_450.0),
        ("audio_hit", &hit, 1_000.0, 1_200.5),
        ("clip", &clip, 1_000.0, 3_000.0),
        ("video_shot_list", &shots, 1_000.0, 1_150.0),
        ("video_shot_list", &shots, 1_900.0, 2_500.0),
    ];
    let expected = expected.map(|(kind, id, start, end)| (kind.to_owned(), id.clone(), start, end));
    assert_eq!(used.iter().map(brief).collect::<Vec<_>>(), expected);
    assert_eq!((&used[3]["track_id"], &used[3]["artifact_id"]), (&json!(track), &json!(hit)));
    assert_eq!((&used[2]["track_id"], &used[2]["artifact_id"]), (&Value::Null, &Value::Null));
    for limit in [1, 2, 3, 6] {
        assert_eq!(state.usages(&film, "start_ms=1000&end_ms=2000", limit).await, used, "by {limit}");
    }

    // The map's window counts, not the artifact's own.
    assert_eq!(state.usages(&other, "", 50).await, Vec::<Value>::new());
    assert_eq!(state.usages(&film, "", 50).await.len(), 7);
    let late = state.usages(&film, "start_ms=3000", 50).await;
    assert_eq!(kinds_and_ids(&late), [("video_shot_list".to_owned(), shots)]);
}

#[tokio::test]
async fn windows_are_half_open() {
    let state = TestState::new().await;
    let film = state.asset().await;
    let hit = state.hit(&film, 100.0, 200.0).await;
    state.hit(&film, 150.0, 150.0).await;
    state.artifact(&film, json!({"start_ms": 150})).await;
    for (window, used) in [
        ("start_ms=0&end_ms=100", false),
        ("start_ms=0&end_ms=100.001", true),
        ("end_ms=101", true),
        ("start_ms=199.999", true),
        ("start_ms=200&end_ms=300", false),
        ("start_ms=149&end_ms=151", true),
    ] {
        let ids: Vec<_> =
            state.usages(&film, window, 50).await.iter().map(|usage| text(&usage["id"])).collect();
        assert_eq!(ids, if used { vec![hit.clone()] } else { vec![] }, "{window}");
    }
}

#[tokio::test]
async fn usages_rejects_invalid_queries() {
    let state = TestState::new().await;
    let film = state.asset().await;
    state.shot_list(&film, &[(0, 10)]).await;
    for (query, parameter) in [
        ("start_ms=-1", "start_ms"),
        ("start_ms=5&end_ms=5", "end_ms"),
        ("start_ms=5&end_ms=4", "end_ms"),
        ("end_ms=0", "end_ms"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
    ] {
        let problem = state.api.get(&format!("/media-v2/assets/{film}/usages?{query}")).await;
        assert_eq!(problem.problem(422, "invalid_query")["errors"][0]["pointer"], parameter, "{query}");
    }
    for query in ["start_ms=NaN", "end_ms=inf", "start_ms=1e300", "start_ms=", "start_ms=a", "more=1"] {
        state.api.get(&format!("/media-v2/assets/{film}/usages?{query}")).await.problem(422, "invalid_query");
    }
    let cursor = format!("/media-v2/assets/{film}/usages?cursor=AAAA");
    state.api.get(&cursor).await.problem(422, "invalid_cursor");
    // `9000000|clip|c`, a cursor of another window, after the end of this one.
    let beyond = "end_ms=1000&cursor=OTAwMDAwMHxjbGlwfGM";
    assert_eq!(
        state.api.get(&format!("/media-v2/assets/{film}/usages?{beyond}")).await.ok()["items"],
        json!([])
    );
}

#[tokio::test]
async fn usages_and_lineage_use_a_constant_number_of_statements() {
    let state = TestState::new().await;
    let (film, track) = (state.asset().await, state.track("t1").await);
    let count = async |path: &str| {
        let before = statements::on_this_thread();
        state.api.get(path).await.ok();
        statements::on_this_thread() - before
    };
    let usages = format!("/media-v2/assets/{film}/usages?limit=500");
    let hit = state.hit(&film, 0.0, 100.0).await;
    let lineage = format!("/media-v2/artifacts/{hit}/lineage?direction=down");
    let few = (count(&usages).await, count(&lineage).await);
    for index in 0..20_u32 {
        let start = f64::from(index);
        let made = json!({"start_ms": start, "end_ms": start + 1.0, "upstream_artifact_ids": [hit]});
        let made = state.artifact(&film, made).await;
        state.map(&made, &film, 0, 10).await;
        state.shot_list(&film, &[(i64::from(index), 1_000)]).await;
        state.clip(&track, &film, (0, 10), json!({"artifact_id": made})).await;
    }
    assert_eq!((count(&usages).await, count(&lineage).await), few);
    assert_eq!(few.0, 3, "the asset, the uses, the clips");
    assert_eq!(state.usages(&film, "", 500).await.len(), 61);
}
