//! The argument vector that composes a timeline: pure functions, like those of [`arguments`](crate::arguments).

use media_time::{AssetTime, FileTime, LocalTime, Window};

use crate::Profile;
use crate::arguments::{global_options, input, output_options, samples, silence};
use crate::canvas::{self, empty_canvas, overlay_format, pixel_format};
use crate::composition::{Composition, Layer};
use crate::cut::SourceCut;
use crate::plan::Argument;
use crate::profile::SAMPLE_RATE;
use crate::source::ProbedSource;
use crate::video_filters::resampled;

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

/// All arguments for rendering a composition.
pub(crate) fn of_composition(
    composition: &Composition,
    inputs: &[LayerInput<'_>],
    profile: &Profile,
) -> Vec<Argument> {
    let mut arguments = global_options();
    for (index, layer_input) in inputs.iter().enumerate() {
        arguments.extend(input(index, &layer_input.source, layer_input.cut.seek));
    }
    let graph = format!("{};{}", video_graph(composition, inputs, profile), audio_graph(composition, inputs));
    arguments.extend(output_options(graph, profile, composition.window.duration()));
    arguments
}

/// The video part of the graph: a black canvas, and each layer on it in the frames in which it is visible.
fn video_graph(composition: &Composition, inputs: &[LayerInput<'_>], profile: &Profile) -> String {
    let (rate, count) = (composition.rate, composition.frames());
    let mut graph = format!("{}[on0]", empty_canvas(profile, rate, count));
    let mut below = 0;
    for (index, layer_input) in inputs.iter().enumerate() {
        let Some(filters) = layer_filters(composition, layer_input, profile) else { continue };
        let Some((first, end)) = layer_input.layer.visible_frames(composition.window, rate) else { continue };
        let last = end - 1;
        // By the time of the frame below: `n` also counts frames that the filter has read ahead.
        graph += &format!(
            ";[{index}:{stream}]{filters}[layer{index}];[on{below}][layer{index}]\
             overlay=x=(W-w)/2:y=(H-h)/2:format={format}:eof_action=pass:enable='between(t*{rate},{first}-0.5,{last}+0.5)'[on{next}]",
            stream = layer_input.source.video.as_ref().map_or(0, |video| video.info.index),
            format = overlay_format(profile),
            next = below + 1,
        );
        below += 1;
    }
    graph + &format!(";[on{below}]trim=end_frame={count},format={}[v]", pixel_format(profile))
}

fn layer_filters(
    composition: &Composition,
    layer_input: &LayerInput<'_>,
    profile: &Profile,
) -> Option<String> {
    let video = layer_input.source.video.as_ref()?;
    let first_frame = layer_input.cut.first_frame?;
    let (first, end) = layer_input.layer.visible_frames(composition.window, composition.rate)?;
    let times = resampled(video, layer_input.cut.window, first_frame, composition.rate, end - first);
    let opacity = match layer_input.layer.clip.opacity {
        opacity if opacity < 1.0 => format!(",lut=a=val*{opacity}"),
        _ => String::new(),
    };
    let layer = canvas::layer(profile, &video.format);
    Some(format!("{times},{layer}{opacity},setpts=PTS+{first}"))
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
            ";[{index}:{stream}]{samples},volume={volume}dB,adelay={delay}S:all=1[sound{index}]",
            stream = audio.info.index,
            samples = samples(&layer_input.source, audio, window),
            // A remote timeline may contain any number; outside this range audio is inaudible or only clips.
            volume = layer_input.layer.clip.volume_db.clamp(-200.0, 60.0),
        );
        mixed += &format!("[sound{index}]");
        count += 1;
    }
    let samples = composition.window.duration().to_samples(SAMPLE_RATE).max(1);
    graph + &format!(";{mixed}amix=inputs={count}:normalize=0:duration=first,atrim=end_sample={samples}[a]")
}

/// `cut` with a seek position that also covers audio from `audio` on.
pub(crate) fn with_audio_from(cut: SourceCut, source: &ProbedSource, audio: FileTime) -> SourceCut {
    SourceCut { seek: cut.seek.min(SourceCut::seek_for_audio(source, audio)), ..cut }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::tests::{listing, source};
    use crate::composition::tests::{layer, ms};
    use crate::profile::FrameRate;

    /// The second from 1 000 ms on of a timeline with these clips.
    fn composition(layers: &[Layer]) -> Composition {
        Composition {
            project_id: "p1".parse().unwrap(),
            sequence_id: "s1".parse().unwrap(),
            window: Window::new(ms(1_000), ms(2_000)).unwrap(),
            rate: FrameRate::whole(25),
            layers: layers.to_vec(),
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
        of_composition(&composition, &inputs, Profile::named("social_1_1_h264").unwrap())
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
        let music = Layer { is_visible: false, ..layer(60_000, 900, 1_000) };
        for (name, layers) in [
            ("timeline_of_two_layers", vec![layer(5_000, 0, 3_000), inset]),
            ("timeline_with_a_gap", vec![layer(5_000, 0, 1_400), layer(7_000, 1_600, 1_000)]),
            ("timeline_of_audio_only", vec![music]),
        ] {
            insta::assert_snapshot!(name, listing(&arguments(&layers)));
        }
    }
}
