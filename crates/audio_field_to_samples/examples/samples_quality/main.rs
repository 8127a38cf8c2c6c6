//! Scores samples against recordings with known truth: `cargo run --release -p audio_field_to_samples --example
//! samples_quality -- [TABLE…]` prints the named tables, or all. The corpus is in `HARKBACK_CORPUS`, by default
//! `../shared/corpus` beside the workspace; for a table without recordings, a message is printed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]
#![expect(clippy::expect_used, reason = "a corpus that cannot be read ends the run")]

mod hits;
mod loops;
mod roles;
// Both crates share one way to find recordings and to score events.
#[path = "../../../audio_signal/examples/quality/calibration.rs"]
mod calibration;
#[path = "../../../audio_signal/examples/quality/corpus.rs"]
#[expect(dead_code, reason = "the tables of audio_signal need more of it")]
mod corpus;
#[path = "../../../audio_signal/examples/quality/drums.rs"]
mod drums;
#[path = "../../../audio_signal/examples/quality/score.rs"]
mod score;

use std::process::ExitCode;

/// A function that prints one table.
type Table = fn();

/// Each table with what was chosen or fitted with its recordings in view ("seen").
const TABLES: [(&str, &str, Table); 3] = [
    ("hits", "the constants of the onsets, by drums/", hits::print),
    ("roles", "nothing", roles::print),
    ("loops", "the constants of the beats, and the bars by half of drums/", loops::print),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| TABLES.iter().all(|(table, ..)| table != name)) {
        let names = TABLES.map(|(name, ..)| name).join(", ");
        eprintln!("unknown table `{unknown}`; use one of: {names}");
        return ExitCode::FAILURE;
    }
    for (name, seen, print) in TABLES {
        if wanted.is_empty() || wanted.iter().any(|table| table == name) {
            print();
            println!("seen: {seen}");
        }
    }
    ExitCode::SUCCESS
}
