//! The argument vectors of ffmpeg: pure functions from what is known to what is done.

use media_time::{MediaTime, Window};

use crate::cut::Cut;
use crate::plan::Argument;
use crate::profile::{AudioCodec, FrameRate, Profile, Rate, SAMPLE_RATE, VideoCodec};
use crate::source::{Source, VideoStream, confined};

/// Threads of the H.264 encoder: a fixed number, because the bytes depend on it.
const ENCODER_THREADS: &str = "4";
/// The clock of rendered pictures, in Hz: 24, 25, 30, 50, 60 and 1001/30000 divide it.
const CLOCK_HZ: u32 = 90_000;

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
    arguments.extend(closing(graph, profile, cut.window.duration()));
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
            let index = video.track.index;
            let times = match profile.rate {
                Rate::Source => at_their_own_times(cut.window, first),
                Rate::Fixed(rate) => on_a_grid(video, cut.window, first, FrameRate::whole(rate)),
            };
            format!("[0:{index}]{times},{}", fitted(profile))
        }
        _ => empty_window(profile, cut.window.duration()),
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

/// The pictures of a window on a grid of the profile's own rate.
fn on_a_grid(video: &VideoStream, window: Window, first: MediaTime, rate: FrameRate) -> String {
    let anchor = anchor(window, first, rate);
    // Half a tick, lest a picture that begins at the end is counted because its time was rounded.
    let slack = MediaTime::from_micros(video.track.time_base.tick().as_micros() / 2 + 1);
    let count = rate.frames_before(window.end() - anchor - slack).max(1);
    resampled(video, window, first, rate, count)
}

/// When the first picture of a grid is due: when the first picture used began to be shown, so that a source of
/// the same rate keeps each of its pictures; when that is more than a picture's length ago, when the window
/// begins.
fn anchor(window: Window, first: MediaTime, rate: FrameRate) -> MediaTime {
    let is_near = first <= window.start() && window.start() < first + rate.instant(1);
    if is_near { first } else { window.start() }
}

/// `count` pictures at `rate`: picture n is the one that the source shows at anchor + n / rate.
///
/// Containers round the times of pictures to their clock, so a picture counts as shown one tick early.
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
        "settb=1/1000000,trim=start_pts={first}:end_pts={end},\
         setpts='if(lte(PTS,{first}),0,max(PTS-{shift},1))',fps={rate}:round=up:start_time=0,\
         tpad=stop=-1:stop_mode=clone,trim=end_frame={count}"
    )
}

/// Scaled to the canvas, in the middle of black.
fn fitted(profile: &Profile) -> String {
    let (width, height) = (profile.width, profile.height);
    format!("{},pad={width}:{height}:-1:-1,{}", scaled(profile), pixels(profile))
}

/// Scaled to fit into the canvas, in square pixels and even sizes.
pub(crate) fn scaled(profile: &Profile) -> String {
    let (width, height) = (profile.width, profile.height);
    format!(
        "scale=w='max(2,min({width},2*round({height}*dar/2)))':h='max(2,min({height},2*round({width}/dar/2)))'\
         :flags=bicubic+bitexact,setsar=1"
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

/// `count` pictures of a canvas with nothing on it.
pub(crate) fn empty_canvas(profile: &Profile, rate: FrameRate, count: i64) -> String {
    let (width, height) = (profile.width, profile.height);
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
        Some(audio) => format!("[0:{}]{}", audio.track.index, samples(window)),
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

/// The graph, the encoders and the file: no name, date or version of an encoder gets into it. `length` is that of
/// the window.
pub(crate) fn closing(graph: String, profile: &Profile, length: MediaTime) -> Vec<Argument> {
    let mut arguments = vec![text("-filter_complex"), text(graph)];
    arguments.extend(texts(["-map", "[v]", "-map", "[a]", "-map_metadata", "-1", "-map_chapters", "-1"]));
    arguments.extend(video_codec(profile));
    arguments.extend(texts(["-fps_mode", "vfr", "-video_track_timescale", &CLOCK_HZ.to_string()]));
    if profile.rate == Rate::Source {
        arguments.extend([text("-enc_time_base"), text(format!("1:{CLOCK_HZ}"))]);
        arguments.extend([text("-bsf:v"), text(last_frame_held(length))]);
    }
    arguments.extend(audio_codec(profile));
    arguments.extend(texts(["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]));
    arguments.extend(texts(["-movflags", "+faststart", "-write_tmcd", "0", "-f", profile.muxer()]));
    arguments.push(Argument::Output);
    arguments
}

/// A bitstream filter by which the last frame lasts until the end of a window of `length`. The muxer takes the last
/// frame's duration from the last packet, which is not the last to be shown where frames are reordered: it is
/// decoded when it is shown, so that decoding times reach to the end too.
fn last_frame_held(length: MediaTime) -> String {
    let end = length.to_samples(CLOCK_HZ).max(1);
    format!(
        "setts=pts=PTS:dts='if(eq(NEXT_DTS,NOPTS),PTS,DTS)':\
         duration='if(eq(NEXT_DTS,NOPTS),max({end}-PTS,1),DURATION)'"
    )
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Container;
    use crate::source::{AudioStream, TimeBase, Track};

    fn source() -> Source {
        let time_base = TimeBase::parse("1/30000").unwrap();
        let track = |index| Track { index, time_base, end: None };
        Source {
            container: Container { demuxer: "mov" },
            start: MediaTime::ZERO,
            duration: None,
            video: Some(VideoStream { track: track(1), codec: "h264".to_owned(), fps: Some(29.97) }),
            audio: Some(AudioStream {
                track: track(0),
                codec: "aac".to_owned(),
                channels: 6,
                sample_rate: 44_100,
            }),
        }
    }

    fn call(source: &Source, profile: &str) -> Vec<String> {
        let ms = MediaTime::from_millis;
        let cut = Cut {
            seek: ms(8_000),
            window: Window::new(ms(10_000), ms(11_500)).unwrap(),
            first_frame: source.video.as_ref().map(|_| MediaTime::from_micros(9_976_633)),
        };
        of_window(source, &cut, Profile::named(profile).unwrap()).iter().map(ToString::to_string).collect()
    }

    fn value<'a>(call: &'a [String], option: &str) -> &'a str {
        &call[call.iter().position(|argument| argument == option).unwrap() + 1]
    }

    #[test]
    fn a_draft_as_a_whole() {
        let expected = "-nostdin -hide_banner -v error -nostats -progress pipe:1 -copyts -y \
            -protocol_whitelist file,pipe -format_whitelist mov -f mov -noaccurate_seek -ss 8.000000 \
            -i {source:0} -filter_complex \
            [0:1]settb=1/1000000,trim=start_pts=9976633:end_pts=11500000,\
            setpts='if(lte(PTS,9976633),0,PTS-10000000)',\
            scale=w='max(2,min(854,2*round(480*dar/2)))':h='max(2,min(480,2*round(854/dar/2)))'\
            :flags=bicubic+bitexact,setsar=1,pad=854:480:-1:-1,format=yuv420p[v];\
            [0:0]atrim=start=10.000000:end=11.500000,asetpts=PTS-10.000000/TB,\
            aformat=sample_fmts=fltp:channel_layouts=stereo,aresample=48000:async=1:first_pts=0,\
            apad=whole_len=72000,atrim=end_sample=72000[a] \
            -map [v] -map [a] -map_metadata -1 -map_chapters -1 -c:v libx264 -preset ultrafast -crf 30 \
            -maxrate 4000k -bufsize 8000k -threads:v 4 -force_key_frames expr:gte(t,n_forced*2) -fps_mode vfr \
            -video_track_timescale 90000 -enc_time_base 1:90000 \
            -bsf:v setts=pts=PTS:dts='if(eq(NEXT_DTS,NOPTS),PTS,DTS)':\
            duration='if(eq(NEXT_DTS,NOPTS),max(135000-PTS,1),DURATION)' -c:a aac -b:a 96k -fflags +bitexact \
            -flags:v +bitexact -flags:a +bitexact -movflags +faststart -write_tmcd 0 -f mp4 {output}";
        assert_eq!(call(&source(), "draft_480p_fast").join(" "), expected);
    }

    #[test]
    fn a_fixed_rate_is_a_grid_from_the_first_picture_on() {
        let graph = value(&call(&source(), "1080p_30_web"), "-filter_complex").to_owned();
        // 46 pictures begin in 11 500 000 - 9 976 633 µs; a tick of 1/30000 s is 33 µs.
        let grid = "setpts='if(lte(PTS,9976633),0,max(PTS-9976667,1))',fps=30/1:round=up:start_time=0,\
            tpad=stop=-1:stop_mode=clone,trim=end_frame=46,";
        assert!(graph.contains(grid), "{graph}");
    }

    #[test]
    fn what_a_source_lacks_is_black_or_silent() {
        let sound = Source { video: None, ..source() };
        let graph = value(&call(&sound, "social_1_1_h264"), "-filter_complex").to_owned();
        assert!(graph.starts_with("color=c=black:s=1080x1080:r=30/1,trim=end_frame=45,"), "{graph}");
        let pictures = Source { audio: None, ..source() };
        let graph = value(&call(&pictures, "master_4k_prores"), "-filter_complex").to_owned();
        assert!(graph.ends_with(";anullsrc=r=48000:cl=stereo,atrim=end_sample=72000[a]"), "{graph}");
    }

    #[test]
    fn profiles_choose_encoders_and_containers() {
        for profile in &Profile::ALL {
            let call = call(&source(), profile.name);
            let (codec, muxer) = match profile.video {
                VideoCodec::H264 { .. } => ("libx264", "mp4"),
                VideoCodec::ProRes => ("prores_ks", "mov"),
            };
            assert_eq!(value(&call, "-c:v"), codec);
            assert_eq!(call[call.len() - 3..], ["-f", muxer, "{output}"]);
        }
    }

    #[test]
    fn only_source_rate_renders_hold_the_last_frame_by_its_duration() {
        for profile in &Profile::ALL {
            let call = call(&source(), profile.name);
            let is_held = call.iter().any(|argument| argument.contains("max(135000-PTS,1)"));
            assert_eq!(is_held, profile.rate == Rate::Source, "{profile}");
        }
    }

    #[test]
    fn seconds_are_exact() {
        assert_eq!(seconds(MediaTime::from_micros(7_198_700_001)), "7198.700001");
        assert_eq!(seconds(MediaTime::from_micros(-1)), "-0.000001");
    }
}
