use std::ops::Range;

use super::sliding;
use super::texture::{BANDS, Correlation, FRAMES_PER_SECOND, Texture};

/// Number of features of a frame: persistence of partials, fast and slow changes of partials, flux, peakiness, pulse,
/// spread of the bands' levels, spread of the level, voice.
pub(crate) const FEATURES: usize = 9;
/// Features are means over a second either way.
const REACH: usize = 32;
/// Frames this far below the loudest within a second, in dB, do not count at all ...
const INAUDIBLE_DB: f32 = 30.0;
/// ... and count in full when this much louder than that.
const MASKING_RANGE_DB: f32 = 15.0;
/// Keeps the ratio of two small numbers from meaning anything.
const VARIANCE_FLOOR: f64 = 1.0;
/// A pulse is looked for three seconds either way, each half second, with periods of 0.25 s to 1.5 s.
const PULSE_REACH: usize = 96;
const PULSE_STRIDE: usize = 16;
const PULSE_LAGS: Range<usize> = 8..48;
/// What is taken for the pulse of sounds too short to have one: the mean of the material.
const UNKNOWN_PULSE: f32 = 0.33;

/// What a frame and its surroundings sound like.
pub(crate) type Features = [f32; FEATURES];

/// How much each frame is heard beside the loudest within a second, 0 to 1: pauses tell nothing about what
/// pauses.
pub(crate) fn salience(textures: &[Texture]) -> Vec<f32> {
    let levels: Vec<f32> = textures.iter().map(|texture| texture.level_db).collect();
    let loudest = sliding::maxima(&levels, FRAMES_PER_SECOND as usize);
    let above = |(level, loudest): (&f32, f32)| (level - loudest + INAUDIBLE_DB) / MASKING_RANGE_DB;
    levels.iter().zip(loudest).map(|pair| above(pair).clamp(0.0, 1.0)).collect()
}

/// The features of each frame, given its speech probability, its salience and the stretches between changes of sound:
/// what is on the other side of a change plays no part.
pub(crate) fn features(
    textures: &[Texture],
    voice: &[f32],
    salience: &[f32],
    stretches: &[Range<usize>],
) -> Vec<Features> {
    let mut features = Vec::with_capacity(textures.len());
    for stretch in stretches {
        let range = || stretch.clone();
        features.extend(of_one_sound(&textures[range()], &voice[range()], &salience[range()]));
    }
    features
}

fn of_one_sound(textures: &[Texture], voice: &[f32], salience: &[f32]) -> Vec<Features> {
    let mut features = vec![[0.0; FEATURES]; textures.len()];
    let weighted = |t: usize| {
        let (weight, texture) = (f64::from(salience[t]) + 1e-3, &textures[t]);
        let Texture { persistence, changes: [fast, slow], .. } = texture;
        let pair = |c: &Correlation| [f64::from(c.covariance), f64::from(c.variance)];
        let ([a, b], [c, d], [e, f]) = (pair(persistence), pair(fast), pair(slow));
        [1.0, a, b, c, d, e, f, texture.flux.into(), texture.peakiness.into(), voice[t].into()]
            .map(|value| weight * value)
    };
    sliding::sums(textures.len(), REACH, weighted, |t, sums, _| {
        let [weight, rest @ ..] = sums;
        let [a, b, c, d, e, f, flux, peakiness, voice] = rest.map(|sum| sum / weight);
        let ratio =
            |covariance: f64, variance: f64| (covariance / (variance.max(0.0) + VARIANCE_FLOOR)) as f32;
        features[t][..5].copy_from_slice(&[
            ratio(a, b),
            ratio(c, d),
            ratio(e, f),
            flux.max(0.05).ln() as f32,
            peakiness as f32 / 10.0,
        ]);
        features[t][8] = voice as f32;
    });
    pulse(textures, |t, pulse| features[t][5] = pulse);
    let mut spreads = vec![0.0; textures.len()];
    for band in 0..BANDS {
        add_spread(&mut spreads, |t| f64::from(textures[t].bands[band]) / 2.0);
    }
    features.iter_mut().zip(&spreads).for_each(|(own, sum)| own[6] = (sum / BANDS as f32 + 0.3).ln());
    spreads.fill(0.0);
    add_spread(&mut spreads, |t| f64::from(textures[t].level_db.max(-100.0)));
    features.iter_mut().zip(&spreads).for_each(|(own, spread)| own[7] = (spread + 0.5).ln());
    features
}

/// Adds the standard deviation of `level` (dB) around each frame.
fn add_spread(spreads: &mut [f32], level: impl Fn(usize) -> f64) {
    let moments = |t| [level(t), level(t) * level(t)];
    sliding::sums(spreads.len(), REACH, moments, |t, [sum, squares], count| {
        let mean = sum / count as f64;
        spreads[t] += (squares / count as f64 - mean * mean).max(0.0).sqrt() as f32;
    });
}

/// How regularly sounds begin around each frame: the highest autocorrelation of the flux at the lag of a beat.
fn pulse(textures: &[Texture], mut visit: impl FnMut(usize, f32)) {
    let at: Vec<f32> = (0..textures.len().div_ceil(PULSE_STRIDE) + 1)
        .map(|step| {
            // Near an end, the six seconds nearest to it.
            let last = textures.len().saturating_sub(2 * PULSE_REACH);
            let start = (step * PULSE_STRIDE).saturating_sub(PULSE_REACH).min(last);
            let around = start..textures.len().min(start + 2 * PULSE_REACH);
            periodicity(&textures[around])
        })
        .collect();
    for t in 0..textures.len() {
        let (step, part) = (t / PULSE_STRIDE, (t % PULSE_STRIDE) as f32 / PULSE_STRIDE as f32);
        visit(t, at[step] * (1.0 - part) + at[step + 1] * part);
    }
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
