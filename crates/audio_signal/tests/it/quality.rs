//! The scores of `make quality` equal those of mir_eval (figures: mir_eval 0.8.2, `onset.f_measure`).

#[path = "../../examples/quality/score.rs"]
mod score;

use score::{FMeasure, f_measure, mean, median};

fn assert_scores(truth: &[f64], found: &[f64], expected: &[(f64, FMeasure)]) {
    for (tolerance, expected) in expected {
        let FMeasure { f, precision, recall } = f_measure(truth, found, *tolerance);
        let errors = [f - expected.f, precision - expected.precision, recall - expected.recall];
        assert!(errors.iter().all(|error| error.abs() < 1e-12), "±{tolerance} s: {errors:?}");
    }
}

#[test]
fn jittered_beats_score_as_in_mir_eval() {
    let truth: Vec<f64> = (1..=40).map(|i| 0.5 * f64::from(i)).collect();
    let jittered = |i: i32| {
        let late = if i % 7 == 0 { 0.03 } else { 0.0 };
        0.5 * f64::from(i) + 0.06 * (1.7 * f64::from(i * i)).sin() + late
    };
    let mut found: Vec<f64> = (1..=40).filter(|i| i % 5 != 0).map(jittered).chain([20.3, 20.9]).collect();
    found.sort_unstable_by(f64::total_cmp);
    let expected = [
        (0.07, FMeasure { f: 0.783_783_783_783_783_7, precision: 0.852_941_176_470_588_2, recall: 0.725 }),
        (0.05, FMeasure { f: 0.432_432_432_432_432_4, precision: 0.470_588_235_294_117_64, recall: 0.4 }),
        (0.025, FMeasure { f: 0.189_189_189_189_189_17, precision: 0.205_882_352_941_176_46, recall: 0.175 }),
    ];
    assert_scores(&truth, &found, &expected);
}

#[test]
fn crowded_events_are_matched_one_to_one_as_in_mir_eval() {
    let truth = [1.0, 1.04, 1.08, 1.5, 1.53, 2.0];
    let found = [1.03, 1.07, 1.11, 1.47, 1.56, 1.58, 2.06];
    let expected = [
        (0.07, FMeasure { f: 12.0 / 13.0, precision: 6.0 / 7.0, recall: 1.0 }),
        (0.05, FMeasure { f: 10.0 / 13.0, precision: 5.0 / 7.0, recall: 5.0 / 6.0 }),
        (0.025, FMeasure { f: 4.0 / 13.0, precision: 2.0 / 7.0, recall: 1.0 / 3.0 }),
    ];
    assert_scores(&truth, &found, &expected);
}

#[test]
fn empty_lists_score_zero() {
    assert_eq!(f_measure(&[1.0], &[], 0.07).f, 0.0);
    assert_eq!(f_measure(&[], &[1.0], 0.07).f, 0.0);
}

#[test]
fn median_and_mean_equal_their_definition() {
    assert_eq!(
        (median(&[]), median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0, 2.0, 3.0])),
        (None, Some(2.0), Some(2.5))
    );
    assert_eq!((mean([]), mean([1.0, 2.0, 6.0])), (0.0, 3.0));
}
