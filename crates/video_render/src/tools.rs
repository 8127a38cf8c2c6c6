//! ffmpeg and ffprobe, and which ones they are.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::Error;
use crate::source::{LIMITS, Prober};
use confined_process::ToolError;

/// Part of every render's key: count it up when the same plan would give other bytes, or the same request
/// another plan.
const RENDERER: &str = "video_render_v2";
const TIME_LIMIT: Duration = Duration::from_secs(20);
const MAX_OUTPUT: u64 = 64 << 10;

/// The programs; their version is asked for once, when it is first needed.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) ffmpeg: PathBuf,
    pub(crate) prober: Prober,
    version: OnceCell<String>,
}

impl Tools {
    pub(crate) fn new(ffmpeg: PathBuf, ffprobe: PathBuf) -> Self {
        Self { ffmpeg, prober: Prober { ffprobe }, version: OnceCell::new() }
    }

    /// `video_render_v2+ffmpeg-5.1.9`. What fails is asked for again by the next caller.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when one of the programs does not run.
    pub(crate) async fn version(&self) -> Result<&str, Error> {
        let version = self.version.get_or_try_init(async || {
            version_of(&self.prober.ffprobe).await?;
            Ok::<_, Error>(format!("{RENDERER}+ffmpeg-{}", version_of(&self.ffmpeg).await?))
        });
        version.await.map(String::as_str)
    }
}

/// The third word of `ffmpeg version 5.1.9 Copyright …`.
async fn version_of(program: &Path) -> Result<String, Error> {
    let written = confined_process::output(program, ["-version"], LIMITS, TIME_LIMIT, MAX_OUTPUT).await;
    let written = written.map_err(|error| match error {
        // It is there and does not work: a broken installation.
        ToolError::Failed { .. } | ToolError::TooMuchOutput { .. } => Error::Unavailable(error),
        error => error.into(),
    })?;
    let text = String::from_utf8_lossy(&written);
    Ok(text.split_whitespace().nth(2).unwrap_or("unknown").chars().take(64).collect())
}
