//! Scores tempo, beats and bars of made loops of constant tempo.

use std::path::Path;

use crate::corpus;
use crate::loops::{Hats, Loop, RATE};
use crate::score::{f_measure, matches, mean, median};

const BPMS: [f64; 15] =
    [60.0, 66.6, 73.1, 84.7, 91.9, 97.3, 104.5, 112.9, 120.0, 128.4, 139.9, 150.3, 163.7, 178.2, 200.0];
const METRES: [usize; 5] = [4, 3, 5, 6, 7];
const HATS: [Hats; 4] = [Hats::Clicks, Hats::Eighths, Hats::OffBeat, Hats::Swung];

/// Prints a line for each kind and metre; the recordings are made here.
pub(crate) fn print(_root: &Path) {
    println!(
        "\ntempo of made loops, {} tempi each from 60 to 200 BPM\n{:<9} {:>5} {:>9} {:>10} {:>7} {:>9} {:>13}",
        BPMS.len(),
        "kind",
        "metre",
        "F beats",
        "downbeats",
        "octave",
        "max error",
        "median error"
    );
    for hats in HATS {
        METRES.into_iter().for_each(|metre| row(hats, metre));
    }
}

fn row(hats: Hats, metre: usize) {
    let (mut beats, mut downbeats, mut errors, mut deviations) = (vec![], vec![], vec![], vec![]);
    let mut octaves = Vec::new();
    for bpm in BPMS {
        let made = Loop { bpm, metre, hats };
        let truth = made.beats();
        let rhythm = corpus::rhythm_of(RATE, &made.samples());
        let found: Vec<f64> = rhythm.beats.iter().map(|beat| beat.time.as_secs_f64()).collect();
        let first = rhythm.beats.iter().filter(|beat| beat.position == 1);
        let first: Vec<f64> = first.map(|beat| beat.time.as_secs_f64()).collect();
        let ones: Vec<f64> = truth.iter().step_by(metre).copied().collect();
        beats.push(f_measure(&truth, &found, 0.07).f);
        downbeats.push(f_measure(&ones, &first, 0.07).f);
        deviations.extend(matches(&truth, &found, 0.07).iter().map(|(t, f)| (found[*f] - truth[*t]) * 1e3));
        let ratio = rhythm.tempo.map_or(0.0, |tempo| tempo.bpm / bpm);
        let related = [1.0, 2.0, 0.5, 3.0, 1.0 / 3.0, 1.5, 2.0 / 3.0];
        let nearest =
            related.into_iter().min_by(|a, b| (ratio / a - 1.0).abs().total_cmp(&(ratio / b - 1.0).abs()));
        let nearest = nearest.unwrap_or(1.0);
        errors.push((ratio / nearest - 1.0).abs() * 100.0);
        if nearest != 1.0 {
            octaves.push(format!("{bpm}→{nearest:.2}"));
        }
    }
    let largest = errors.iter().copied().fold(0.0, f64::max);
    let size: Vec<f64> = deviations.iter().map(|error: &f64| error.abs()).collect();
    println!(
        "{:<9} {metre:>5} {:>9.3} {:>10.3} {:>7} {largest:>7.3} % {:>5.1} ({:+.1}) ms {}",
        format!("{hats:?}"),
        mean(beats),
        mean(downbeats),
        octaves.len(),
        median(&size).unwrap_or(0.0),
        median(&deviations).unwrap_or(0.0),
        octaves.join(" ")
    );
}
