//! Edited timelines: the model that the writers of editing formats read.
//!
//! Writers round every cut to a frame of the timeline: both ends of a clip separately, so that adjacent clips stay
//! adjacent and nothing drifts.

pub mod csv;
pub mod edl;
pub mod fcp7;
pub mod fcpxml;
mod grid;
pub mod otio;

use std::borrow::Cow;

use media_time::{MediaTime, Window};

use crate::frame_rate::FrameRate;
use crate::loss::Losses;
pub(crate) use grid::{GridClip, GridTrack, grid};

/// An edited timeline: tracks of clips, which play windows of media.
#[derive(Clone, Debug, PartialEq)]
pub struct EditTimeline {
    /// Title of the timeline.
    pub name: String,
    /// Frame rate of the timeline, to which cuts are rounded.
    pub rate: FrameRate,
    /// Width and height in pixels, if known.
    pub size: Option<(u32, u32)>,
    /// Media that the clips refer to by index.
    pub media: Vec<Media>,
    /// Tracks from bottom to top; the upper video track covers the lower one.
    pub tracks: Vec<Track>,
    /// Markers, in timeline time.
    pub markers: Vec<Marker>,
}

impl EditTimeline {
    /// The same timeline at a rate of editing systems, at most `max` frames per second.
    pub(crate) fn at_editing_rate(&self, max: u32, losses: &mut Losses) -> Cow<'_, Self> {
        let rate = self.rate.editing_rate(max);
        if rate == self.rate {
            return Cow::Borrowed(self);
        }
        losses.add("rate_changed", format!("{} to {} frames per second", self.rate.as_f64(), rate.as_f64()));
        Cow::Owned(Self { rate, ..self.clone() })
    }
}

/// A media file, as a reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// Stable id; unique in the timeline.
    pub id: String,
    /// Name of the file.
    pub name: String,
    /// URL of the file; `None` if the file is identified only by its name.
    pub url: Option<String>,
    /// Length of the file, if known.
    pub duration: Option<MediaTime>,
    /// Frame rate of the video; `None` without video.
    pub rate: Option<FrameRate>,
    /// Width and height of the video in pixels, if known.
    pub size: Option<(u32, u32)>,
    /// Source timecode at the start of the file, as time since midnight.
    pub start_timecode: MediaTime,
    /// Audio channels; 0 without audio.
    pub audio_channels: u32,
    /// Sample rate of the audio in Hz, if known.
    pub sample_rate: Option<u32>,
}

/// The kind of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackKind {
    /// Frames.
    Video,
    /// Samples.
    Audio,
}

/// Clips of one kind that do not overlap, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Label of the track, such as `V1`.
    pub name: String,
    /// Whether the clips show frames or play audio.
    pub kind: TrackKind,
    /// In order of their start, without overlap.
    pub clips: Vec<Clip>,
}

/// A window of a file, played at a place of the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Name of the clip.
    pub name: String,
    /// Index of the file in [`EditTimeline::media`].
    pub media: usize,
    /// When the clip plays, in timeline time.
    pub target: Window,
    /// Start of the played part, in time of the file: 0 is its first frame or sample.
    pub source_start: MediaTime,
    /// Playback speed: source time for each timeline time, above 0.
    pub speed: f64,
    /// Ids and other properties, for formats that keep them.
    pub metadata: Vec<(String, String)>,
}

impl Clip {
    /// Length of the played part, in time of the file.
    #[must_use]
    pub fn source_duration(&self) -> MediaTime {
        scaled(self.target.duration(), self.speed)
    }
}

/// A named instant or window.
#[derive(Clone, Debug, PartialEq)]
pub struct Marker {
    /// When; an empty window is an instant.
    pub window: Window,
    /// Label.
    pub name: String,
    /// More about it; may be empty.
    pub note: String,
    /// Colour, for formats that have colours.
    pub colour: Colour,
}

/// Colours that all editors distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of colours")]
pub enum Colour {
    Red,
    Green,
    Blue,
    Yellow,
    Cyan,
    Magenta,
}

impl Colour {
    /// The name in capitals, as OTIO has it: `RED`.
    pub(crate) const fn upper(self) -> &'static str {
        match self {
            Self::Red => "RED",
            Self::Green => "GREEN",
            Self::Blue => "BLUE",
            Self::Yellow => "YELLOW",
            Self::Cyan => "CYAN",
            Self::Magenta => "MAGENTA",
        }
    }

    /// The name of Resolve's marker colour: `ResolveColorRed`.
    pub(crate) const fn resolve(self) -> &'static str {
        match self {
            Self::Red => "ResolveColorRed",
            Self::Green => "ResolveColorGreen",
            Self::Blue => "ResolveColorBlue",
            Self::Yellow => "ResolveColorYellow",
            Self::Cyan => "ResolveColorCyan",
            Self::Magenta => "ResolveColorPink",
        }
    }
}

/// `time` at `speed`, to the nearest microsecond.
pub(crate) fn scaled(time: MediaTime, speed: f64) -> MediaTime {
    MediaTime::from_micros((time.as_micros() as f64 * speed).round() as i64)
}

/// Distributes clips over as few tracks as necessary so that no two of a track overlap: each goes to the lowest track
/// that is free. `clips` are in order of their start. Returns the tracks, at most `max`, and the number of clips that found
/// none.
#[must_use]
pub fn layered(kind: TrackKind, clips: Vec<Clip>, max: usize) -> (Vec<Track>, usize) {
    let mut tracks: Vec<Track> = Vec::new();
    let mut omitted = 0;
    let letter = if kind == TrackKind::Video { 'V' } else { 'A' };
    for clip in clips {
        let is_free = |track: &&mut Track| {
            track.clips.last().is_none_or(|last| last.target.end() <= clip.target.start())
        };
        let count = tracks.len();
        match tracks.iter_mut().find(is_free) {
            Some(track) => track.clips.push(clip),
            None if count < max => {
                tracks.push(Track { name: format!("{letter}{}", count + 1), kind, clips: vec![clip] });
            }
            None => omitted += 1,
        }
    }
    (tracks, omitted)
}
