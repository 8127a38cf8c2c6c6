//! Scores the analysis against recordings with known truth: `cargo run --release -p audio_signal --example
//! quality -- [TABLE…]` prints the named tables, or all. The corpus is in `HARKBACK_CORPUS`, by default
//! `../shared/corpus` beside the workspace; for a table without recordings, a message is printed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]
#![expect(clippy::expect_used, reason = "a corpus that cannot be read ends the run")]

mod beats;
mod calibration;
mod corpus;
mod drums;
mod loops;
mod onsets;
mod reliability;
mod scenes;
mod score;
mod segments;
mod tempo;
mod vad;

use std::{path::Path, process::ExitCode};

/// Prints one table from the corpus.
type Table = fn(&Path);

/// Each table with what was chosen or fitted with its recordings in view ("seen").
const TABLES: [(&str, &str, Table); 7] = [
    ("vad", "nothing; vad/ is among the training data of the scene net", vad::print),
    ("segments", SCENES_SEEN, segments::print),
    ("scenes", SCENES_SEEN, scenes::print),
    (
        "beats",
        "the constants of the decoding, and the bars by half of drums/; not the net's weights",
        beats::print,
    ),
    ("tempo", "nothing", tempo::print),
    (
        "onsets",
        "the constants and the choice of features, by drums/ and singing/; not the weights",
        onsets::print,
    ),
    ("reliability", "the decisions, and the slope of music; not the other slopes", reliability::print),
];
const SCENES_SEEN: &str = "the constants of the decision; not the net's weights, and not the regressions";

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| TABLES.iter().all(|(table, ..)| table != name)) {
        let names = TABLES.map(|(name, ..)| name).join(", ");
        eprintln!("unknown table `{unknown}`; use one of: {names}");
        return ExitCode::FAILURE;
    }
    let root = corpus::root();
    for (name, seen, print) in TABLES {
        if wanted.is_empty() || wanted.iter().any(|table| table == name) {
            print(&root);
            println!("seen: {seen}");
        }
    }
    ExitCode::SUCCESS
}
