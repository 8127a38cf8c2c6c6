//! The cuts of windows of one source, by the packets around them, which are read in few passes if there are many windows.

use std::borrow::Cow;
use std::path::Path;

use media_time::{FileTime, MediaTime, Window};

use crate::Error;
use crate::cut::{PacketRange, SourceCut};
use crate::packet::Packet;
use crate::prober::Prober;
use crate::source::{ProbedSource, VideoStream};

/// Longest part of a source whose packets are read at once: about 5 MB of ffprobe's report at 60 frames a second.
const MAX_SPAN: MediaTime = MediaTime::from_millis(30 * 60_000);
/// Windows that are further apart are read separately.
const MAX_GAP: MediaTime = MediaTime::from_millis(60_000);
/// Windows of fewer than this many are read one by one.
const MIN_WINDOWS: usize = 4;

/// The packets of a part of a source, in decoding order from a keyframe on.
struct PacketRun {
    /// The part that was asked for.
    part: Window<FileTime>,
    packets: Vec<Packet>,
}

/// Finds the cuts of windows of one source.
pub(crate) struct SourcePackets<'a> {
    prober: &'a Prober,
    path: &'a Path,
    source: &'a ProbedSource,
    video: &'a VideoStream,
    runs: Vec<PacketRun>,
}

impl<'a> SourcePackets<'a> {
    /// Reads the packets of each window when its cut is asked for.
    pub(crate) const fn unread(
        prober: &'a Prober,
        path: &'a Path,
        source: &'a ProbedSource,
        video: &'a VideoStream,
    ) -> Self {
        Self { prober, path, source, video, runs: Vec::new() }
    }

    /// Reads the packets around the starts of `windows`.
    ///
    /// # Errors
    /// As [`Prober::probe`].
    pub(crate) async fn read(
        prober: &'a Prober,
        path: &'a Path,
        source: &'a ProbedSource,
        video: &'a VideoStream,
        windows: &[Window<FileTime>],
    ) -> Result<Self, Error> {
        let mut runs = Vec::new();
        for part in parts(source, windows) {
            let packets = prober.packets(path, source, video.info, part.start(), part.end()).await?;
            runs.push(PacketRun { part, packets });
        }
        Ok(Self { runs, ..Self::unread(prober, path, source, video) })
    }

    /// The cut of a window.
    ///
    /// # Errors
    /// As [`Prober::probe`].
    pub(crate) async fn cut(&self, window: Window<FileTime>) -> Result<SourceCut, Error> {
        let mut range = PacketRange::FIRST;
        loop {
            let (from, until) = (range.from(self.source, window), range.until(window));
            let packets = match self.known(from, until) {
                Some(packets) => Cow::Borrowed(packets),
                None => {
                    let Self { prober, path, source, video, .. } = self;
                    Cow::Owned(prober.packets(path, source, video.info, from, until).await?)
                }
            };
            match range.next(window, &packets) {
                Some(further) => range = further,
                None => return Ok(SourceCut::of_frames(self.source, window, &packets)),
            }
        }
    }

    /// The packets from the keyframe at or before `from` until `until`, if they have been read.
    fn known(&self, from: FileTime, until: FileTime) -> Option<&[Packet]> {
        let run = self.runs.iter().find(|run| run.part.start() <= from && until <= run.part.end())?;
        let start = run.packets.partition_point(|packet| packet.dts <= from);
        let keyframe = run.packets[..start].iter().rposition(|packet| packet.is_keyframe).unwrap_or(0);
        let end = run.packets.partition_point(|packet| packet.dts <= until);
        run.packets.get(keyframe..end)
    }
}

/// The parts of a source that contain the first ranges of all windows.
fn parts(source: &ProbedSource, windows: &[Window<FileTime>]) -> Vec<Window<FileTime>> {
    if windows.len() < MIN_WINDOWS {
        return Vec::new();
    }
    let range = PacketRange::FIRST;
    let mut ranges: Vec<(FileTime, FileTime)> =
        windows.iter().map(|window| (range.from(source, *window), range.until(*window))).collect();
    ranges.sort_unstable();
    let mut parts: Vec<Window<FileTime>> = Vec::new();
    for (from, until) in ranges {
        let joined =
            parts.last_mut().filter(|part| from <= part.end() + MAX_GAP && until - part.start() <= MAX_SPAN);
        match joined {
            Some(part) => *part = Window::starting_at(part.start(), until.max(part.end()) - part.start()),
            None => parts.push(Window::starting_at(from, until - from)),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::tests::source;

    #[test]
    fn near_windows_are_read_together() {
        let at = |ms| FileTime::from_millis(ms);
        let window = |start: i64| Window::starting_at(at(start), MediaTime::from_millis(100));
        assert!(parts(&source(), &[window(0); 3]).is_empty(), "too few");
        let windows = [window(5_000), window(0), window(30_000), window(3_600_000)];
        let found: Vec<_> =
            parts(&source(), &windows).iter().map(|part| (part.start(), part.end())).collect();
        assert_eq!(found, [(at(0), at(31_000)), (at(3_599_500), at(3_601_000))]);
    }
}
