//! Clips on the frames of their timeline.

use media_time::MediaTime;

use crate::edit::{Clip, EditTimeline, Media, Track};
use crate::frame_rate::FrameRate;
use crate::loss::{LossKind, Losses};

/// Smaller errors of positions in files come from times in whole microseconds.
const RESOLUTION: MediaTime = MediaTime::from_micros(4);

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
    /// First frame in the file, as the [`SourceGrid`] counts it.
    pub(crate) source_frame: i64,
}

/// How a format counts frames in a file; all are of the timeline's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceGrid {
    /// From the file's timecode, at the speed of the file.
    Timecode,
    /// From the file's timecode, at the speed of the clip: twice as fast has half as many frames.
    PlayedTimecode,
    /// From the start of the file, at the speed of the clip.
    Played,
}

impl SourceGrid {
    /// The frame at `time` of the file, and the error of its rounding in time of the file.
    fn frame(self, rate: FrameRate, media: &Media, time: MediaTime, speed: f64) -> (i64, MediaTime) {
        let (zero, speed) = match self {
            Self::Timecode => (media.timecode(rate), 1.0),
            Self::PlayedTimecode => (media.timecode(rate), speed),
            Self::Played => (MediaTime::ZERO, speed),
        };
        let exact = zero + super::scaled(time, 1.0 / speed);
        let frame = rate.frames(exact);
        let error = super::scaled(exact - rate.time(frame), speed);
        (frame, if error.max(-error) > RESOLUTION { error } else { MediaTime::ZERO })
    }

    /// Frames in the file of `frames` frames of the timeline.
    fn source_frames(self, frames: i64, speed: f64) -> i64 {
        if self == Self::Timecode { source_frames(frames, speed) } else { frames }
    }
}

/// Frames that are played in `frames` frames at `speed`; at least one.
fn source_frames(frames: i64, speed: f64) -> i64 {
    ((frames as f64 * speed).round() as i64).max(1)
}

impl GridClip<'_> {
    pub(crate) const fn frames(&self) -> i64 {
        self.end - self.start
    }

    /// Frames of the file that are played; at least one.
    pub(crate) fn source_frames(&self) -> i64 {
        source_frames(self.frames(), self.clip.speed)
    }
}

/// Rounds the clips of all tracks. Clips of less than half a frame may vanish, and clips end with their files; both are
/// losses.
pub(crate) fn grid<'a>(
    timeline: &'a EditTimeline,
    source: SourceGrid,
    losses: &mut Losses,
) -> Vec<GridTrack<'a>> {
    let track = |track| grid_track(timeline, track, source, losses);
    timeline.tracks.iter().map(track).collect()
}

fn grid_track<'a>(
    timeline: &'a EditTimeline,
    track: &'a Track,
    source: SourceGrid,
    losses: &mut Losses,
) -> GridTrack<'a> {
    let rate = timeline.rate;
    let place = format!("track {}", track.name);
    let mut clips = Vec::with_capacity(track.clips.len());
    for clip in &track.clips {
        let (start, end) = (rate.frames(clip.target.start()), rate.frames(clip.target.end()));
        let Some(media) = timeline.media.get(clip.media) else {
            losses.count(LossKind::MediaMissing, place.clone(), 1, "clip");
            continue;
        };
        // The frame at `start` is the one that plays there exactly. The part before the file's first frame cannot be
        // played.
        let moved = super::scaled(rate.time(start) - clip.target.start(), clip.speed);
        let source_start = (clip.source_start + moved).max(MediaTime::ZERO);
        let (source_frame, error) = source.frame(rate, media, source_start, clip.speed);
        let last = media.duration.map(|duration| source.frame(rate, media, duration, clip.speed).0);
        let fits = |end: i64| {
            last.is_none_or(|last| source_frame + source.source_frames(end - start, clip.speed) <= last)
        };
        let played_end = shortened(start, end, fits);
        if played_end < end {
            let error = rate.time(end) - rate.time(played_end);
            losses.time(LossKind::SourceTooShort, place.clone(), "clip", error);
        }
        if played_end <= start {
            losses.time(LossKind::ClipTooShort, place.clone(), "clip", clip.target.duration());
            continue;
        }
        losses.rounding(LossKind::RoundedToFrame, place.clone(), "clip", rate.rounding(clip.target));
        losses.rounding(LossKind::SourceRoundedToFrame, place.clone(), "clip", error);
        clips.push(GridClip { clip, media, start, end: played_end, source_frame });
    }
    GridTrack { track, clips }
}

/// The latest end of a clip from `start` that fits, at most `end`; `start` if none does. If an end fits, earlier ones do.
fn shortened(start: i64, end: i64, fits: impl Fn(i64) -> bool) -> i64 {
    if end <= start || fits(end) {
        return end;
    }
    let (mut fitting, mut beyond) = (start, end);
    while beyond - fitting > 1 {
        let middle = fitting + (beyond - fitting) / 2;
        if fits(middle) { fitting = middle } else { beyond = middle }
    }
    fitting
}

#[cfg(test)]
mod tests {
    use media_time::Window;

    use super::*;
    use crate::edit::TrackKind;
    use crate::loss::Loss;

    /// One clip of a file of 2 s at 25 frames per second, in ms.
    fn timeline(start: i64, end: i64, source_start: i64, speed: f64) -> EditTimeline {
        let [start, end, source_start] = [start, end, source_start].map(MediaTime::from_millis);
        let clip = Clip {
            name: "clip".to_owned(),
            media: 0,
            target: Window::new(start, end).unwrap(),
            source_start,
            speed,
            gain_db: 0.0,
            metadata: Vec::new(),
        };
        let media = Media {
            id: "asset_1".to_owned(),
            name: "talk.mp4".to_owned(),
            url: None,
            duration: Some(MediaTime::from_millis(2_000)),
            has_video: true,
            rate: Some(FrameRate::PAL),
            start_timecode: None,
            audio_channels: Some(2),
            sample_rate: None,
        };
        EditTimeline {
            name: "Cut".to_owned(),
            rate: FrameRate::PAL,
            media: vec![media],
            tracks: vec![Track { name: "V1".to_owned(), kind: TrackKind::Video, clips: vec![clip] }],
            embedded_audio: false,
        }
    }

    type Placed = (Vec<[i64; 3]>, Vec<(LossKind, Option<i64>)>);

    /// Start, end and source frame of the clip, and what was lost, with its error in µs.
    fn placed(timeline: &EditTimeline, source: SourceGrid) -> Placed {
        let mut losses = Losses::default();
        let tracks = grid(timeline, source, &mut losses);
        let clips = tracks[0].clips.iter().map(|clip| [clip.start, clip.end, clip.source_frame]).collect();
        let lost = |loss: Loss| (loss.what, loss.time.map(MediaTime::as_micros));
        (clips, losses.finish().into_iter().map(lost).collect())
    }

    #[test]
    fn source_positions_between_frames_are_losses() {
        assert_eq!(placed(&timeline(0, 400, 200, 1.0), SourceGrid::Timecode), (vec![[0, 10, 5]], vec![]));
        let lost = vec![(LossKind::SourceRoundedToFrame, Some(10_000))];
        assert_eq!(placed(&timeline(0, 400, 210, 1.0), SourceGrid::Timecode), (vec![[0, 10, 5]], lost));
        // Frame 3 of the played file is at 240 ms.
        let lost = vec![(LossKind::SourceRoundedToFrame, Some(20_000))];
        assert_eq!(placed(&timeline(0, 400, 220, 2.0), SourceGrid::Played), (vec![[0, 10, 3]], lost));
    }

    #[test]
    fn clips_end_with_their_files() {
        let lost = vec![(LossKind::SourceTooShort, Some(200_000))];
        assert_eq!(placed(&timeline(0, 800, 1_400, 1.0), SourceGrid::Timecode), (vec![[0, 15, 35]], lost));
        let lost = vec![(LossKind::SourceTooShort, Some(200_000))];
        assert_eq!(placed(&timeline(0, 800, 800, 2.0), SourceGrid::Timecode), (vec![[0, 15, 20]], lost));
        let lost = vec![(LossKind::SourceTooShort, Some(400_000)), (LossKind::ClipTooShort, Some(400_000))];
        assert_eq!(placed(&timeline(0, 400, 2_000, 1.0), SourceGrid::Played), (vec![], lost));
    }

    #[test]
    fn empty_clip_is_too_short() {
        let lost = vec![(LossKind::ClipTooShort, Some(0))];
        assert_eq!(placed(&timeline(400, 400, 0, 1.0), SourceGrid::Timecode), (vec![], lost));
    }
}
