//! The scripts from which libass draws captions, and the filter that reads them.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use interchange::ass::{Subtitle, SubtitlePicture, subtitles};
use media_time::LocalTime;
use rustix::fs::{MemfdFlags, memfd_create};

use crate::Profile;
use crate::captions::Captions;
use crate::film::pieces::Piece;
use crate::plan::source_name;
use crate::profile::FrameRate;
use crate::run::path_of;

/// A filter that draws the script that is the source `index` of the plan, at the times of the frames.
pub(crate) fn by_time(index: usize) -> String {
    format!(",ass=filename={}", source_name(index))
}

/// As [`by_time`], but the script's hundredths of a second are numbers of frames: exact at every rate. A frame is in the
/// middle of its hundredth, because libass rounds times down.
pub(crate) fn by_frame(index: usize, rate: FrameRate) -> String {
    format!(",settb=1/1000,setpts=10*N+5{},settb={},setpts=N", by_time(index), rate.frame_duration())
}

impl Captions {
    /// The script for [`by_time`]; `None` without captions.
    pub(crate) fn script(&self, profile: &Profile) -> Option<String> {
        // Less than a hundredth of a second early: a frame that begins then would be a rounding error late.
        let before = |time: LocalTime| (time.as_micros() - 1).max(0) / 10_000;
        let list = self.list.iter().map(|shown| Subtitle {
            start_cs: before(shown.window.start()),
            end_cs: before(shown.window.end()),
            text: &shown.text,
        });
        (!self.list.is_empty()).then(|| subtitles(list, self.picture(profile)))
    }

    /// The script for [`by_frame`] of consecutive pieces; `None` if they have no captions.
    pub(crate) fn script_of_pieces<'a>(
        &self,
        profile: &Profile,
        pieces: impl IntoIterator<Item = &'a Piece>,
    ) -> Option<String> {
        let (mut list, mut first) = (Vec::new(), 0);
        for piece in pieces {
            list.extend(piece.captions.iter().map(|of| Subtitle {
                start_cs: first + of.frames.start,
                end_cs: first + of.frames.end,
                text: &self.list[of.caption].text,
            }));
            first += piece.frames;
        }
        (!list.is_empty()).then(|| subtitles(list, self.picture(profile)))
    }

    const fn picture(&self, profile: &Profile) -> SubtitlePicture {
        SubtitlePicture { width: profile.width, height: profile.height, font_size: self.font_size }
    }
}

/// The paths of the sources, and behind them that of a script, which is in memory as long as the file is open.
///
/// # Errors
/// Errors of creating the file.
pub(crate) fn with_script<'a>(
    sources: &'a [PathBuf],
    script: Option<&str>,
) -> io::Result<(Cow<'a, [PathBuf]>, Option<File>)> {
    let Some(script) = script else { return Ok((sources.into(), None)) };
    let mut paths = sources.to_vec();
    let mut file = File::from(memfd_create("captions", MemfdFlags::CLOEXEC)?);
    file.write_all(script.as_bytes())?;
    paths.push(path_of(&file));
    Ok((paths.into(), Some(file)))
}
