//! Bars: the position of each beat in a bar of four, from what sounds on it.

/// What sounds on a beat, in standard deviations of the pulse of each range.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BeatSound {
    /// Kick and bass.
    pub(super) low: f32,
    /// Snare and chords.
    pub(super) mid: f32,
}

/// Beats in a bar.
pub(super) const BEATS_PER_BAR: usize = 4;
/// Cost of a bar that is cut short or drawn out.
const CHANGE_COST: f32 = 12.0;
/// Music begins on a downbeat more often than not.
const FIRST_BEAT_BONUS: f32 = 2.0;

/// The position in its bar (0 is the downbeat) of each beat of one unbroken run.
pub(super) fn positions(beats: &[BeatSound]) -> Vec<usize> {
    let mut best = [0.0f32; BEATS_PER_BAR];
    let mut from: Vec<[u8; BEATS_PER_BAR]> = Vec::with_capacity(beats.len());
    for (index, sound) in beats.iter().enumerate() {
        let mut next = [0.0; BEATS_PER_BAR];
        let mut origins = [0; BEATS_PER_BAR];
        for position in 0..BEATS_PER_BAR {
            let mut choice = (f32::NEG_INFINITY, 0);
            for (origin, score) in best.iter().enumerate() {
                let follows = (origin + 1) % BEATS_PER_BAR == position;
                let score = if follows || index == 0 { *score } else { *score - CHANGE_COST };
                if score > choice.0 {
                    choice = (score, origin);
                }
            }
            next[position] = choice.0 + fit(*sound, position);
            origins[position] = choice.1 as u8;
        }
        if index == 0 {
            next[0] += FIRST_BEAT_BONUS;
        }
        best = next;
        from.push(origins);
    }
    let mut position =
        (0..BEATS_PER_BAR).fold(0, |top, other| if best[other] > best[top] { other } else { top });
    let mut positions = vec![0; beats.len()];
    for index in (0..beats.len()).rev() {
        positions[index] = position;
        position = usize::from(from[index][position]);
    }
    positions
}

/// How well `sound` suits a position: kick on 1 (and 3), snare on 2 and 4.
fn fit(sound: BeatSound, position: usize) -> f32 {
    let (low, mid) = (sound.low.clamp(-1.0, 4.0), sound.mid.clamp(-1.0, 4.0));
    match position {
        0 => 0.6 * low - 0.4 * mid,
        2 => 0.4 * low - 0.4 * mid,
        _ => 0.4 * mid - 0.5 * low,
    }
}
