//! Metadata of a measured timeline, for unit tests.

use serde_json::{Value, json};

/// `meta` of a timeline of the signal backend, without windows of loudness and turns of speakers; the members of
/// `differing` replace its own.
pub(crate) fn example_meta(differing: Value) -> Value {
    let part = json!({"available": true, "version": "1", "error": null});
    let mut meta = json!({
        "model_used": "m", "backend": "signal", "backend_version": "v", "backend_type": "signal",
        "requested_backend": "signal", "fallback_reason": null, "semantic_version": "s",
        "include_beats": true, "include_speech_music": true, "min_silence_ms": 300,
        "loudness_window_ms": 1000, "language": null, "speed_change_limit": 1.05,
        "audio_semantic_cache_key": "k",
        "backend_info": {"service": "audio_semantic_timeline", "backend_version": "v", "dependencies": {
            "whisper": part, "aubio": part, "vad": part, "decoder": part}},
        "tempo_bpm": 120.0, "tempo_candidates": [], "integrated_lufs": -20.5, "loudness_range_lu": null,
        "analysis": {},
    });
    if let (Some(meta), Value::Object(differing)) = (meta.as_object_mut(), differing) {
        meta.extend(differing);
    }
    meta
}
