//! Tests of the detectors on synthetic audio with known truth.

use std::f32::consts::TAU;
use std::io::Cursor;

use audio_field_to_samples::extract::{FeatureSet, RecordingFeatures, extract};
use audio_field_to_samples::hits::{self, Hit, HitParams};
use audio_field_to_samples::loops::{self, Loop, LoopParams};
use audio_signal::{AnalysisParams, Control, Onset, analyze};
use media_time::MediaTime;
use proptest::prelude::*;

use crate::support::{file, strikes, wav};

const RATE: u32 = 16_000;

fn features(sound: &[f32]) -> RecordingFeatures {
    extract(&Cursor::new(wav(RATE, sound)).into(), FeatureSet { rhythm: true, bands: true }, &Control::none())
        .unwrap()
}

fn found(extracted: &RecordingFeatures, params: &HitParams) -> Vec<Hit> {
    hits::detect(&extracted.rhythm.onsets, &extracted.envelope, params)
}

#[test]
fn every_strike_is_a_hit_with_its_peak() {
    let sound = strikes(RATE, 4.0, &[(0.5, 0.8), (1.5, 0.08), (2.5, 0.4)]);
    let hits = found(&features(&sound), &HitParams::default());
    let times: Vec<f64> = hits.iter().map(|hit| hit.time.as_secs_f64()).collect();
    assert_eq!(times.len(), 3, "{times:?}");
    for (hit, (time, peak_db)) in hits.iter().zip([(0.5, -2.5), (1.5, -22.5), (2.5, -8.5)]) {
        assert!((hit.time.as_secs_f64() - time).abs() < 0.015, "{times:?}");
        assert!((hit.peak_db - peak_db).abs() < 1.0, "{}", hit.peak_db);
        let rise = hit.sound.start as f64 / f64::from(RATE);
        assert!((time - 0.005..time + 0.003).contains(&rise), "rises at {rise}, struck at {time}");
        let (before, after) = (hit.sound.start - hit.slice.start, hit.slice.end - hit.sound.end);
        assert_eq!((before, after), (160, 3_200), "pre-roll and post-roll");
        assert_eq!(hit.score(), (hit.peak_db + 60.0) / 60.0);
    }
    let loud = HitParams { min_peak_db: -20.0, ..HitParams::default() };
    assert_eq!(found(&features(&sound), &loud).len(), 2);
    let short = HitParams { max_duration: MediaTime::from_millis(100), ..HitParams::default() };
    assert!(found(&features(&sound), &short).iter().all(|hit| hit.slice.end - hit.slice.start == 1_600));
}

#[test]
fn silence_has_no_hits_and_no_loops() {
    let extracted = features(&vec![0.0; 3 * RATE as usize]);
    assert_eq!(found(&extracted, &HitParams::default()), []);
    assert_eq!(loops::detect(&extracted, &LoopParams::default()), []);
}

#[test]
fn the_end_of_a_recording_is_not_a_hit() {
    let tone = |index: usize| 0.5 * (TAU * 440.0 * index as f32 / RATE as f32).sin();
    for seconds in [0.01, 0.3, 2.0] {
        let sound: Vec<f32> = (0..(seconds * RATE as f32) as usize).map(tone).collect();
        let hits = found(&features(&sound), &HitParams::default());
        assert!(hits.iter().all(|hit| hit.time.as_secs_f64() < 0.1), "{seconds} s: {hits:?}");
    }
}

#[test]
fn rhythm_is_that_of_the_analysis() {
    let silence = vec![0.0; 4 * RATE as usize];
    let sound = [groove(120.0, 12.0), silence.clone(), groove(90.0, 8.0), silence].concat();
    let recording = Cursor::new(wav(RATE, &sound));
    let params = AnalysisParams { threads: 1, ..AnalysisParams::default() };
    let analysis = analyze(&recording.into(), &params, &Control::none()).unwrap();
    let extracted = features(&sound);
    assert_eq!(extracted.rhythm.beats, analysis.rhythm.beats);
    assert_eq!(extracted.rhythm.onsets, analysis.rhythm.onsets);
    assert!(!extracted.rhythm.beats.is_empty());
}

/// Two bars of kick, snare and hats at `bpm`, repeated, with noise that does not repeat.
fn groove(bpm: f32, seconds: f32) -> Vec<f32> {
    let mut state = 7u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let beat = 60.0 / bpm;
    let length = (seconds * RATE as f32) as usize;
    let since = |t: f32, every: f32, offset: f32| (t - offset * beat).rem_euclid(every * beat);
    (0..length)
        .map(|n| {
            let t = n as f32 / RATE as f32;
            let kick = since(t, 2.0, 0.0);
            let extra = since(t, 8.0, 6.5);
            let snare = since(t, 2.0, 1.0);
            let hat = since(t, 0.5, 0.0);
            let low = |s: f32| (-14.0 * s).exp() * (TAU * 55.0 * s).sin();
            0.5 * low(kick)
                + if t > 6.5 * beat { 0.4 * low(extra) } else { 0.0 }
                + if t > beat { 0.25 * (-22.0 * snare).exp() * noise() } else { 0.0 }
                + 0.08 * (-70.0 * hat).exp() * noise()
                + 0.002 * noise()
        })
        .collect()
}

fn loops_of(extracted: &RecordingFeatures, bars: u32, hint: Option<f64>) -> Vec<Loop> {
    let params = LoopParams { target_bars: vec![bars], bpm_hint: hint, ..LoopParams::default() };
    loops::detect(extracted, &params)
}

#[test]
fn loop_lengths_equal_the_period() {
    for bpm in [90.0, 127.0] {
        let extracted = features(&groove(bpm, 24.0));
        for bars in [1, 2] {
            let loops = loops_of(&extracted, bars, None);
            assert!(!loops.is_empty(), "{bpm} bpm, {bars} bars");
            let period = f64::from(bars) * 240.0 / f64::from(bpm);
            for found in &loops {
                let length = (found.slice.end - found.slice.start) as f64 / f64::from(RATE);
                assert!((length - period).abs() < 0.003, "{bpm} bpm: {length} s instead of {period}");
                assert!((found.bpm - f64::from(bpm)).abs() < 0.5, "{}", found.bpm);
                assert!((0.5..=1.0).contains(&found.confidence));
            }
        }
    }
}

#[test]
fn recording_of_one_loop_has_that_loop() {
    for (bpm, bars) in [(90.0, 4_u8), (120.0, 4), (120.0, 8)] {
        let seconds = f32::from(bars) * 240.0 / bpm;
        // The recording is some milliseconds shorter than the loop, as recordings cut by hand are.
        let mut sound = vec![0.0; 100];
        sound.extend(groove(bpm, seconds - 100.0 / RATE as f32));
        let extracted = features(&sound);
        let params =
            LoopParams { target_bars: vec![bars.into()], min_confidence: 0.0, ..LoopParams::default() };
        let loops = loops::detect(&extracted, &params);
        assert_eq!(loops.len(), 1, "{bars} bars at {bpm} bpm");
        let slice = &loops[0].slice;
        let length = (slice.end - slice.start) as f32 / RATE as f32;
        assert!((length - seconds).abs() < 0.01 && slice.end <= extracted.frames, "{length} of {seconds} s");
    }
}

#[test]
fn a_hint_at_half_the_tempo_doubles_the_bars() {
    let extracted = features(&groove(120.0, 24.0));
    let hinted = loops_of(&extracted, 1, Some(60.0));
    assert!(!hinted.is_empty());
    assert!(hinted.iter().all(|found| (found.bpm - 60.0).abs() < 0.5), "{hinted:?}");
}

#[test]
fn a_hint_at_another_tempo_replaces_the_bars() {
    let extracted = features(&groove(120.0, 24.0));
    // The bars do not fit the music, so their loops have low confidence.
    let params = LoopParams { target_bars: vec![1], bpm_hint: Some(100.0), min_confidence: 0.0 };
    let loops = loops::detect(&extracted, &params);
    assert!(!loops.is_empty());
    for found in &loops {
        let bar = found.window.duration().as_millis_round();
        assert!((2_399..=2_401).contains(&bar), "{found:?}");
    }
}

#[test]
fn soft_recordings_have_as_many_loops_as_loud_ones() {
    let loud = groove(110.0, 16.0);
    let soft: Vec<f32> = loud.iter().map(|sample| sample * 0.1).collect();
    let [loud, soft] = [loud, soft].map(|sound| loops_of(&features(&sound), 2, None));
    assert!(!loud.is_empty() && loud.len() == soft.len(), "{loud:?} {soft:?}");
    // The beats are less certain in soft music.
    for found in loud.iter().chain(&soft) {
        assert!(found.confidence > 0.5 && (found.bpm - 110.0).abs() < 0.1, "{found:?}");
    }
}

#[test]
fn overlapping_duplicates_are_suppressed() {
    let extracted = extract(
        &file("music_120bpm.wav").into(),
        FeatureSet { rhythm: false, bands: true },
        &Control::none(),
    )
    .unwrap();
    let params = LoopParams { min_confidence: 0.0, ..LoopParams::default() };
    let loops = loops::detect(&extracted, &params);
    assert!(!loops.is_empty() && loops.len() <= loops::MAX_LOOPS);
    let rank = |found: &Loop| found.confidence * found.evidence.continuity;
    assert!(loops.is_sorted_by(|a, b| rank(a) >= rank(b)));
    for (index, a) in loops.iter().enumerate() {
        for b in loops[..index].iter().filter(|b| b.bars == a.bars) {
            assert!(a.window.intersect(b.window).is_none(), "{a:?} and {b:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn hits_are_spaced_and_within_the_recording(
        times in proptest::collection::vec((0i64..4_200, 0.0f32..1.0), 0..40),
        pre in 0i64..1_000, post in 0i64..2_000, interval in 0i64..400, longest in 10i64..3_000,
    ) {
        // Onsets may be anywhere, also without a strike.
        let sound = strikes(8_000, 4.0, &[(0.2, 0.5), (0.9, 0.9), (0.95, 0.3), (3.9, 0.7)]);
        let recording = Cursor::new(wav(8_000, &sound)).into();
        let extracted = extract(&recording, FeatureSet::default(), &Control::none()).unwrap();
        let mut envelope = audio_field_to_samples::envelope::Envelope::new(8_000, 1);
        envelope.push(&sound);
        envelope.finish();
        prop_assert_eq!(envelope.frames(), extracted.frames);
        let mut onsets: Vec<Onset> = times
            .into_iter()
            .map(|(at, strength)| Onset { time: MediaTime::from_millis(at), strength, confidence: 0.9 })
            .collect();
        onsets.sort_by_key(|onset| onset.time);
        onsets.dedup_by_key(|onset| onset.time);
        let params = HitParams {
            pre_roll: MediaTime::from_millis(pre),
            post_roll: MediaTime::from_millis(post),
            min_peak_db: -60.0,
            min_interval: MediaTime::from_millis(interval),
            max_duration: MediaTime::from_millis(longest),
        };
        let hits = hits::detect(&onsets, &envelope, &params);
        for hit in &hits {
            prop_assert!(hit.peak_db >= -60.0 && (0.0..=1.0).contains(&hit.score()));
            prop_assert!(hit.slice.start < hit.slice.end && hit.slice.end <= extracted.frames);
            prop_assert!(hit.slice.end - hit.slice.start <= longest as u64 * 8);
            prop_assert!(hit.slice.start <= hit.sound.start && hit.sound.start <= hit.sound.end);
        }
        for pair in hits.windows(2) {
            prop_assert!(pair[1].time - pair[0].time >= params.min_interval);
            prop_assert!(pair[0].slice.end <= pair[1].sound.start.max(pair[0].slice.start + 1));
            prop_assert!(pair[1].slice.start >= pair[0].sound.start);
        }
    }
}
