use audio_signal::Waveform;
use serde_json::{Value, json};

use super::*;
use crate::example_meta::example_meta;
use crate::model::Summary;

/// Four seconds: speech over music, silence, a song, noise. Loudness is unknown in the silence.
fn timeline() -> Summary {
    let event = |kind: &str, start: i64, end: i64, meta: Value| {
        json!({"kind": kind, "start_ms": start, "end_ms": end, "loudness_lufs": null, "confidence": 0.75,
            "transcription": null, "speaker_id": null, "meta": meta})
    };
    let word = |text: &str, start: i64| json!({"word": text, "start_ms": start, "end_ms": start + 300, "confidence": null});
    let words = json!([word("hark", 100), word("back", 500), word("<&>", 1_000)]);
    let beat = |index: i64| json!({"time_ms": 2_000 + 250 * index, "beat_index": index, "bar_index": index / 4, "subdivision": index % 4});
    let window = |index: i64, lufs: Option<f64>| json!({"start_ms": 1_000 * index, "end_ms": 1_000 * (index + 1), "loudness_lufs": lufs});
    serde_json::from_value(json!({
        "asset_id": "a1", "artifact_id": null, "duration_ms": 4_000,
        "events": [
            event("speech", 0, 1_400, json!({"background": "music", "words": words})),
            event("silence", 1_400, 2_000, json!({})),
            event("music", 2_000, 3_500, json!({"sung": true})),
            event("other", 3_500, 4_000, json!({})),
        ],
        "beats": (0..6).map(beat).collect::<Vec<_>>(),
        "meta": example_meta(json!({
            "backend_version": "v1", "language": "en", "tempo_bpm": 240.0, "loudness_range_lu": 6.25,
            "loudness_windows": [window(0, Some(-20.0)), window(1, None), window(2, Some(-14.5)), window(3, Some(-70.0))]
        }))
    }))
    .unwrap()
}

#[test]
fn plot_is_as_reviewed() {
    // Peaks of the first 64 ms only: each pixel column is a point of the path.
    let peaks = (0..8).flat_map(|pixel| [-4_000 * pixel, 3_000 * pixel]).collect();
    let waveform = Waveform { rate: 8_000, channels: 1, samples_per_pixel: 64, peaks };
    let summary = timeline();
    insta::assert_snapshot!(svg(&PlotInput {
        name: "talk & song.wav",
        summary: &summary,
        waveform: Some(&waveform)
    }));
}

#[test]
fn plot_without_data_is_as_reviewed() {
    let mut summary = timeline();
    (summary.events, summary.beats) = (Vec::new(), Vec::new());
    summary.meta.loudness_windows.clear();
    (summary.meta.run.integrated_lufs, summary.meta.run.tempo_bpm) = (None, None);
    insta::assert_snapshot!(svg(&PlotInput { name: "", summary: &summary, waveform: None }));
}
