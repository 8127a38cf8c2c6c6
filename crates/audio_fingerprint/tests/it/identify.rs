use audio_fingerprint::{
    MIN_CANDIDATE_CONFIDENCE, MIN_CONFIDENCE, Match, Posting, Query, QueryError, Samples as _, Search,
    Variation, candidates, confirm, confirm_in, confirmation_window, identify, refine,
};

use media_time::{MediaTime, Window};

use crate::music::{RATE, Random, Rushes, at_speed, index, landmarks, piece};

fn search(sources: &[Vec<f32>], samples: &[f32], variation: Variation) -> Vec<Match> {
    identify(&Query::new(samples).unwrap(), &mut index(sources), variation, MIN_CONFIDENCE).unwrap()
}

/// Error of a match's place in ms, for a query that starts at sample `start` of the source.
fn error_ms(found: &Match, start: usize) -> f64 {
    found.offset().as_millis_f64() - start as f64 * 1e3 / RATE as f64
}

#[test]
fn identify_finds_excerpts_with_gain_and_noise() {
    let sources: Vec<Vec<f32>> = (1..6).map(|seed| piece(seed, 30)).collect();
    let mut random = Random(5);
    for (id, start, length) in [(0, 100_003, 24_000), (3, 17, 48_000), (4, 300_001, 160_000)] {
        let query: Vec<f32> = sources[id][start..start + length]
            .iter()
            .map(|s| 0.2 * s + 0.004 * (random.next() - 0.5))
            .collect();
        let found = search(&sources, &query, Variation::None);
        assert_eq!(found.len(), 1, "{id}: {found:?}");
        assert_eq!(found[0].source_id, id as i64);
        assert!(error_ms(&found[0], start).abs() < 10.0, "{found:?}");
        let around = &sources[id][start.saturating_sub(3_000)..(start + length + 3_000).min(30 * RATE)];
        let refined = refine(&query, around, 1.0).unwrap();
        let expected = start.min(3_000) as f64;
        assert!((refined.source_start - expected).abs() < 0.5, "{refined:?}");
        assert!((refined.gain_db + 13.98).abs() < 0.5, "{refined:?}");
    }
}

#[test]
fn confirmation_proves_short_queries_and_removes_chance() {
    let mut sources = Rushes((1..6).map(|seed| piece(seed, 30)).collect());
    let mut index = index(&sources.0);
    let mut candidates = |samples: &[f32]| {
        let query = Query::new(samples).unwrap();
        identify(&query, &mut index, Variation::None, MIN_CANDIDATE_CONFIDENCE).unwrap()
    };
    for (id, start) in [(0, 100_003), (2, 33_333), (4, 300_001)] {
        let query = sources.0[id][start..start + 16_000].to_vec();
        let found = confirm(&query, candidates(&query), &mut sources, MIN_CONFIDENCE).unwrap();
        assert_eq!(found.len(), 1, "{id}: {found:?}");
        assert!(found[0].source_id == id as i64 && error_ms(&found[0], start).abs() < 0.05, "{found:?}");
    }
    let unrelated = piece(77, 4);
    for start in (0..40_000).step_by(4_000) {
        let query = &unrelated[start..start + 16_000];
        assert_eq!(confirm(query, candidates(query), &mut sources, MIN_CONFIDENCE).unwrap(), []);
    }
}

#[test]
fn identify_finds_every_repeat() {
    let phrase = piece(1, 4);
    let mut source = piece(2, 5);
    for _ in 0..5 {
        source.extend_from_slice(&phrase);
    }
    source.extend(piece(3, 5));
    let found = search(&[source], &phrase[8_000..40_000], Variation::None);
    let mut starts: Vec<i64> = found.iter().map(|found| found.offset().as_millis_round()).collect();
    starts.sort_unstable();
    let expected: Vec<i64> = (0..5).map(|n| 5_000 + 4_000 * n + 500).collect();
    assert_eq!(starts.len(), 5, "{starts:?}");
    assert!(starts.iter().zip(expected).all(|(a, b)| (a - b).abs() < 10), "{starts:?}");
}

#[test]
fn identify_finds_both_sources_of_a_mix_and_the_parts_of_an_edit() {
    let sources: Vec<Vec<f32>> = (1..4).map(|seed| piece(seed, 20)).collect();
    let mix: Vec<f32> = sources[0][80_000..160_000]
        .iter()
        .zip(&sources[2][32_000..112_000])
        .map(|(a, b)| a + 0.7 * b)
        .collect();
    let mut ids: Vec<i64> = search(&sources, &mix, Variation::None).iter().map(|m| m.source_id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [0, 2]);

    let edit = [&sources[1][16_000..64_000], &sources[0][200_000..248_000]].concat();
    let mut found = search(&sources, &edit, Variation::None);
    found.sort_by_key(|found| found.query.start());
    assert_eq!(found.iter().map(|m| m.source_id).collect::<Vec<_>>(), [1, 0]);
    assert!(
        found[0].query.end().as_millis_round() < 3_300 && found[1].query.start().as_millis_round() > 2_700
    );
}

#[test]
fn identify_invents_nothing() {
    let sources: Vec<Vec<f32>> = (1..8).map(|seed| piece(seed, 20)).collect();
    for seed in 50..60 {
        for length in [RATE / 3, RATE, 5 * RATE] {
            let found = search(&sources, &piece(seed, 5)[..length], Variation::None);
            assert!(found.is_empty(), "{seed}, {length}: {found:?}");
        }
    }
    let found = search(&sources, &piece(99, 3), Variation::SpeedAndPitch);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn identify_survives_speed() {
    let sources: Vec<Vec<f32>> = (1..4).map(|seed| piece(seed, 20)).collect();
    for speed in [0.91, 1.04, 1.1] {
        let query = at_speed(&sources[1][64_000..128_000], speed);
        assert!(search(&sources, &query, Variation::None).is_empty());
        let found = search(&sources, &query, Variation::SpeedAndPitch);
        assert_eq!(found.len(), 1, "{speed}: {found:?}");
        assert!((found[0].speed - speed).abs() < 0.006 && found[0].source_id == 1, "{found:?}");
        let refined = refine(&query, &sources[1][60_000..140_000], found[0].speed).unwrap();
        assert!((refined.speed - speed).abs() < 1e-4, "{speed}: {refined:?}");
        assert!((refined.source_start - 4_000.0).abs() < 2.0, "{speed}: {refined:?}");
    }
}

/// The matches of a query, for postings that are given hash by hash, in their order or backwards.
fn found_of(query: &Query, postings: &[Posting], is_backwards: bool) -> Vec<Match> {
    let mut groups: Vec<&[Posting]> = postings.chunk_by(|a, b| a.hash == b.hash).collect();
    if is_backwards {
        groups.reverse();
    }
    let mut search = Search::new(query, Variation::None);
    groups.into_iter().for_each(|postings| search.add(postings));
    search.finish(0.9)
}

#[test]
fn search_does_not_depend_on_the_order_of_postings() {
    let sources: Vec<Vec<f32>> = (1..4).map(|seed| piece(seed, 10)).collect();
    let mut postings: Vec<Posting> = Vec::new();
    for (source, samples) in (0..).zip(&sources) {
        postings.extend(landmarks(samples).iter().map(|l| Posting { hash: l.hash, source, frame: l.frame }));
    }
    postings.sort_unstable();
    let query = Query::new(&sources[1][16_000..64_000]).unwrap();
    let found = found_of(&query, &postings, false);
    assert_eq!(found, found_of(&query, &postings, true));
    assert_eq!(found[0].source_id, 1);
}

/// Every second hash has 2 000 other postings: more hits than a search has. It goes on with the others.
#[test]
fn common_hashes_are_ignored_where_there_are_too_many_hits() {
    let samples = piece(1, 10);
    let query = Query::new(&samples[16_000..64_000]).unwrap();
    let hashes: Vec<u32> =
        Search::new(&query, Variation::None).batches(usize::MAX).flatten().copied().collect();
    assert!(hashes.len() * 1_000 > audio_fingerprint::MAX_HITS, "{}", hashes.len());
    let mut postings: Vec<Posting> =
        landmarks(&samples).iter().map(|l| Posting { hash: l.hash, source: 0, frame: l.frame }).collect();
    for hash in hashes.iter().step_by(2) {
        let other = |n: u32| Posting { hash: *hash, source: 1 + i64::from(n), frame: n * 7_919 % 5_000 };
        postings.extend((0..2_000).map(other));
    }
    postings.sort_unstable();
    let found = found_of(&query, &postings, false);
    assert_eq!(found, found_of(&query, &postings, true));
    assert_eq!((found[0].source_id, found.len()), (0, 1), "{found:?}");
}

/// Notes of 1/8 s of a few pitches: every place of it has much in common with every other one.
fn few_notes(seed: u64, seconds: usize) -> Vec<f32> {
    let mut random = Random(seed);
    let note = RATE / 8;
    let mut samples = Vec::new();
    for _ in 0..8 * seconds {
        let hertz = [440.0, 495.0, 660.0][(3.0 * random.next()) as usize % 3];
        samples.extend((0..note).map(|n| {
            let time = n as f32 / RATE as f32;
            let tone: f32 =
                (1..6).map(|k| (k as f32 * hertz * time * std::f32::consts::TAU).sin() / k as f32).sum();
            0.1 * tone * (-6.0 * time).exp() + 0.001 * (random.next() - 0.5)
        }));
    }
    samples
}

/// Landmarks prove nothing there, but nearly all peaks agree, and the samples do.
#[test]
fn confirmation_finds_places_in_music_that_repeats_itself() {
    let mut sources = Rushes(vec![piece(1, 20), few_notes(5, 40), few_notes(6, 40)]);
    let query = sources.0[1][200_000..280_000].to_vec();
    let mut index = index(&sources.0);
    let query_of = Query::new(&query).unwrap();
    let by_landmarks = identify(&query_of, &mut index, Variation::None, MIN_CANDIDATE_CONFIDENCE).unwrap();
    assert_eq!(by_landmarks, [], "the landmarks are no proof");
    let found = candidates(&query_of, &mut index, Variation::None).unwrap();
    let found = confirm(&query, found, &mut sources, MIN_CONFIDENCE).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].source_id == 1 && error_ms(&found[0], 200_000).abs() < 0.05, "{found:?}");
}

#[test]
fn queries_have_limits() {
    assert_eq!(Query::new(&piece(1, 1)[..4_799]).unwrap_err(), QueryError::TooShort);
    assert_eq!(Query::new(&vec![0.1; 160_001]).unwrap_err(), QueryError::TooLong);
    assert_eq!(Query::new(&vec![1e-5; 16_000]).unwrap_err(), QueryError::Silent);
    assert_eq!(Query::new(&vec![f32::NAN; 16_000]).unwrap_err(), QueryError::Silent);
    assert!(Query::new(&piece(1, 1)[..4_800]).is_ok());
}

#[test]
fn confirmation_measures_the_level_of_the_part_that_matches() {
    let source = piece(13, 20);
    let excerpt: Vec<f32> = source[64_000..112_000].iter().map(|sample| 0.5 * sample).collect();
    let query = [piece(15, 6), excerpt].concat();
    let mut index = index(std::slice::from_ref(&source));
    let candidates = Query::new(&query).unwrap();
    let candidates = identify(&candidates, &mut index, Variation::None, MIN_CANDIDATE_CONFIDENCE).unwrap();
    let window = confirmation_window(&candidates[0], query.len());
    let mut around = vec![0.0; (window.end - window.start) as usize];
    source.as_slice().read(window.start, &mut around).unwrap();
    let (confirmed, refined) = confirm_in(&query, candidates[0], &around, window.start, 1);
    assert!((confirmed.offset().as_millis_f64() + 2_000.0).abs() < 0.05, "{confirmed:?}");
    assert!((refined.unwrap().gain_db + 6.02).abs() < 0.5, "{refined:?}");
}

/// A beat of 120 bpm: a kick and a chord on each beat, a hat on each half; the chords are those of `seed`.
fn beat(seed: u64, seconds: usize) -> Vec<f32> {
    let (mut random, step) = (Random(seed * 7_919 + 11), RATE / 4);
    let mut samples = Vec::new();
    for index in 0..4 * seconds {
        let hertz = 110.0 * ((12.0 * random.next()).floor() / 12.0).exp2();
        samples.extend((0..step).map(|n| {
            let time = n as f32 / RATE as f32;
            let wave = |hertz: f32| (hertz * time * std::f32::consts::TAU).sin();
            let chord: f32 = [1.0, 1.26, 1.5, 2.0, 3.0].map(|ratio| 0.06 * wave(hertz * ratio)).iter().sum();
            let kick = 0.4 * wave(60.0 + 90.0 * (-40.0 * time).exp()) * (-12.0 * time).exp();
            let hat = 0.2 * (random.next() - 0.5) * (-60.0 * time).exp();
            let on_beat = if index % 2 == 0 { kick + chord * (-2.0 * time).exp() } else { 0.0 };
            on_beat + hat
        }));
    }
    samples
}

/// Short cuts agree with many speeds; samples prove the unchanged one, which a search without changes finds.
#[test]
fn search_of_all_speeds_finds_exact_cuts_unchanged() {
    let beats = beat(1, 20);
    let quieter = [piece(9, 3), beats.iter().map(|sample| 0.7 * sample).collect()].concat();
    let mut sources = Rushes(vec![piece(1, 20), beats, quieter, beat(2, 20)]);
    let mut index = index(&sources.0);
    let mut found_of = |id: usize, start: usize, length: usize, variation| {
        let query = sources.0[id][start..start + length].to_vec();
        let found = candidates(&Query::new(&query).unwrap(), &mut index, variation).unwrap();
        confirm(&query, found, &mut sources, MIN_CONFIDENCE).unwrap()
    };
    let mut count = 0;
    for id in [0, 1, 3] {
        for (start, length) in [(80_003, 32_026), (100_400, 8_320), (160_200, 16_000), (200_001, 24_000)] {
            let expected = found_of(id, start, length, Variation::None);
            let found = found_of(id, start, length, Variation::SpeedAndPitch);
            for one in &expected {
                let is_same = |other: &&Match| {
                    other.source_id == one.source_id && (other.offset() - one.offset()).as_micros().abs() < 50
                };
                let same = found.iter().find(is_same);
                let same =
                    same.unwrap_or_else(|| panic!("{id}, {start}, {length}: {one:?} is not in {found:?}"));
                assert!((same.speed - 1.0).abs() < 1e-4 && (same.pitch - 1.0).abs() < 1e-4, "{same:?}");
                count += 1;
            }
            assert!(found.iter().all(Match::is_unchanged), "{id}, {start}, {length}: {found:?}");
        }
    }
    assert!(count >= 12, "{count}");
}

/// A copy 70 dB under other audio has the phases of its source, but explains nothing of the query.
#[test]
fn confirmation_ignores_what_explains_nothing_of_the_query() {
    let source = piece(14, 6);
    let tone = |n: usize| (40.0 * n as f32 / RATE as f32 * std::f32::consts::TAU).sin();
    let window =
        |start_ms| Window::starting_at(MediaTime::from_millis(start_ms), MediaTime::from_millis(2_000));
    let found = Match {
        source_id: 0,
        query: window(0),
        source: window(2_000),
        speed: 1.0,
        pitch: 1.0,
        score: 20,
        expected_by_chance: 1e-6,
        confidence: 0.999_999,
    };
    for (level, is_confirmed) in [(0.1, true), (0.000_3, false)] {
        let query: Vec<f32> =
            source[32_000..64_000].iter().enumerate().map(|(n, s)| level * s + 0.5 * tone(n)).collect();
        assert!(refine(&query, &source[30_000..66_000], 1.0).unwrap().chance < 1e-6);
        let (confirmed, refined) = confirm_in(&query, found, &source[30_000..66_000], 30_000, 1);
        assert_eq!(refined.is_some(), is_confirmed, "{level}: {refined:?}");
        assert!(is_confirmed || confirmed == found, "{confirmed:?}");
    }
}
