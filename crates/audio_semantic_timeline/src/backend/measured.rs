//! Converts an analysis, in microseconds, to the milliseconds of the timeline.

use audio_signal::{Analysis, Beat, SceneKind, Segment, rounded};
use media_time::Window;
use serde_json::{Map, Value};

use super::Measured;
use crate::model::{AudioEvent, BeatEvent, EventKind, EventMeta, LoudnessWindow, TempoCandidate};

/// Rounds all instants to the nearest millisecond in the same way, so adjacent spans remain adjacent. Spans that become
/// empty are dropped.
pub(super) fn of(analysis: &Analysis) -> Measured {
    let tempo = analysis.rhythm.tempo.as_ref();
    let duration_ms = analysis.duration.as_millis_round();
    Measured {
        duration_ms,
        events: analysis.segments.iter().filter_map(event).collect(),
        beats: beats(&analysis.rhythm.beats, duration_ms),
        loudness_windows: analysis.loudness_windows.iter().filter_map(loudness_window).collect(),
        tempo_bpm: tempo.map(|tempo| rounded(tempo.bpm, 2)),
        tempo_candidates: tempo.map_or_else(Vec::new, |tempo| {
            let candidate = |c: &audio_signal::TempoCandidate| TempoCandidate {
                bpm: rounded(c.bpm, 2),
                weight: rounded(c.weight, 4),
            };
            tempo.candidates.iter().map(candidate).collect()
        }),
        integrated_lufs: analysis.integrated_lufs.map(|lufs| rounded(lufs, 2)),
        loudness_range_lu: analysis.loudness_range.map(|range| rounded(range, 2)),
        momentary_max_lufs: analysis.momentary_max_lufs.map(|lufs| rounded(lufs, 2)),
        short_term_max_lufs: analysis.short_term_max_lufs.map(|lufs| rounded(lufs, 2)),
        true_peak_dbtp: analysis.true_peak_dbtp.map(|peak| rounded(peak, 2)),
        language: None,
        speakers: None,
        speaker_turns: Vec::new(),
        decoder: Some(analysis.decoder.clone()),
        analysis: notes(analysis),
        waveform: analysis.suspicions.is_empty().then(|| analysis.pyramid.clone()),
        landmarks: analysis.landmarks.clone(),
    }
}

/// Beats before the end: the last detected one may be at the end itself.
fn beats(beats: &[Beat], duration_ms: i64) -> Vec<BeatEvent> {
    beats.iter().map(beat).filter(|beat| beat.time_ms < duration_ms).collect()
}

fn event(segment: &Segment) -> Option<AudioEvent> {
    let (start_ms, end_ms) = millis(segment.window)?;
    Some(AudioEvent {
        kind: match segment.kind {
            SceneKind::Speech => EventKind::Speech,
            SceneKind::Music => EventKind::Music,
            SceneKind::Silence => EventKind::Silence,
            SceneKind::Other => EventKind::Other,
        },
        start_ms,
        end_ms,
        loudness_lufs: segment.loudness_lufs.map(|lufs| rounded(lufs, 2)),
        energy: None,
        confidence: Some(rounded(f64::from(segment.confidence), 4)),
        transcription: None,
        speaker_id: None,
        meta: EventMeta {
            background: segment.background_music.then(|| "music".to_owned()),
            sung: segment.sung,
            ..EventMeta::default()
        },
    })
}

fn beat(beat: &Beat) -> BeatEvent {
    BeatEvent {
        time_ms: beat.time.as_millis_round(),
        beat_index: i64::from(beat.beat_index),
        bar_index: i64::from(beat.bar_index),
        subdivision: Some(i64::from(beat.position) - 1),
    }
}

fn loudness_window((window, lufs): &(Window, Option<f64>)) -> Option<LoudnessWindow> {
    let (start_ms, end_ms) = millis(*window)?;
    Some(LoudnessWindow { start_ms, end_ms, loudness_lufs: lufs.map(|lufs| rounded(lufs, 2)) })
}

fn millis(window: Window) -> Option<(i64, i64)> {
    let (start_ms, end_ms) = (window.start().as_millis_round(), window.end().as_millis_round());
    (start_ms < end_ms).then_some((start_ms, end_ms))
}

/// Notes about decoding problems of the file, if any.
fn notes(analysis: &Analysis) -> Map<String, Value> {
    let stats = analysis.decode_stats;
    let counts = [
        ("damaged_packets", stats.damaged_packets),
        ("bad_samples", stats.bad_samples),
        ("ignored_jumps", stats.ignored_jumps),
    ];
    let counted =
        counts.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name, count.into()));
    let truncated = stats.truncated.then(|| ("truncated", true.into()));
    let reasons: Vec<&str> = analysis.suspicions.iter().map(|reason| reason.as_str()).collect();
    let suspect = (!reasons.is_empty()).then(|| ("suspect", reasons.into()));
    counted.chain(truncated).chain(suspect).map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use media_time::MediaTime;

    use super::*;

    #[test]
    fn beats_at_the_end_are_dropped() {
        let at = |(index, micros): (u32, i64)| Beat {
            time: MediaTime::from_micros(micros),
            beat_index: index,
            bar_index: 0,
            position: index + 1,
            bar_margin: 1.0,
            confidence: 1.0,
        };
        let found: Vec<Beat> = [(0, 0), (1, 499_400), (2, 999_400), (3, 999_600)].map(at).to_vec();
        let times: Vec<i64> = beats(&found, 1_000).iter().map(|beat| beat.time_ms).collect();
        assert_eq!(times, [0, 499, 999]);
    }
}
