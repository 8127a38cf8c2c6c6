//! In-memory cache of parsed timelines: parsing takes longer than the rest of a read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use blob_store::BlobId;

use crate::model::Summary;

/// Maximum memory of all cached timelines, in bytes.
const CAPACITY: usize = 64 << 20;
/// Memory of a parsed timeline relative to its text: short numbers become eight bytes each.
const PER_TEXT_BYTE: usize = 4;

/// An LRU cache of timelines by the hash of their text, with a memory limit.
#[derive(Debug, Default)]
pub(super) struct ParsedTimelines(Mutex<CachedTimelines>);

#[derive(Debug, Default)]
struct CachedTimelines {
    timelines: HashMap<BlobId, Entry>,
    bytes: usize,
    /// Counts uses: the entry with the lowest number was used least recently.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    summary: Arc<Summary>,
    bytes: usize,
    used: u64,
}

impl ParsedTimelines {
    pub(super) fn get(&self, blob: &BlobId) -> Option<Arc<Summary>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let used = kept.uses;
        let entry = kept.timelines.get_mut(blob)?;
        entry.used = used;
        Some(entry.summary.clone())
    }

    /// Caches `summary`, whose text has `text_bytes` bytes, and evicts the least recently used entries. A timeline that
    /// would take more than a quarter of the memory is not cached.
    pub(super) fn insert(&self, blob: BlobId, summary: Arc<Summary>, text_bytes: usize) {
        let bytes = text_bytes.saturating_mul(PER_TEXT_BYTE);
        if bytes > CAPACITY / 4 {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.uses += 1;
        let entry = Entry { summary, bytes, used: kept.uses };
        kept.bytes += bytes;
        if let Some(replaced) = kept.timelines.insert(blob, entry) {
            kept.bytes -= replaced.bytes;
        }
        while kept.bytes > CAPACITY {
            let oldest = kept.timelines.iter().min_by_key(|(_, entry)| entry.used).map(|(blob, _)| *blob);
            let Some(removed) = oldest.and_then(|oldest| kept.timelines.remove(&oldest)) else { break };
            kept.bytes -= removed.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn summary() -> Arc<Summary> {
        let text = json!({
            "asset_id": "a", "artifact_id": null, "duration_ms": 0, "events": [], "beats": [],
            "meta": {
                "model_used": "", "backend": "", "backend_version": "", "backend_type": "", "requested_backend": "",
                "fallback_reason": null, "semantic_version": "", "include_beats": true, "include_speech_music": true,
                "min_silence_ms": 1, "loudness_window_ms": 1, "language": null, "speed_change_limit": 1.05,
                "audio_semantic_cache_key": "",
                "backend_info": {"service": "", "backend_version": "", "dependencies": {
                    "whisper": {"available": false}, "aubio": {"available": false}, "vad": {"available": false},
                    "decoder": {"available": false},
                }},
                "tempo_bpm": null, "tempo_candidates": [], "integrated_lufs": null,
            },
        });
        Arc::new(serde_json::from_value(text).unwrap())
    }

    #[test]
    fn cache_is_bounded_and_evicts_least_recently_used() {
        let parsed = ParsedTimelines::default();
        let blob = |n: u8| BlobId::from_sha256([n; 32]);
        let text = CAPACITY / 4 / PER_TEXT_BYTE;
        for n in 0..4 {
            parsed.insert(blob(n), summary(), text);
        }
        assert!(parsed.get(&blob(0)).is_some());
        parsed.insert(blob(4), summary(), text);
        let kept: Vec<u8> = (0..5).filter(|n| parsed.get(&blob(*n)).is_some()).collect();
        assert_eq!(kept, [0, 2, 3, 4]);
        parsed.insert(blob(4), summary(), 1);
        parsed.insert(blob(1), summary(), 1);
        assert!(parsed.get(&blob(0)).is_some(), "what was replaced is no longer counted");
        parsed.insert(blob(9), summary(), text + 1);
        assert!(parsed.get(&blob(9)).is_none(), "too large");
    }
}
