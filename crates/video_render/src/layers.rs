//! The argument vector that composes a timeline: pure functions, like those of [`arguments`](crate::arguments).

use std::ops::Range;

use media_time::{AssetTime, FileTime, LocalTime, MediaTime, Window};

use crate::Profile;
use crate::arguments::{global_options, input, output_options, samples, silence};
use crate::canvas::{self, Canvas, empty_canvas, overlay_format, pixel_format};
use crate::captions::script::by_time;
use crate::composition::{Composition, Layer};
use crate::cut::SourceCut;
use crate::plan::Argument;
use crate::profile::{FrameRate, SAMPLE_RATE};
use crate::source::ProbedSource;
use crate::video_filters::{Frames, resampled};

/// A layer with its probed source.
#[derive(Clone, Debug)]
pub(crate) struct LayerInput<'a> {
    pub(crate) layer: &'a Layer,
    pub(crate) source: ProbedSource,
    /// The cut of its video if visible, else of its audio; in the file's own time.
    pub(crate) cut: SourceCut,
}

/// The window of the asset whose frames are used: from the first frame of the render in which the layer is visible.
pub(crate) fn visible_window(composition: &Composition, layer: &Layer) -> Option<Window<AssetTime>> {
    let (first, _) = layer.visible_frames(composition.window, composition.rate)?;
    let played = layer.play_window(composition.window)?;
    let begins = LocalTime::at(composition.rate.instant(first));
    let span = Window::new(begins.max(played.start()), played.end()).ok()?;
    Some(layer.source_of(composition.window, span)).filter(|window| !window.is_empty())
}

/// All arguments for rendering a composition. `captions` is the index of the source that is the script of its captions, if
/// there are any.
pub(crate) fn of_composition(
    composition: &Composition,
    inputs: &[LayerInput<'_>],
    profile: &Profile,
    captions: Option<usize>,
) -> Vec<Argument> {
    let mut arguments = global_options();
    for (index, layer_input) in inputs.iter().enumerate() {
        arguments.extend(input(index, &layer_input.source, layer_input.cut.seek));
    }
    let graph = format!(
        "{}{}[v];{}",
        video_graph(composition, inputs, profile),
        captions.map_or_else(String::new, by_time),
        audio_graph(composition, inputs)
    );
    arguments.extend(output_options(graph, profile, composition.window.duration()));
    arguments
}

/// The video part of the graph, without the name of its output.
fn video_graph(composition: &Composition, inputs: &[LayerInput<'_>], profile: &Profile) -> String {
    let visible = inputs.iter().enumerate().filter_map(|(input, layer_input)| {
        let (first, end) = layer_input.layer.visible_frames(composition.window, composition.rate)?;
        let LayerInput { layer, source, cut } = layer_input;
        let (speed, opacity) = (layer.clip.speed, layer.clip.opacity);
        Some(VisibleLayer { input, source, cut: *cut, frames: first..end, speed, opacity })
    });
    let visible: Vec<VisibleLayer<'_>> = visible.collect();
    stacked("", composition.canvas(profile), composition.rate, composition.frames(), &visible)
}

/// A layer in the frames of a render in which it is visible.
#[derive(Clone, Debug)]
pub(crate) struct VisibleLayer<'a> {
    /// Index of the input.
    pub(crate) input: usize,
    pub(crate) source: &'a ProbedSource,
    pub(crate) cut: SourceCut,
    /// Frames of the render.
    pub(crate) frames: Range<i64>,
    pub(crate) speed: f64,
    pub(crate) opacity: f64,
}

/// A graph of `count` frames: a black canvas, and each layer on it in the frames in which it is visible. Names in the graph
/// begin with `prefix`; its output has no name.
pub(crate) fn stacked(
    prefix: &str,
    canvas: Canvas<'_>,
    rate: FrameRate,
    count: i64,
    layers: &[VisibleLayer<'_>],
) -> String {
    let profile = canvas.profile;
    let mut graph = format!("{}[{prefix}on0]", empty_canvas(profile, rate, count));
    let mut below = 0;
    for layer in layers {
        let Some(filters) = layer_filters(canvas, rate, layer) else { continue };
        let (input, first, last) = (layer.input, layer.frames.start, layer.frames.end - 1);
        // By the time of the frame below: `n` also counts frames that the filter has read ahead.
        graph += &format!(
            ";[{input}:{stream}]{filters}[{prefix}layer{input}];[{prefix}on{below}][{prefix}layer{input}]\
             overlay=x=(W-w)/2:y=(H-h)/2:format={format}:eof_action=pass:enable='between(t*{rate},{first}-0.5,{last}+0.5)'\
             [{prefix}on{next}]",
            stream = layer.source.video.as_ref().map_or(0, |video| video.info.index),
            format = overlay_format(profile),
            next = below + 1,
        );
        below += 1;
    }
    graph + &format!(";[{prefix}on{below}]trim=end_frame={count},format={}", pixel_format(profile))
}

fn layer_filters(canvas: Canvas<'_>, rate: FrameRate, layer: &VisibleLayer<'_>) -> Option<String> {
    let video = layer.source.video.as_ref()?;
    let first_frame = layer.cut.first_frame?;
    let frames = Frames { count: layer.frames.end - layer.frames.start, speed: layer.speed };
    let times = resampled(video, layer.cut.window, first_frame, rate, frames);
    let opacity = match layer.opacity {
        opacity if opacity < 1.0 => format!(",lut=a=val*{opacity}"),
        _ => String::new(),
    };
    let scaled = canvas::layer(canvas, &video.format);
    Some(format!("{times},{scaled}{opacity},setpts=PTS+{}", layer.frames.start))
}

/// The audio part of the graph: silence, and the audio of each layer mixed into it at its sample position.
fn audio_graph(composition: &Composition, inputs: &[LayerInput<'_>]) -> String {
    let mut graph = format!("{}[quiet]", silence(composition.window.duration()));
    let mut mixed = "[quiet]".to_owned();
    let mut count = 1;
    for (index, layer_input) in inputs.iter().enumerate() {
        let Some(audio) = &layer_input.source.audio else { continue };
        let Some(span) = layer_input.layer.play_window(composition.window) else { continue };
        let played = layer_input.layer.source_of(composition.window, span);
        let window = layer_input.source.audio_window(played);
        let delay = span.start().since_zero().to_samples(SAMPLE_RATE);
        graph += &format!(
            ";[{index}:{stream}]{samples}{tempo},volume={volume}dB,adelay={delay}S:all=1[sound{index}]",
            stream = audio.info.index,
            samples = samples(&layer_input.source, audio, window),
            tempo = tempo(layer_input.layer.clip.speed, span.duration()),
            // A remote timeline may contain any number; outside this range audio is inaudible or only clips.
            volume = layer_input.layer.clip.volume_db.clamp(-200.0, 60.0),
        );
        mixed += &format!("[sound{index}]");
        count += 1;
    }
    let samples = composition.window.duration().to_samples(SAMPLE_RATE).max(1);
    graph + &format!(";{mixed}amix=inputs={count}:normalize=0:duration=first,atrim=end_sample={samples}[a]")
}

/// Filters that play audio at `speed` with its pitch, for `length` of the render; none at speed 1.
pub(crate) fn tempo(speed: f64, length: MediaTime) -> String {
    if speed == 1.0 {
        return String::new();
    }
    // One filter goes down to half the speed.
    let (steps, speed) = if speed < 0.5 { ("atempo=0.5,", speed / 0.5) } else { ("", speed) };
    let count = length.to_samples(SAMPLE_RATE).max(1);
    format!(",{steps}atempo={speed},apad=whole_len={count},atrim=end_sample={count}")
}

/// `cut` with a seek position that also covers audio from `audio` on.
pub(crate) fn with_audio_from(cut: SourceCut, source: &ProbedSource, audio: FileTime) -> SourceCut {
    SourceCut { seek: cut.seek.min(SourceCut::seek_for_audio(source, audio)), ..cut }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::tests::{listing, source};
    use crate::composition::Subject;
    use crate::composition::tests::{layer, ms};
    use crate::profile::Fit;

    /// The second from 1 000 ms on of a timeline with these clips.
    fn composition(layers: &[Layer]) -> Composition {
        Composition {
            subject: Subject::ShotList("list".parse().unwrap()),
            window: Window::new(ms(1_000), ms(2_000)).unwrap(),
            rate: FrameRate::whole(25),
            fit: Fit::Contain,
            layers: layers.to_vec(),
            captions: None,
        }
    }

    /// The arguments of rendering these clips, each of a source of its own, whose frames begin when clips do.
    fn arguments(layers: &[Layer]) -> Vec<Argument> {
        let composition = composition(layers);
        let inputs = composition.layers.iter().map(|layer| {
            let mut source = source();
            source.video = source.video.filter(|_| layer.is_visible);
            let in_file = |time: AssetTime| FileTime::at(time.since_zero());
            let cut = match visible_window(&composition, layer)
                .map(|window| Window::new(in_file(window.start()), in_file(window.end())).unwrap())
            {
                Some(window) => SourceCut {
                    seek: SourceCut::seek_for_audio(&source, window.start()),
                    window,
                    first_frame: Some(window.start()),
                },
                None => {
                    let played = layer.play_window(composition.window).unwrap();
                    SourceCut::of_audio(
                        &source,
                        source.audio_window(layer.source_of(composition.window, played)),
                    )
                }
            };
            LayerInput { layer, source, cut }
        });
        let inputs: Vec<LayerInput<'_>> = inputs.collect();
        of_composition(&composition, &inputs, Profile::named("social_1_1_h264").unwrap(), None)
    }

    #[test]
    fn visible_window_begins_with_the_first_visible_frame() {
        let window = |start| {
            let layers = [layer(5_000, start, 600)];
            visible_window(&composition(&layers), &layers[0]).map(|window| (window.start(), window.end()))
        };
        assert_eq!(window(1_200), Some((ms(5_000), ms(5_600))));
        assert_eq!(window(1_201), Some((ms(5_039), ms(5_600))), "the frame at 1 240 ms");
        assert_eq!(window(2_000), None);
    }

    #[test]
    fn arguments_of_timelines_are_as_reviewed() {
        let mut inset = layer(0, 1_200, 600);
        inset.clip.opacity = 0.5;
        let mut slow = layer(5_000, 0, 1_000);
        slow.clip.speed = 0.4;
        let music = Layer { is_visible: false, ..layer(60_000, 900, 1_000) };
        for (name, layers) in [
            ("timeline_of_two_layers", vec![layer(5_000, 0, 3_000), inset]),
            ("timeline_with_a_gap", vec![layer(5_000, 0, 1_400), layer(7_000, 1_600, 1_000)]),
            ("timeline_of_audio_only", vec![music]),
            ("timeline_of_a_slow_clip", vec![slow]),
        ] {
            insta::assert_snapshot!(name, listing(&arguments(&layers)));
        }
    }
}
