use audio_fingerprint::{AlignedPart, Match, Query, Variation, align, blocks, identify};
use media_time::MediaTime;

use crate::music::{RATE, Random, at_speed, index, piece};

fn matches(reference: &[f32], other: &[f32]) -> Vec<Match> {
    let mut index = index(&[reference.to_vec()]);
    let mut found = Vec::new();
    for block in blocks(other.len() as u64) {
        let start = MediaTime::from_samples(block.start as i64, RATE as u32);
        let query = Query::new(&other[block.start as usize..block.end as usize]).unwrap();
        let matches = identify(&query, &mut index, Variation::None, 0.999).unwrap();
        found.extend(matches.into_iter().map(|found| found.later(start)));
    }
    found
}

fn aligned(reference: &[f32], other: &[f32]) -> Vec<AlignedPart> {
    align(&mut &*reference, &mut &*other, &matches(reference, other)).unwrap()
}

/// A recording of `samples` by another recorder: quieter, with its own noise.
fn recorded(samples: &[f32], seed: u64) -> Vec<f32> {
    let mut random = Random(seed);
    samples.iter().map(|sample| 0.4 * sample + 0.02 * (random.next() - 0.5)).collect()
}

#[test]
fn align_measures_offset_and_drift() {
    let event = piece(4, 100);
    // The other clock is 100 ppm slow: fewer of its samples in the same time.
    let other = at_speed(&recorded(&event[3 * RATE..], 8), 1.0 + 100e-6);
    let parts = aligned(&event, &other);
    assert_eq!(parts.len(), 1, "{parts:?}");
    assert!((parts[0].offset.as_millis_f64() - 3_000.0).abs() < 1.0, "{parts:?}");
    assert!((parts[0].drift_ppm + 100.0).abs() < 2.0, "{parts:?}");
    assert!(parts[0].other.duration() > MediaTime::from_millis(95_000) && parts[0].agreement > 0.9);
}

#[test]
fn align_finds_the_parts_of_a_recorder_that_was_stopped() {
    let event = piece(5, 90);
    let other = recorded(&[&event[2 * RATE..30 * RATE], &event[50 * RATE..85 * RATE]].concat(), 3);
    let parts = aligned(&event, &other);
    assert_eq!(parts.len(), 2, "{parts:?}");
    let offsets: Vec<f64> = parts.iter().map(|part| part.offset.as_millis_f64()).collect();
    assert!((offsets[0] - 2_000.0).abs() < 1.0 && (offsets[1] - 22_000.0).abs() < 1.0, "{offsets:?}");
    assert!((parts[0].other.end().as_millis_f64() - 28_000.0).abs() < 1_100.0, "{parts:?}");
}

#[test]
fn a_recorder_that_never_stopped_has_one_part() {
    let event = piece(8, 90);
    let mut other = recorded(&event[2 * RATE..], 5);
    // Someone speaks into it for 12 s.
    let (start, own) = (40 * RATE, piece(77, 12));
    other[start..start + own.len()].copy_from_slice(&own);
    let parts = aligned(&event, &other);
    assert_eq!(parts.len(), 1, "{parts:?}");
    assert!((parts[0].offset.as_millis_f64() - 2_000.0).abs() < 0.5, "{parts:?}");
    assert!(parts[0].drift_ppm.abs() < 5.0 && (0.75..0.95).contains(&parts[0].agreement), "{parts:?}");
    assert!(parts[0].other.duration() > MediaTime::from_millis(86_000), "{parts:?}");
}

#[test]
fn a_recorder_that_lost_samples_has_two_parts() {
    let event = piece(9, 60);
    // 80 ms.
    let other = recorded(&[&event[..30 * RATE], &event[30 * RATE + 1_280..]].concat(), 6);
    let parts = aligned(&event, &other);
    assert_eq!(parts.len(), 2, "{parts:?}");
    assert!((parts[1].offset.as_millis_f64() - 80.0).abs() < 0.1, "{parts:?}");
}

#[test]
fn unrelated_recordings_have_no_part() {
    assert_eq!(aligned(&piece(6, 60), &recorded(&piece(7, 60), 1)), []);
}

/// The other recording began before the reference and ended after it: what is in both is the reference, to its edges.
#[test]
fn parts_are_within_both_recordings() {
    let event = piece(12, 40);
    for (first, last, drift) in [(8_123, 20_147, 0.0), (5_500, 21_950, 200e-6), (9_900, 16_000, -150e-6)] {
        let reference = &event[16 * first..16 * last];
        let other = at_speed(&recorded(&event[2 * RATE..30 * RATE], 4), 1.0 + drift);
        for (reference, other) in [(reference, other.as_slice()), (other.as_slice(), reference)] {
            let parts = aligned(reference, other);
            assert_eq!(parts.len(), 1, "{parts:?}");
            let (start, end) = (parts[0].other.start(), parts[0].other.end());
            let (in_reference, until) = (parts[0].reference_time(start), parts[0].reference_time(end));
            let length = |samples: &[f32]| MediaTime::from_samples(samples.len() as i64, RATE as u32);
            assert!(start >= MediaTime::ZERO && end <= length(other), "{parts:?}");
            assert!(in_reference >= MediaTime::ZERO && until <= length(reference), "{parts:?}");
            // All of the shorter one.
            let (from, to) = if reference.len() < other.len() { (in_reference, until) } else { (start, end) };
            let shorter = MediaTime::from_millis(last as i64 - first as i64);
            assert!(from.as_millis_f64() <= 1.0 && (shorter - to).as_millis_f64() <= 1.0, "{parts:?}");
        }
    }
}

/// A loop of 4 s has a place at each repeat; the clock before and after it says which one is right.
#[test]
fn a_loop_is_aligned_by_the_rest_of_the_recording() {
    let looped = piece(21, 4).repeat(6);
    let event = [piece(20, 12), looped, piece(22, 40)].concat();
    let other = recorded(&event[5 * RATE..], 9);
    let parts = aligned(&event, &other);
    assert_eq!(parts.len(), 1, "{parts:?}");
    assert!((parts[0].offset.as_millis_f64() - 5_000.0).abs() < 0.5, "{parts:?}");
    assert!(parts[0].other.duration() > MediaTime::from_millis(69_000), "{parts:?}");
    // Found in the loop at a repeat only, as where the landmarks of the right place prove nothing.
    let repeat = |found: &Match| {
        let loops = MediaTime::from_millis(7_000)..MediaTime::from_millis(31_000);
        let in_loop = loops.contains(&found.query.start()) && found.query.end() <= loops.end;
        !in_loop || (found.offset().as_millis_f64() - 9_000.0).abs() < 50.0
    };
    let misleading: Vec<Match> = matches(&event, &other).into_iter().filter(repeat).collect();
    assert!(misleading.iter().any(|found| found.offset() > MediaTime::from_millis(8_900)), "{misleading:?}");
    let parts = align(&mut &*event, &mut &*other, &misleading).unwrap();
    assert_eq!(parts.len(), 1, "{parts:?}");
    assert!((parts[0].offset.as_millis_f64() - 5_000.0).abs() < 0.5, "{parts:?}");
}
