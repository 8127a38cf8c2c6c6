use std::ops::ControlFlow;

use audio_fingerprint::{
    HashFilter, Match, MemoryIndex, RecordingError, RecordingSearch, Variation, identify_recording, link,
    measure,
};

use crate::music::{RATE, Rushes, index, landmarks, piece};

const SEARCH: RecordingSearch = RecordingSearch { variation: Variation::None, min_confidence: 0.9999 };

fn found(rushes: &mut Rushes, index: &mut MemoryIndex, recording: &[f32]) -> Vec<Match> {
    let mut all = |_: u64| ControlFlow::<()>::Continue(());
    link(identify_recording(&mut &*recording, index, rushes, SEARCH, &mut all).unwrap())
}

#[test]
fn identify_recording_joins_the_blocks_of_a_long_query() {
    let mut rushes = Rushes((1..4).map(|seed| piece(seed, 60)).collect());
    let mut index = index(&rushes.0);
    let recording: Vec<f32> = rushes.0[1][160_007..640_007].iter().map(|sample| 0.25 * sample).collect();
    let matches = found(&mut rushes, &mut index, &recording);
    assert_eq!(matches.len(), 1, "{matches:?}");
    let (exact, gain) = measure(&mut recording.as_slice(), &mut rushes, matches[0]).unwrap();
    assert_eq!(exact.source_id, 1);
    assert!((exact.offset().as_millis_f64() - 160_007.0 / 16.0).abs() < 0.1, "{exact:?}");
    assert!(exact.query.duration().as_secs_f64() > 28.0, "{exact:?}");
    assert!((gain.unwrap() + 12.04).abs() < 0.5, "{gain:?}");
}

#[test]
fn hash_filter_keeps_all_landmarks_that_can_match() {
    let mut rushes = Rushes((1..6).map(|seed| piece(seed, 30)).collect());
    let recording = rushes.0[3][100_000..200_000].to_vec();
    let mut filter = HashFilter::new();
    assert_eq!(filter.add_recording(&mut recording.as_slice(), Variation::None).unwrap(), 1);
    let (mut filtered, mut all) = (MemoryIndex::new(), MemoryIndex::new());
    for (id, samples) in (0..).zip(&rushes.0) {
        let mut landmarks = landmarks(samples);
        all.add(id, &landmarks);
        landmarks.retain(|landmark| filter.contains(landmark.hash));
        filtered.add(id, &landmarks);
    }
    assert!(2 * filtered.len() < all.len(), "{} of {}", filtered.len(), all.len());
    let matches = found(&mut rushes, &mut all, &recording);
    assert_eq!(found(&mut rushes, &mut filtered, &recording), matches);
    assert_eq!(matches.len(), 1);
    // Silence has nothing to search for.
    assert_eq!(filter.add_recording(&mut vec![0.0; 5 * RATE].as_slice(), Variation::None).unwrap(), 0);
}

#[test]
fn identify_recording_can_be_ended() {
    let mut rushes = Rushes(vec![piece(1, 30)]);
    let (mut index, recording) = (index(&rushes.0), rushes.0[0].clone());
    let mut calls = Vec::new();
    let mut once = |start: u64| {
        calls.push(start);
        if start == 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let ended = identify_recording(&mut recording.as_slice(), &mut index, &mut rushes, SEARCH, &mut once);
    assert_eq!(ended.unwrap_err(), RecordingError::Cancelled);
    assert_eq!(calls, [0, 9 * RATE as u64]);
}
