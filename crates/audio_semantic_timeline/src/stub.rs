//! The deterministic replacement for a missing backend: a repeated cycle of spans with fixed durations. It measures
//! nothing, and its meta marks it as a stub.

use media_time::limits::MAX_DECODED_LENGTH;

use crate::EffectiveParams;
use crate::model::{AudioEvent, BeatEvent, EventKind, EventMeta};

/// `backend_version` and `semantic_version` of a stub timeline.
pub const VERSION: &str = "audio_semantic_stub_v1";

/// Duration in milliseconds that is assumed if that of the recording is unknown.
pub const DEFAULT_DURATION_MS: i64 = 60_000;

/// Maximum duration in ms, the decoder's: a longer one is from a damaged header.
pub(crate) const MAX_STUB_MS: i64 = MAX_DECODED_LENGTH.as_millis_round();

const BEAT_MS: i64 = 500;
const BEATS_PER_BAR: i64 = 4;

/// Repeats speech 5 s, silence (at least 0.8 s), music 8 s, speech 4 s, other 3 s until `duration_ms`; the last span is
/// truncated. Without `include_speech_music`, spans of speech and music are omitted.
#[must_use]
pub fn events(duration_ms: i64, params: &EffectiveParams) -> Vec<AudioEvent> {
    let cycle = [
        (EventKind::Speech, 5_000),
        (EventKind::Silence, params.min_silence_ms.max(800)),
        (EventKind::Music, 8_000),
        (EventKind::Speech, 4_000),
        (EventKind::Other, 3_000),
    ];
    let mut start_ms = 0;
    let spans = cycle.into_iter().cycle().enumerate().map_while(|(index, (kind, length_ms))| {
        let end_ms = (start_ms + length_ms).min(duration_ms);
        let event = (start_ms < duration_ms).then(|| event(index, kind, start_ms, end_ms));
        start_ms = end_ms;
        event
    });
    let keep = |kind| params.include_speech_music || matches!(kind, EventKind::Silence | EventKind::Other);
    spans.filter(|event| keep(event.kind)).collect()
}

/// A beat every 500 ms from zero, four per bar; empty if not requested.
#[must_use]
pub fn beats(duration_ms: i64, params: &EffectiveParams) -> Vec<BeatEvent> {
    if !params.include_beats {
        return Vec::new();
    }
    (0..)
        .map(|beat_index| BeatEvent {
            time_ms: beat_index * BEAT_MS,
            beat_index,
            bar_index: beat_index / BEATS_PER_BAR,
            subdivision: None,
        })
        .take_while(|beat| beat.time_ms < duration_ms)
        .collect()
}

fn event(index: usize, kind: EventKind, start_ms: i64, end_ms: i64) -> AudioEvent {
    AudioEvent {
        kind,
        start_ms,
        end_ms,
        loudness_lufs: Some(-20.0 + (index % 4) as f64),
        energy: None,
        confidence: Some(0.6),
        transcription: None,
        speaker_id: None,
        meta: EventMeta::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stub_cycle_has_fixed_durations() {
        let events = events(25_000, &EffectiveParams::default());
        let spans: Vec<_> =
            events.iter().map(|e| (e.kind, e.start_ms, e.end_ms, e.loudness_lufs.unwrap())).collect();
        assert_eq!(
            spans,
            [
                (EventKind::Speech, 0, 5_000, -20.0),
                (EventKind::Silence, 5_000, 5_800, -19.0),
                (EventKind::Music, 5_800, 13_800, -18.0),
                (EventKind::Speech, 13_800, 17_800, -17.0),
                (EventKind::Other, 17_800, 20_800, -20.0),
                (EventKind::Speech, 20_800, 25_000, -19.0),
            ]
        );
    }

    #[test]
    fn stub_respects_min_silence_and_omits_speech_on_request() {
        let params = EffectiveParams {
            min_silence_ms: 2_000,
            include_speech_music: false,
            include_beats: false,
            ..EffectiveParams::default()
        };
        let events = events(22_000, &params);
        let spans: Vec<_> = events.iter().map(|e| (e.kind, e.start_ms, e.end_ms)).collect();
        assert_eq!(spans, [(EventKind::Silence, 5_000, 7_000), (EventKind::Other, 19_000, 22_000)]);
        assert!(beats(22_000, &params).is_empty());
    }

    #[test]
    fn stub_has_four_beats_per_bar() {
        let beats = beats(2_501, &EffectiveParams::default());
        assert_eq!(beats.len(), 6);
        assert_eq!((beats[5].time_ms, beats[5].beat_index, beats[5].bar_index), (2_500, 5, 1));
    }
}
