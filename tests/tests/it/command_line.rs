//! The program without a service, and the service without configuration.

use std::process::Stdio;

use e2e::{binary, media};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::analysis::assert_covers;

async fn run(arguments: &[&str]) -> std::process::Output {
    binary::command(arguments.iter().copied()).output().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn analyze_prints_the_summary_and_nothing_else() {
    let file = media::fixture("talk_and_music.mp4");
    let file = file.to_str().unwrap();
    let output = run(&["analyze", file, "--json", "--backend", "signal"]).await;
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "not on a terminal: no progress bar");
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_covers(&summary);
    assert_eq!(summary["meta"]["backend_type"], "signal");

    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("timeline.json");
    let arguments = ["analyze", file, "--json", "--backend", "signal", "--threads", "1", "--out"];
    let to_file = run(&[&arguments[..], &[out.to_str().unwrap()]].concat()).await;
    assert!(to_file.status.success() && to_file.stdout.is_empty());
    assert!(std::fs::read(out).unwrap() == output.stdout, "the same bytes, on one thread too");
}

#[tokio::test(flavor = "multi_thread")]
async fn analyze_prints_a_readable_timeline() {
    let file = media::fixture("talk_and_music.mp4");
    let output = run(&["analyze", file.to_str().unwrap()]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["0:40.", "LUFS", "BPM", "speech", "music", "silence", "other"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// The fallback of the command line measures: an invented timeline would be useless there.
#[tokio::test(flavor = "multi_thread")]
async fn analyze_without_a_model_still_measures() {
    let file = media::fixture("click_120bpm.wav");
    let arguments = ["analyze", file.to_str().unwrap(), "--json", "--whisper-model", "no-such-model"];
    let output = run(&arguments).await;
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["meta"]["backend_type"], "signal");
    assert_eq!(summary["meta"]["requested_backend"], "whisper_aubio");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no-such-model"), "a fallback is loud");
    let refused = run(&[&arguments[..], &["--fallback", "error"]].concat()).await;
    assert!(!refused.status.success() && refused.stdout.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn analyze_takes_the_settings_of_the_file_too() {
    let recording = media::fixture("click_120bpm.wav");
    let directory = tempfile::tempdir().unwrap();
    let settings = directory.path().join("harkback.toml");
    std::fs::write(&settings, "audio_semantic_backend = \"stub\"\nanalysis_workers = 1\n").unwrap();
    let backend = async |arguments: &[&str], environment: &[(&str, &str)]| {
        let output = binary::command(["analyze", "--json", "--config"])
            .args([&settings, &recording])
            .args(arguments)
            .envs(environment.iter().copied())
            .output()
            .await
            .unwrap();
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        summary["meta"]["backend_type"].as_str().unwrap().to_owned()
    };
    let (signal, stub) = ([("AUDIO_SEMANTIC_BACKEND", "signal")], ["--audio-semantic-backend", "stub"]);
    assert_eq!(backend(&[], &[]).await, "stub", "the file over the default");
    assert_eq!(backend(&[], &signal).await, "signal", "the environment over the file");
    assert_eq!(backend(&stub, &signal).await, "stub", "a flag over the environment");
}

#[tokio::test(flavor = "multi_thread")]
async fn analyze_reports_a_truncated_file() {
    let whole = std::fs::read(media::fixture("click_120bpm.wav")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (name, len, is_truncated) in [("whole.wav", whole.len(), false), ("cut.wav", whole.len() / 2, true)] {
        let file = directory.path().join(name);
        std::fs::write(&file, &whole[..len]).unwrap();
        let output = run(&["analyze", file.to_str().unwrap(), "--backend", "signal"]).await;
        let text = String::from_utf8(output.stdout).unwrap();
        let facts = text.lines().nth(1).unwrap();
        assert_eq!(facts.contains("truncated"), is_truncated, "{text}");
    }
}

/// `/dev/stdout` is such a link.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_standard_output_is_written_through() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("out");
    std::os::unix::fs::symlink("/proc/self/fd/1", &link).unwrap();
    let recording = media::fixture("click_120bpm.wav");
    let arguments = ["analyze", recording.to_str().unwrap(), "--json", "--backend", "stub", "--out"];
    let output = run(&[&arguments[..], &[link.to_str().unwrap()]].concat()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["events"].is_array());
    assert!(link.is_symlink());
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_go_to_standard_error() {
    let silent = media::fixture("no_audio_video.mp4");
    for (arguments, expected) in [
        (vec!["analyze", "/nowhere.wav"], "/nowhere.wav"),
        (vec!["analyze", "/"], "not a file"),
        (vec!["analyze", silent.to_str().unwrap(), "--json"], "no audio"),
        (vec!["analyze", silent.to_str().unwrap(), "--min-silence-ms", "1"], "min-silence-ms"),
        (vec!["analyze", silent.to_str().unwrap(), "--backend", "magic"], "magic"),
        // The path is checked before the analysis, which would report the missing audio.
        (vec!["analyze", silent.to_str().unwrap(), "--plot", "/nowhere/x.svg"], "error: /nowhere/x.svg: "),
        (vec!["analyze", silent.to_str().unwrap(), "--out", "/nowhere/x"], "error: /nowhere/x: "),
        (vec!["serve", "--config", "/nowhere.toml"], "/nowhere.toml"),
    ] {
        let output = run(&arguments).await;
        assert!(!output.status.success(), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.starts_with("error: ") && error.contains(expected), "{arguments:?}: {error}");
        assert!(!error.contains("panicked"), "{arguments:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_document_needs_no_service() {
    let output = run(&["openapi"]).await;
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["info"]["title"], "harkback");
    assert!(document["paths"].as_object().unwrap().len() > 15);
    assert_eq!(document["info"]["license"]["name"], json!("GPL-3.0-or-later"));
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_is_safe_to_repeat() {
    let deployment = e2e::Deployment::new().await;
    for _ in 0..2 {
        let output = binary::command(["migrate"])
            .env("DATABASE_URL", deployment.database().url())
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_database_is_reported_with_its_cause() {
    let url = "postgres://someone:secret@127.0.0.1:1/films";
    let mut child =
        binary::command(["migrate", "--database-url", url]).stderr(Stdio::piped()).spawn().unwrap();
    // The warning comes at once; the program then waits for a server that starts at the same time.
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    for part in ["WARN", "database `films` at 127.0.0.1:1 as user `someone`", "refused"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!line.contains("secret"), "{line}");
    child.kill().await.unwrap();

    let deployment = e2e::Deployment::new().await;
    let url = deployment.database().url();
    let (server, _) = url.rsplit_once('/').unwrap();
    let output = run(&["migrate", "--database-url", &format!("{server}/nobody")]).await;
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && !error.contains("waiting"), "{error}");
    for part in ["error: no connection to database `nobody` at ", r#"database "nobody" does not exist"#] {
        assert_eq!(error.matches(part).count(), 1, "{part}: {error}");
    }
}

/// Without `DATABASE_URL`, the data directory has all state, and it survives a restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_private_postgres_serves_the_first_run() {
    let deployment = e2e::Deployment::new().await;
    let server = deployment.start_with(&[("DATABASE_URL", "")]).await;
    let asset = server.api("t1", "dev").upload(&media::fixture("click_120bpm.wav")).await;
    server.stop().await;
    let running = std::fs::exists(deployment.data_directory().join("postgres/data/postmaster.pid")).unwrap();
    assert!(!running, "the private Postgres outlived its service");

    let server = deployment.start_with(&[("DATABASE_URL", "")]).await;
    let path = format!("/media-v2/assets/{}", asset["id"].as_str().unwrap());
    assert_eq!(server.api("t1", "dev").get(&path).await.ok()["asset"]["id"], asset["id"]);
    server.kill().await;
}
