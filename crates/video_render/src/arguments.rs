//! The argument vectors of ffmpeg: pure functions from what is known to what is done.

use media_time::{MediaTime, Window};

use crate::cut::Cut;
use crate::plan::Argument;
use crate::profile::{AudioCodec, Profile, Rate, SAMPLE_RATE, VideoCodec};
use crate::source::{Source, VideoStream, confined};

/// Threads of the H.264 encoder: a fixed number, because the bytes depend on it.
const ENCODER_THREADS: &str = "4";
/// The clock of rendered pictures, in Hz: 24, 25, 30, 50, 60 and 1001/30000 divide it.
const CLOCK: &str = "90000";
/// Pictures a second of an empty canvas whose profile has no rate of its own.
pub(crate) const CANVAS_RATE: u32 = 30;

fn text(argument: impl Into<String>) -> Argument {
    Argument::Text(argument.into())
}

pub(crate) fn texts<'a>(arguments: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = Argument> {
    arguments.into_iter().map(text)
}

/// Seconds, exact to the microsecond.
pub(crate) fn seconds(time: MediaTime) -> String {
    let (sign, micros) = (if time.is_negative() { "-" } else { "" }, time.as_micros().unsigned_abs());
    format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// The whole call that renders one window of one source.
pub(crate) fn of_window(source: &Source, cut: &Cut, profile: &Profile) -> Vec<Argument> {
    let graph = format!("{}[v];{}[a]", pictures(source, cut, profile), sound(source, cut.window));
    let mut arguments = opening();
    arguments.extend(input(0, source, cut.seek));
    arguments.extend(closing(graph, profile));
    arguments
}

/// What every call begins with: quiet, no questions, progress on standard output, and times as the file has
/// them (`-copyts`), so that frames are compared with the instants that the prober found.
pub(crate) fn opening() -> Vec<Argument> {
    texts(["-nostdin", "-hide_banner", "-v", "error", "-nostats", "-progress", "pipe:1", "-copyts", "-y"])
        .collect()
}

/// One source, read from `seek` on (the file's own time). What lies before the window is cut by filters:
/// ffmpeg's own accurate seek would drop the picture that is shown when the window begins.
pub(crate) fn input(index: usize, source: &Source, seek: MediaTime) -> Vec<Argument> {
    let mut arguments: Vec<Argument> = texts(confined(source.container)).collect();
    // ffmpeg counts the position from the begin of the file.
    let position = seek - source.start;
    if position > MediaTime::ZERO {
        arguments.extend([text("-noaccurate_seek"), text("-ss"), text(seconds(position))]);
    }
    arguments.extend([text("-i"), Argument::Source(index)]);
    arguments
}

/// The filters of an asset's pictures, from the input to the canvas.
fn pictures(source: &Source, cut: &Cut, profile: &Profile) -> String {
    match (&source.video, cut.first_frame) {
        (Some(video), Some(first)) => {
            let index = video.index;
            let times = match profile.rate {
                Rate::Source => at_their_own_times(cut.window, first),
                Rate::Fixed(rate) => resampled(video, cut.window, first, rate),
            };
            format!("[0:{index}]{times},{}", fitted(profile))
        }
        _ => empty_canvas(profile, cut.window.duration()),
    }
}

/// Every picture of the window when the source shows it, told from the window's begin; the one that is shown
/// there already is shown from zero.
fn at_their_own_times(window: Window, first: MediaTime) -> String {
    let (first, start, end) = (first.as_micros(), window.start().as_micros(), window.end().as_micros());
    format!(
        "settb=1/1000000,trim=start_pts={first}:end_pts={end},setpts='if(lte(PTS,{first}),0,PTS-{start})'"
    )
}

/// `rate` pictures a second: picture n is the one that the source shows at anchor + n / rate.
///
/// The anchor is when the first picture began to be shown, so that a source of the same rate keeps each of its
/// pictures; when that is more than a picture's length ago, it is the begin of the window. Containers round
/// the times of pictures to their clock, so a picture counts as shown one tick early.
fn resampled(video: &VideoStream, window: Window, first: MediaTime, rate: u32) -> String {
    let tick = video.time_base.tick().as_micros() + 1;
    let (start, end, first) = (window.start().as_micros(), window.end().as_micros(), first.as_micros());
    let is_near = first <= start && (start - first) * i64::from(rate) < 1_000_000;
    let anchor = if is_near { first } else { start };
    let count = frames(MediaTime::from_micros(end - anchor - tick / 2 - 1), rate);
    format!(
        "settb=1/1000000,trim=start_pts={first}:end_pts={end},\
         setpts='if(lte(PTS,{first}),0,max(PTS-{shift},1))',fps={rate}:round=up:start_time=0,\
         tpad=stop=-1:stop_mode=clone,trim=end_frame={count}",
        shift = anchor + tick,
    )
}

/// How many pictures of a grid from zero on begin before `length`; at least one.
pub(crate) fn frames(length: MediaTime, rate: u32) -> i64 {
    let scaled = i128::from(length.as_micros()) * i128::from(rate);
    i64::try_from((scaled + 999_999) / 1_000_000).unwrap_or(i64::MAX).max(1)
}

/// Scaled to fit the canvas in square pixels, in the middle of black.
pub(crate) fn fitted(profile: &Profile) -> String {
    let (width, height) = (profile.width, profile.height);
    format!(
        "scale=w='max(2,min({width},2*round({height}*dar/2)))':h='max(2,min({height},2*round({width}/dar/2)))'\
         :flags=bicubic+bitexact,setsar=1,pad={width}:{height}:-1:-1,{}",
        pixels(profile)
    )
}

/// A canvas with nothing on it.
pub(crate) fn empty_canvas(profile: &Profile, length: MediaTime) -> String {
    let (width, height) = (profile.width, profile.height);
    let rate = match profile.rate {
        Rate::Source => CANVAS_RATE,
        Rate::Fixed(rate) => rate,
    };
    let count = frames(length, rate);
    format!("color=c=black:s={width}x{height}:r={rate},trim=end_frame={count},{}", pixels(profile))
}

pub(crate) fn pixels(profile: &Profile) -> &'static str {
    match profile.video {
        VideoCodec::H264 { .. } => "format=yuv420p",
        VideoCodec::ProRes => "format=yuv422p10le",
    }
}

/// The filters of an asset's sound: the samples of the window, silence where there are none.
fn sound(source: &Source, window: Window) -> String {
    match &source.audio {
        Some(audio) => format!("[0:{}]{}", audio.index, samples(window)),
        None => silence(window.duration()),
    }
}

/// Mixed to stereo at 48 kHz; gaps are filled, so that sound stays where the file has it.
pub(crate) fn samples(window: Window) -> String {
    let (start, end) = (seconds(window.start()), seconds(window.end()));
    let count = window.duration().to_samples(SAMPLE_RATE).max(1);
    format!(
        "atrim=start={start}:end={end},asetpts=PTS-{start}/TB,aformat=sample_fmts=fltp:channel_layouts=stereo,\
         aresample={SAMPLE_RATE}:async=1:first_pts=0,apad=whole_len={count},atrim=end_sample={count}"
    )
}

pub(crate) fn silence(length: MediaTime) -> String {
    let count = length.to_samples(SAMPLE_RATE).max(1);
    format!("anullsrc=r={SAMPLE_RATE}:cl=stereo,atrim=end_sample={count}")
}

/// The graph, the encoders and the file: no name, date or version of an encoder gets into it.
pub(crate) fn closing(graph: String, profile: &Profile) -> Vec<Argument> {
    let mut arguments = vec![text("-filter_complex"), text(graph)];
    arguments.extend(texts(["-map", "[v]", "-map", "[a]", "-map_metadata", "-1", "-map_chapters", "-1"]));
    arguments.extend(video_codec(profile));
    arguments.extend(texts(["-fps_mode", "vfr", "-video_track_timescale", CLOCK]));
    if profile.rate == Rate::Source {
        arguments.extend([text("-enc_time_base"), text(format!("1:{CLOCK}"))]);
    }
    arguments.extend(audio_codec(profile));
    arguments.extend(texts(["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]));
    arguments.extend(texts(["-movflags", "+faststart", "-write_tmcd", "0", "-f", profile.muxer()]));
    arguments.push(Argument::Output);
    arguments
}

fn video_codec(profile: &Profile) -> Vec<Argument> {
    match profile.video {
        VideoCodec::H264 { preset, crf, max_kbps } => {
            let options = [
                ["-c:v", "libx264"],
                ["-preset", preset],
                ["-crf", &crf.to_string()],
                ["-maxrate", &format!("{max_kbps}k")],
                ["-bufsize", &format!("{}k", 2 * max_kbps)],
                ["-threads:v", ENCODER_THREADS],
                // A key picture every two seconds, to seek to.
                ["-force_key_frames", "expr:gte(t,n_forced*2)"],
            ];
            texts(options.into_iter().flatten()).collect()
        }
        VideoCodec::ProRes => texts(["-c:v", "prores_ks", "-profile:v", "hq", "-vendor", "apl0"]).collect(),
    }
}

fn audio_codec(profile: &Profile) -> Vec<Argument> {
    match profile.audio {
        AudioCodec::Aac { kbps } => texts(["-c:a", "aac", "-b:a", &format!("{kbps}k")]).collect(),
        AudioCodec::Pcm24 => texts(["-c:a", "pcm_s24le"]).collect(),
    }
}
