//! The deterministic stand-in for a missing backend: spans of fixed lengths, over and over. It measures nothing, and its
//! meta says so.

use crate::EffectiveParams;
use crate::model::{AudioEvent, BeatEvent, EventKind, EventMeta};

/// `backend_version` and `semantic_version` of a stub timeline.
pub const VERSION: &str = "audio_semantic_stub_v1";

/// The duration taken when that of the recording is unknown, in milliseconds.
pub const DEFAULT_DURATION_MS: i64 = 60_000;

/// A longer recording is a damaged header's invention (two days, which the decoder allows).
pub(crate) const MAX_DURATION_MS: i64 = 48 * 3_600_000;

const BEAT_MS: i64 = 500;
const BEATS_PER_BAR: i64 = 4;

/// Spans repeat speech 5 s, silence (at least 0.8 s), music 8 s, speech 4 s, other 3 s until
/// `duration_ms`; the last one is cut. Without speech and music their spans are left out.
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
    let told = |kind| params.include_speech_music || matches!(kind, EventKind::Silence | EventKind::Other);
    spans.filter(|event| told(event.kind)).collect()
}

/// A beat every 500 ms from zero, four to the bar; none when not asked for.
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
    fn the_cycle_has_fixed_lengths() {
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
    fn long_silences_are_kept_and_speech_can_be_left_out() {
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
    fn beats_are_four_to_the_bar() {
        let beats = beats(2_501, &EffectiveParams::default());
        assert_eq!(beats.len(), 6);
        assert_eq!((beats[5].time_ms, beats[5].beat_index, beats[5].bar_index), (2_500, 5, 1));
    }
}
