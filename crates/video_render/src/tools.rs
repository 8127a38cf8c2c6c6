//! The ffmpeg and ffprobe programs, with their version and components.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::Error;
use crate::components::Components;
use crate::prober::{LIMITS, Prober};
use confined_process::ToolError;

/// Part of every render's key. Increment it when the same plan would give different bytes, or the same request a
/// different plan. v3: the last frame of source-rate renders lasts to the end of the window, and every render is
/// BT.709 in limited range, deinterlaced, tone-mapped and opaque.
const RENDERER: &str = "video_render_v4";
const TIME_LIMIT: Duration = Duration::from_secs(20);
const MAX_OUTPUT: u64 = 1 << 20;

/// The programs. Their version and components are read once, on first use.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) ffmpeg: PathBuf,
    pub(crate) prober: Prober,
    version: OnceCell<String>,
    components: OnceCell<Components>,
}

impl Tools {
    pub(crate) fn new(ffmpeg: PathBuf, ffprobe: PathBuf) -> Self {
        let prober = Prober { ffprobe };
        Self { ffmpeg, prober, version: OnceCell::new(), components: OnceCell::new() }
    }

    /// The versions, e.g. `video_render_v4+ffmpeg-5.1.9`. After an error the next caller tries again.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when one of the programs cannot be run.
    pub(crate) async fn version(&self) -> Result<&str, Error> {
        let version = self.version.get_or_try_init(async || {
            version_of(&self.prober.ffprobe).await?;
            Ok::<_, Error>(format!("{RENDERER}+ffmpeg-{}", version_of(&self.ffmpeg).await?))
        });
        version.await.map(String::as_str)
    }

    /// The filters and decoders of ffmpeg. After an error the next caller tries again.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when ffmpeg cannot be run.
    pub(crate) async fn components(&self) -> Result<&Components, Error> {
        let components = self.components.get_or_try_init(async || {
            let filters = ask(&self.ffmpeg, &["-hide_banner", "-filters"]).await?;
            let decoders = ask(&self.ffmpeg, &["-hide_banner", "-decoders"]).await?;
            Ok::<_, Error>(Components::parse(&filters).chain(Components::parse(&decoders)).collect())
        });
        components.await
    }
}

/// The version of a program: the third word of `ffmpeg version 5.1.9 Copyright …`.
async fn version_of(program: &Path) -> Result<String, Error> {
    let text = ask(program, &["-version"]).await?;
    Ok(text.split_whitespace().nth(2).unwrap_or("unknown").chars().take(64).collect())
}

/// Runs a program with `options` and returns its standard output.
async fn ask(program: &Path, options: &[&str]) -> Result<String, Error> {
    let written = confined_process::output(program, options, LIMITS, TIME_LIMIT, MAX_OUTPUT).await;
    let written = written.map_err(|error| match error {
        // The program exists but does not work: the installation is broken.
        ToolError::Failed { .. } | ToolError::TooMuchOutput { .. } => Error::Unavailable(error),
        error => error.into(),
    })?;
    Ok(String::from_utf8_lossy(&written).into_owned())
}
