//! The filters that frames pass: pure functions from what is known of a stream to a part of ffmpeg's filter graph.

use media_time::{MediaTime, Window};

use crate::canvas::{empty_canvas, fitted};
use crate::cut::Cut;
use crate::profile::{FrameRate, Profile, Rate};
use crate::source::{Source, VideoStream};

/// The filters of an asset's frames, from the input to the canvas.
pub(crate) fn of_window(source: &Source, cut: &Cut, profile: &Profile) -> String {
    match (&source.video, cut.first_frame) {
        (Some(video), Some(first)) => {
            let index = video.track.index;
            let times = match profile.rate {
                Rate::Source => at_their_own_times(video, cut.window, first),
                Rate::Fixed(rate) => on_a_grid(video, cut.window, first, FrameRate::whole(rate)),
            };
            format!("[0:{index}]{times},{}", fitted(profile, &video.format))
        }
        _ => empty_window(profile, cut.window.duration()),
    }
}

/// What frames pass before they are chosen by their times: the deinterlacer, which looks at their neighbours. It keeps
/// their number and their times.
fn deinterlaced(video: &VideoStream) -> &'static str {
    match video.format.is_deinterlaced {
        true => "bwdif=mode=send_frame:deint=interlaced,",
        false => "",
    }
}

/// Every frame of the window when the source shows it, told from the window's begin; the one that is shown
/// there already is shown from zero.
fn at_their_own_times(video: &VideoStream, window: Window, first: MediaTime) -> String {
    let (first, start, end) = (first.as_micros(), window.start().as_micros(), window.end().as_micros());
    format!(
        "{}settb=1/1000000,trim=start_pts={first}:end_pts={end},setpts='if(lte(PTS,{first}),0,PTS-{start})'",
        deinterlaced(video)
    )
}

/// The frames of a window on a grid of the profile's own rate.
fn on_a_grid(video: &VideoStream, window: Window, first: MediaTime, rate: FrameRate) -> String {
    let anchor = anchor(window, first, rate);
    // Half a tick, lest a frame that begins at the end is counted because its time was rounded.
    let slack = MediaTime::from_micros(video.track.time_base.tick().as_micros() / 2 + 1);
    let count = rate.frames_before(window.end() - anchor - slack).max(1);
    resampled(video, window, first, rate, count)
}

/// When the first frame of a grid is due: when the first frame used began to be shown, so that a source of
/// the same rate keeps each of its frames; when that is more than a frame's length ago, when the window
/// begins.
fn anchor(window: Window, first: MediaTime, rate: FrameRate) -> MediaTime {
    let is_near = first <= window.start() && window.start() < first + rate.instant(1);
    if is_near { first } else { window.start() }
}

/// `count` frames at `rate`: frame n is the one that the source shows at anchor + n / rate.
///
/// Containers round the times of frames to their clock, so a frame counts as shown one tick early.
pub(crate) fn resampled(
    video: &VideoStream,
    window: Window,
    first: MediaTime,
    rate: FrameRate,
    count: i64,
) -> String {
    let tick = MediaTime::from_micros(video.track.time_base.tick().as_micros() + 1);
    let shift = (anchor(window, first, rate) + tick).as_micros();
    let (first, end) = (first.as_micros(), window.end().as_micros());
    format!(
        "{}settb=1/1000000,trim=start_pts={first}:end_pts={end},\
         setpts='if(lte(PTS,{first}),0,max(PTS-{shift},1))',fps={rate}:round=up:start_time=0,\
         tpad=stop=-1:stop_mode=clone,trim=end_frame={count}",
        deinterlaced(video)
    )
}

/// A window's length of a canvas with nothing on it.
fn empty_window(profile: &Profile, length: MediaTime) -> String {
    let rate = match profile.rate {
        Rate::Source => FrameRate::CANVAS,
        Rate::Fixed(rate) => FrameRate::whole(rate),
    };
    empty_canvas(profile, rate, rate.frames_before(length).max(1))
}
