//! The video filters: pure functions from the properties of a stream to a part of ffmpeg's filter graph.

use media_time::{FileTime, MediaTime, Window};

use crate::canvas::{Canvas, empty_canvas, fitted};
use crate::cut::SourceCut;
use crate::profile::{FrameRate, Profile, Rate};
use crate::source::{ProbedSource, VideoStream};

/// The filters of an asset's frames, from the input to the canvas.
pub(crate) fn of_window(source: &ProbedSource, cut: &SourceCut, canvas: Canvas<'_>) -> String {
    let profile = canvas.profile;
    match (&source.video, cut.first_frame) {
        (Some(video), Some(first)) => {
            let index = video.info.index;
            let times = match profile.rate {
                Rate::Source => at_source_rate(video, cut.window, first),
                Rate::Fixed(rate) => at_fixed_rate(video, cut.window, first, FrameRate::whole(rate)),
            };
            format!("[0:{index}]{times},{}", fitted(canvas, &video.format))
        }
        _ => empty_window(profile, cut.window.duration()),
    }
}

/// The deinterlacer, which comes before frames are selected by their PTS, because it uses neighbouring frames. It keeps
/// the number and PTS of frames.
fn deinterlaced(video: &VideoStream) -> &'static str {
    match video.format.is_deinterlaced {
        true => "bwdif=mode=send_frame:deint=interlaced,",
        false => "",
    }
}

/// Every frame of the window at its own PTS, relative to the start of the window; the frame visible at the start has
/// PTS zero.
fn at_source_rate(video: &VideoStream, window: Window<FileTime>, first: FileTime) -> String {
    let (first, start, end) = (first.as_micros(), window.start().as_micros(), window.end().as_micros());
    format!(
        "{}settb=1/1000000,trim=start_pts={first}:end_pts={end},setpts='if(lte(PTS,{first}),0,PTS-{start})'",
        deinterlaced(video)
    )
}

/// The frames of a window on a grid of the profile's rate.
fn at_fixed_rate(video: &VideoStream, window: Window<FileTime>, first: FileTime, rate: FrameRate) -> String {
    let anchor = anchor(window, first, rate);
    // Half a tick, so that a frame that begins at the end is not counted because of rounding.
    let slack = MediaTime::from_micros(video.info.time_base.tick().as_micros() / 2 + 1);
    let count = rate.frames_before(window.end() - anchor - slack).max(1);
    resampled(video, window, first, rate, Frames { count, speed: 1.0 })
}

/// Time of the first frame of a grid: the PTS of the first frame used, so that a source of the same rate keeps all its
/// frames; the start of the window if that PTS is more than a frame duration earlier.
fn anchor(window: Window<FileTime>, first: FileTime, rate: FrameRate) -> FileTime {
    let is_near = first <= window.start() && window.start() < first + rate.instant(1);
    if is_near { first } else { window.start() }
}

/// The frames that are taken of a source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames {
    pub(crate) count: i64,
    /// Source time per time of the render.
    pub(crate) speed: f64,
}

/// `frames` at `rate`: frame n is the frame of the source that is visible at anchor + n · speed / rate.
///
/// Containers round PTS to their clock, so a frame counts as visible one tick early.
pub(crate) fn resampled(
    video: &VideoStream,
    window: Window<FileTime>,
    first: FileTime,
    rate: FrameRate,
    frames: Frames,
) -> String {
    let Frames { count, speed } = frames;
    let tick = MediaTime::from_micros(video.info.time_base.tick().as_micros() + 1);
    // At another speed, a source of the same rate does not keep its frames.
    let anchor = if speed == 1.0 { anchor(window, first, rate) } else { window.start() };
    let shift = (anchor + tick).as_micros();
    let shifted = if speed == 1.0 { format!("PTS-{shift}") } else { format!("(PTS-{shift})/{speed}") };
    let (first, end) = (first.as_micros(), window.end().as_micros());
    format!(
        "{}settb=1/1000000,trim=start_pts={first}:end_pts={end},\
         setpts='if(lte(PTS,{first}),0,max({shifted},1))',fps={rate}:round=up:start_time=0,\
         tpad=stop=-1:stop_mode=clone,trim=end_frame={count}",
        deinterlaced(video)
    )
}

/// A black canvas for the length of a window.
fn empty_window(profile: &Profile, length: MediaTime) -> String {
    let rate = match profile.rate {
        Rate::Source => FrameRate::CANVAS,
        Rate::Fixed(rate) => FrameRate::whole(rate),
    };
    empty_canvas(profile, rate, rate.frames_before(length).max(1))
}
