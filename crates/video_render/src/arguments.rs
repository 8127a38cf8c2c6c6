//! The argument vectors of ffmpeg, built by pure functions from sources, cuts and profiles.

use media_time::{FileTime, Instant, MediaTime, Window};

use crate::canvas::Canvas;
use crate::captions::script::by_time;
use crate::cut::SourceCut;
use crate::frame_format::MAX_PIXELS;
use crate::plan::Argument;
use crate::prober::confined;
use crate::profile::{AudioCodec, CLOCK_HZ, Profile, Rate, SAMPLE_RATE, VideoCodec};
use crate::source::{AudioAccess, AudioStream, ChannelMix, ProbedSource};
use crate::video_filters;

/// Threads of the H.264 encoder. The number is fixed because the encoded bytes depend on it.
const ENCODER_THREADS: &str = "4";
/// The colour tags of every render; filters convert frames accordingly.
pub(crate) const COLOUR_TAGS: [&str; 8] =
    ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"];

/// No metadata and chapters of the sources.
pub(crate) const NO_METADATA: [&str; 4] = ["-map_metadata", "-1", "-map_chapters", "-1"];

pub(crate) fn text(argument: impl Into<String>) -> Argument {
    Argument::Text(argument.into())
}

pub(crate) fn texts<'a>(arguments: impl IntoIterator<Item = &'a str>) -> impl Iterator<Item = Argument> {
    arguments.into_iter().map(text)
}

/// `time` in seconds, exact to the microsecond.
pub(crate) fn seconds(time: impl Instant) -> String {
    let time = time.since_zero();
    let (sign, micros) = (if time.is_negative() { "-" } else { "" }, time.as_micros().unsigned_abs());
    format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

/// All arguments for rendering one window of one source. `captions` is the index of the source that is the script of the
/// captions, if there are any.
pub(crate) fn of_window(
    source: &ProbedSource,
    cut: &SourceCut,
    canvas: Canvas<'_>,
    captions: Option<usize>,
) -> Vec<Argument> {
    let profile = canvas.profile;
    let graph = format!(
        "{}{}[v];{}[a]",
        video_filters::of_window(source, cut, canvas),
        captions.map_or_else(String::new, by_time),
        audio_filters(source, cut.window.shift(source.audio_lag))
    );
    let mut arguments = global_options();
    arguments.extend(input(0, source, cut.seek));
    arguments.extend(output_options(graph, profile, cut.window.duration()));
    arguments
}

/// The first arguments of every call: errors only, no prompts, progress on standard output, and the file's own
/// timestamps (`-copyts`), so that frames can be compared with the PTS that the prober found.
pub(crate) fn global_options() -> Vec<Argument> {
    texts(["-nostdin", "-hide_banner", "-v", "error", "-nostats", "-progress", "pipe:1", "-copyts", "-y"])
        .collect()
}

/// The arguments of one source, read from `seek` on. Filters remove the part before the window:
/// ffmpeg's own accurate seek would drop the frame that is visible when the window begins.
pub(crate) fn input(index: usize, source: &ProbedSource, seek: FileTime) -> Vec<Argument> {
    let mut arguments: Vec<Argument> = texts(confined(source.container)).collect();
    // ffmpeg counts the position from the start of the earliest stream.
    let position = seek - source.seek_zero;
    if position > MediaTime::ZERO && source.audio_access() == AudioAccess::Seeking {
        arguments.extend([text("-noaccurate_seek"), text("-ss"), text(seconds(position))]);
    }
    // Decoders reject larger frames, even when the size changes within the stream.
    arguments.extend(texts(["-max_pixels", &MAX_PIXELS.to_string()]));
    if let Some((video, decoder)) =
        source.video.as_ref().and_then(|video| Some((video, video.format.decoder?)))
    {
        arguments.extend(texts([&format!("-c:{}", video.info.index), decoder]));
    }
    arguments.extend([text("-i"), Argument::Source(index)]);
    arguments
}

/// The filters of an asset's audio: the samples of the window, or silence without an audio stream.
fn audio_filters(source: &ProbedSource, window: Window<FileTime>) -> String {
    match &source.audio {
        Some(audio) => format!("[0:{}]{}", audio.info.index, samples(source, audio, window)),
        None => silence(window.duration()),
    }
}

/// The filters that cut `window` out of the audio and mix it to stereo at 48 kHz. Gaps are filled with silence, so that
/// audio keeps its timestamps.
pub(crate) fn samples(source: &ProbedSource, audio: &AudioStream, window: Window<FileTime>) -> String {
    let counted = match source.audio_access() {
        AudioAccess::Counted => {
            let first = seconds(audio.info.start.unwrap_or(source.start));
            format!("asetpts=N/SR/TB+{first}/TB,")
        }
        AudioAccess::Seeking | AudioAccess::FromBeginning => String::new(),
    };
    let (start, end) = (seconds(window.start()), seconds(window.end()));
    let count = window.duration().to_samples(SAMPLE_RATE).max(1);
    let pan = match audio.mix {
        ChannelMix::ByLayout => "",
        ChannelMix::FirstTwo => "pan=stereo|c0=c0|c1=c1,",
    };
    format!(
        "{counted}atrim=start={start}:end={end},asetpts=PTS-{start}/TB,{pan}aformat=sample_fmts=fltp:channel_layouts=stereo,\
         aresample={SAMPLE_RATE}:async=1:first_pts=0,apad=whole_len={count},atrim=end_sample={count}"
    )
}

pub(crate) fn silence(length: MediaTime) -> String {
    let count = length.to_samples(SAMPLE_RATE).max(1);
    format!("anullsrc=r={SAMPLE_RATE}:cl=stereo,atrim=end_sample={count}")
}

/// The last arguments of every call: the filter graph, the encoders and the output file, without an encoder's name,
/// date or version in it. `length` is the length of the window.
pub(crate) fn output_options(graph: String, profile: &Profile, length: MediaTime) -> Vec<Argument> {
    let mut arguments = vec![text("-filter_complex"), text(graph)];
    arguments.extend(texts(["-map", "[v]", "-map", "[a]"]));
    arguments.extend(texts(NO_METADATA));
    arguments.extend(video_codec(profile));
    if let VideoCodec::H264 { .. } = profile.video {
        // A keyframe every two seconds, for seeking.
        arguments.extend(texts(["-force_key_frames", "expr:gte(t,n_forced*2)"]));
    }
    arguments.extend(texts(COLOUR_TAGS));
    arguments.extend(texts(["-fps_mode", "vfr", "-video_track_timescale", &CLOCK_HZ.to_string()]));
    if profile.rate == Rate::Source {
        arguments.extend([text("-enc_time_base"), text(format!("1:{CLOCK_HZ}"))]);
        arguments.extend([text("-bsf:v"), text(extend_last_frame(length))]);
    }
    arguments.extend(audio_codec(profile));
    arguments.extend(file_format(profile));
    arguments.push(Argument::Output);
    arguments
}

/// The options of the output's format, without an encoder's name, date or version in it.
pub(crate) fn file_format(profile: &Profile) -> impl Iterator<Item = Argument> {
    let options = [
        ["-fflags", "+bitexact"],
        ["-flags:v", "+bitexact"],
        ["-flags:a", "+bitexact"],
        ["-movflags", "+faststart"],
        ["-write_tmcd", "0"],
        ["-f", profile.muxer()],
    ];
    texts(options.into_iter().flatten())
}

/// A bitstream filter that extends the last frame to the end of a window of `length`, and no frame beyond it.
///
/// The muxer takes the last duration from the last packet. With reordered frames that packet does not have the largest
/// PTS: its DTS is set to its PTS, so that decoding times extend to the end too.
fn extend_last_frame(length: MediaTime) -> String {
    let end = length.to_samples(CLOCK_HZ).max(1);
    let rest = format!("max({end}-PTS,1)");
    format!(
        "setts=pts=PTS:dts='if(eq(NEXT_DTS,NOPTS),PTS,DTS)':\
         duration='if(eq(NEXT_DTS,NOPTS),{rest},min(DURATION,{rest}))'"
    )
}

pub(crate) fn video_codec(profile: &Profile) -> Vec<Argument> {
    match profile.video {
        VideoCodec::H264 { preset, crf, max_kbps } => {
            let options = [
                ["-c:v", "libx264"],
                ["-preset", preset],
                ["-crf", &crf.to_string()],
                ["-maxrate", &format!("{max_kbps}k")],
                ["-bufsize", &format!("{}k", 2 * max_kbps)],
                ["-threads:v", ENCODER_THREADS],
            ];
            texts(options.into_iter().flatten()).collect()
        }
        VideoCodec::ProRes => texts(["-c:v", "prores_ks", "-profile:v", "hq", "-vendor", "apl0"]).collect(),
    }
}

pub(crate) fn audio_codec(profile: &Profile) -> Vec<Argument> {
    match profile.audio {
        AudioCodec::Aac { kbps } => texts(["-c:a", "aac", "-b:a", &format!("{kbps}k")]).collect(),
        AudioCodec::Pcm24 => texts(["-c:a", "pcm_s24le"]).collect(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::container::Container;
    use crate::frame_format::{FrameFormat, FrameTags};
    use crate::source::{StreamInfo, TimeBase, VideoStream};

    pub(crate) fn source() -> ProbedSource {
        let time_base = TimeBase::parse("1/30000").unwrap();
        let info = |index| StreamInfo { index, time_base, start: None, end: None };
        ProbedSource {
            container: Container { demuxer: "mov" },
            start: FileTime::ZERO,
            seek_zero: FileTime::ZERO,
            audio_lag: MediaTime::ZERO,
            duration: None,
            video: Some(VideoStream {
                info: info(1),
                codec: "h264".to_owned(),
                fps: Some(29.97),
                format: FrameFormat::new(&FrameTags::default(), "h264", (640, 360)),
            }),
            audio: Some(AudioStream {
                info: info(0),
                codec: "aac".to_owned(),
                channels: 6,
                sample_rate: 44_100,
                mix: ChannelMix::ByLayout,
            }),
        }
    }

    fn arguments(source: &ProbedSource, profile: &str) -> Vec<Argument> {
        let ms = FileTime::from_millis;
        let cut = SourceCut {
            seek: ms(8_000),
            window: Window::new(ms(10_000), ms(11_500)).unwrap(),
            first_frame: source.video.as_ref().map(|_| FileTime::from_micros(9_976_633)),
        };
        of_window(source, &cut, Canvas::of(Profile::named(profile).unwrap()), None)
    }

    fn call(source: &ProbedSource, profile: &str) -> Vec<String> {
        arguments(source, profile).iter().map(ToString::to_string).collect()
    }

    /// Arguments as text for snapshots: a line for each option with its value, and for each filter of a graph.
    pub(crate) fn listing(arguments: &[Argument]) -> String {
        let mut text = String::new();
        let mut is_graph = false;
        for argument in arguments.iter().map(ToString::to_string) {
            let name = argument.strip_prefix('-').filter(|name| name.starts_with(char::is_alphabetic));
            text += &match (name, is_graph) {
                (Some(_), _) => format!("\n{argument}"),
                (None, true) => filters(&argument),
                (None, false) => format!(" {argument}"),
            };
            is_graph = name == Some("filter_complex");
        }
        text.trim_start().to_owned()
    }

    /// A filter graph with each filter on a line; commas in quotes separate no filters.
    fn filters(graph: &str) -> String {
        let mut text = "\n  ".to_owned();
        let mut is_quoted = false;
        for c in graph.chars() {
            is_quoted ^= c == '\'';
            text.push(c);
            match c {
                ',' if !is_quoted => text += "\n    ",
                ';' if !is_quoted => text += "\n  ",
                _ => {}
            }
        }
        text
    }

    fn value<'a>(call: &'a [String], option: &str) -> &'a str {
        &call[call.iter().position(|argument| argument == option).unwrap() + 1]
    }

    #[test]
    fn arguments_of_windows_are_as_reviewed() {
        let mut hdr = source();
        let tags = r#"{"pix_fmt": "yuv420p10le", "color_transfer": "smpte2084", "color_primaries": "bt2020",
            "color_space": "bt2020nc", "color_range": "tv"}"#;
        let tags: FrameTags = serde_json::from_str(tags).unwrap();
        hdr.video.as_mut().unwrap().format = FrameFormat::new(&tags, "hevc", (3_840, 2_160));
        for (name, source, profile) in [
            ("window_at_source_rate", source(), "draft_480p_fast"),
            ("window_at_fixed_rate", source(), "1080p_30_web"),
            ("window_of_hdr", hdr, "preview_720p_fast"),
            ("window_of_video_only", ProbedSource { audio: None, ..source() }, "master_4k_prores"),
            ("window_of_audio_only", ProbedSource { video: None, ..source() }, "social_1_1_h264"),
        ] {
            insta::assert_snapshot!(name, listing(&arguments(&source, profile)));
        }
    }

    #[test]
    fn output_options_of_profiles_are_as_reviewed() {
        let options = |profile: &Profile| {
            let arguments = output_options("(graph)".to_owned(), profile, MediaTime::from_millis(1_500));
            format!("# {profile}\n{}\n", listing(&arguments))
        };
        insta::assert_snapshot!(Profile::ALL.iter().map(options).collect::<String>());
    }

    #[test]
    fn fixed_rate_is_a_grid_from_the_first_frame_on() {
        let graph = value(&call(&source(), "1080p_30_web"), "-filter_complex").to_owned();
        // 46 frames begin in 11 500 000 - 9 976 633 µs; a tick of 1/30000 s is 33 µs.
        let grid = "setpts='if(lte(PTS,9976633),0,max(PTS-9976667,1))',fps=30/1:round=up:start_time=0,\
            tpad=stop=-1:stop_mode=clone,trim=end_frame=46,";
        assert!(graph.contains(grid), "{graph}");
    }

    #[test]
    fn missing_video_is_black_and_missing_audio_is_silent() {
        let audio = ProbedSource { video: None, ..source() };
        let graph = value(&call(&audio, "social_1_1_h264"), "-filter_complex").to_owned();
        assert!(graph.starts_with("color=c=black:s=1080x1080:r=30/1,trim=end_frame=45,"), "{graph}");
        let video = ProbedSource { audio: None, ..source() };
        let graph = value(&call(&video, "master_4k_prores"), "-filter_complex").to_owned();
        assert!(graph.ends_with(";anullsrc=r=48000:cl=stereo,atrim=end_sample=72000[a]"), "{graph}");
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
    fn alpha_of_vp9_is_decoded_by_libvpx() {
        let mut source = source();
        let video = source.video.as_mut().unwrap();
        (video.format.decoder, video.format.has_alpha) = (Some("libvpx-vp9"), true);
        let call = call(&source, "draft_480p_fast");
        assert_eq!(value(&call, "-c:1"), "libvpx-vp9");
    }

    #[test]
    fn first_two_of_many_channels_without_a_layout_are_used() {
        let mut source = source();
        source.audio.as_mut().unwrap().mix = ChannelMix::FirstTwo;
        let graph = value(&call(&source, "draft_480p_fast"), "-filter_complex").to_owned();
        assert!(graph.contains("/TB,pan=stereo|c0=c0|c1=c1,aformat="), "{graph}");
    }

    #[test]
    fn seconds_are_exact() {
        assert_eq!(seconds(MediaTime::from_micros(7_198_700_001)), "7198.700001");
        assert_eq!(seconds(MediaTime::from_micros(-1)), "-0.000001");
    }
}
