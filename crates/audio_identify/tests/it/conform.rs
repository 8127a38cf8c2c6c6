use media_time::MediaTime;
use primitives::Id;
use serde_json::{Value, json};

use crate::comparing::Comparisons;
use crate::music::{RATE, piece};

const CONFORM: &str = "/audio/conform";

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap()
}

/// Rushes, and an edit of five shots of them with a stretch of other audio before the last one, into which the fourth fades
/// over a second.
struct Film {
    rushes: Vec<Id>,
    edit: Id,
    samples: usize,
}

/// Number of the source, its first sample, number of samples, gain.
const SHOTS: [(usize, usize, usize, f32); 5] = [
    (0, 32_000, 50_123, 1.0),
    (2, 100_000, 40_777, 0.5),
    (1, 7_000, 64_001, 0.8),
    (2, 300_000, 80_000, 1.0),
    (0, 160_050, 90_000, 0.3),
];
const UNKNOWN: usize = 4 * RATE;

async fn film(state: &Comparisons) -> Film {
    let sources: Vec<Vec<f32>> = (11..14).map(|seed| piece(seed, 30)).collect();
    let mut edit: Vec<f32> = Vec::new();
    for (index, (source, start, length, gain)) in SHOTS.into_iter().enumerate() {
        if index == 4 {
            let end = edit.len();
            for n in 0..RATE {
                edit[end - RATE + n] *= 1.0 - n as f32 / RATE as f32;
            }
            edit.extend(piece(90, 4));
        }
        edit.extend(sources[source][start..start + length].iter().map(|sample| gain * sample));
    }
    let mut rushes = Vec::new();
    for (number, samples) in sources.iter().enumerate() {
        rushes.push(state.recording(&format!("take {number}.wav"), samples).await);
    }
    Film { rushes, edit: state.recording("film.wav", &edit).await, samples: edit.len() }
}

#[tokio::test(flavor = "multi_thread")]
async fn conform_finds_the_shots_of_an_edit() {
    let state = Comparisons::new().await;
    let film = film(&state).await;
    let body = json!({"asset_id": film.edit, "sources": film.rushes});
    let list = state.api.post(CONFORM, &body).await.ok();
    assert_eq!(list["meta"]["backend_version"], "conform_v2");
    let shots = list["shots"].as_array().unwrap();
    let sources: Vec<&Value> = shots.iter().map(|shot| &shot["source_asset_id"]).collect();
    let expected =
        [0, 2, 1, 2].map(|index| &film.rushes[index]).into_iter().chain([&film.edit, &film.rushes[0]]);
    assert_eq!(sources, expected.map(|id| json!(id)).collect::<Vec<_>>().iter().collect::<Vec<_>>());

    let mut at = 0;
    for (shot, (_, start, length, gain)) in
        shots.iter().filter(|shot| shot["meta"]["role"] == "source").zip(SHOTS)
    {
        if start == 160_050 {
            at += UNKNOWN;
        }
        let (target, source) = (number(shot, "target_start_ms"), number(shot, "source_start_ms"));
        // The edge of a fade is where the other audio is as loud.
        let tolerance = if start == 160_050 { 20.0 } else { 10.0 };
        assert!((target - at as f64 / 16.0).abs() <= tolerance, "{shot}");
        let lag = source - target - (start as f64 - at as f64) / 16.0;
        assert!(lag.abs() < 0.1, "{lag}: {shot}");
        // A fade counts as another gain, and as audio that the source at one gain does not explain.
        let (faded, highest) = if start == 300_000 { (3.0, -8.0) } else { (0.5, -15.0) };
        assert!((number(&shot["meta"], "gain_db") - 20.0 * f64::from(gain).log10()).abs() < faded, "{shot}");
        assert!(number(&shot["meta"], "unknown_db") < highest, "{shot}");
        at += length;
    }
    let (faded, unknown) = (&shots[3], &shots[4]);
    assert!((300.0..1_100.0).contains(&number(&faded["meta"], "fade_out_ms")), "{faded}");
    assert_eq!(unknown["meta"]["role"], "unknown");
    assert_eq!(unknown["source_start_ms"], unknown["target_start_ms"], "it shows the edit itself");
    assert!((-40.0..0.0).contains(&number(&unknown["meta"], "level_dbfs")), "{unknown}");

    let mut end = 0.0;
    for shot in shots {
        assert!((number(shot, "target_start_ms") - end).abs() < 0.01, "contiguous: {shot}");
        end = number(shot, "target_start_ms") + number(shot, "target_duration_ms");
    }
    assert!((end - film.samples as f64 / 16.0).abs() < 0.1, "{end}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conform_searches_sources_that_are_not_named() {
    let state = Comparisons::new().await;
    let film = film(&state).await;
    let deleted: Id = "asset_deleted".parse().unwrap();
    state.found.set(&[&film.rushes[2], &deleted, &film.edit, &film.rushes[0], &film.rushes[1]]);
    let searched = state.api.post(CONFORM, &json!({"asset_id": film.edit})).await.ok();
    let named = json!({"asset_id": film.edit, "sources": film.rushes});
    let named = state.api.post(CONFORM, &named).await.ok();
    assert_eq!(searched["shots"], named["shots"]);
    assert_eq!(searched["shot_list_artifact_id"], named["shot_list_artifact_id"], "the same list");
    let id = named["shot_list_artifact_id"].as_str().unwrap();
    assert_eq!(state.api.get(&format!("/audio/to-video-origin/{id}")).await.ok(), named);

    // A found source without bytes is left out; a named one is an error.
    let (lost, length) = (&film.rushes[1], MediaTime::from_millis(30_000));
    let unreadable = state.declared("lost.wav", length).await;
    state.found.set(&[&film.rushes[0], &unreadable, lost, &film.rushes[2]]);
    let searched = state.api.post(CONFORM, &json!({"asset_id": film.edit})).await.ok();
    assert_eq!(searched["shots"], named["shots"]);
    let sources = [&film.rushes[0], &unreadable];
    let refused = state.api.post(CONFORM, &json!({"asset_id": film.edit, "sources": sources})).await;
    assert!(refused.status >= 400, "{refused:?}");

    state.found.set(&[]);
    let unknown = state.api.post(CONFORM, &json!({"asset_id": film.edit})).await.ok();
    let shots = unknown["shots"].as_array().unwrap();
    assert_eq!((shots.len(), &shots[0]["meta"]["role"]), (1, &json!("unknown")));
}

#[tokio::test(flavor = "multi_thread")]
async fn conform_measures_audio_laid_over_a_source() {
    let state = Comparisons::new().await;
    let (rushes, bed) = (piece(21, 12), piece(22, 12));
    let edit: Vec<f32> = rushes.iter().zip(&bed).map(|(a, b)| 0.8 * (a + 0.25 * b)).collect();
    let rushes = state.recording("rushes.wav", &rushes).await;
    let edit = state.recording("edit.wav", &edit).await;
    let list = state.api.post(CONFORM, &json!({"asset_id": edit, "sources": [rushes]})).await.ok();
    let shots = list["shots"].as_array().unwrap();
    assert_eq!((shots.len(), &shots[0]["source_asset_id"]), (1, &json!(rushes)), "{list}");
    let level = number(&shots[0]["meta"], "unknown_db");
    assert!((-18.0..-6.0).contains(&level), "{level}");
}

/// A talk with pauses, over music: the pauses are no cuts.
#[tokio::test(flavor = "multi_thread")]
async fn conform_keeps_pauses_under_other_audio_in_a_shot() {
    let state = Comparisons::new().await;
    let (mut rushes, bed) = (piece(23, 12), piece(24, 12));
    for pause in [2, 5, 8] {
        rushes[pause * RATE..pause * RATE + RATE / 2].fill(0.0);
    }
    let edit: Vec<f32> = rushes.iter().zip(&bed).map(|(a, b)| 0.8 * (a + 0.25 * b)).collect();
    let rushes = state.recording("rushes.wav", &rushes).await;
    let edit = state.recording("edit.wav", &edit).await;
    let list = state.api.post(CONFORM, &json!({"asset_id": edit, "sources": [rushes]})).await.ok();
    let shots = list["shots"].as_array().unwrap();
    assert_eq!((shots.len(), &shots[0]["source_asset_id"]), (1, &json!(rushes)), "{list:#}");
    assert!((number(&shots[0], "target_duration_ms") - 12_000.0).abs() < 50.0, "{list:#}");
}

/// Shots of 1 to 1.4 s, in quick succession.
#[tokio::test(flavor = "multi_thread")]
async fn conform_finds_short_shots() {
    let state = Comparisons::new().await;
    let rushes: Vec<Vec<f32>> = (31..36).map(|seed| piece(seed, 12)).collect();
    let mut edit = Vec::new();
    let mut ids = Vec::new();
    for (number, samples) in rushes.iter().enumerate() {
        edit.extend_from_slice(&samples[50_000 + 777 * number..][..16_000 + 1_600 * number]);
        ids.push(state.recording(&format!("{number}.wav"), samples).await);
    }
    let edit = state.recording("edit.wav", &edit).await;
    let list = state.api.post(CONFORM, &json!({"asset_id": edit, "sources": ids})).await.ok();
    let found: Vec<&Value> =
        list["shots"].as_array().unwrap().iter().map(|s| &s["source_asset_id"]).collect();
    let expected: Vec<Value> = ids.iter().map(|id| json!(id)).collect();
    assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{list:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conform_refuses_what_is_too_long_or_unknown() {
    let state = Comparisons::new().await;
    let edit = state.recording("edit.wav", &piece(1, 2)).await;
    let hours =
        async |name: &str, hours: i64| state.declared(name, MediaTime::from_millis(hours * 3_600_000)).await;
    let conform = async |asset: &Id, sources: Value| {
        state.api.post(CONFORM, &json!({"asset_id": asset, "sources": sources})).await
    };
    let (film, day, evening) = (hours("film", 4).await, hours("day", 20).await, hours("evening", 5).await);
    let problem = conform(&edit, json!(["n1", day, "n2"])).await.problem(404, "asset_not_found");
    assert_eq!(problem["ids"], json!(["n1", "n2"]));
    conform(&film, json!([edit])).await.problem(422, "recording_too_long");
    conform(&edit, json!([day, evening])).await.problem(422, "sources_too_long");
    assert_eq!(conform(&edit, json!([day, day])).await.invalid(), ["/sources/1"]);
    assert_eq!(conform(&edit, json!([edit])).await.invalid(), ["/sources/0"]);
    let body = json!({"asset_id": edit, "sources": [film]});
    state.api.tenant("t2").post(CONFORM, &body).await.problem(404, "asset_not_found");
}
