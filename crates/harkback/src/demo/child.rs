//! Other processes of this program.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::Context;
use rustix::process::Signal;

/// Prefixes of the names of variables that configure harkback.
const PREFIXES: [&[u8]; 2] = [b"HARKBACK_", b"AUDIO_SEMANTIC_"];
const NAMES: [&str; 2] = ["DATABASE_URL", "VIDEO_TIMELINE_URL"];

/// This program as another process: without input, without the settings of the environment, and stopped (SIGTERM) when
/// the demo ends in any way.
pub(super) fn command() -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("the path of this program is not known")?;
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting(name)) {
        command.env_remove(name);
    }
    // Its own process group: a Ctrl-C at the terminal reaches the demo alone, which then stops the process.
    command.process_group(0);
    confined_process::die_with_parent(&mut command, Signal::TERM);
    Ok(command)
}

/// Whether a variable of the environment could redirect the demo's service.
fn is_setting(name: &OsStr) -> bool {
    NAMES.iter().any(|setting| name == *setting)
        || PREFIXES.iter().any(|prefix| name.as_bytes().starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_environment_are_removed_and_other_variables_kept() {
        for name in ["DATABASE_URL", "HARKBACK_LISTEN", "AUDIO_SEMANTIC_BACKEND", "VIDEO_TIMELINE_URL"] {
            assert!(is_setting(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "HOME", "TMPDIR", "MY_DATABASE_URL", "HARKBACK", "OTEL_SERVICE_NAME"] {
            assert!(!is_setting(OsStr::new(name)), "{name}");
        }
    }
}
