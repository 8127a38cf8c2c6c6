//! The ffmpeg and ffprobe programs, with their version and components.

use std::path::{Path, PathBuf};
use std::time::Duration;

use interchange::ass::{Subtitle, SubtitlePicture, subtitles};
use media_v2::MediaError;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use crate::Error;
use crate::captions::script;
use crate::components::Components;
use crate::probed::ProbedSources;
use crate::prober::{LIMITS, Prober};
use confined_process::ToolError;

/// Part of every render's key. Increment it when the same plan would give different bytes, or the same request a
/// different plan. v3: the last frame of source-rate renders lasts to the end of the window, and every render is
/// BT.709 in limited range, deinterlaced, tone-mapped and opaque. v5: transport and program streams are read from before
/// the needed keyframe on.
const RENDERER: &str = "video_render_v5";
const TIME_LIMIT: Duration = Duration::from_secs(20);
const MAX_OUTPUT: u64 = 1 << 20;

/// The programs. Their version and components are read once, on first use.
#[derive(Debug)]
pub(crate) struct Tools {
    pub(crate) ffmpeg: PathBuf,
    pub(crate) prober: Prober,
    pub(crate) probed: ProbedSources,
    version: OnceCell<String>,
    components: OnceCell<Components>,
    caption_fonts: OnceCell<String>,
}

impl Tools {
    pub(crate) fn new(ffmpeg: PathBuf, ffprobe: PathBuf) -> Self {
        let prober = Prober { ffprobe };
        Self {
            ffmpeg,
            prober,
            probed: ProbedSources::default(),
            version: OnceCell::new(),
            components: OnceCell::new(),
            caption_fonts: OnceCell::new(),
        }
    }

    /// The versions, e.g. `video_render_v5+ffmpeg-5.1.9`. After an error the next caller tries again.
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

impl Tools {
    /// Identifies libass and the fonts of this server, by a hash of drawn text. After an error the next caller tries again.
    ///
    /// # Errors
    /// [`Error::MissingFilter`] if this ffmpeg has no libass, [`Error::MissingFont`] if it draws nothing.
    pub(crate) async fn caption_fonts(&self) -> Result<&str, Error> {
        let fonts = self.caption_fonts.get_or_try_init(async || {
            // It comes with the filter `ass`, which a decoder is also called.
            if !self.components().await?.has("subtitles") {
                return Err(Error::MissingFilter { filter: "ass", purpose: "burning in captions (libass)" });
            }
            let picture = SubtitlePicture { width: 640, height: 64, font_size: 32 };
            let text = "Hark 019 \u{e4}\u{e9}\u{df} \u{416} \u{3a9} \u{5d0} \u{6f22}";
            let sample = Subtitle { start_cs: 0, end_cs: 100, text };
            let sample = subtitles([sample], picture);
            let (paths, _file) = script::with_script(&[], Some(&sample)).map_err(MediaError::from)?;
            let filter = format!("ass=filename={}", paths[0].display());
            let options = ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=c=black:s=640x64:r=1:d=1"];
            let output = ["-vf", &filter, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"];
            let pixels = ask_bytes(&self.ffmpeg, &[&options[..], &output[..]].concat()).await?;
            let black = pixels.first().copied();
            if pixels.iter().all(|pixel| Some(*pixel) == black) {
                return Err(Error::MissingFont);
            }
            Ok(hex::encode(Sha256::digest(&pixels))[..16].to_owned())
        });
        fonts.await.map(String::as_str)
    }
}

/// The version of a program: the third word of `ffmpeg version 5.1.9 Copyright …`.
async fn version_of(program: &Path) -> Result<String, Error> {
    let text = ask(program, &["-version"]).await?;
    Ok(text.split_whitespace().nth(2).unwrap_or("unknown").chars().take(64).collect())
}

/// Runs a program with `options` and returns its standard output.
async fn ask(program: &Path, options: &[&str]) -> Result<String, Error> {
    Ok(String::from_utf8_lossy(&ask_bytes(program, options).await?).into_owned())
}

/// Runs a program with `options` and returns what it writes to standard output.
async fn ask_bytes(program: &Path, options: &[&str]) -> Result<Vec<u8>, Error> {
    let written = confined_process::output(program, options, LIMITS, TIME_LIMIT, MAX_OUTPUT).await;
    written.map_err(|error| match error {
        // The program exists but does not work: the installation is broken.
        ToolError::Failed { .. } | ToolError::TooMuchOutput { .. } => Error::Unavailable(error),
        error => error.into(),
    })
}
