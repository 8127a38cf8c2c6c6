//! ffmpeg and ffprobe: encode the files under test, decode the service's renders, and give a second opinion.

use std::path::Path;
use std::process::{Command, Stdio};

use super::frames::VideoFrame;

/// Width and height to which rendered frames are scaled before their numbers are read.
const READ_SIZE: (usize, usize) = (214, 120);

/// Runs ffmpeg quietly and returns its standard output, or its error output when it failed.
pub(crate) fn ffmpeg(arguments: &[&str]) -> Result<Vec<u8>, String> {
    run("ffmpeg", &[&["-nostdin", "-v", "error", "-y", "-threads", "1"], arguments].concat())
}

fn run(program: &str, arguments: &[&str]) -> Result<Vec<u8>, String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program} does not start: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}", errors.lines().next().unwrap_or_default()))
}

/// The samples of the left channel of the file's first audio stream at `rate` Hz.
pub(crate) fn decode_left(file: &Path, rate: u32) -> Result<Vec<f32>, String> {
    let rate = rate.to_string();
    let left = ["-map", "0:a:0", "-af", "pan=mono|c0=c0", "-ar", &rate, "-f", "f32le", "-"];
    let bytes = ffmpeg(&[&["-i", text(file)], &left[..]].concat())?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// All frames of the file's first video stream, without repeated or dropped ones.
pub(crate) fn decode_frames(file: &Path) -> Result<Vec<VideoFrame>, String> {
    let (width, height) = READ_SIZE;
    let scale = format!("scale={width}:{height}:flags=area,format=gray");
    let frames = ["-map", "0:v:0", "-vf", &scale, "-fps_mode", "passthrough", "-f", "rawvideo", "-"];
    let bytes = ffmpeg(&[&["-i", text(file)], &frames[..]].concat())?;
    Ok(bytes.chunks_exact(width * height).map(|luma| VideoFrame { width, luma: luma.to_vec() }).collect())
}

/// Facts that ffprobe reports about a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    pub(crate) duration_ms: Option<f64>,
    /// PTS of the first decoded audio frame and video frame, in ms; `None` without such a stream or timestamps.
    audio_start_ms: Option<f64>,
    video_start_ms: Option<f64>,
}

impl Probe {
    pub(crate) fn new(file: &Path) -> Self {
        let duration = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", text(file)];
        Self {
            duration_ms: run("ffprobe", &duration).ok().and_then(|output| milliseconds(&output)),
            audio_start_ms: first_frame_ms(file, "a:0"),
            video_start_ms: first_frame_ms(file, "v:0"),
        }
    }

    /// Start of audio and of video relative to the earlier of the two, in ms.
    pub(crate) fn starts_ms(&self) -> (f64, Option<f64>) {
        let audio = self.audio_start_ms.unwrap_or(0.0);
        let zero = self.video_start_ms.map_or(audio, |video| video.min(audio));
        (audio - zero, self.video_start_ms.map(|video| video - zero))
    }
}

fn first_frame_ms(file: &Path, stream: &str) -> Option<f64> {
    let entries = ["-show_entries", "frame=best_effort_timestamp_time", "-read_intervals", "%+#8"];
    let stream = ["-v", "error", "-select_streams", stream];
    milliseconds(&run("ffprobe", &[&stream, &entries[..], &["-of", "csv=p=0", text(file)]].concat()).ok()?)
}

fn milliseconds(output: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(output).ok()?;
    let first = text.lines().map(|line| line.trim_end_matches(',')).find(|line| !line.is_empty())?;
    Some(first.parse::<f64>().ok()? * 1_000.0)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
