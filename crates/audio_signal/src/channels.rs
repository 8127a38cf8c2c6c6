//! Weights of the channels in the mono mix and in the loudness sum.

use std::f32::consts::FRAC_1_SQRT_2;

use symphonia::core::audio::{ChannelLabel, Channels, Position};

const LFE: Position = Position::LFE1.union(Position::LFE2);

/// Channels beside or behind the listener, as in ffmpeg's `ebur128`.
const SURROUND: Position = Position::REAR_LEFT
    .union(Position::REAR_CENTER)
    .union(Position::REAR_RIGHT)
    .union(Position::SIDE_LEFT)
    .union(Position::SIDE_RIGHT)
    .union(Position::TOP_REAR_LEFT)
    .union(Position::TOP_REAR_CENTER)
    .union(Position::TOP_REAR_RIGHT)
    .union(Position::TOP_SIDE_LEFT)
    .union(Position::TOP_SIDE_RIGHT);

/// Channels on the left of the listener.
const LEFT: Position = Position::FRONT_LEFT
    .union(Position::FRONT_LEFT_CENTER)
    .union(Position::FRONT_LEFT_WIDE)
    .union(Position::REAR_LEFT)
    .union(Position::SIDE_LEFT)
    .union(Position::TOP_FRONT_LEFT)
    .union(Position::TOP_REAR_LEFT)
    .union(Position::TOP_SIDE_LEFT);

/// Channels on the right of the listener.
const RIGHT: Position = Position::FRONT_RIGHT
    .union(Position::FRONT_RIGHT_CENTER)
    .union(Position::FRONT_RIGHT_WIDE)
    .union(Position::REAR_RIGHT)
    .union(Position::SIDE_RIGHT)
    .union(Position::TOP_FRONT_RIGHT)
    .union(Position::TOP_REAR_RIGHT)
    .union(Position::TOP_SIDE_RIGHT);

/// Gain of each channel in the mono mix: the mean of both sides of ITU-R BS.775's stereo downmix. Mono is unchanged;
/// channels without a position are averaged.
pub(crate) fn downmix_gains(channels: &Channels) -> Vec<f32> {
    let positions = positions(channels);
    let count = positions.len();
    let gain = |position: &Option<Position>| match *position {
        _ if count == 1 => 1.0,
        None => 1.0 / count as f32,
        Some(at) if LFE.contains(at) => 0.0,
        Some(Position::FRONT_CENTER) => FRAC_1_SQRT_2,
        Some(at) if SURROUND.contains(at) => 0.5 * FRAC_1_SQRT_2,
        Some(_) => 0.5,
    };
    positions.iter().map(gain).collect()
}

/// Gains of each channel in the left and the right side of the stereo mix: ITU-R BS.775, reduced where the gains of a side
/// add up to more than 1, so that nothing clips. Mono and channels without a position are on both sides.
pub(crate) fn stereo_gains(channels: &Channels) -> Vec<[f32; 2]> {
    let positions = positions(channels);
    if positions.len() == 1 {
        return vec![[1.0, 1.0]];
    }
    let gain = |position: &Option<Position>| match *position {
        Some(at) if LFE.contains(at) => [0.0, 0.0],
        Some(at) if LEFT.contains(at) => [side_gain(at), 0.0],
        Some(at) if RIGHT.contains(at) => [0.0, side_gain(at)],
        Some(at) if SURROUND.contains(at) => [0.5, 0.5],
        Some(_) => [FRAC_1_SQRT_2; 2],
        None => [1.0, 1.0],
    };
    let gains: Vec<[f32; 2]> = match positions.as_slice() {
        // Two channels without positions are a pair.
        [None, None] => vec![[1.0, 0.0], [0.0, 1.0]],
        positions => positions.iter().map(gain).collect(),
    };
    let sum = |side: usize| gains.iter().map(|gains| gains[side]).sum::<f32>();
    let most = sum(0).max(sum(1)).max(1.0);
    gains.into_iter().map(|gains| gains.map(|gain| gain / most)).collect()
}

fn side_gain(at: Position) -> f32 {
    if SURROUND.contains(at) { FRAC_1_SQRT_2 } else { 1.0 }
}

/// Weight of each channel's power in the loudness (ITU-R BS.1770-4, table 3): 1, for surround channels 1.41, for low
/// frequency effects 0. A single channel has weight 1, as in ffmpeg's `ebur128`.
pub(crate) fn loudness_weights(channels: &Channels) -> Vec<f64> {
    let positions = positions(channels);
    let alone = positions.len() == 1;
    let weight = |position: &Option<Position>| match *position {
        Some(at) if !alone && LFE.contains(at) => 0.0,
        Some(at) if !alone && SURROUND.contains(at) => 1.41,
        _ => 1.0,
    };
    positions.iter().map(weight).collect()
}

/// Position of each channel in the order of the decoded samples; `None` if the recording declares none.
fn positions(channels: &Channels) -> Vec<Option<Position>> {
    match channels {
        Channels::Positioned(set) => set.iter().map(Some).collect(),
        Channels::Custom(labels) => labels
            .iter()
            .map(|label| match label {
                ChannelLabel::Positioned(position) => Some(*position),
                _ => None,
            })
            .collect(),
        other => vec![None; other.count()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stereo_is_averaged_and_mono_kept() {
        let stereo = Channels::Positioned(Position::FRONT_LEFT | Position::FRONT_RIGHT);
        assert_eq!(downmix_gains(&stereo), [0.5, 0.5]);
        assert_eq!(downmix_gains(&Channels::Positioned(Position::FRONT_CENTER)), [1.0]);
        assert_eq!(downmix_gains(&Channels::Discrete(4)), [0.25; 4]);
    }

    #[test]
    fn both_sides_of_the_stereo_mix_add_up_to_one_at_most() {
        let stereo = Channels::Positioned(Position::FRONT_LEFT | Position::FRONT_RIGHT);
        assert_eq!(stereo_gains(&stereo), [[1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(stereo_gains(&Channels::Positioned(Position::FRONT_CENTER)), [[1.0, 1.0]]);
        assert_eq!(stereo_gains(&Channels::Discrete(2)), [[1.0, 0.0], [0.0, 1.0]]);
        let front = Position::FRONT_LEFT | Position::FRONT_RIGHT | Position::FRONT_CENTER;
        let surround = front | Position::LFE1 | Position::SIDE_LEFT | Position::SIDE_RIGHT;
        for channels in [Channels::Positioned(surround), Channels::Discrete(6)] {
            for side in 0..2 {
                let sum: f32 = stereo_gains(&channels).iter().map(|gains| gains[side]).sum();
                assert!((sum - 1.0).abs() < 1e-6, "{channels:?} {sum}");
            }
        }
    }

    #[test]
    fn low_frequency_effects_have_no_weight() {
        let front = Position::FRONT_LEFT | Position::FRONT_RIGHT | Position::FRONT_CENTER;
        let layout =
            Channels::Positioned(front | Position::LFE1 | Position::SIDE_LEFT | Position::SIDE_RIGHT);
        assert_eq!(loudness_weights(&layout), [1.0, 1.0, 1.0, 0.0, 1.41, 1.41]);
        assert_eq!(downmix_gains(&layout)[3], 0.0);
        assert_eq!(loudness_weights(&Channels::Positioned(Position::LFE1)), [1.0]);
    }
}
