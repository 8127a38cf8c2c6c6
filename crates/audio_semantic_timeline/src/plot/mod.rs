//! Draws a timeline as SVG: waveform, loudness, kinds of audio, words, beats and bars over one time axis.
//!
//! A pure function: the same input gives the same bytes. The plot is [`WIDTH`] wide and of bounded size for any
//! duration, because every row is computed per pixel column. Single words, beats and bars are drawn while they are
//! distinguishable; beyond that, their number per minute is.
//!
//! The colours are those of Okabe and Ito (2008), which are distinguishable with any colour vision; each kind of audio
//! also has its own lane. All text is escaped and clipped.

mod annotations;
mod beats;
mod input;
mod lanes;
mod layout;
mod levels;
mod scale;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod words;

use audio_signal::WaveformParams;

use self::beats::BeatRow;
use self::layout::{COLUMNS, Frame};
use self::scale::Scale;
use self::svg::Svg;
use self::words::WordRow;

pub use self::input::PlotInput;
pub use self::layout::WIDTH;

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
pub fn svg(input: &PlotInput<'_>) -> String {
    let summary = input.summary;
    let scale = Scale::new(summary.duration_ms);
    let words = WordRow::new(summary, &scale);
    let beats = BeatRow::new(summary, &scale);
    let frame = Frame::new(words.height());
    let mut svg = Svg::new(WIDTH, frame.height);
    annotations::heading(&mut svg, input, &frame);
    annotations::grid(&mut svg, &scale, &frame);
    beats.bar_lines(&mut svg, &frame);
    levels::waveform(&mut svg, &frame.waveform, input.waveform, &scale);
    levels::loudness(&mut svg, &frame.loudness, summary, &scale);
    lanes::draw(&mut svg, &frame.lanes, summary, &scale);
    words.draw(&mut svg, &frame.words);
    beats.draw(&mut svg, &frame.beats);
    svg.finish()
}
