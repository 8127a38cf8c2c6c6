//! Where in a file a window begins and ends, frame by frame.

use media_time::{MediaTime, Window};

use crate::prober::Packet;
use crate::source::Source;

/// Decoded before the window, so that codecs of sound have settled when it begins.
const PRE_ROLL: MediaTime = MediaTime::from_millis(300);
/// More than the 3/23 s by which ffmpeg seeks early where pictures are reordered.
const SEEK_SLACK: MediaTime = MediaTime::from_millis(150);

/// A window of a source in the file's own time, and how to come by its first picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// From where the file is read: at or before everything that is needed.
    pub(crate) seek: MediaTime,
    /// Of sound, to the sample.
    pub(crate) window: Window,
    /// When the picture that is shown at the begin of the window begins to be shown; when there is none yet, the
    /// first one inside. None without pictures in the window.
    pub(crate) first_frame: Option<MediaTime>,
}

/// How far around the begin of a window packets are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    back: MediaTime,
    ahead: MediaTime,
}

impl Reach {
    /// What suffices nearly always.
    pub(crate) const FIRST: Self =
        Self { back: MediaTime::from_millis(500), ahead: MediaTime::from_millis(1_000) };
    const FAR: MediaTime = MediaTime::from_millis(30_000);

    /// From where to read, in the file's own time.
    pub(crate) fn from(self, source: &Source, window: Window) -> MediaTime {
        (window.start() - self.back).max(source.start.min(MediaTime::ZERO))
    }

    /// Until where.
    pub(crate) fn until(self, window: Window) -> MediaTime {
        window.start() + self.ahead
    }

    /// How far to read when `packets` are too few to tell the first picture; none when they suffice, or more
    /// cannot be had.
    ///
    /// Packets come in the order of decoding: only when one is decoded after the begin of the window, all that
    /// are shown before it are there.
    pub(crate) fn next(self, window: Window, packets: &[Packet]) -> Option<Self> {
        if first_and_key(window, packets).is_none() {
            let back = if self.back < Self::FAR { Self::FAR } else { MediaTime::MAX };
            return (self.back < MediaTime::MAX).then_some(Self { back, ..self });
        }
        let is_passed = packets.iter().any(|packet| packet.decoded > window.start());
        (!is_passed && self.ahead < Self::FAR).then_some(Self { ahead: Self::FAR, ..self })
    }
}

/// When the picture shown at the begin of the window begins to be shown, and the key picture that it needs.
fn first_and_key(window: Window, packets: &[Packet]) -> Option<(MediaTime, &Packet)> {
    let shown = packets.iter().map(|packet| packet.shown).filter(|shown| *shown <= window.start());
    let first = shown.max()?;
    let keys = packets.iter().filter(|packet| packet.is_key && packet.shown <= first);
    Some((first, keys.max_by_key(|packet| packet.shown)?))
}

impl Cut {
    /// A cut of sound alone; `window` is in the file's own time.
    pub(crate) fn of_sound(source: &Source, window: Window) -> Self {
        Self { seek: Self::seek_for_sound(source, window.start()), window, first_frame: None }
    }

    /// From where to read for sound that begins at `time`.
    pub(crate) fn seek_for_sound(source: &Source, time: MediaTime) -> MediaTime {
        not_before(source, time - PRE_ROLL)
    }

    /// The cut of `window`, from the packets read around its begin.
    pub(crate) fn of_pictures(source: &Source, window: Window, packets: &[Packet]) -> Self {
        match first_and_key(window, packets) {
            Some((first, key)) => {
                let needed = key.decoded.min(window.start() - PRE_ROLL);
                let seek = not_before(source, seek_for(needed, packets));
                Self { seek, window, first_frame: Some(first) }
            }
            None => Self::before_pictures(source, window, packets),
        }
    }

    /// The cut of a window that begins before the first picture.
    fn before_pictures(source: &Source, window: Window, packets: &[Packet]) -> Self {
        let first = packets.iter().map(|packet| packet.shown).min();
        let first_frame = first.filter(|first| *first < window.end());
        Self { first_frame, ..Self::of_sound(source, window) }
    }
}

/// The position that makes ffmpeg begin at the last key picture that is decoded by `needed`: exactly there, its
/// early seek would find the one before, and decode a whole group of pictures in vain.
fn seek_for(needed: MediaTime, packets: &[Packet]) -> MediaTime {
    let keys = || packets.iter().filter(|packet| packet.is_key).map(|packet| packet.decoded);
    let Some(landing) = keys().filter(|decoded| *decoded <= needed).max() else { return needed };
    let seek = landing + SEEK_SLACK;
    let is_next_later = keys().filter(|decoded| *decoded > landing).all(|next| next > seek);
    if is_next_later { seek } else { landing }
}

/// ffmpeg takes no negative position for a file that begins at zero.
fn not_before(source: &Source, time: MediaTime) -> MediaTime {
    time.max(source.seek_zero)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Container;

    fn ms(millis: i64) -> MediaTime {
        MediaTime::from_millis(millis)
    }

    fn source() -> Source {
        let container = Container { demuxer: "mov" };
        Source {
            container,
            start: ms(0),
            seek_zero: ms(0),
            audio_lag: ms(0),
            duration: None,
            video: None,
            audio: None,
        }
    }

    /// Ten pictures a second, a key picture a second, decoded two pictures before they are shown.
    fn packets(range: std::ops::Range<i64>) -> Vec<Packet> {
        let packet = |n: i64| Packet {
            shown: ms(100 * n),
            decoded: ms(100 * n - 200),
            end: ms(100 * n + 100),
            is_key: n % 10 == 0,
        };
        range.map(packet).collect()
    }

    fn window(start: i64) -> Window {
        Window::new(ms(start), ms(9_000)).unwrap()
    }

    #[test]
    fn the_first_frame_is_the_one_shown_at_the_begin() {
        let packets = packets(10..60);
        for (start, first, seek) in
            [(2_300, 2_300, 1_950), (2_399, 2_300, 1_950), (2_400, 2_400, 1_950), (3_050, 3_000, 1_950)]
        {
            let cut = Cut::of_pictures(&source(), window(start), &packets);
            assert_eq!((cut.first_frame, cut.seek), (Some(ms(first)), ms(seek)), "{start}");
            assert_eq!(Reach::FIRST.next(window(start), &packets), None);
        }
    }

    #[test]
    fn a_seek_never_passes_the_key_picture_that_is_needed() {
        let key = |decoded: i64| Packet {
            shown: ms(decoded),
            decoded: ms(decoded),
            end: ms(decoded),
            is_key: true,
        };
        let near = [key(1_000), key(1_100), key(1_400)];
        assert_eq!(seek_for(ms(1_050), &near), ms(1_000), "the next is decoded before the slack is over");
        assert_eq!(seek_for(ms(1_200), &near), ms(1_250));
        assert_eq!(seek_for(ms(2_000), &near), ms(1_550));
        assert_eq!(seek_for(ms(900), &near), ms(900));
    }

    #[test]
    fn more_is_read_until_the_key_picture_and_the_last_of_the_reordered() {
        let further = Reach::FIRST.next(window(2_300), &packets(21..60)).unwrap();
        assert_eq!(further.back, Reach::FAR, "the key picture at 2 s is not there");
        let all = further.next(window(2_300), &packets(21..60)).unwrap();
        assert_eq!(all.next(window(2_300), &packets(21..60)), None);

        let further = Reach::FIRST.next(window(2_300), &packets(10..25)).unwrap();
        assert_eq!(further.ahead, Reach::FAR, "nothing is decoded after 2.3 s yet");
        assert_eq!(further.next(window(2_300), &packets(10..25)), None, "the file ends");
    }

    #[test]
    fn a_window_before_all_pictures_begins_with_the_first() {
        let window = Window::new(ms(0), ms(500)).unwrap();
        let first = |from: i64| Cut::of_pictures(&source(), window, &packets(from..60)).first_frame;
        assert_eq!(first(3), Some(ms(300)));
        assert_eq!(first(5), None);
    }
}
