//! `harkback demo`: the demo of the repository, with this program and wherever it is called.

use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use crate::config;

const SCRIPT: &str = include_str!("../../../tools/demo.sh");
const TIMELINE_FILTER: &str = include_str!("../../../tools/demo_timeline.jq");
const PROGRAMS: [&str; 5] = ["bash", "curl", "jq", "ffmpeg", "ffprobe"];

/// Becomes the script. There is no parent left that could end before it.
pub(crate) fn run(file: Option<&Path>, settings: Option<&Path>) -> anyhow::Result<Infallible> {
    let is_missing = |program: &&str| config::found_on_path(Path::new(program)) == Path::new(program);
    let missing: Vec<&str> = PROGRAMS.into_iter().filter(is_missing).collect();
    anyhow::ensure!(
        missing.is_empty(),
        "the demo needs {} (Debian: apt-get install bash curl jq ffmpeg)",
        missing.join(" and ")
    );
    let program = std::env::current_exe().context("the path of this program is not known")?;
    let error = Command::new(config::found_on_path(Path::new("bash")))
        .args(["-c", SCRIPT, "harkback demo"])
        .args(file)
        .env("HARKBACK_DEMO_PROGRAM", program)
        .env("HARKBACK_DEMO_TIMELINE", TIMELINE_FILTER)
        .env("HARKBACK_DEMO_CONFIG", settings.unwrap_or(Path::new("")))
        .exec();
    Err(error).context("bash does not start")
}
