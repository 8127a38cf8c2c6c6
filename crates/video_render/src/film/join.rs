//! Joins the pieces of a film to its audio: pure functions, like those of [`arguments`](crate::arguments).

use std::fmt::Write as _;
use std::path::Path;

use crate::arguments::{NO_METADATA, audio_codec, file_format, global_options, text, texts};
use crate::plan::Argument;
use crate::profile::{FrameRate, Profile, SAMPLE_RATE};

/// The arguments of joining: the first source is the list of pieces, the second the samples of the audio, which `gain_db`
/// changes.
pub(crate) fn arguments(profile: &Profile, rate: FrameRate, gain_db: f64) -> Vec<Argument> {
    let mut arguments: Vec<Argument> =
        global_options().into_iter().filter(|argument| *argument != text("-copyts")).collect();
    arguments.extend(texts(["-protocol_whitelist", "file,pipe", "-format_whitelist", "concat,mov"]));
    arguments.extend([text("-f"), text("concat"), text("-safe"), text("0"), text("-i"), Argument::Source(0)]);
    arguments.extend(texts([
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        "f32le",
        "-f",
        "f32le",
    ]));
    arguments.extend(texts(["-ar", &SAMPLE_RATE.to_string(), "-ac", "2", "-i"]));
    arguments.push(Argument::Source(1));
    arguments.extend(texts(["-map", "0:v:0", "-map", "1:a:0"]));
    arguments.extend(texts(NO_METADATA));
    if gain_db != 0.0 {
        arguments.extend([text("-af"), text(format!("volume={gain_db}dB"))]);
    }
    arguments.extend(texts(["-c:v", "copy"]));
    arguments.extend(audio_codec(profile));
    arguments.extend(texts(["-video_track_timescale", &rate.clock_hz().to_string()]));
    arguments.extend(file_format(profile));
    arguments.push(Argument::Output);
    arguments
}

/// The list of pieces for ffmpeg's concat demuxer. Each has its duration: without it, ffmpeg estimates it from the file,
/// and times drift. `order` are indices of the files, `frames` the frames of each file.
pub(crate) fn list<'a>(
    order: &[usize],
    frames: &[i64],
    rate: FrameRate,
    path: impl Fn(usize) -> &'a Path,
) -> String {
    let mut list = "ffconcat version 1.0\n".to_owned();
    let mut position = 0;
    for index in order {
        let end = position + frames[*index];
        let duration = rate.instant(end) - rate.instant(position);
        let name = path(*index).display().to_string().replace('\'', r"'\''");
        // Writing to a string does not fail.
        let _ = write!(list, "file '{name}'\nduration {}\n", crate::arguments::seconds(duration));
        position = end;
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::tests::listing;

    #[test]
    fn arguments_of_joining_are_as_reviewed() {
        let arguments = arguments(Profile::named("1080p_30_web").unwrap(), FrameRate::whole(30), -1.5);
        insta::assert_snapshot!("film_joined", listing(&arguments));
    }

    #[test]
    fn durations_add_up_without_drift() {
        let rate = FrameRate::near(29.97);
        let list = list(&[0, 1, 0], &[1, 2], rate, |index| Path::new(["/a/it's.mp4", "/b.mp4"][index]));
        assert_eq!(
            list,
            "ffconcat version 1.0\nfile '/a/it'\\''s.mp4'\nduration 0.033367\nfile '/b.mp4'\nduration 0.066733\n\
             file '/a/it'\\''s.mp4'\nduration 0.033367\n"
        );
    }
}
