//! A timeline as a picture: waveform, loudness, kinds of sound, words, beats and bars over one time axis.
//!
//! A pure function: the same input gives the same bytes. Whatever the length, the picture is [`WIDTH`] wide and of
//! bounded size: every row is computed for each of its pixel columns. Single words, beats and bars are drawn as long
//! as they can be told apart; beyond that, how many there are a minute.
//!
//! Colours are those of Okabe and Ito (2008), which people tell apart however they see colour; kinds of sound also have
//! a lane each. All text is escaped, and clipped to its place.

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

/// What a picture shows.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// What the recording is called.
    pub name: &'a str,
    /// Its timeline. One that a caller registered may say anything: what lies outside its duration is not drawn.
    pub summary: &'a Summary,
    /// Its peaks, of all channels mixed, from the beginning on; `None` when it cannot be read. Best as fine as
    /// [`waveform_params`] says.
    pub waveform: Option<&'a Waveform>,
}

/// How fine the peaks should be for a picture of a recording of this length and sample rate: two to four for each
/// column of pixels, and a power of two, so that recordings of about the same length share them.
#[must_use]
pub fn waveform_params(duration_ms: i64, rate: u32) -> WaveformParams {
    let samples = i128::from(duration_ms.max(0)) * i128::from(rate) / 1_000;
    let most = samples / (2 * COLUMNS as i128);
    let (low, high) = WaveformParams::SAMPLES_PER_PIXEL.into_inner();
    let fits = (low.ilog2()..=high.ilog2()).rev().find(|&power| 1 << power <= most);
    WaveformParams { samples_per_pixel: 1 << fits.unwrap_or(low.ilog2()), split_channels: false }
}

/// The picture as an SVG document of less than 256 KiB.
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
