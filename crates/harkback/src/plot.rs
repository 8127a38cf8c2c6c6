//! Option `--plot` and formats `svg` and `png`: draws the timeline as an SVG or PNG image.

use std::fs::File;
use std::path::Path;

use anyhow::Context;
use audio_semantic_timeline::model::Summary;
use audio_semantic_timeline::plot::{self, PlotInput};
use audio_signal::{WaveformError, waveform};
use media_decode::{Decoders, MediaInput};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// Pixels of a PNG per unit of the SVG: sharp on high-density screens.
const SCALE: u32 = 2;
/// Sample rate in Hz where the header declares none: it only determines the resolution of the peaks.
const USUAL_RATE: u32 = 44_100;

/// Format of the image file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlotFormat {
    Svg,
    Png,
}

impl PlotFormat {
    /// Chooses the format by the file's extension.
    pub(crate) fn of(path: &Path) -> anyhow::Result<Self> {
        let extension =
            path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("svg") => Ok(Self::Svg),
            Some("png") => Ok(Self::Png),
            _ => anyhow::bail!(
                "{}: --plot draws `.svg` and `.png`; give the file one of these names",
                path.display()
            ),
        }
    }

    /// The name of the format, which is also its extension.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

    /// Encodes the SVG as the content of the file.
    pub(crate) fn bytes(self, svg: &str) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Svg => Ok(svg.as_bytes().to_vec()),
            Self::Png => png(svg).context("the picture cannot be drawn as PNG; try `.svg`"),
        }
    }
}

/// Draws the timeline of a recording under its `name`. Decodes it again for its waveform, at the resolution of the image.
pub(crate) fn draw(
    recording: &Path,
    name: &str,
    decoders: &Decoders,
    summary: &Summary,
) -> anyhow::Result<String> {
    let stream = summary.meta.run.audio_stream.map(|index| index as usize);
    let input = MediaInput::new(File::open(recording)?, decoders.clone()).with_audio_stream(stream);
    let probe = input.probe(&|| false)?;
    let rate = probe.audio.and_then(|audio| audio.rate).unwrap_or(USUAL_RATE);
    let params = plot::waveform_params(summary.duration_ms, rate);
    let peaks = match waveform(&input, &params, &|| false) {
        Ok(peaks) => Some(peaks),
        // The stub backend makes timelines of files that cannot be decoded.
        Err(WaveformError::Signal(error)) if error.is_about_media() => None,
        Err(error) => return Err(error.into()),
    };
    Ok(plot::svg(&PlotInput { name, summary, waveform: peaks.as_ref() }))
}

/// Renders the SVG as a PNG. The font is part of the program and fonts of the machine are not used, so that the bytes
/// are the same everywhere. Letters that Noto Sans lacks (Chinese, Arabic, …) are drawn as empty boxes; in an SVG the
/// viewer's fonts have them.
fn png(svg: &str) -> anyhow::Result<Vec<u8>> {
    let mut options = Options { font_family: "Noto Sans".to_owned(), ..Options::default() };
    options.fontdb_mut().load_font_data(notosans::REGULAR_TTF.to_vec());
    let tree = Tree::from_str(svg, &options)?;
    let size = tree.size().to_int_size();
    let mut pixmap =
        Pixmap::new(size.width() * SCALE, size.height() * SCALE).context("no memory for its pixels")?;
    resvg::render(&tree, Transform::from_scale(SCALE as f32, SCALE as f32), &mut pixmap.as_mut());
    Ok(pixmap.encode_png()?)
}
