use std::ops::Range;

use super::sliding;
use super::texture::{Correlation, Texture};

/// Number of features of a frame: persistence of partials, notes, pulse, spread of the level, spread of the peakiness,
/// unevenness of the flux, flux, peakiness, voice.
pub(crate) const FEATURES: usize = 9;
/// Indices of the features of which products are taken.
pub(crate) const PERSISTENCE: usize = 0;
pub(crate) const LEVEL_SPREAD: usize = 3;
pub(crate) const PEAKINESS: usize = 7;
/// Features are means over this many frames on either side: one second.
const REACH: usize = 32;
/// Added to variances, so that the ratio of two small numbers stays insignificant.
const VARIANCE_FLOOR: f64 = 1.0;
/// Minimum level (dBFS) and minimum flux (dB); lower ones are clamped to them.
const MIN_LEVEL_DB: f32 = -100.0;
const MIN_FLUX: f64 = 0.05;
/// Minimum correlation; lower ones are clamped to it.
const MIN_PERSISTENCE: f64 = 0.02;
/// The pulse is measured over three seconds on either side, every half second, with periods of 0.25 s to 1.5 s.
const PULSE_REACH: usize = 96;
const PULSE_STRIDE: usize = 16;
const PULSE_LAGS: Range<usize> = 8..48;
/// Pulse of sections that are too short to measure it: the mean of the training material.
const UNKNOWN_PULSE: f32 = 0.33;

/// Features of a frame and its surroundings.
pub(crate) type Features = [f32; FEATURES];

/// The features of each frame, given its speech probability, its salience and the sections between changes of the
/// audio: frames beyond a change are not used.
pub(crate) fn features(
    textures: &[Texture],
    voice: &[f32],
    salience: &[f32],
    sections: &[Range<usize>],
) -> Vec<Features> {
    let mut features = Vec::with_capacity(textures.len());
    for section in sections {
        let range = || section.clone();
        features.extend(section_features(&textures[range()], &voice[range()], &salience[range()]));
    }
    features
}

fn section_features(textures: &[Texture], voice: &[f32], salience: &[f32]) -> Vec<Features> {
    let pulse = pulse(textures);
    let mut features = Vec::with_capacity(textures.len());
    let moments = |t: usize| {
        let Texture { level_db, flux, peakiness, persistence, change, .. } = &textures[t];
        let [level, flux, peakiness] = [level_db.max(MIN_LEVEL_DB), *flux, *peakiness].map(f64::from);
        let pair = |c: &Correlation| [c.covariance, c.variance].map(f64::from);
        let ([a, b], [c, d]) = (pair(persistence), pair(change));
        let salient = [1.0, a, b, c, d, flux, peakiness, peakiness * peakiness, voice[t].into()];
        let weight = f64::from(salience[t]) + 1e-3;
        let [n, a, b, c, d, e, f, g, h] = salient.map(|value| weight * value);
        [n, a, b, c, d, e, f, g, h, level, level * level, flux, flux * flux]
    };
    sliding::sums(textures.len(), REACH, moments, |t, sums, count| {
        let [weight, salient @ .., level, level_squared, flux, flux_squared] = *sums;
        let [a, b, c, d, salient_flux, peakiness, peakiness_squared, voice] = salient.map(|sum| sum / weight);
        let [level, level_squared, flux, flux_squared] =
            [level, level_squared, flux, flux_squared].map(|sum| sum / count as f64);
        let ratio = |covariance: f64, variance: f64| covariance / (variance.max(0.0) + VARIANCE_FLOOR);
        let (persistence, change) = (ratio(a, b).max(MIN_PERSISTENCE), ratio(c, d).max(0.0));
        let values = [
            persistence.ln(),
            (persistence * change).sqrt(),
            pulse[t].into(),
            (deviation(level, level_squared) + 0.5).ln(),
            (deviation(peakiness, peakiness_squared) + 0.3).ln(),
            (flux_squared / flux.max(MIN_FLUX).powi(2)).max(1.0).ln(),
            salient_flux.max(MIN_FLUX).ln(),
            peakiness / 10.0,
            voice,
        ];
        features.push(values.map(|value| value as f32));
    });
    features
}

/// The standard deviation, from the mean and the mean square.
fn deviation(mean: f64, mean_square: f64) -> f64 {
    (mean_square - mean * mean).max(0.0).sqrt()
}

/// Regularity of onsets around each frame: the maximum autocorrelation of the flux at the lag of a beat.
fn pulse(textures: &[Texture]) -> Vec<f32> {
    let at: Vec<f32> = (0..textures.len().div_ceil(PULSE_STRIDE) + 1)
        .map(|step| {
            // Near an end, the nearest six seconds are used.
            let last = textures.len().saturating_sub(2 * PULSE_REACH);
            let start = (step * PULSE_STRIDE).saturating_sub(PULSE_REACH).min(last);
            let around = start..textures.len().min(start + 2 * PULSE_REACH);
            periodicity(&textures[around])
        })
        .collect();
    let between = |t: usize| {
        let (step, part) = (t / PULSE_STRIDE, (t % PULSE_STRIDE) as f32 / PULSE_STRIDE as f32);
        at[step] * (1.0 - part) + at[step + 1] * part
    };
    (0..textures.len()).map(between).collect()
}

fn periodicity(textures: &[Texture]) -> f32 {
    let len = textures.len();
    if len < 2 * PULSE_LAGS.end {
        return UNKNOWN_PULSE;
    }
    let mean = textures.iter().map(|texture| texture.flux).sum::<f32>() / len as f32;
    let flux: Vec<f32> = textures.iter().map(|texture| texture.flux - mean).collect();
    let product =
        |lag: usize| flux.iter().zip(&flux[lag..]).map(|(a, b)| a * b).sum::<f32>() / (len - lag) as f32;
    let power = product(0).max(1e-6);
    PULSE_LAGS.map(|lag| product(lag) / power).fold(0.0, f32::max)
}
