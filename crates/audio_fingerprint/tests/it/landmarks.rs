use audio_fingerprint::{Fingerprinter, MAX_LANDMARKS_PER_SECOND};
use proptest::prelude::*;

use crate::music::{RATE, Random, landmarks, piece};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn landmarks_do_not_depend_on_how_a_stream_is_split(pieces in prop::collection::vec(1usize..30_000, 1..12), seed in 1u64..9) {
        let samples = piece(seed, 6);
        let (mut fingerprinter, mut rest, mut found) = (Fingerprinter::new(), samples.as_slice(), Vec::new());
        for length in pieces {
            let (now, later) = rest.split_at(length.min(rest.len()));
            fingerprinter.push(now);
            found.extend(fingerprinter.drain());
            rest = later;
        }
        fingerprinter.push(rest);
        found.extend(fingerprinter.finish());
        prop_assert_eq!(found, landmarks(&samples));
    }
}

#[test]
fn landmarks_are_bounded_for_noise_and_ordered() {
    let mut random = Random(77);
    let noise: Vec<f32> = (0..20 * RATE).map(|_| random.next() - 0.5).collect();
    let found = landmarks(&noise);
    assert!(found.is_sorted_by_key(|landmark| (landmark.frame, landmark.hash)));
    assert!(found.len() > 200 && found.len() <= 20 * MAX_LANDMARKS_PER_SECOND, "{}", found.len());
}

#[test]
fn landmarks_do_not_depend_on_gain() {
    let samples = piece(3, 8);
    let quiet: Vec<f32> = samples.iter().map(|sample| 0.125 * sample).collect();
    let (loud, quiet) = (landmarks(&samples), landmarks(&quiet));
    let common = loud.iter().filter(|landmark| {
        quiet.binary_search_by_key(&(landmark.frame, landmark.hash), |l| (l.frame, l.hash)).is_ok()
    });
    assert!(common.count() * 10 > loud.len() * 9);
}

#[test]
fn silence_constants_and_broken_samples_have_no_landmarks() {
    for value in [0.0, 0.7, f32::NAN, f32::INFINITY] {
        assert_eq!(landmarks(&vec![value; 3 * RATE]).len(), 0, "{value}");
    }
    assert_eq!(landmarks(&[]).len(), 0);
    assert_eq!(landmarks(&[0.5]).len(), 0);
}
