use media_time::MediaTime;
use serde_json::{Value, json};

use crate::comparing::Comparisons;
use crate::music::{RATE, at_speed, piece, recorded};

const ALIGN: &str = "/audio/align";

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn align_measures_offsets_drift_parts_and_unrelated_recordings() {
    let state = Comparisons::new().await;
    let event = piece(4, 100);
    let reference = state.recording("camera.wav", &event).await;
    // Began 3 s later; its clock is 100 ppm slow: fewer samples in the same time.
    let slow = at_speed(&recorded(&event[3 * RATE..], 8), 1.0 + 100e-6);
    let slow = state.recording("slow.wav", &slow).await;
    // Began 2 s before the reference.
    let early = [&piece(9, 2)[..], &event[..60 * RATE]].concat();
    let early = state.recording("early.wav", &recorded(&early, 2)).await;
    // Stopped from 30 to 50 s.
    let stopped = [&event[2 * RATE..30 * RATE], &event[50 * RATE..85 * RATE]].concat();
    let stopped = state.recording("stopped.wav", &recorded(&stopped, 3)).await;
    let unrelated = state.recording("unrelated.wav", &recorded(&piece(7, 60), 1)).await;

    let ids = json!([slow, early, stopped, unrelated]);
    let body = json!({"reference_asset_id": reference, "asset_ids": ids});
    let result = state.api.post(ALIGN, &body).await.ok();
    let alignments = result.as_array().unwrap();
    assert!(alignments.iter().all(|alignment| alignment["sequence"].is_null()));
    let found: Vec<&Value> = alignments.iter().map(|alignment| &alignment["asset_id"]).collect();
    assert_eq!(found, ids.as_array().unwrap().iter().collect::<Vec<_>>(), "in the order of the request");

    let [slow, early, stopped, unrelated] = [0, 1, 2, 3].map(|index| &alignments[index]);
    assert!((number(slow, "offset_ms") - 3_000.0).abs() < 1.0, "{slow}");
    assert!((number(slow, "drift_ppm") + 100.0).abs() < 3.0, "{slow}");
    assert!(number(slow, "confidence") > 0.999 && number(&slow["parts"][0], "agreement") > 0.8, "{slow}");
    assert!((number(early, "offset_ms") + 2_000.0).abs() < 1.0, "{early}");
    assert!(number(early, "drift_ppm").abs() < 3.0, "{early}");
    let parts = stopped["parts"].as_array().unwrap();
    let offsets: Vec<f64> = parts.iter().map(|part| number(part, "offset_ms")).collect();
    assert!(parts.len() == 2 && (offsets[0] - 2_000.0).abs() < 1.0 && (offsets[1] - 22_000.0).abs() < 1.0);
    assert_eq!(stopped["offset_ms"], parts[1]["offset_ms"], "of the longest part");
    assert!((number(&parts[1], "reference_end_ms") - 85_000.0).abs() < 1_500.0, "{stopped}");
    let expected = json!({
        "asset_id": unrelated["asset_id"], "unrelated": true, "offset_ms": null, "drift_ppm": null, "confidence": null,
        "parts": [], "sequence": null,
    });
    assert_eq!(*unrelated, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_within_both_recordings() {
    let state = Comparisons::new().await;
    let event = piece(6, 24);
    // 12.023 s, of which the other one has all, from 2.977 s on.
    let short = state.recording("short.wav", &event[5 * 16_000 - 368..17 * 16_000]).await;
    let long = state.recording("long.wav", &recorded(&event[2 * RATE..22 * RATE], 3)).await;
    for (reference, other) in [(&short, &long), (&long, &short)] {
        let body = json!({"reference_asset_id": reference, "asset_ids": [other]});
        let result = state.api.post(ALIGN, &body).await.ok();
        let parts = result[0]["parts"].as_array().unwrap();
        assert_eq!(parts.len(), 1, "{result}");
        let [in_short, in_long] = if reference == &short {
            [["reference_start_ms", "reference_end_ms"], ["start_ms", "end_ms"]]
        } else {
            [["start_ms", "end_ms"], ["reference_start_ms", "reference_end_ms"]]
        };
        let at = |name: &str| number(&parts[0], name);
        assert!(at(in_short[0]) >= 0.0 && at(in_short[0]) <= 1.0, "{result}");
        assert!(at(in_short[1]) <= 12_023.0 && at(in_short[1]) >= 12_022.0, "{result}");
        assert!((at(in_long[0]) - 2_977.0).abs() <= 1.0, "{result}");
        assert!((at(in_long[1]) - 15_000.0).abs() <= 1.0, "{result}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alignment_becomes_a_sequence_with_synchronised_tracks() {
    let state = Comparisons::new().await;
    let event = piece(5, 40);
    let reference = state.recording("camera.wav", &event[5 * RATE..]).await;
    let early = state.recording("early.wav", &recorded(&event, 2)).await;
    let unrelated = state.recording("unrelated.wav", &piece(8, 20)).await;
    let body = json!({
        "reference_asset_id": reference, "asset_ids": [early, unrelated], "sequence": {"title": "Concert"},
    });
    let alignments = state.api.post(ALIGN, &body).await.ok();
    assert_eq!(alignments[1]["sequence"], Value::Null, "unrelated");
    let sequence = alignments[0]["sequence"].clone();
    assert_eq!((&sequence["track_count"], &sequence["clip_count"]), (&json!(2), &json!(2)));
    let id = sequence["sequence_id"].as_str().unwrap();
    assert_eq!(sequence["export_href"], json!(format!("/video/sequences/{id}/export")));
    let stored = state.api.get(&format!("/video/sequences/{id}")).await.ok();
    assert_eq!((&stored["name"], &stored["fps"]), (&json!("Concert"), &json!(1_000.0)));
    let clips = state.api.get(&format!("/video/sequences/{id}/clips")).await.ok();
    let starts: Vec<(&Value, f64)> = clips["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|clip| (&clip["asset_id"], number(clip, "start_ms_on_timeline")))
        .collect();
    assert_eq!(starts.len(), 2, "{clips}");
    assert_eq!((starts[0].0, starts[0].1), (&json!(early), 0.0));
    assert!(*starts[1].0 == json!(reference) && (starts[1].1 - 5_000.0).abs() < 1.0, "{clips}");

    // In an existing project.
    let project = sequence["project_id"].clone();
    let mut body = body;
    body["sequence"] = json!({"project_id": project});
    let second = state.api.post(ALIGN, &body).await.ok()[0]["sequence"].clone();
    assert!(second["project_id"] == project && second["sequence_id"] != sequence["sequence_id"]);
    body["sequence"] = json!({"project_id": "project_unknown"});
    state.api.post(ALIGN, &body).await.problem(404, "project_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn align_refuses_what_it_cannot_compare() {
    let state = Comparisons::new().await;
    let reference = state.recording("a.wav", &piece(1, 2)).await;
    let long = state.declared("long.wav", MediaTime::from_millis(7 * 3_600_000)).await;
    let align = async |ids: Value| {
        state.api.post(ALIGN, &json!({"reference_asset_id": reference, "asset_ids": ids})).await
    };
    let problem = align(json!(["n1", long, "n2"])).await.problem(404, "asset_not_found");
    assert_eq!(problem["ids"], json!(["n1", "n2"]));
    let problem = align(json!([long])).await.problem(422, "recording_too_long");
    assert_eq!(problem["id"], json!(long));
    assert_eq!(align(json!([reference])).await.invalid(), ["/asset_ids/0"]);
    assert_eq!(align(json!([])).await.invalid(), ["/asset_ids"]);
    let body = json!({"reference_asset_id": reference, "asset_ids": [long]});
    state.api.tenant("t2").post(ALIGN, &body).await.problem(404, "asset_not_found");
}
