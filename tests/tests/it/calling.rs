//! `docs/calling.md`: its walkthrough and its program are run.
//!
//! A `sh` block is a step of the walkthrough; a `json` block after it is the step's output, with `"…"` for any value,
//! as in the other documents.

#![expect(clippy::panic, reason = "a wrong example fails the test")]

use std::path::Path;

use e2e::{Deployment, binary};
use tokio::process::Command;

use crate::documents::{Block, Names, blocks, compare};

/// Address of the service in the document.
pub(crate) const ADDRESS: &str = "http://127.0.0.1:8090";
/// Separates the outputs of two steps.
const SEPARATOR: char = '\u{1e}';

fn document() -> String {
    std::fs::read_to_string(binary::workspace_root().join("docs/calling.md")).unwrap()
}

/// Runs `program` in `folder`, with `option` and `text` as its arguments; returns its standard output.
pub(crate) async fn run(program: &str, option: &str, text: &str, folder: &Path) -> String {
    let output =
        Command::new(program).args([option, text]).current_dir(folder).env("no_proxy", "*").output().await;
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn documented_walkthrough_and_program_print_what_they_show() {
    let server = Deployment::new().await.start().await;
    let folder = tempfile::tempdir().unwrap();
    let fixtures = binary::workspace_root().join("fixtures");
    std::os::unix::fs::symlink(fixtures, folder.path().join("fixtures")).unwrap();
    let document = document().replace(ADDRESS, server.base());

    let compared = walk(&blocks(&document), folder.path()).await;
    assert!(compared >= 8, "only {compared} answers");
    for (file, at, mark) in [("hit.wav", 0, "RIFF"), ("snippet.mp4", 4, "ftyp")] {
        let bytes = std::fs::read(folder.path().join(file)).unwrap();
        assert_eq!(&bytes[at..at + 4], mark.as_bytes(), "{file}");
    }
    let program = blocks(&document).into_iter().find(|block| block.info == "python").unwrap();
    if has_python("requests", folder.path()).await {
        let printed = run("python3", "-c", &program.text, folder.path()).await;
        assert!(printed.starts_with("speech 0 "), "{printed}");
    }
    server.stop().await;
}

/// Runs the steps as one script, as typed into one shell; returns the number of compared answers.
pub(crate) async fn walk(blocks: &[Block], folder: &Path) -> usize {
    let steps: Vec<&str> =
        blocks.iter().filter(|block| block.info == "sh").map(|block| block.text.as_str()).collect();
    let script = format!("set -euo pipefail\n{}", steps.join(&format!("\nprintf '{SEPARATOR}'\n")));
    let printed = run("bash", "-c", &script, folder).await;
    let mut outputs = printed.split(SEPARATOR);
    let (mut output, mut compared) = ("", 0);
    for Block { line, info, text } in blocks {
        if info == "sh" {
            output = outputs.next().unwrap();
        } else if info == "json" {
            let [expected, found] = [text.as_str(), output].map(|text| {
                serde_json::from_str(text).unwrap_or_else(|error| panic!("line {line}: {error} in {text:?}"))
            });
            let same = compare(&expected, &found, &mut Names::new(), "");
            same.unwrap_or_else(|wrong| panic!("line {line}: {wrong}"));
            compared += 1;
        }
    }
    compared
}

/// Whether Python has the module; not every machine does, and no other test needs it.
pub(crate) async fn has_python(module: &str, folder: &Path) -> bool {
    let import = format!("import {module}");
    let found = Command::new("python3").args(["-c", &import]).current_dir(folder).output().await;
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        e2e::skipped(&format!("python3 with {module} absent"));
    }
    found
}
