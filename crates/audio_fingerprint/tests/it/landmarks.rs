use audio_fingerprint::{Fingerprinter, MAX_LANDMARKS_PER_SECOND};
use proptest::prelude::*;
use spectra::PowerSpectra;

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
fn shared_spectra_are_those_of_every_other_frame() {
    let samples = &piece(5, 3)[..41_000];
    let (mut fingerprinter, mut shared) = (Fingerprinter::new(), Vec::new());
    let mut keep = |pair: [&[f32]; 2]| shared.extend(pair.map(<[f32]>::to_vec));
    samples.chunks(777).for_each(|block| fingerprinter.push_sharing(block, &mut keep));
    assert_eq!(fingerprinter.finish_sharing(&mut keep), landmarks(samples));
    // One for each 512 samples, in pairs; the first window begins 256 samples before the recording.
    assert_eq!(shared.len(), 2 * samples.len().div_ceil(1_024));
    let padded = [&[0.0; 256][..], samples, &[0.0; 2_048]].concat();
    let mut spectra = PowerSpectra::of_hann(1_024);
    for (index, pair) in shared.chunks(2).enumerate() {
        let windows = [0, 512].map(|start| &padded[1_024 * index + start..][..1_024]);
        let mut expected = [vec![0.0; pair[0].len()], vec![0.0; pair[1].len()]];
        let [first, second] = &mut expected;
        spectra.of_pair(windows, [first, second]);
        assert!(pair == expected, "pair {index}");
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
