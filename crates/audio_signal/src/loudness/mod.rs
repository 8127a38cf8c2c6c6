//! Loudness by EBU R 128 (ITU-R BS.1770-4, EBU Tech 3341 and 3342), in one pass with little memory.
//!
//! The K-weighted power of every 10 ms is stored (4 bytes each), from which the loudness of any span, the integrated
//! loudness and the loudness range are computed.

mod filter;

use media_time::{MediaTime, Window};
use symphonia::core::audio::Channels;

use self::filter::Weighting;
use media_decode::check_limits;

use crate::{SignalError, channels::loudness_weights, steps::Steps};

/// Length of a step, in µs.
const STEP_US: i64 = 10_000;
const STEPS_PER_SECOND: u32 = 100;
/// Gating blocks of 400 ms and short-term windows of 3 s, both every 100 ms, in steps.
const BLOCK: usize = 40;
const SHORT_TERM: usize = 300;
const HOP: usize = 10;
/// Absolute gate: lower loudness is ignored, in LUFS (BS.1770).
const ABSOLUTE_GATE: f64 = -70.0;
/// Relative gates below the mean above the absolute gate, in LU.
const INTEGRATED_GATE: f64 = -10.0;
const RANGE_GATE: f64 = -20.0;
/// Loudness of digital silence: below the noise of 24-bit samples, in LUFS.
const SILENCE: f64 = -150.0;

/// Measures the loudness of a stream of interleaved samples.
pub struct LoudnessMeter {
    steps: Steps,
    meter: StepMeter,
}

struct StepMeter {
    /// One filter per pair of channels.
    filters: Vec<Weighting>,
    /// Weight of each channel's power.
    weights: Vec<f64>,
    powers: Vec<f32>,
}

impl LoudnessMeter {
    /// A meter at the start of a stream with this sample rate (Hz) and layout.
    ///
    /// # Errors
    /// [`media_decode::DecodeError::LimitExceeded`] for an unsupported sample rate or channel count.
    pub fn new(rate: u32, channels: &Channels) -> Result<Self, SignalError> {
        check_limits(rate, channels.count())?;
        let weights = loudness_weights(channels);
        let filters = weights.chunks(2).map(|_| Weighting::new(f64::from(rate))).collect();
        Ok(Self {
            steps: Steps::new(rate, STEPS_PER_SECOND, channels.count()),
            meter: StepMeter { filters, weights, powers: Vec::new() },
        })
    }

    /// Adds whole frames of interleaved, finite samples.
    pub fn push(&mut self, interleaved: &[f32]) {
        self.steps.push(interleaved, |step| self.meter.measure(step));
    }

    /// Ends the stream and returns its loudness.
    #[must_use]
    pub fn finish(mut self) -> LoudnessProfile {
        let rest = self.steps.rest();
        if !rest.is_empty() {
            self.meter.measure(rest);
        }
        LoudnessProfile { powers: self.meter.powers }
    }
}

impl StepMeter {
    /// Adds the mean power of one step, summed over the channels.
    fn measure(&mut self, step: &[f32]) {
        let channels = self.weights.len();
        let frames = step.len() / channels;
        let mut sum = 0.0;
        for (pair, (filter, weights)) in self.filters.iter_mut().zip(self.weights.chunks(2)).enumerate() {
            // Common formats are handled separately, so that the compiler knows the layout of the samples.
            let power = match (channels, weights) {
                (1, _) => filter.power(step.iter().map(|&sample| [sample.into(), 0.0])),
                (2, _) => filter.power(step.as_chunks::<2>().0.iter().map(|frame| frame.map(f64::from))),
                (_, [_]) => {
                    filter.power(step.chunks_exact(channels).map(|frame| [frame[2 * pair].into(), 0.0]))
                }
                _ => filter.power(
                    step.chunks_exact(channels)
                        .map(|frame| [frame[2 * pair].into(), frame[2 * pair + 1].into()]),
                ),
            };
            sum += weights.iter().zip(power).map(|(weight, power)| weight * power).sum::<f64>();
        }
        self.powers.push((sum / frames.max(1) as f64) as f32);
    }
}

/// Loudness of a recording over time, in LUFS; `None` means digital silence or nothing to measure, so that a loudness
/// is always finite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoudnessProfile {
    /// Mean K-weighted power of each 10 ms, summed over the channels by their weights.
    powers: Vec<f32>,
}

impl LoudnessProfile {
    /// Integrated loudness (gated at −70 LUFS and at 10 LU below the mean above that gate); `None` when nothing
    /// passes the gate or the recording is shorter than 400 ms.
    #[must_use]
    pub fn integrated_lufs(&self) -> Option<f64> {
        let blocks = self.gated_means(BLOCK, INTEGRATED_GATE);
        loudness(mean(&blocks)?)
    }

    /// Loudness range in LU (EBU Tech 3342): from the 10th to the 95th percentile of the short-term loudness,
    /// gated at −70 LUFS and at 20 LU below the mean; `None` when nothing passes the gate or the recording is
    /// shorter than 3 s.
    #[must_use]
    pub fn range_lu(&self) -> Option<f64> {
        let mut means = self.gated_means(SHORT_TERM, RANGE_GATE);
        means.sort_by(f64::total_cmp);
        let last = means.len().checked_sub(1)?;
        let percentile = |part: f64| loudness(means[(last as f64 * part).round() as usize]);
        Some(percentile(0.95)? - percentile(0.10)?)
    }

    /// Maximum momentary loudness in LUFS (EBU Tech 3341): of all windows of 400 ms, one every 100 ms, ungated; `None` for
    /// silence and for recordings shorter than 400 ms.
    #[must_use]
    pub fn momentary_max_lufs(&self) -> Option<f64> {
        self.max_lufs(BLOCK)
    }

    /// Maximum short-term loudness in LUFS (EBU Tech 3341): of all windows of 3 s, one every 100 ms, ungated; `None` for
    /// silence and for recordings shorter than 3 s.
    #[must_use]
    pub fn short_term_max_lufs(&self) -> Option<f64> {
        self.max_lufs(SHORT_TERM)
    }

    fn max_lufs(&self, length: usize) -> Option<f64> {
        loudness(self.means(length).reduce(f64::max)?)
    }

    /// Ungated loudness of a span of time; steps of 10 ms that it covers partly are weighted by the covered part.
    #[must_use]
    pub fn window_lufs(&self, span: Window) -> Option<f64> {
        let limit = self.powers.len() as i64 * STEP_US;
        let (start, end) = (span.start().as_micros().clamp(0, limit), span.end().as_micros().clamp(0, limit));
        let steps = start / STEP_US..(end + STEP_US - 1) / STEP_US;
        let energy: f64 = steps
            .map(|step| {
                let covered = end.min((step + 1) * STEP_US) - start.max(step * STEP_US);
                f64::from(self.powers[step as usize]) * covered as f64
            })
            .sum();
        if end > start { loudness(energy / (end - start) as f64) } else { None }
    }

    /// Loudness of consecutive windows of duration `window` from zero on, the last one truncated at `duration`; empty
    /// if `window` is zero.
    #[must_use]
    pub fn windows(&self, window: MediaTime, duration: MediaTime) -> Vec<(Window, Option<f64>)> {
        let starts = std::iter::successors(Some(MediaTime::ZERO), |&start| Some(start + window));
        starts
            .take_while(|&start| start < duration && window > MediaTime::ZERO)
            .filter_map(|start| Window::new(start, (start + window).min(duration)).ok())
            .map(|window| (window, self.window_lufs(window)))
            .collect()
    }

    /// Mean powers of the windows of `length` steps, one every 100 ms.
    fn means(&self, length: usize) -> impl Iterator<Item = f64> {
        let windows = self.powers.windows(length).step_by(HOP);
        windows.map(move |steps| steps.iter().map(|&power| f64::from(power)).sum::<f64>() / length as f64)
    }

    /// Mean powers, above both gates, of the windows of `length` steps, one every 100 ms.
    fn gated_means(&self, length: usize, relative_gate: f64) -> Vec<f64> {
        let mut means: Vec<f64> = self.means(length).filter(|&mean| mean >= power(ABSOLUTE_GATE)).collect();
        if let Some(mean) = mean(&means) {
            let gate = mean * 10_f64.powf(relative_gate / 10.0);
            means.retain(|&mean| mean >= gate);
        }
        means
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Loudness in LUFS of a K-weighted mean power (BS.1770, formula 2); `None` for digital silence.
fn loudness(power: f64) -> Option<f64> {
    let lufs = -0.691 + 10.0 * power.log10();
    (lufs > SILENCE).then_some(lufs)
}

/// The K-weighted mean power of a loudness in LUFS.
fn power(lufs: f64) -> f64 {
    10_f64.powf((lufs + 0.691) / 10.0)
}
