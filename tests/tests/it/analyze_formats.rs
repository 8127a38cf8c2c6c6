//! `harkback analyze` with several files, formats and standard input; files for shells and `man`.

use std::fs::{self, File};
use std::path::Path;
use std::process::Output;

use e2e::{binary, media};
use serde_json::Value;

/// `harkback analyze` with the backend `signal`.
async fn analyze(arguments: &[&str]) -> Output {
    binary::command([&["analyze", "--backend", "signal"], arguments].concat()).output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn analyze_writes_each_file_in_each_format() {
    let (talk, click) = (media::fixture("talk_and_music.mp4"), media::fixture("click_120bpm.wav"));
    let (talk, click) = (talk.to_str().unwrap(), click.to_str().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("new/out");
    let formats = "json,text,otio,audacity,midi,chapters,svg";
    let output = analyze(&[talk, click, "--format", formats, "-o", out.to_str().unwrap()]).await;
    assert!(output.status.success() && output.stdout.is_empty(), "{}", text(&output.stderr));
    let extensions = ["audacity.txt", "chapters.json", "json", "mid", "otio", "svg", "text.txt"];
    let expected: Vec<String> = ["click_120bpm", "talk_and_music"]
        .iter()
        .flat_map(|stem| extensions.map(|extension| format!("{stem}.{extension}")))
        .collect();
    assert_eq!(names(&out), expected);

    let read = |name: &str| fs::read(out.join(name)).unwrap();
    let json = analyze(&[talk, "--json"]).await.stdout;
    assert!(read("talk_and_music.json") == json, "as --json");
    assert_eq!(analyze(&[talk]).await.stdout, read("talk_and_music.text.txt"));
    assert!(read("click_120bpm.mid").starts_with(b"MThd"));
    let otio: Value = serde_json::from_slice(&read("talk_and_music.otio")).unwrap();
    assert_eq!(otio["OTIO_SCHEMA"], "Timeline.1");
    assert!(text(&read("talk_and_music.otio")).contains("talk_and_music.mp4"), "the media by its name");
    let warnings = text(&output.stderr);
    assert!(warnings.contains(": midi cannot hold 2: events_omitted ("), "{warnings}");
    assert!(!warnings.contains(": audacity"), "{warnings}");
    // One file and one format: standard output, with the same bytes.
    let single = analyze(&[talk, "--format", "audacity"]).await.stdout;
    assert_eq!(text(&single), text(&read("talk_and_music.audacity.txt")));
}

#[tokio::test(flavor = "multi_thread")]
async fn analyze_continues_after_a_failed_file_and_reports_it() {
    let directory = tempfile::tempdir().unwrap();
    let click = media::fixture("click_120bpm.wav");
    let silent = media::fixture("no_audio_video.mp4");
    let (click, silent) = (click.to_str().unwrap(), silent.to_str().unwrap());
    let out = directory.path().to_str().unwrap();
    let output = analyze(&["/nowhere.wav", silent, click, "--format", "srt,jams", "-o", out]).await;
    assert_eq!(output.status.code(), Some(1));
    let errors = text(&output.stderr);
    for expected in ["error: /nowhere.wav: ", "no audio", "click_120bpm.wav: srt: there are no words"] {
        assert!(errors.contains(expected), "{expected}: {errors}");
    }
    assert_eq!(names(directory.path()), ["click_120bpm.jams"]);

    let same = analyze(&[click, "/elsewhere/click_120bpm.mp3", "--format", "jams", "-o", out]).await;
    let error = text(&same.stderr);
    assert!(!same.status.success() && error.contains("would both be written as"), "{error}");
    let several = analyze(&[click, "--format", "jams,midi"]).await;
    assert!(text(&several.stderr).contains("need a directory"), "{}", text(&several.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn analyze_reads_standard_input() {
    let file = media::fixture("click_120bpm.wav");
    let expected = analyze(&[file.to_str().unwrap(), "--json"]).await.stdout;
    let output = binary::command(["analyze", "--backend", "signal", "-", "--json"])
        .stdin(File::open(&file).unwrap())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(output.stdout == expected, "the same bytes as from the file");
    let directory = tempfile::tempdir().unwrap();
    let output = binary::command(["analyze", "--backend", "signal", "-", "--format", "otio,svg", "-o"])
        .arg(directory.path())
        .stdin(File::open(&file).unwrap())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(names(directory.path()), ["stdin.otio", "stdin.svg"]);
    for name in names(directory.path()) {
        let content = fs::read_to_string(directory.path().join(&name)).unwrap();
        assert!(content.contains("stdin") && !content.contains(".tmp"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_and_man_pages_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        let output = binary::command(["completions", shell]).output().await.unwrap();
        assert!(output.status.success() && text(&output.stdout).contains("analyze"), "{shell}");
    }
    let page = text(&binary::command(["man"]).output().await.unwrap().stdout);
    assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{page}");
}
