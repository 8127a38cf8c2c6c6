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

const TABLES: [(&str, Table); 3] = [("hits", hits::print), ("roles", roles::print), ("loops", loops::print)];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| TABLES.iter().all(|(table, _)| table != name)) {
        let names = TABLES.map(|(name, _)| name).join(", ");
        eprintln!("unknown table `{unknown}`; use one of: {names}");
        return ExitCode::FAILURE;
    }
    for (name, print) in TABLES {
        if wanted.is_empty() || wanted.iter().any(|table| table == name) {
            print();
        }
    }
    ExitCode::SUCCESS
}
