//! The calls of ffmpeg that render pieces: pure functions, like those of [`layers`](crate::layers).

use std::fmt::Write as _;

use crate::arguments::{COLOUR_TAGS, NO_METADATA, global_options, input, text, texts, video_codec};
use crate::canvas::{Canvas, empty_canvas, fitted};
use crate::captions::script::by_frame;
use crate::cut::SourceCut;
use crate::layers::{VisibleLayer, stacked};
use crate::plan::Argument;
use crate::profile::{FrameRate, VideoCodec};
use crate::source::ProbedSource;
use crate::video_filters::{Frames, resampled};

/// Most inputs of one call: each has a decoder with its frames in memory.
const MAX_INPUTS: usize = 32;
/// Most pieces without any input in one call.
const MAX_PIECES: usize = 64;

/// A piece with its probed sources.
#[derive(Clone, Debug)]
pub(crate) struct PieceInput<'a> {
    /// Number of frames, at least 1.
    pub(crate) frames: i64,
    /// The visible layers, the lowest first.
    pub(crate) layers: Vec<PieceSource<'a>>,
}

/// A layer that is visible in all frames of a piece.
#[derive(Clone, Debug)]
pub(crate) struct PieceSource<'a> {
    /// Index of the file.
    pub(crate) file: usize,
    pub(crate) source: &'a ProbedSource,
    pub(crate) cut: SourceCut,
    pub(crate) speed: f64,
    pub(crate) opacity: f64,
}

/// Divides the pieces into batches of consecutive ones, each for one call.
pub(crate) fn batches<'a, 'b>(pieces: &'b [PieceInput<'a>]) -> Vec<&'b [PieceInput<'a>]> {
    let mut batches = Vec::new();
    let (mut start, mut inputs) = (0, 0);
    for (index, piece) in pieces.iter().enumerate() {
        let is_full = inputs + piece.layers.len() > MAX_INPUTS || index - start >= MAX_PIECES;
        if index > start && is_full {
            batches.push(&pieces[start..index]);
            (start, inputs) = (index, 0);
        }
        inputs += piece.layers.len();
    }
    if start < pieces.len() {
        batches.push(&pieces[start..]);
    }
    batches
}

/// All arguments for rendering `pieces` to files numbered from 0: `{output}` is a pattern of their names.
///
/// `captions` is the index of the source that is the script of the captions, if the pieces have any.
pub(crate) fn arguments(
    pieces: &[PieceInput<'_>],
    canvas: Canvas<'_>,
    rate: FrameRate,
    captions: Option<usize>,
) -> Vec<Argument> {
    let mut arguments = global_options();
    for layer in pieces.iter().flat_map(|piece| &piece.layers) {
        // Pieces are short, and a decoder of several threads keeps more frames.
        arguments.extend(texts(["-threads", "1"]));
        arguments.extend(input(layer.file, layer.source, layer.cut.seek));
    }
    arguments.extend([text("-filter_complex"), text(graph(pieces, canvas, rate, captions))]);
    arguments.extend(texts(["-map", "[v]"]));
    arguments.extend(texts(NO_METADATA));
    arguments.extend(video_codec(canvas.profile));
    if let VideoCodec::H264 { .. } = canvas.profile.video {
        arguments.extend([text("-force_key_frames"), text(keyframes(pieces, rate))]);
    }
    arguments.extend(texts(COLOUR_TAGS));
    arguments.extend(texts(["-fps_mode", "passthrough", "-fflags", "+bitexact", "-flags:v", "+bitexact"]));
    arguments.extend(texts(["-f", "segment", "-segment_format", canvas.profile.muxer()]));
    arguments.extend([
        text("-segment_format_options"),
        text(format!("video_track_timescale={}", rate.clock_hz())),
    ]);
    arguments.extend([text("-reset_timestamps"), text("1"), text("-segment_frames"), text(splits(pieces))]);
    arguments.push(Argument::Output);
    arguments
}

/// The graph of the pieces, one after the other.
fn graph(pieces: &[PieceInput<'_>], canvas: Canvas<'_>, rate: FrameRate, captions: Option<usize>) -> String {
    let (mut graph, mut names, mut first_input) = (String::new(), String::new(), 0);
    for (index, piece) in pieces.iter().enumerate() {
        let name = format!("[piece{index}]");
        // Writing to a string does not fail.
        let _ = write!(graph, "{}{name};", piece_graph(index, piece, first_input, canvas, rate));
        first_input += piece.layers.len();
        names += &name;
    }
    // The concat filter counts in microseconds.
    let frame = rate.frame_duration();
    let captions = captions.map_or_else(String::new, |index| by_frame(index, rate));
    format!("{graph}{names}concat=n={}:v=1:a=0,settb={frame},setpts=N{captions}[v]", pieces.len())
}

/// The graph of a piece. `first_input` is the index of the input of its first layer.
fn piece_graph(
    index: usize,
    piece: &PieceInput<'_>,
    first_input: usize,
    canvas: Canvas<'_>,
    rate: FrameRate,
) -> String {
    if let [layer] = piece.layers.as_slice()
        && layer.opacity >= 1.0
        && let Some((video, first)) = layer.source.video.as_ref().zip(layer.cut.first_frame)
    {
        let frames = Frames { count: piece.frames, speed: layer.speed };
        let times = resampled(video, layer.cut.window, first, rate, frames);
        return format!("[{first_input}:{}]{times},{}", video.info.index, fitted(canvas, &video.format));
    }
    let layers = piece.layers.iter().enumerate().map(|(position, layer)| VisibleLayer {
        input: first_input + position,
        source: layer.source,
        cut: layer.cut,
        frames: 0..piece.frames,
        speed: layer.speed,
        opacity: layer.opacity,
    });
    let layers: Vec<VisibleLayer<'_>> = layers.collect();
    match layers.is_empty() {
        true => empty_canvas(canvas.profile, rate, piece.frames),
        false => stacked(&format!("piece{index}_"), canvas, rate, piece.frames, &layers),
    }
}

/// Keyframes: the first frame of each piece, and every two seconds in it.
fn keyframes(pieces: &[PieceInput<'_>], rate: FrameRate) -> String {
    let mut expression =
        format!("expr:isnan(prev_forced_n)+gte(n,prev_forced_n+{})", rate.keyframe_interval());
    for frame in starts(pieces).skip(1) {
        let _ = write!(expression, "+eq(n,{frame})");
    }
    expression
}

/// The frames at which files are divided.
fn splits(pieces: &[PieceInput<'_>]) -> String {
    let mut starts = starts(pieces).skip(1).map(|frame| frame.to_string()).collect::<Vec<_>>();
    if starts.is_empty() {
        // A single file: the option requires a frame.
        starts.push(pieces.iter().map(|piece| piece.frames).sum::<i64>().to_string());
    }
    starts.join(",")
}

/// The number of the first frame of each piece.
fn starts(pieces: &[PieceInput<'_>]) -> impl Iterator<Item = i64> {
    pieces.iter().scan(0, |next, piece| {
        let first = *next;
        *next += piece.frames;
        Some(first)
    })
}

#[cfg(test)]
mod tests {
    use media_time::{FileTime, Window};

    use super::*;
    use crate::Profile;
    use crate::arguments::tests::{listing, source};

    fn piece<'a>(source: &'a ProbedSource, frames: i64, starts_ms: &[i64]) -> PieceInput<'a> {
        let layer = |(file, start): (usize, &i64)| {
            let (start, end) = (FileTime::from_millis(*start), FileTime::from_millis(*start + 40 * frames));
            let window = Window::new(start, end).unwrap();
            let cut = SourceCut { seek: start, window, first_frame: Some(start) };
            PieceSource { file, source, cut, speed: 1.0, opacity: 1.0 }
        };
        PieceInput { frames, layers: starts_ms.iter().enumerate().map(layer).collect() }
    }

    #[test]
    fn arguments_of_pieces_are_as_reviewed() {
        let source = source();
        let mut slow = piece(&source, 10, &[9_000]);
        slow.layers[0].speed = 0.5;
        let pieces =
            [piece(&source, 5, &[1_000]), piece(&source, 7, &[]), piece(&source, 1, &[2_000, 3_000]), slow];
        for (name, profile) in [("film_of_h264", "social_9_16_h264"), ("film_of_prores", "master_4k_prores")]
        {
            let canvas = Canvas::of(Profile::named(profile).unwrap());
            insta::assert_snapshot!(name, listing(&arguments(&pieces, canvas, FrameRate::whole(25), None)));
        }
        let canvas = Canvas::of(Profile::named("1080p_30_web").unwrap());
        let captioned = arguments(&pieces[..1], canvas, FrameRate::whole(30), Some(4));
        insta::assert_snapshot!("film_with_captions", listing(&captioned));
    }

    #[test]
    fn batches_have_limited_inputs() {
        let source = source();
        let shots: Vec<_> = (0..70).map(|n| piece(&source, 1, &[n])).collect();
        let lengths =
            |pieces: &[PieceInput<'_>]| batches(pieces).iter().map(|batch| batch.len()).collect::<Vec<_>>();
        assert_eq!(lengths(&shots), [32, 32, 6]);
        let gaps: Vec<_> = (0..65).map(|_| piece(&source, 1, &[])).collect();
        assert_eq!(lengths(&gaps), [64, 1]);
        let deep = [piece(&source, 1, &[0; 40]), piece(&source, 1, &[0])];
        assert_eq!(lengths(&deep), [1, 1], "a piece is never divided");
        assert!(lengths(&[]).is_empty());
    }
}
