//! Edited timelines: the model that the writers of editing formats read.
//!
//! Writers round every cut to a frame of the timeline: both ends of a clip separately, so that adjacent clips stay
//! adjacent and nothing drifts. Positions in files are rounded to frames of the same rate.

pub mod csv;
pub mod edl;
pub mod fcp7;
pub mod fcpxml;
mod grid;
pub mod otio;
mod timecode;

use std::borrow::Cow;
use std::collections::BTreeSet;

use media_time::{MediaTime, Window};

use crate::frame_rate::FrameRate;
use crate::loss::{LossKind, Losses};
pub(crate) use grid::{GridClip, GridTrack, SourceGrid, grid};
pub use timecode::SourceTimecode;

/// Maximum gain of a clip in editors, in dB.
pub(crate) const MAX_GAIN_DB: f64 = 12.0;
/// Gain of a silent clip, in dB: the lowest in editors.
pub(crate) const SILENT_DB: f64 = -96.0;

/// An edited timeline: tracks of clips, which play windows of media.
#[derive(Clone, Debug, PartialEq)]
pub struct EditTimeline {
    /// Title of the timeline.
    pub name: String,
    /// Frame rate of the timeline, to which cuts are rounded.
    pub rate: FrameRate,
    /// Media that the clips refer to by index.
    pub media: Vec<Media>,
    /// Tracks from bottom to top; the upper video track covers the lower one.
    pub tracks: Vec<Track>,
    /// Whether clips on video tracks also play the audio of their files. Only FCPXML has such clips; for other formats all
    /// audio is on audio tracks.
    pub embedded_audio: bool,
}

impl EditTimeline {
    /// The same timeline at a rate of editing systems, at most `max` frames per second.
    pub(crate) fn at_editing_rate(&self, max: u32, losses: &mut Losses) -> Cow<'_, Self> {
        let rate = self.rate.at_most(max, losses);
        if rate == self.rate { Cow::Borrowed(self) } else { Cow::Owned(Self { rate, ..self.clone() }) }
    }

    /// Records the clips whose properties are not written.
    pub(crate) fn metadata_omitted(&self, losses: &mut Losses) {
        for track in &self.tracks {
            let clips = track.clips.iter().filter(|clip| !clip.metadata.is_empty()).count();
            losses.count(LossKind::MetadataOmitted, format!("track {}", track.name), clips, "clip");
        }
    }

    /// Records the clips that play audio with a gain, in dB, that is not written exactly.
    pub(crate) fn gain_omitted(&self, losses: &mut Losses, is_lost: impl Fn(f64) -> bool) {
        let plays_audio = |track: &&Track| track.kind == TrackKind::Audio || self.embedded_audio;
        for track in self.tracks.iter().filter(plays_audio) {
            let clips = track.clips.iter().filter(|clip| is_lost(clip.gain_db)).count();
            losses.count(LossKind::GainOmitted, format!("track {}", track.name), clips, "clip");
        }
    }

    /// Records the files of clips whose source timecode is unknown.
    pub(crate) fn timecode_unknown(&self, losses: &mut Losses) {
        let clips = self.tracks.iter().flat_map(|track| &track.clips);
        let used: BTreeSet<usize> = clips.map(|clip| clip.media).collect();
        let unknown = used.iter().filter_map(|&index| self.media.get(index));
        let unknown = unknown.filter(|media| media.start_timecode.is_none()).count();
        losses.count(LossKind::TimecodeUnknown, "", unknown, "file");
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
    /// Whether the file has video, or is a still image.
    pub has_video: bool,
    /// Frame rate of the video; `None` without video, for a still image, and if unknown.
    pub rate: Option<FrameRate>,
    /// Source timecode at the start of the file; `None` if unknown.
    pub start_timecode: Option<SourceTimecode>,
    /// Number of audio channels: 0 without audio, `None` if unknown.
    pub audio_channels: Option<u32>,
    /// Sample rate of the audio in Hz, if known.
    pub sample_rate: Option<u32>,
}

impl Media {
    /// Whether the file has audio.
    #[must_use]
    pub fn has_audio(&self) -> bool {
        self.audio_channels != Some(0)
    }

    /// Whether the file is a still image, or a silent video of unknown frame rate.
    pub(crate) fn is_still(&self) -> bool {
        self.has_video && self.rate.is_none() && !self.has_audio()
    }

    /// Source timecode at the start of the file, as time since midnight; 0 if unknown. It is on a frame of the video, or
    /// else of `rate`: there editing systems let the file begin, also if a recorder counts samples.
    pub(crate) fn timecode(&self, rate: FrameRate) -> MediaTime {
        let rate = self.rate.unwrap_or(rate);
        rate.time(rate.frames(self.start_timecode.unwrap_or(SourceTimecode::ZERO).time))
    }

    /// Whether timecode of the file is drop-frame at `rate`.
    pub(crate) fn is_drop_frame(&self, rate: FrameRate) -> bool {
        let declared = self.start_timecode.and_then(|timecode| timecode.drop_frame);
        rate.is_drop_frame() && declared.unwrap_or(true)
    }

    /// The URL of the file, or its name as a relative one.
    pub(crate) fn url_or_name(&self) -> String {
        self.url.clone().unwrap_or_else(|| url_path(&self.name))
    }
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
    /// Gain of the clip's audio in dB.
    pub gain_db: f64,
    /// Ids and other properties, for formats that keep them.
    pub metadata: Vec<(String, String)>,
}

impl Clip {
    /// Length of the played part, in time of the file.
    #[must_use]
    pub fn source_duration(&self) -> MediaTime {
        scaled(self.target.duration(), self.speed)
    }

    /// Whether the gain mutes the clip's audio.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.gain_db <= SILENT_DB
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

impl Marker {
    /// Label and note in one text: `name: note`.
    pub(crate) fn text(&self) -> String {
        if self.note.is_empty() { self.name.clone() } else { format!("{}: {}", self.name, self.note) }
    }
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

/// The name of a file as part of a URL.
pub(crate) fn url_path(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Distributes clips over as few tracks as necessary so that no two of a track overlap: each goes to the lowest track
/// that is free. `clips` are in order of their start. Returns the tracks, at most `max`, and the number of clips that found
/// none. The tracks are named `label`, `label 2`, …, or without a label V1, V2, … and A1, A2, ….
#[must_use]
pub fn layered(kind: TrackKind, label: Option<&str>, clips: Vec<Clip>, max: usize) -> (Vec<Track>, usize) {
    let mut tracks: Vec<Track> = Vec::new();
    let mut omitted = 0;
    let letter = if kind == TrackKind::Video { 'V' } else { 'A' };
    let name = |number: usize| match label {
        None => format!("{letter}{number}"),
        Some(label) if number == 1 => label.to_owned(),
        Some(label) => format!("{label} {number}"),
    };
    for clip in clips {
        let is_free = |track: &&mut Track| {
            track.clips.last().is_none_or(|last| last.target.end() <= clip.target.start())
        };
        let count = tracks.len();
        match tracks.iter_mut().find(is_free) {
            Some(track) => track.clips.push(clip),
            None if count < max => {
                tracks.push(Track { name: name(count + 1), kind, clips: vec![clip] });
            }
            None => omitted += 1,
        }
    }
    (tracks, omitted)
}
