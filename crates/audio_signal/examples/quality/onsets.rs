//! Scores onsets against the drum-only recordings of `drums/`.

use std::path::Path;

use crate::corpus;
use crate::drums::{self, HEADER, Onsets};

/// Prints a line for each recording and one for all.
pub(crate) fn print(root: &Path) {
    println!("\nonsets, drum-only; truth within 30 ms counts as one\n{HEADER}");
    let mut scores = Onsets::default();
    for path in drums::recordings(root) {
        let onsets = corpus::rhythm(&path).onsets;
        let found: Vec<f64> = onsets.iter().map(|onset| onset.time.as_secs_f64()).collect();
        println!("{}", scores.row(&path, &found));
    }
    scores.summary().iter().for_each(|line| println!("{line}"));
}
