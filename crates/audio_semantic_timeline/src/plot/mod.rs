//! Draws a timeline as SVG: waveform, loudness, kinds of audio, words, beats and bars over one time axis.
//!
//! A pure function: the same input gives the same bytes. The plot is [`WIDTH`] wide and of bounded size for any
//! duration, because every row is computed per pixel column. Single words, beats and bars are drawn while they are
//! distinguishable; beyond that, their number per minute is.
//!
//! The colours are those of Okabe and Ito (2008), which are distinguishable with any colour vision; each kind of audio
//! also has its own lane. All text is escaped and clipped.

mod beats;
mod lanes;
mod layout;
mod levels;
mod scale;
mod svg;
mod text;
mod words;

use audio_signal::{Waveform, WaveformParams};

use self::layout::{COLUMNS, Frame};
use self::scale::Scale;
use self::svg::Svg;
use crate::model::Summary;

pub use self::layout::WIDTH;

/// The input of a plot.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Name of the recording.
    pub name: &'a str,
    /// The timeline. One registered by a caller may have any values: times outside its duration are not drawn.
    pub summary: &'a Summary,
    /// Peaks from the start, with all channels mixed; `None` if the recording cannot be read. Ideally with the
    /// resolution of [`waveform_params`].
    pub waveform: Option<&'a Waveform>,
}

/// The resolution of the peaks for a plot of a recording of this duration and sample rate: two to four per pixel
/// column, and a power of two, so that plots of similar durations share them.
#[must_use]
pub fn waveform_params(duration_ms: i64, rate: u32) -> WaveformParams {
    let samples = i128::from(duration_ms.max(0)) * i128::from(rate) / 1_000;
    let most = samples / (2 * COLUMNS as i128);
    let (low, high) = WaveformParams::SAMPLES_PER_PIXEL.into_inner();
    let fits = (low.ilog2()..=high.ilog2()).rev().find(|&power| 1 << power <= most);
    WaveformParams { samples_per_pixel: 1 << fits.unwrap_or(low.ilog2()), split_channels: false }
}

/// Draws the plot as an SVG document of less than 256 KiB.
#[must_use]
pub fn svg(picture: &Picture<'_>) -> String {
    let summary = picture.summary;
    let scale = Scale::new(summary.duration_ms);
    let words = words::Row::new(summary, &scale);
    let beats = beats::Row::new(summary, &scale);
    let frame = Frame::new(words.height());
    let mut svg = Svg::new(WIDTH, frame.height);
    layout::heading(&mut svg, picture, &frame);
    layout::grid(&mut svg, &scale, &frame);
    beats.bar_lines(&mut svg, &frame);
    levels::waveform(&mut svg, &frame.waveform, picture.waveform, &scale);
    levels::loudness(&mut svg, &frame.loudness, summary, &scale);
    lanes::draw(&mut svg, &frame.lanes, summary, &scale);
    words.draw(&mut svg, &frame.words);
    beats.draw(&mut svg, &frame.beats);
    svg.finish()
}
