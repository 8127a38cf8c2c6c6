//! Scores onsets against the drum-only recordings of `drums/` and the songs of `singing/`.

use std::path::{Path, PathBuf};

use crate::corpus;
use crate::drums::{self, HEADER, Onsets};

/// Prints a line for each recording and one for all.
pub(crate) fn print(root: &Path) {
    println!("\nonsets, drum-only; truth within 30 ms counts as one\n{HEADER}");
    rows(&drums::recordings(root));
    println!("\nonsets, singing\n{HEADER}");
    rows(&corpus::recordings(&root.join("singing")));
}

fn rows(recordings: &[PathBuf]) {
    let mut scores = Onsets::default();
    for path in recordings {
        let onsets = corpus::rhythm(path).onsets;
        let found: Vec<f64> = onsets.iter().map(|onset| onset.time.as_secs_f64()).collect();
        println!("{}", scores.row(path, &found));
    }
    scores.summary().iter().for_each(|line| println!("{line}"));
}
