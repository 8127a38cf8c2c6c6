//! Bars: the position of each beat in a bar of four, from what sounds on it (Viterbi over positions).

/// Beats in a bar.
const BEATS_PER_BAR: usize = 4;
/// Neighbouring bars repeat each other: one beat's fit counts as this share of independent evidence.
const EVIDENCE: f32 = 0.15;
/// Cost of a bar that is cut short or drawn out.
const CHANGE_COST: f32 = 4.0;
/// How much more likely a sound that breaks a silence is a downbeat.
const ENTRY_BONUS: f32 = 5.0;

/// What sounds on a beat, in standard deviations of the pulse of each range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct BeatSound {
    /// Kick and bass.
    pub(super) low: f32,
    /// Snare and chords.
    pub(super) mid: f32,
}

impl BeatSound {
    /// How well it suits a position: in most music with drums the kick is on 1 and 3, the snare on 2 and 4.
    fn fit(self, position: usize) -> f32 {
        let (low, mid) = (self.low.clamp(-1.0, 4.0), self.mid.clamp(-1.0, 4.0));
        match position {
            0 => 0.6 * low - 0.4 * mid,
            2 => 0.4 * low - 0.4 * mid,
            _ => 0.4 * mid - 0.5 * low,
        }
    }
}

/// The position in its bar (0 is the downbeat) of each beat of one unbroken run; `enters` when its first beat
/// breaks a silence.
pub(super) fn positions(beats: &[BeatSound], enters: bool) -> Vec<usize> {
    let mut best = [0.0f32; BEATS_PER_BAR];
    if enters {
        // The position before the first beat's.
        best[BEATS_PER_BAR - 1] = ENTRY_BONUS;
    }
    let mut origins: Vec<[u8; BEATS_PER_BAR]> = Vec::with_capacity(beats.len());
    for sound in beats {
        let choices: [(f32, u8); BEATS_PER_BAR] =
            std::array::from_fn(|position| best_origin(&best, position));
        best = std::array::from_fn(|position| choices[position].0 + EVIDENCE * sound.fit(position));
        origins.push(choices.map(|(_, origin)| origin));
    }
    let mut position =
        (0..BEATS_PER_BAR).fold(0, |top, other| if best[other] > best[top] { other } else { top });
    let mut positions = Vec::with_capacity(beats.len());
    for origins in origins.iter().rev() {
        positions.push(position);
        position = usize::from(origins[position]);
    }
    positions.reverse();
    positions
}

fn best_origin(scores: &[f32; BEATS_PER_BAR], position: usize) -> (f32, u8) {
    let mut best = (f32::NEG_INFINITY, 0);
    for (origin, score) in scores.iter().enumerate() {
        let follows = (origin + 1) % BEATS_PER_BAR == position;
        let score = if follows { *score } else { *score - CHANGE_COST };
        if score > best.0 {
            best = (score, origin as u8);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const KICK: BeatSound = BeatSound { low: 3.0, mid: 0.5 };
    const SNARE: BeatSound = BeatSound { low: 0.0, mid: 3.0 };

    #[test]
    fn the_snare_is_on_two_and_four() {
        let beats = [SNARE, KICK].repeat(8);
        assert!(
            positions(&beats, false)
                .iter()
                .zip(&beats)
                .all(|(position, beat)| (position % 2 == 1) == (*beat == SNARE))
        );
    }

    #[test]
    fn what_breaks_a_silence_is_a_downbeat() {
        let beats = [KICK, SNARE].repeat(8);
        let counted: Vec<usize> = (0..16).map(|beat| beat % BEATS_PER_BAR).collect();
        assert_eq!(positions(&beats, true), counted);
    }

    #[test]
    fn a_bar_may_be_cut_short_when_the_music_says_so() {
        let beats = [[KICK, SNARE].repeat(20), [SNARE, KICK].repeat(20)].concat();
        let positions = positions(&beats, true);
        assert_eq!((positions[0], positions[79] % 2), (0, 0), "the kicks of both halves are on 1 and 3");
    }
}
