//! Clips on the frames of their timeline.

use media_time::MediaTime;

use crate::edit::{Clip, EditTimeline, Media, Track};
use crate::loss::Losses;

/// A track on the frames of the timeline.
pub(crate) struct GridTrack<'a> {
    pub(crate) track: &'a Track,
    /// In order, without overlap, none empty.
    pub(crate) clips: Vec<GridClip<'a>>,
}

/// A clip on the frames of the timeline: `[start, end)` in frames of its rate.
pub(crate) struct GridClip<'a> {
    pub(crate) clip: &'a Clip,
    pub(crate) media: &'a Media,
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Start of the played part in time of the file, corrected by the rounding of the clip's start: the frame at
    /// `start` is the one that plays there exactly.
    pub(crate) source_start: MediaTime,
}

impl GridClip<'_> {
    pub(crate) const fn frames(&self) -> i64 {
        self.end - self.start
    }
}

/// Rounds the clips of all tracks. Clips of less than half a frame may vanish; that is a loss.
pub(crate) fn grid<'a>(timeline: &'a EditTimeline, losses: &mut Losses) -> Vec<GridTrack<'a>> {
    timeline.tracks.iter().map(|track| grid_track(timeline, track, losses)).collect()
}

fn grid_track<'a>(timeline: &'a EditTimeline, track: &'a Track, losses: &mut Losses) -> GridTrack<'a> {
    let rate = timeline.rate;
    let mut clips = Vec::with_capacity(track.clips.len());
    for clip in &track.clips {
        let (start, end) = (rate.frames(clip.target.start()), rate.frames(clip.target.end()));
        let Some(media) = timeline.media.get(clip.media) else {
            losses.add("media_missing", format!("track {}", track.name));
            continue;
        };
        if start == end {
            losses.add_time("clip_too_short", format!("track {}", track.name), clip.target.duration());
            continue;
        }
        for (time, frame) in [(clip.target.start(), start), (clip.target.end(), end)] {
            losses.add_time("rounded_to_frame", format!("track {}", track.name), time - rate.time(frame));
        }
        // The part before the file's first frame cannot be played.
        let moved = super::scaled(rate.time(start) - clip.target.start(), clip.speed);
        let source_start = (clip.source_start + moved).max(MediaTime::ZERO);
        clips.push(GridClip { clip, media, start, end, source_start });
    }
    GridTrack { track, clips }
}
