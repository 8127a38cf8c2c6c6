use audio_fingerprint::{Query, Shot, Variation, blocks, conform, identify};
use media_time::MediaTime;

use crate::music::{RATE, Rushes, index, piece};

fn rushes() -> Rushes {
    Rushes((11..15).map(|seed| piece(seed, 30)).collect())
}

fn conformed(rushes: &mut Rushes, edit: &[f32]) -> Vec<Shot> {
    let mut index = index(&rushes.0);
    let mut matches = Vec::new();
    for block in blocks(edit.len() as u64) {
        let start = MediaTime::from_samples(block.start as i64, RATE as u32);
        let query = Query::new(&edit[block.start as usize..block.end as usize]).unwrap();
        let found = identify(&query, &mut index, Variation::None, 0.999).unwrap();
        matches.extend(found.into_iter().map(|found| found.later(start)));
    }
    conform(&mut &*edit, rushes, &matches).unwrap()
}

fn ms(time: MediaTime) -> f64 {
    time.as_millis_f64()
}

#[test]
fn conform_finds_cuts_to_10_ms() {
    let mut rushes = rushes();
    // Source, start and length in samples, gain.
    let cuts = [
        (0, 32_000, 50_123, 1.0),
        (2, 100_000, 31_777, 0.5),
        (1, 7_000, 64_001, 0.8),
        (2, 300_000, 20_000, 1.0),
        (3, 160_050, 90_000, 0.3),
    ];
    let mut edit = Vec::new();
    for (source, start, length, gain) in cuts {
        edit.extend(rushes.0[source][start..start + length].iter().map(|sample| gain * sample));
    }
    let shots = conformed(&mut rushes, &edit);
    assert_eq!(shots.len(), cuts.len(), "{shots:#?}");
    let mut at = 0;
    for (shot, (source, start, length, gain)) in shots.iter().zip(cuts) {
        let origin = shot.origin.as_ref().unwrap();
        assert_eq!(origin.source_id, source as i64);
        assert!((ms(shot.edit.start()) - at as f64 / 16.0).abs() <= 10.0, "{shots:#?}");
        let lag = ms(origin.start) - ms(shot.edit.start()) - (start as f64 - at as f64) / 16.0;
        assert!(lag.abs() < 0.1, "{lag}: {shots:#?}");
        assert!((origin.gain_db - 20.0 * f64::log10(gain.into())).abs() < 0.5, "{shots:#?}");
        assert!(origin.residual_db < -20.0, "{shots:#?}");
        at += length;
    }
}

#[test]
fn conform_names_unknown_stretches_and_beds() {
    let mut rushes = rushes();
    let (unknown, bed) = (piece(90, 4), piece(91, 6));
    let with_bed = rushes.0[1][80_000..160_000].iter().zip(&bed).map(|(a, b)| a + 0.25 * b);
    let edit: Vec<f32> =
        rushes.0[0][..64_000].iter().copied().chain(unknown.iter().copied()).chain(with_bed).collect();
    let shots = conformed(&mut rushes, &edit);
    let sources: Vec<Option<i64>> =
        shots.iter().map(|shot| shot.origin.as_ref().map(|o| o.source_id)).collect();
    assert_eq!(sources, [Some(0), None, Some(1)], "{shots:#?}");
    assert!(
        (ms(shots[1].edit.start()) - 4_000.0).abs() <= 10.0
            && (ms(shots[1].edit.end()) - 8_000.0).abs() <= 10.0
    );
    let residual = shots[2].origin.as_ref().unwrap().residual_db;
    assert!((-18.0..-6.0).contains(&residual), "{residual}");
}

#[test]
fn conform_measures_fades_of_a_dissolve() {
    let mut rushes = rushes();
    let mut edit = rushes.0[0][..96_000].to_vec();
    let second = &rushes.0[3][200_000..296_000];
    // One second in which one gain falls and the other one rises.
    for n in 0..16_000 {
        let part = n as f32 / 16_000.0;
        edit[80_000 + n] = edit[80_000 + n] * (1.0 - part) + second[n] * part;
    }
    edit.extend_from_slice(&second[16_000..]);
    let shots = conformed(&mut rushes, &edit);
    assert_eq!(shots.len(), 2, "{shots:#?}");
    assert!((ms(shots[0].edit.end()) - 5_500.0).abs() < 250.0, "{shots:#?}");
    let fades = [shots[0].origin.as_ref().unwrap().fade_out, shots[1].origin.as_ref().unwrap().fade_in];
    assert!(fades.iter().all(|fade| (200.0..700.0).contains(&ms(*fade))), "{shots:#?}");
}

#[test]
fn a_shot_goes_on_in_its_pauses() {
    let mut rushes = rushes();
    // The first take is silent for 1.5 s, and at its end.
    rushes.0[0][40_000..64_000].fill(0.0);
    rushes.0[0][92_800..].fill(0.0);
    let bed = piece(91, 10);
    let with_bed = |bed_gain: f32, rushes: &Rushes| -> Vec<f32> {
        let shots = rushes.0[0][..96_000].iter().chain(&rushes.0[2][100_000..164_000]);
        shots.zip(&bed).map(|(shot, bed)| shot + bed_gain * bed).collect()
    };
    for bed_gain in [0.0, 0.1, 0.25] {
        let edit = with_bed(bed_gain, &rushes);
        let shots = conformed(&mut rushes, &edit);
        let sources: Vec<_> =
            shots.iter().map(|shot| shot.origin.as_ref().map(|origin| origin.source_id)).collect();
        assert_eq!(sources, [Some(0), Some(2)], "{shots:#?}");
        assert!((ms(shots[1].edit.start()) - 6_000.0).abs() <= 20.0, "{bed_gain}: {shots:#?}");
    }
}

#[test]
fn a_jump_of_30_ms_in_a_take_is_a_cut() {
    let mut rushes = rushes();
    let edit = [&rushes.0[1][16_000..80_000], &rushes.0[1][80_480..160_000]].concat();
    let shots = conformed(&mut rushes, &edit);
    let lags: Vec<f64> = shots
        .iter()
        .filter_map(|shot| Some(ms(shot.origin.as_ref()?.start) - ms(shot.edit.start())))
        .collect();
    assert!(lags.len() == 2 && shots.len() == 2, "{shots:#?}");
    assert!((lags[0] - 1_000.0).abs() < 0.1 && (lags[1] - 1_030.0).abs() < 0.1, "{shots:#?}");
    assert!((ms(shots[1].edit.start()) - 4_000.0).abs() <= 10.0, "{shots:#?}");
}

#[test]
fn an_edit_without_matches_is_one_unknown_stretch() {
    let shots = conform(&mut piece(1, 2).as_slice(), &mut rushes(), &[]).unwrap();
    assert_eq!(shots.len(), 1);
    assert_eq!((shots[0].origin.as_ref(), ms(shots[0].edit.duration())), (None, 2_000.0));
    assert_eq!(conform(&mut [].as_slice(), &mut rushes(), &[]).unwrap(), []);
}

#[test]
fn a_fade_into_unknown_audio_ends_its_shot() {
    let mut rushes = rushes();
    let mut edit = rushes.0[2][..80_000].to_vec();
    for n in 0..RATE {
        edit[80_000 - RATE + n] *= 1.0 - n as f32 / RATE as f32;
    }
    edit.extend(piece(90, 4));
    edit.extend(rushes.0[0][160_050..250_050].iter().map(|sample| 0.3 * sample));
    let shots = conformed(&mut rushes, &edit);
    let sources: Vec<_> = shots.iter().map(|shot| shot.origin.as_ref().map(|o| o.source_id)).collect();
    assert_eq!(sources, [Some(2), None, Some(0)], "{shots:#?}");
    assert!((ms(shots[0].edit.end()) - 5_000.0).abs() < 250.0, "{shots:#?}");
    assert!((ms(shots[2].edit.start()) - 9_000.0).abs() <= 20.0, "{shots:#?}");
    let faded = shots[0].origin.as_ref().unwrap();
    assert!((300.0..1_100.0).contains(&ms(faded.fade_out)), "{shots:#?}");
    assert!(faded.gain_db.abs() < 3.0 && faded.residual_db < -8.0, "{shots:#?}");
}
