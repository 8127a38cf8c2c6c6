//! Rhythm: invariants for any input, and beats of synthetic audio.

use audio_signal::{Rhythm, RhythmAnalyzer};
use media_time::{MediaTime, Window};
use proptest::prelude::*;

const RATE: u32 = 44_100;

fn rhythm(rate: u32, mono: &[f32]) -> Rhythm {
    let mut analyzer = RhythmAnalyzer::new(rate);
    analyzer.push(mono);
    analyzer.finish()
}

/// Reproducible white noise, ±1.
fn noise(seed: u32, samples: usize) -> impl Iterator<Item = f32> {
    let mut state = seed | 1;
    (0..samples).map(move |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    })
}

/// `seconds` of decaying bursts on every beat: a kick on even beats, noise on odd ones.
fn drums(bpm: f64, seconds: f64) -> Vec<f32> {
    let samples = (seconds * f64::from(RATE)) as usize;
    let period = 60.0 / bpm;
    noise(7, samples)
        .enumerate()
        .map(|(sample, noise)| {
            let time = sample as f64 / f64::from(RATE);
            let (beat, since) = ((time / period).floor(), time % period);
            let decay = (-since * 40.0).exp() as f32;
            let kick = (std::f64::consts::TAU * 60.0 * since).sin() as f32;
            let backbeat = beat as u64 % 2 == 1;
            decay * if backbeat { 0.5 * noise } else { 0.7 * kick + 0.05 * noise }
        })
        .collect()
}

fn assert_consistent(rhythm: &Rhythm) {
    assert!(rhythm.onsets.windows(2).all(|pair| pair[0].time < pair[1].time), "onsets rise");
    assert!(rhythm.beats.windows(2).all(|pair| pair[0].time < pair[1].time), "beats rise");
    for (index, beat) in rhythm.beats.iter().enumerate() {
        assert_eq!(beat.beat_index as usize, index);
        assert!(
            !beat.time.is_negative()
                && (1..=7).contains(&beat.position)
                && (0.0..=1.0).contains(&beat.confidence)
        );
    }
    for pair in rhythm.beats.windows(2) {
        assert!(pair[0].bar_index <= pair[1].bar_index, "bars do not run backwards");
        let passed = (pair[1].time - pair[0].time).as_secs_f64();
        let is_interrupted = rhythm.tempo.as_ref().is_some_and(|tempo| passed > 90.0 / tempo.bpm);
        if pair[0].bar_index != pair[1].bar_index {
            assert_eq!(pair[1].bar_index - pair[0].bar_index, 1, "no bar is skipped");
            assert!(pair[1].position == 1 || is_interrupted, "a bar begins on its downbeat");
        } else if pair[0].bar_index > 0 {
            assert!(pair[0].position < pair[1].position, "a bar holds each of its beats once");
        }
    }
    if let Some(first) = rhythm.beats.iter().find(|beat| beat.position == 1) {
        assert_eq!(first.bar_index, 0, "bars count from the first downbeat");
    }
    assert_eq!(rhythm.tempo.is_some(), !rhythm.beats.is_empty());
    if let Some(tempo) = &rhythm.tempo {
        let total: f64 = tempo.candidates.iter().map(|candidate| candidate.weight).sum();
        assert!((total - 1.0).abs() < 1e-9, "weights add up to one");
        for ratio in [0.5, 1.0, 2.0] {
            let listed = |bpm: f64| (bpm / (tempo.bpm * ratio) - 1.0).abs() < 1e-9;
            assert!(
                tempo.candidates.iter().any(|candidate| listed(candidate.bpm)),
                "{ratio} times the tempo is listed"
            );
        }
    }
}

#[test]
fn steady_drums_have_their_tempo_beats_and_bars() {
    for bpm in [84.0, 120.0, 150.0] {
        let rhythm = rhythm(RATE, &drums(bpm, 20.0));
        assert_consistent(&rhythm);
        let tempo = rhythm.tempo.expect("a tempo");
        assert!((tempo.bpm / bpm - 1.0).abs() < 0.01, "{} for {bpm}", tempo.bpm);
        for beat in &rhythm.beats {
            let beats = beat.time.as_secs_f64() * bpm / 60.0;
            assert!(
                (beats - beats.round()).abs() * 60.0 / bpm < 0.015,
                "beat at {} for {bpm} bpm",
                beat.time
            );
            let on_kick = (beats.round() as i64) % 2 == 0;
            assert_eq!(beat.position % 2 == 1, on_kick, "the kick is on 1 and 3");
        }
    }
}

#[test]
fn pickup_after_an_interruption_is_a_bar_of_its_own() {
    let piece = waltz(150.0, 16.0);
    let (beat, mut pickups) = (RATE as usize * 60 / 150, 0);
    for beats in 0..3 {
        // The music ends and restarts at any beat of a bar.
        let mut audio = piece[..piece.len() - beats * beat].to_vec();
        let pause = MediaTime::from_samples(audio.len() as i64, RATE);
        audio.extend(vec![0.0; 4 * RATE as usize]);
        let after = MediaTime::from_samples(audio.len() as i64, RATE);
        audio.extend(&piece[beats * beat..]);
        let mut analyzer = RhythmAnalyzer::new(RATE);
        analyzer.push(&audio);
        let rhythm = analyzer.finish_outside(&[Window::new(pause, after).expect("a window")], &[]);
        assert_consistent(&rhythm);
        let next = rhythm.beats.iter().position(|beat| beat.time > pause).expect("beats after the pause");
        assert!(rhythm.beats[next - 1].bar_index < rhythm.beats[next].bar_index, "{beats} beats cut off");
        pickups += usize::from(rhythm.beats[next].position != 1);
    }
    assert!(pickups > 0, "some begin with a pickup");
}

/// `seconds` of a waltz at `bpm`: a bass note and a new chord on 1, the chord again on 2 and 3.
fn waltz(bpm: f64, seconds: f64) -> Vec<f32> {
    const CHORDS: [[f64; 3]; 4] =
        [[262.0, 330.0, 392.0], [349.0, 440.0, 523.0], [392.0, 494.0, 587.0], [440.0, 523.0, 659.0]];
    let tone = |hz: f64, time: f64| {
        (1..6)
            .map(|partial| {
                (std::f64::consts::TAU * hz * f64::from(partial) * time).sin() / f64::from(partial)
            })
            .sum::<f64>()
    };
    (0..(seconds * f64::from(RATE)) as usize)
        .map(|sample| {
            let time = sample as f64 / f64::from(RATE);
            let beat = (time * bpm / 60.0) as usize;
            let since = time - beat as f64 * 60.0 / bpm;
            let chord = CHORDS[beat / 3 % CHORDS.len()];
            let notes: f64 = chord.iter().map(|hz| tone(*hz, time)).sum();
            let bass = if beat.is_multiple_of(3) { 4.0 * tone(chord[0] / 4.0, time) } else { 0.0 };
            (0.05 * (notes + bass) * (-3.0 * since).exp()) as f32
        })
        .collect()
}

#[test]
fn waltz_has_bars_of_three_from_any_start() {
    let (bpm, mono) = (132.0, waltz(132.0, 24.0));
    for cut in [0.0, 1.6, 2.1, 3.4] {
        let rhythm = rhythm(RATE, &mono[(cut * f64::from(RATE)) as usize..]);
        assert_consistent(&rhythm);
        assert!(rhythm.beats.len() > 30, "{} beats", rhythm.beats.len());
        for beat in &rhythm.beats {
            let beats = ((beat.time.as_secs_f64() + cut) * bpm / 60.0).round() as u32;
            assert_eq!(beat.position, beats % 3 + 1, "at {} of the cut at {cut} s", beat.time);
        }
    }
}

#[test]
fn onsets_are_at_the_attacks() {
    let rhythm = rhythm(RATE, &drums(120.0, 10.0));
    assert_eq!(rhythm.onsets.len(), 20);
    for (index, onset) in rhythm.onsets.iter().enumerate() {
        let error = onset.time.as_millis_f64() - index as f64 * 500.0;
        assert!(error.abs() < 10.0, "onset {index} is {error} ms off");
    }
}

#[test]
fn without_music_there_is_no_beat() {
    let seconds = |seconds: usize| seconds * RATE as usize;
    let mut impulse = vec![0.0; seconds(5)];
    impulse[seconds(2)] = 1.0;
    let clipped: Vec<f32> = noise(3, seconds(20)).map(|sample| (4.0 * sample).clamp(-1.0, 1.0)).collect();
    let cases = [
        ("nothing", Vec::new()),
        ("one sample", vec![1.0]),
        ("20 ms", noise(5, RATE as usize / 50).collect()),
        ("silence", vec![0.0; seconds(10)]),
        ("a constant", vec![0.8; seconds(10)]),
        ("one impulse", impulse),
        ("clipped noise", clipped),
    ];
    for (name, mono) in cases {
        let rhythm = rhythm(RATE, &mono);
        assert_consistent(&rhythm);
        assert!(rhythm.beats.is_empty(), "{name} has {} beats", rhythm.beats.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rhythm_does_not_depend_on_chunks(bpm in 60.0..180.0f64, cuts in prop::collection::vec(1usize..5_000, 1..40)) {
        let mono = drums(bpm, 4.0);
        let mut analyzer = RhythmAnalyzer::new(RATE);
        let mut rest = mono.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            analyzer.push(now);
            rest = later;
        }
        prop_assert_eq!(analyzer.finish(), rhythm(RATE, &mono));
    }

    #[test]
    fn rhythm_of_any_samples_at_any_rate_is_consistent(
        rate in prop_oneof![Just(0u32), Just(1), Just(500), Just(1_000), Just(8_000), Just(48_000), Just(192_000), Just(u32::MAX)],
        samples in prop::collection::vec(prop_oneof![Just(0.0f32), Just(1.0), Just(-1.0), -1.0..1.0f32, Just(f32::MAX)], 0..3_000),
        repeats in 1usize..8,
    ) {
        let mono = samples.repeat(repeats);
        assert_consistent(&rhythm(rate, &mono));
    }
}
