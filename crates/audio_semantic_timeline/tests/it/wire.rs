use audio_semantic_timeline::EffectiveParams;
use audio_semantic_timeline::model::{AnalyzeRequest, Summary};
use serde_json::json;

/// A stored timeline, as another version might have written it.
pub(crate) fn summary() -> Summary {
    let part = json!({"available": true, "version": "1", "error": null});
    serde_json::from_value(json!({
        "asset_id": "a1", "artifact_id": null, "duration_ms": 1000,
        "events": [{
            "kind": "speech", "start_ms": 0, "end_ms": 1000, "loudness_lufs": -20.5, "confidence": 0.75,
            "transcription": "hark back", "speaker_id": null,
            "meta": {"background": "music", "words": [
                {"word": "hark", "start_ms": 100, "end_ms": 400, "confidence": 0.9, "timing": "measured"},
                {"word": "back", "start_ms": 400, "end_ms": 800, "confidence": null}
            ], "mood": "calm"}
        }],
        "beats": [{"time_ms": 0, "beat_index": 0, "bar_index": 0, "subdivision": null}],
        "meta": {
            "model_used": "m", "backend": "signal", "backend_version": "v", "backend_type": "signal",
            "requested_backend": "signal", "fallback_reason": null, "semantic_version": "s",
            "include_beats": true, "include_speech_music": true, "min_silence_ms": 300,
            "loudness_window_ms": 1000, "language": null, "speed_change_limit": 1.05,
            "audio_semantic_cache_key": "k",
            "backend_info": {"service": "audio_semantic_timeline", "backend_version": "v", "dependencies": {
                "whisper": {"available": false, "version": null, "error": "no model"},
                "aubio": part, "vad": part, "decoder": part}},
            "tempo_bpm": 120.0, "tempo_candidates": [{"bpm": 120.0, "weight": 0.8}],
            "integrated_lufs": -20.5, "loudness_range_lu": null, "analysis": {},
            "loudness_windows": [{"start_ms": 0, "end_ms": 1000, "loudness_lufs": null}]
        }
    }))
    .unwrap()
}

#[test]
fn summary_round_trips_byte_for_byte() {
    let bytes = serde_json::to_vec(&summary()).unwrap();
    let read: Summary = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(read, summary());
    assert_eq!(serde_json::to_vec(&read).unwrap(), bytes);
    let value = serde_json::to_value(&read).unwrap();
    assert_eq!(value["events"][0]["meta"]["mood"], "calm", "what others add is kept");
    assert_eq!(value["events"][0]["meta"]["words"][0]["timing"], "measured");
    assert!(value["meta"].get("clip_relative").is_none(), "only a slice has a clip");
}

#[test]
fn energy_follows_from_loudness_and_is_not_stored() {
    let shown = serde_json::to_value(summary().with_derived()).unwrap();
    // 10^((-20.5 + 0.691) / 10)
    assert_eq!(shown["events"][0]["energy"], 0.01045);
    assert!(serde_json::to_value(summary()).unwrap()["events"][0].get("energy").is_none());
}

#[test]
fn tempo_curve_follows_from_the_beats_whatever_is_stored() {
    let mut stored = serde_json::to_value(summary()).unwrap();
    let beat =
        |n: i64| json!({"time_ms": n * 500, "beat_index": n, "bar_index": n / 4, "subdivision": n % 4});
    stored["beats"] = (0..16).map(beat).collect();
    stored["meta"]["tempo_curve"] = json!([{"start_ms": 0, "end_ms": 9, "start_bpm": 1.0, "end_bpm": 1.0}]);
    let summary: Summary = serde_json::from_value(stored).unwrap();
    let shown = serde_json::to_value(summary.with_derived()).unwrap();
    let expected = json!([{"start_ms": 0, "end_ms": 7_500, "start_bpm": 120.0, "end_bpm": 120.0}]);
    assert_eq!(shown["meta"]["tempo_curve"], expected);
}

#[test]
fn analyze_request_has_the_documented_defaults() {
    let request: AnalyzeRequest = serde_json::from_value(json!({"asset_id": "a1"})).unwrap();
    let (params, clamped) = EffectiveParams::of(&request);
    assert_eq!(params, EffectiveParams::default());
    assert!(clamped.is_empty());
    assert!(serde_json::from_value::<AnalyzeRequest>(json!({"asset_id": "a1", "beats": true})).is_err());
}

#[test]
fn out_of_range_parameters_are_clamped_and_reported() {
    let request = json!({"asset_id": "a1", "min_silence_ms": -5, "loudness_window_ms": 60_000});
    let (params, clamped) = EffectiveParams::of(&serde_json::from_value(request).unwrap());
    assert_eq!((params.min_silence_ms, params.loudness_window_ms), (50, 10_000));
    let values: Vec<_> = clamped.iter().map(|c| (c.parameter, c.requested, c.effective)).collect();
    assert_eq!(values, [("min_silence_ms", -5, 50), ("loudness_window_ms", 60_000, 10_000)]);
}
