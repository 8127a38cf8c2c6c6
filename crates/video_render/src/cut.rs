//! The frame-accurate start and end of a window in a file.

use media_time::{FileTime, MediaTime, Window};

use crate::packet::Packet;
use crate::source::ProbedSource;

/// Time that is decoded before the window, so that audio codecs have settled when it begins.
const PRE_ROLL: MediaTime = MediaTime::from_millis(300);
/// Added to seek positions: more than the 3/23 s by which ffmpeg seeks early in streams with reordered frames.
const SEEK_SLACK: MediaTime = MediaTime::from_millis(150);
/// Subtracted from seek positions in containers in which ffmpeg seeks to any packet: the needed keyframe is then read, and
/// audio that the file has up to this much earlier than the video of the same time.
const SEEK_MARGIN: MediaTime = MediaTime::from_millis(1_000);
/// How much earlier decoding begins when a source could not be decoded from its keyframe on.
const FURTHER_BACK: MediaTime = MediaTime::from_millis(30_000);

/// A window of a source, with the seek position for its first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SourceCut {
    /// Position from which the file is read: at or before all needed packets.
    pub(crate) seek: FileTime,
    /// The window; exact to the sample for audio.
    pub(crate) window: Window<FileTime>,
    /// PTS of the frame that is visible at the start of the window, or else of the first frame inside. `None` when no
    /// frame is visible in the window.
    pub(crate) first_frame: Option<FileTime>,
}

/// Range around the start of a window in which packets are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PacketRange {
    back: MediaTime,
    ahead: MediaTime,
}

impl PacketRange {
    /// The first range to try, which is nearly always sufficient.
    pub(crate) const FIRST: Self =
        Self { back: MediaTime::from_millis(500), ahead: MediaTime::from_millis(1_000) };
    const FAR: MediaTime = MediaTime::from_millis(30_000);

    /// Start of the range.
    pub(crate) fn from(self, source: &ProbedSource, window: Window<FileTime>) -> FileTime {
        (window.start() - self.back).max(source.start.min(FileTime::ZERO))
    }

    /// End of the range.
    pub(crate) fn until(self, window: Window<FileTime>) -> FileTime {
        window.start() + self.ahead
    }

    /// The next larger range, when `packets` do not determine the first frame; `None` when they do, or when the range
    /// cannot grow.
    ///
    /// Packets are in decoding order: only when one has a DTS after the start of the window, all frames with a PTS
    /// before it have been read.
    pub(crate) fn next(self, window: Window<FileTime>, packets: &[Packet]) -> Option<Self> {
        if first_frame_and_keyframe(window, packets).is_none() {
            let back = if self.back < Self::FAR { Self::FAR } else { MediaTime::MAX };
            return (self.back < MediaTime::MAX).then_some(Self { back, ..self });
        }
        let is_passed = packets.iter().any(|packet| packet.dts > window.start());
        (!is_passed && self.ahead < Self::FAR).then_some(Self { ahead: Self::FAR, ..self })
    }
}

/// PTS of the frame visible at the start of the window, and the keyframe that it depends on.
fn first_frame_and_keyframe(window: Window<FileTime>, packets: &[Packet]) -> Option<(FileTime, &Packet)> {
    let before = packets.iter().map(|packet| packet.pts).filter(|pts| *pts <= window.start());
    let first = before.max()?;
    let keyframes = packets.iter().filter(|packet| packet.is_keyframe && packet.pts <= first);
    Some((first, keyframes.max_by_key(|packet| packet.pts)?))
}

impl SourceCut {
    /// A cut of audio only.
    pub(crate) fn of_audio(source: &ProbedSource, window: Window<FileTime>) -> Self {
        Self { seek: Self::seek_for_audio(source, window.start()), window, first_frame: None }
    }

    /// Seek position for audio that begins at `time`.
    pub(crate) fn seek_for_audio(source: &ProbedSource, time: FileTime) -> FileTime {
        let needed = time - PRE_ROLL;
        let is_exact = source.container.seeks_to_keyframes();
        not_before(source, if is_exact { needed } else { needed - SEEK_MARGIN })
    }

    /// The same cut, decoded from an earlier keyframe on.
    pub(crate) fn further_back(self, source: &ProbedSource) -> Self {
        Self { seek: not_before(source, self.seek - FURTHER_BACK), ..self }
    }

    /// The cut of `window`, by the packets read around its start.
    pub(crate) fn of_frames(source: &ProbedSource, window: Window<FileTime>, packets: &[Packet]) -> Self {
        match first_frame_and_keyframe(window, packets) {
            Some((first, keyframe)) => {
                let needed = keyframe.dts.min(window.start() - PRE_ROLL);
                let seek = match source.container.seeks_to_keyframes() {
                    true => seek_for(needed, packets),
                    false => needed - SEEK_MARGIN,
                };
                let seek = not_before(source, seek);
                Self { seek, window, first_frame: Some(first) }
            }
            None => Self::before_first_frame(source, window, packets),
        }
    }

    /// The cut of a window that begins before the first frame.
    fn before_first_frame(source: &ProbedSource, window: Window<FileTime>, packets: &[Packet]) -> Self {
        let first = packets.iter().map(|packet| packet.pts).min();
        let first_frame = first.filter(|first| *first < window.end());
        Self { first_frame, ..Self::of_audio(source, window) }
    }
}

/// The seek position for the last keyframe whose DTS is at or before `needed`, or `needed` without one. It is slightly
/// later than that DTS, unless the next keyframe is as close: ffmpeg seeks early, and would otherwise find the previous
/// keyframe and decode a whole GOP unnecessarily. Only for containers in which ffmpeg seeks to keyframes.
fn seek_for(needed: FileTime, packets: &[Packet]) -> FileTime {
    let keyframes = || packets.iter().filter(|packet| packet.is_keyframe).map(|packet| packet.dts);
    let Some(keyframe) = keyframes().filter(|dts| *dts <= needed).max() else { return needed };
    let seek = keyframe + SEEK_SLACK;
    let is_next_later = keyframes().filter(|dts| *dts > keyframe).all(|next| next > seek);
    if is_next_later { seek } else { keyframe }
}

/// `time`, clamped because ffmpeg accepts no negative position for a file that begins at zero.
fn not_before(source: &ProbedSource, time: FileTime) -> FileTime {
    time.max(source.seek_zero)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Container;

    fn ms(millis: i64) -> FileTime {
        FileTime::from_millis(millis)
    }

    fn source() -> ProbedSource {
        source_in("mov")
    }

    fn source_in(demuxer: &'static str) -> ProbedSource {
        ProbedSource {
            container: Container { demuxer },
            start: ms(0),
            seek_zero: ms(0),
            audio_lag: MediaTime::ZERO,
            duration: None,
            video: None,
            audio: None,
        }
    }

    /// Ten frames per second, one keyframe per second; each DTS is two frames before the PTS.
    fn packets(range: std::ops::Range<i64>) -> Vec<Packet> {
        let packet = |n: i64| Packet {
            pts: ms(100 * n),
            dts: ms(100 * n - 200),
            end: ms(100 * n + 100),
            is_keyframe: n % 10 == 0,
        };
        range.map(packet).collect()
    }

    fn window(start: i64) -> Window<FileTime> {
        Window::new(ms(start), ms(9_000)).unwrap()
    }

    #[test]
    fn first_frame_is_the_one_visible_at_the_start() {
        let packets = packets(10..60);
        for (start, first, seek) in
            [(2_300, 2_300, 1_950), (2_399, 2_300, 1_950), (2_400, 2_400, 1_950), (3_050, 3_000, 1_950)]
        {
            let cut = SourceCut::of_frames(&source(), window(start), &packets);
            assert_eq!((cut.first_frame, cut.seek), (Some(ms(first)), ms(seek)), "{start}");
            assert_eq!(PacketRange::FIRST.next(window(start), &packets), None);
        }
    }

    #[test]
    fn seek_never_passes_the_required_keyframe() {
        let keyframe = |time: i64| Packet { pts: ms(time), dts: ms(time), end: ms(time), is_keyframe: true };
        let near = [keyframe(1_000), keyframe(1_100), keyframe(1_400)];
        assert_eq!(seek_for(ms(1_050), &near), ms(1_000), "the next is decoded before the slack is over");
        assert_eq!(seek_for(ms(1_200), &near), ms(1_250));
        assert_eq!(seek_for(ms(2_000), &near), ms(1_550));
        assert_eq!(seek_for(ms(900), &near), ms(900));
    }

    #[test]
    fn seek_without_an_index_is_before_the_required_keyframe() {
        let seek =
            |demuxer, start| SourceCut::of_frames(&source_in(demuxer), window(start), &packets(10..60)).seek;
        // The keyframe of both windows is decoded at 2 800 ms. The second one needs earlier audio, from 2 750 ms on.
        for (demuxer, first, second) in [
            ("mov", 2_950, 1_950),
            ("matroska", 2_950, 1_950),
            ("mpegts", 1_800, 1_750),
            ("mpeg", 1_800, 1_750),
        ] {
            assert_eq!((seek(demuxer, 3_999), seek(demuxer, 3_050)), (ms(first), ms(second)), "{demuxer}");
        }
        let near = SourceCut::of_frames(&source_in("mpegts"), window(100), &packets(0..60));
        assert_eq!(near.seek, ms(0), "no position before the beginning");
        assert_eq!(SourceCut::seek_for_audio(&source_in("mpegts"), ms(5_000)), ms(3_700));
    }

    #[test]
    fn second_attempt_begins_further_back() {
        let seek = |seek: i64| {
            let cut = SourceCut { seek: ms(seek), window: window(0), first_frame: None };
            cut.further_back(&source()).seek
        };
        assert_eq!((seek(45_000), seek(20_000)), (ms(15_000), ms(0)));
    }

    #[test]
    fn range_grows_until_keyframe_and_reordered_frames_are_read() {
        let further = PacketRange::FIRST.next(window(2_300), &packets(21..60)).unwrap();
        assert_eq!(further.back, PacketRange::FAR, "the keyframe at 2 s is missing");
        let all = further.next(window(2_300), &packets(21..60)).unwrap();
        assert_eq!(all.next(window(2_300), &packets(21..60)), None);

        let further = PacketRange::FIRST.next(window(2_300), &packets(10..25)).unwrap();
        assert_eq!(further.ahead, PacketRange::FAR, "nothing is decoded after 2.3 s yet");
        assert_eq!(further.next(window(2_300), &packets(10..25)), None, "the file ends");
    }

    #[test]
    fn window_before_all_frames_begins_with_the_first() {
        let window = Window::new(ms(0), ms(500)).unwrap();
        let first = |from: i64| SourceCut::of_frames(&source(), window, &packets(from..60)).first_frame;
        assert_eq!(first(3), Some(ms(300)));
        assert_eq!(first(5), None);
    }
}
