//! `harkback identify`: the places of a recording in a directory of media.

use std::fs;
use std::path::Path;
use std::process::Output;

use e2e::binary;
use serde_json::Value;

use crate::made_music::{RATE, at_speed, piece, wav};

async fn identify(file: &Path, directory: &Path, arguments: &[&str]) -> Output {
    binary::command(["identify"]).arg(file).arg("--in").arg(directory).args(arguments).output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A directory with two pieces, a text and the recording `query.wav`: 4 s of the second piece, quieter by 6 dB.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    fs::create_dir(directory.path().join("below")).unwrap();
    let second = piece(2, 20);
    write("a.wav", &wav(&piece(1, 20)));
    write("below/b.wav", &wav(&second));
    write("notes.txt", b"Take 2 is the best one.\n");
    let query: Vec<f32> = second[5 * RATE..9 * RATE].iter().map(|sample| 0.5 * sample).collect();
    write("query.wav", &wav(&query));
    directory
}

#[tokio::test(flavor = "multi_thread")]
async fn identify_finds_the_place_in_a_directory() {
    let directory = directory();
    let query = directory.path().join("query.wav");
    let output = identify(&query, directory.path(), &["--json"]).await;
    let notes = text(&output.stderr);
    assert!(output.status.success(), "{notes}");
    let notes: Vec<&str> = notes.lines().collect();
    assert!(
        notes.len() == 1 && notes[0].starts_with("note: ") && notes[0].contains("notes.txt"),
        "{notes:?}"
    );

    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((report["searched"].as_u64(), report["skipped"].as_u64()), (Some(2), Some(1)));
    let matches = report["matches"].as_array().unwrap();
    assert_eq!(matches.len(), 1, "not in itself: {report:#}");
    let found = &matches[0];
    let number = |name: &str| found[name].as_f64().unwrap();
    assert!(found["file"].as_str().unwrap().ends_with("below/b.wav"), "{found}");
    assert!((number("source_start_ms") - number("query_start_ms") - 5_000.0).abs() < 1.0, "{found}");
    assert!(number("source_end_ms") - number("source_start_ms") > 3_000.0, "{found}");
    assert!((number("speed") - 1.0).abs() < 1e-4 && (number("gain_db") + 6.02).abs() < 0.2, "{found}");
    assert!(number("confidence") > 0.9999, "{found}");

    let on_one_thread = identify(&query, directory.path(), &["--json", "--threads", "1"]).await;
    assert!(on_one_thread.stdout == output.stdout, "the same bytes");
    let table = text(&identify(&query, directory.path(), &[]).await.stdout);
    let rows: Vec<&str> = table.lines().collect();
    assert!(rows.len() == 2 && rows[1].ends_with("below/b.wav") && rows[1].contains(" -6.0 "), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn identify_finds_changed_speeds_on_request_only() {
    let directory = directory();
    let query = directory.path().join("query.wav");
    let faster = at_speed(&piece(1, 20)[4 * RATE..9 * RATE], 1.05);
    fs::write(&query, wav(&faster)).unwrap();
    let unchanged = text(&identify(&query, directory.path(), &[]).await.stdout);
    assert_eq!(unchanged, "no match in 2 files\n");
    let output = identify(&query, directory.path(), &["--json", "--changed"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let matches = report["matches"].as_array().unwrap();
    assert_eq!(matches.len(), 1, "{report:#}");
    assert!((matches[0]["speed"].as_f64().unwrap() - 1.05).abs() < 1e-3, "{report:#}");
    assert!(matches[0]["file"].as_str().unwrap().ends_with("a.wav"), "{report:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn identify_invents_nothing_and_reports_unreadable_files() {
    let directory = directory();
    let query = directory.path().join("query.wav");
    fs::write(&query, wav(&piece(77, 5))).unwrap();
    let output = identify(&query, directory.path(), &[]).await;
    assert!(output.status.success() && text(&output.stdout) == "no match in 2 files\n");

    // The others are searched all the same.
    fs::write(directory.path().join("unreadable.wav"), test_kit::wav(1_000_000, 1, &[1; 100])).unwrap();
    let output = identify(&query, directory.path(), &[]).await;
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.lines().any(|line| line.starts_with("error: ") && line.contains("unreadable.wav")),
        "{error}"
    );
    assert_eq!(text(&output.stdout), "no match in 2 files\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn identify_refuses_what_cannot_be_searched() {
    let directory = directory();
    let within = |name: &str| directory.path().join(name);
    let (query, silence, empty) = (within("query.wav"), within("silence.wav"), within("empty"));
    fs::write(&silence, wav(&[0.0; 16_000])).unwrap();
    fs::write(within("short.wav"), wav(&piece(3, 1)[..4_000])).unwrap();
    fs::create_dir(&empty).unwrap();
    let (short, notes, nowhere) = (within("short.wav"), within("notes.txt"), Path::new("/nowhere"));
    let directory = directory.path();
    let none: &[&str] = &[];
    for (file, directory, arguments, expected) in [
        (&silence, directory, none, "silent"),
        (&short, directory, none, "0.3 s"),
        (&notes, directory, none, "not a recording"),
        (&query, empty.as_path(), none, "empty: no recording"),
        (&query, nowhere, none, "/nowhere"),
        (&query, directory, &["--min-confidence", "2"][..], "from 0 to 1"),
        (&query, directory, &["--threads", "0"][..], "threads"),
    ] {
        let output = identify(file, directory, arguments).await;
        let error = text(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{expected}: {error}");
        assert!(error.starts_with("error: ") || error.contains("\nerror: "), "{error}");
        assert!(error.contains(expected) && !error.contains("panicked"), "{expected}: {error}");
    }
}
