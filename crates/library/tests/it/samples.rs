//! The listing of samples.

use library::index_samples;
use media_v2::AssetKind;
use serde_json::{Value, json};

use crate::support::TestState;

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["artifact_id"].as_str().unwrap()).collect()
}

fn hit(score: f64, duration_ms: i64, peak_db: f64) -> Value {
    let event = json!({"peak_db": peak_db, "energy": 0.01, "duration_ms": duration_ms});
    json!({"score": score, "event": event})
}

#[tokio::test]
async fn samples_are_filtered_and_ordered_over_recordings() {
    let state = TestState::new().await;
    let drums = state.asset("t1", AssetKind::Audio, &["drums"]).await;
    let talk = state.asset("t1", AssetKind::Video, &[]).await;
    let mut kick = hit(0.9, 100, -3.0);
    kick["event"]["role"] = json!("kick");
    kick["event"]["brightness_hz"] = json!(180.5);
    let kick = state.sample("t1", &drums, "audio_hit", kick).await;
    let mut soft = hit(0.4, 300, -20.0);
    soft["event"]["energy"] = json!(0.005);
    let soft = state.sample("t1", &talk, "audio_hit", soft).await;
    let loop_meta =
        json!({"score": 0.7, "event": {"bpm": 120.5, "loop_bars": 2, "key": "A minor", "energy": 0.04}});
    let beat = state.sample("t1", &drums, "audio_loop", loop_meta).await;
    let phrase_meta = json!({"score": 0.8, "event": {"transcript": "Hark back to the Été"}});
    let phrase = state.sample("t1", &talk, "audio_phrase", phrase_meta).await;
    let _foreign = state.asset("t2", AssetKind::Audio, &["drums"]).await;

    for (query, expected) in [
        ("sort=score", vec![&kick, &phrase, &beat, &soft]),
        ("sort=score&kind=audio_hit", vec![&kick, &soft]),
        ("sort=score&tag=drums", vec![&kick, &beat]),
        ("sort=score&min_score=0.75", vec![&kick, &phrase]),
        ("role=kick", vec![&kick]),
        ("role=snare", vec![]),
        ("bpm_min=120&bpm_max=121&bars=2&key=A%20minor", vec![&beat]),
        ("bpm_max=120", vec![]),
        ("sort=bpm", vec![&beat]),
        ("text=ete%20HARK", vec![&phrase]),
        ("text=%22back%20hark%22", vec![]),
        ("role=kick&text=hark", vec![]),
        ("sort=newest", vec![&phrase, &beat, &soft, &kick]),
        ("sort=newest&kind=audio_hit", vec![&soft, &kick]),
        ("sort=duration&kind=audio_hit", vec![&kick, &soft]),
        ("sort=brightness", vec![&kick]),
        ("brightness_min=180.5&brightness_max=200&role=kick", vec![&kick]),
        ("brightness_min=181", vec![]),
        ("brightness_max=200&kind=audio_loop", vec![]),
        ("sort=energy&energy_max=0.04", vec![&beat, &kick, &soft]),
        ("energy_min=0.02&key=A%20minor", vec![&beat]),
        ("energy_min=0.05", vec![]),
    ] {
        let found = state.all(&format!("/audio/samples?{query}"), 50).await;
        assert_eq!(ids(&found), expected.into_iter().map(String::as_str).collect::<Vec<_>>(), "{query}");
    }
    let of_talk = state.all(&format!("/audio/samples?asset_id={talk}"), 50).await;
    assert_eq!(of_talk.len(), 2);
    let item = state.all("/audio/samples?kind=audio_loop", 50).await.remove(0);
    assert_eq!((&item["bpm"], &item["bars"], &item["role"]), (&json!(120.5), &json!(2), &Value::Null));
    assert_eq!((&item["duration_ms"], &item["asset_id"]), (&json!(500), &json!(drums)));
    let theirs = state.api.tenant("t2").get("/audio/samples").await.ok();
    assert_eq!(theirs, json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn pages_have_each_sample_once_in_every_order() {
    let state = TestState::new().await;
    let asset = state.asset("t1", AssetKind::Audio, &[]).await;
    for index in 0..9 {
        // Equal values, so that ids decide.
        let score = f64::from(index % 3) / 10.0;
        let mut meta = hit(score, 100 + i64::from(index % 2), -6.0);
        meta["event"]["brightness_hz"] = json!(200 + index % 3);
        state.sample("t1", &asset, "audio_hit", meta).await;
        let event = json!({"bpm": 100 + index % 2, "loop_bars": 1});
        state.sample("t1", &asset, "audio_loop", json!({"score": score, "event": event})).await;
    }
    let orders = ["sort=newest", "sort=score", "sort=duration", "sort=bpm", "sort=brightness", "sort=energy"];
    for query in orders.into_iter().chain(["kind=audio_hit&sort=score"]) {
        let path = format!("/audio/samples?{query}");
        let whole = state.all(&path, 50).await;
        let of_all = ["sort=newest", "sort=score", "sort=duration"].contains(&query);
        assert_eq!(whole.len(), if of_all { 18 } else { 9 }, "{query}");
        assert_eq!(state.all(&path, 2).await, whole, "{query}");
    }
    let page = state.api.get("/audio/samples?limit=1&sort=score").await.ok();
    let cursor = page["next_cursor"].as_str().unwrap();
    let other = format!("/audio/samples?limit=1&sort=bpm&cursor={cursor}");
    state.api.get(&other).await.problem(422, "invalid_cursor");
}

#[tokio::test]
async fn similar_samples_are_ordered_by_distance() {
    let state = TestState::new().await;
    let (tagged, other) =
        (state.asset("t1", AssetKind::Audio, &["dry"]).await, state.asset("t1", AssetKind::Audio, &[]).await);
    let asked = state.sample("t1", &other, "audio_hit", hit(0.5, 200, -6.0)).await;
    let same = state.sample("t1", &other, "audio_hit", hit(0.9, 200, -6.0)).await;
    let longer = state.sample("t1", &tagged, "audio_hit", hit(0.9, 400, -6.0)).await;
    let louder = state.sample("t1", &other, "audio_hit", hit(0.1, 200, 6.0)).await;
    let far = state.sample("t1", &tagged, "audio_hit", hit(0.9, 1_600, -6.0)).await;
    let loop_meta = json!({"event": {"bpm": 120, "loop_bars": 1}});
    let _beat = state.sample("t1", &other, "audio_loop", loop_meta).await;
    let unmeasured = state.sample("t1", &other, "audio_hit", json!({"score": "none", "event": 1e300})).await;

    let path = format!("/audio/samples?similar_to={asked}");
    let found = state.all(&path, 50).await;
    assert_eq!(ids(&found), [&same, &longer, &louder, &far]);
    let distances: Vec<f64> = found.iter().map(|item| item["distance"].as_f64().unwrap()).collect();
    for (distance, expected) in distances.iter().zip([0.0, 1.0, 2.0, 3.0]) {
        assert!((distance - expected).abs() < 1e-6, "{distances:?}");
    }
    assert_eq!(state.all(&path, 1).await, found, "in pages");
    let conditioned = state.all(&format!("{path}&min_score=0.5&tag=dry"), 1).await;
    assert_eq!(ids(&conditioned), [&longer, &far]);
    assert!(state.all(&format!("{path}&kind=audio_loop"), 50).await.is_empty());

    let problem = state.api.get(&format!("/audio/samples?similar_to={unmeasured}")).await;
    assert_eq!(problem.problem(422, "invalid_query")["errors"][0]["pointer"], "similar_to");
    state.api.tenant("t2").get(&path).await.problem(404, "artifact_not_found");
    state.api.get(&format!("{path}&sort=score")).await.problem(422, "invalid_query");
    state.api.get("/audio/samples?min_score=2").await.problem(422, "invalid_query");
    state.api.get("/audio/samples?energy_min=2&energy_max=1").await.problem(422, "invalid_query");
}

#[tokio::test]
async fn samples_are_listed_by_brightness_and_energy() {
    let state = TestState::new().await;
    let asset = state.asset("t1", AssetKind::Audio, &[]).await;
    let mut made = Vec::new();
    for (brightness, energy) in [(900.0, 0.01), (120.0, 0.3), (5_000.0, 0.1)] {
        let event =
            json!({"brightness_hz": brightness, "energy": energy, "peak_db": -3.0, "duration_ms": 90});
        made.push(state.sample("t1", &asset, "audio_hit", json!({"score": 0.5, "event": event})).await);
    }
    let by = async |sort: &str| state.all(&format!("/audio/samples?sort={sort}"), 2).await;
    assert_eq!(ids(&by("brightness").await), [&made[1], &made[0], &made[2]], "the darkest first");
    assert_eq!(ids(&by("energy").await), [&made[1], &made[2], &made[0]], "the loudest first");
}

#[tokio::test]
async fn samples_of_before_the_index_are_indexed_in_batches() {
    let state = TestState::new().await;
    let asset = state.asset("t1", AssetKind::Audio, &[]).await;
    for index in 0..3 {
        state.sample("t1", &asset, "audio_hit", hit(f64::from(index) / 4.0, 100, -6.0)).await;
    }
    let before = state.all("/audio/samples?sort=score", 50).await;
    state.execute("DELETE FROM samples WHERE score < 0.4").await;
    assert_eq!(state.all("/audio/samples?sort=score", 50).await.len(), 1);
    let pool = state.media.pool();
    let batch = index_samples(&pool, None, false).await.unwrap();
    assert_eq!(batch.indexed, 2, "only those that are missing");
    let next = index_samples(&pool, batch.last.as_ref(), false).await.unwrap();
    assert_eq!((next.last, next.indexed), (None, 0));
    assert_eq!(state.all("/audio/samples?sort=score", 50).await, before);
    assert_eq!(index_samples(&pool, None, true).await.unwrap().indexed, 3);
    // Rows of the index go with their artifacts.
    state.execute("DELETE FROM artifacts").await;
    assert!(state.all("/audio/samples?sort=score", 50).await.is_empty());
}
