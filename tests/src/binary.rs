//! Path and commands of the program under test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use cargo_metadata::Message;

/// The root of the workspace.
#[must_use]
pub fn workspace_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace")
}

/// Path of `harkback`, built first if necessary.
///
/// # Panics
/// When it does not compile.
#[must_use]
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(build)
}

/// `harkback ARGS…` with a clean environment: no setting of the developer's shell reaches a test.
pub fn command<I, S>(arguments: I) -> tokio::process::Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<std::ffi::OsStr>,
{
    let mut command = tokio::process::Command::new(path());
    command.args(arguments).env_clear().envs(kept_environment()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

#[expect(
    clippy::disallowed_methods,
    reason = "what any program needs to find others and its temporary files"
)]
fn kept_environment() -> impl Iterator<Item = (&'static str, std::ffi::OsString)> {
    ["PATH", "HOME", "TMPDIR"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)))
}

/// Builds the whole workspace, which unifies features as `cargo test --workspace` does, so that nothing is compiled
/// twice.
fn build() -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .current_dir(workspace_root())
        .args(["build", "--workspace", "--bin", "harkback", "--message-format=json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()
        .expect("running cargo");
    assert!(output.status.success(), "harkback does not compile");
    Message::parse_stream(output.stdout.as_slice())
        .filter_map(|message| match message.expect("a message of cargo") {
            Message::CompilerArtifact(artifact) => artifact.executable,
            _ => None,
        })
        .find(|executable| executable.file_stem() == Some("harkback"))
        .expect("cargo names the binary that it built")
        .into_std_path_buf()
}
