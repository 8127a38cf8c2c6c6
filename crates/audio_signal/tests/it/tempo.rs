//! Tempo and beats of made loops whose tempo is exact.

#[path = "../../examples/quality/loops.rs"]
mod loops;

use audio_signal::RhythmAnalyzer;
use loops::{Hats, Loop, RATE};

#[test]
fn constant_tempo_is_within_a_thousandth_and_beats_within_ten_milliseconds() {
    for (bpm, metre, hats) in [
        (97.3, 4, Hats::Eighths),
        (120.0, 4, Hats::Clicks),
        (84.7, 3, Hats::Swung),
        (112.9, 5, Hats::Eighths),
        (139.9, 4, Hats::OffBeat),
        (128.4, 7, Hats::Swung),
    ] {
        let made = Loop { bpm, metre, hats };
        let mut analyzer = RhythmAnalyzer::new(RATE);
        analyzer.push(&made.samples());
        let rhythm = analyzer.finish();
        let tempo = rhythm.tempo.expect("a tempo").bpm;
        assert!((tempo / bpm - 1.0).abs() < 1e-3, "{tempo} for {bpm} in {metre}, {hats:?}");
        let truth = made.beats();
        assert!(rhythm.beats.len() + 4 > truth.len(), "{} of {} beats", rhythm.beats.len(), truth.len());
        let distance = |time: f64| truth.iter().map(|beat| (beat - time).abs()).fold(f64::INFINITY, f64::min);
        let mut errors: Vec<f64> =
            rhythm.beats.iter().map(|beat| distance(beat.time.as_secs_f64())).collect();
        errors.sort_by(f64::total_cmp);
        let median = errors[errors.len() / 2];
        assert!(median < 0.01, "{median} s for {bpm} in {metre}, {hats:?}");
    }
}
