//! The command `demo`, which runs a service of its own.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use e2e::{binary, media};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn demo_reports_missing_programs() {
    let directory = tempfile::tempdir().unwrap();
    let demo = async |arguments: &[&str], path: Option<&Path>| {
        let mut command = binary::command(["demo"]);
        command.args(arguments).current_dir(directory.path());
        path.map(|path| command.env("PATH", path));
        let output = command.output().await.unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(demo(&[], None).await.contains("harkback demo FILE"), "outside of the repository");
    assert!(demo(&["no.mp4"], None).await.contains("there is no file"));
    let printed = demo(&[], Some(directory.path())).await;
    assert!(printed.starts_with("error: the demo needs ffmpeg and ffprobe"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_runs_in_any_directory() {
    let directory = tempfile::tempdir().unwrap();
    let demo = binary::command(["demo"])
        .arg(media::fixture("talk_and_music.mp4"))
        // Without a speech model.
        .env("HARKBACK_MODEL_DIR", directory.path())
        .current_dir(directory.path())
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8_lossy(&demo.stdout);
    assert!(demo.status.success(), "{printed}{}", String::from_utf8_lossy(&demo.stderr));
    for step in
        ["The timeline", "the same artifact", "boom_bap_90", "Where they come from", "Stop the service"]
    {
        assert!(printed.contains(step), "{step}: {printed}");
    }
    for name in ["beat.mp4", "snippet.mp4"] {
        assert!(directory.path().join(".demo").join(name).metadata().unwrap().len() > 1_000, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_that_a_signal_ends_leaves_nothing_running() {
    for (signal, code) in [(Signal::INT, Some(130)), (Signal::KILL, None)] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let temporary = directory.path().join("temporary");
        std::fs::create_dir(&temporary).unwrap();
        let mut demo = binary::command(["demo"])
            .arg(media::fixture("talk_and_music.mp4"))
            .env("TMPDIR", &temporary)
            .env("HARKBACK_MODEL_DIR", directory.path())
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next_line().await.unwrap().expect("the demo ended before its service was ready");
            if let Some((url, _)) = line.split_once(" is ready; data in .demo/") {
                break url.trim().replace("http://", "");
            }
        };
        let postgres = directory.path().join(".demo/postgres/data/postmaster.pid");
        assert!(postgres.exists());
        let pid = Pid::from_raw(demo.id().unwrap().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
        assert_eq!(demo.wait().await.unwrap().code(), code);

        let is_running = async || TcpStream::connect(&address).await.is_ok() || postgres.exists();
        if signal == Signal::INT {
            assert!(!is_running().await, "the demo waits for its service");
            assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
        }
        // The kernel stops the service of a killed demo.
        let began = Instant::now();
        while is_running().await {
            assert!(began.elapsed() < Duration::from_secs(60), "the service outlived the demo");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
