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

const TABLES: [(&str, Table); 7] = [
    ("vad", vad::print),
    ("segments", segments::print),
    ("scenes", scenes::print),
    ("beats", beats::print),
    ("tempo", tempo::print),
    ("onsets", onsets::print),
    ("reliability", reliability::print),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| TABLES.iter().all(|(table, _)| table != name)) {
        let names = TABLES.map(|(name, _)| name).join(", ");
        eprintln!("unknown table `{unknown}`; use one of: {names}");
        return ExitCode::FAILURE;
    }
    let root = corpus::root();
    for (name, print) in TABLES {
        if wanted.is_empty() || wanted.iter().any(|table| table == name) {
            print(&root);
        }
    }
    ExitCode::SUCCESS
}
