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
    use crate::composition::tests::{layer, ms};
    use crate::container::Container;
    use crate::frame_format::{FrameFormat, FrameTags};
    use crate::profile::FrameRate;
    use crate::source::{AudioStream, ChannelMix, StreamInfo, TimeBase, VideoStream};
    use media_time::MediaTime;

    #[test]
    fn layers_are_composed_over_black_and_silence() {
        let layers = vec![layer(5_000, 1_200, 600)];
        let composition = Composition {
            project_id: "p1".parse().unwrap(),
            sequence_id: "s1".parse().unwrap(),
            window: Window::new(ms(1_000), ms(2_000)).unwrap(),
            rate: FrameRate::whole(25),
            layers: layers.clone(),
        };
        let time_base = TimeBase::parse("1/25").unwrap();
        let info = |index| StreamInfo { index, time_base, start: None, end: None };
        let source = ProbedSource {
            container: Container { demuxer: "mov" },
            start: FileTime::ZERO,
            seek_zero: FileTime::ZERO,
            audio_lag: MediaTime::ZERO,
            duration: None,
            video: Some(VideoStream {
                info: info(0),
                codec: "h264".to_owned(),
                fps: Some(25.0),
                format: FrameFormat::new(&FrameTags::default(), "h264", (640, 360)),
            }),
            audio: Some(AudioStream {
                info: info(1),
                codec: "aac".to_owned(),
                channels: 2,
                sample_rate: 48_000,
                mix: ChannelMix::ByLayout,
            }),
        };
        let window = visible_window(&composition, &layers[0]).unwrap();
        assert_eq!((window.start(), window.end()), (ms(5_000), ms(5_600)));
        let window = source.file_window(window);
        let cut = SourceCut { seek: ms(4_700), window, first_frame: Some(ms(5_000)) };
        let inputs = [LayerInput { layer: &layers[0], source, cut }];
        let profile = Profile::named("social_1_1_h264").unwrap();
        let call = of_composition(&composition, &inputs, profile);
        let graph =
            call.iter().map(ToString::to_string).find(|argument| argument.contains("overlay")).unwrap();
        for part in [
            "color=c=black:s=1080x1080:r=25/1,trim=end_frame=25,format=yuv420p,setparams=range=tv:",
            ":out_range=tv,format=yuva420p,setsar=1,setparams=",
            "fps=25/1:round=up:start_time=0,tpad=stop=-1:stop_mode=clone,trim=end_frame=15,",
            "setpts=PTS+5[layer0];[on0][layer0]overlay=",
            "enable='between(t*25/1,5-0.5,19+0.5)'[on1];[on1]trim=end_frame=25,format=yuv420p[v];",
            "[0:1]atrim=start=5.000000:end=5.600000,",
            "volume=-6dB,adelay=9600S:all=1[sound0];",
            "[quiet][sound0]amix=inputs=2:normalize=0:duration=first,atrim=end_sample=48000[a]",
        ] {
            assert!(graph.contains(part), "{part} in {graph}");
        }
    }
}
