//! Bars: the position of each beat in a bar of four or three, from what sounds on it (Viterbi over positions).

/// Neighbouring bars repeat each other: what sounds on a beat counts as one of this many parts of the evidence for
/// which [`WEIGHTS`] were fitted, a recording of half a minute.
const BEATS_FITTED: f32 = 60.0;
/// Cost of a bar that is cut short or drawn out.
const CHANGE_COST: f32 = 4.0;
/// How much more likely a sound that breaks a silence is a downbeat.
const ENTRY_BONUS: f32 = 5.0;
/// Most beats in a bar.
const MAX_BEATS: usize = 4;

/// What is known of each beat: how strongly kick and bass sound, and how the spectrum changes there as seen over half
/// a beat, one beat and two.
pub(super) const FEATURES: usize = 4;

/// What speaks for each [`Place`], per standard deviation of each feature (fitted by `tools/rhythm/fit.py`): chords
/// change and the bass begins on the downbeat, the snare sounds on 2 and 4.
const WEIGHTS: [[f32; FEATURES]; 4] =
    [[5.0, 0.0, 1.5, 4.5], [0.0, 2.0, -2.0, -0.5], [1.0, -1.0, 0.5, -3.5], [-6.0, -1.0, -0.5, -0.5]];

/// Beats that are alike, as a row of [`WEIGHTS`].
#[derive(Clone, Copy)]
enum Place {
    Downbeat,
    /// The second and fourth of four.
    Backbeat,
    /// The third of four.
    Middle,
    /// The second and third of three.
    Weak,
}

/// A kind of bar.
struct Metre {
    places: &'static [Place],
    /// How much less likely it is than the others before anything was heard (fitted likewise).
    cost: f32,
}

const METRES: [Metre; 2] = [
    Metre { places: &[Place::Downbeat, Place::Backbeat, Place::Middle, Place::Backbeat], cost: 0.0 },
    Metre { places: &[Place::Downbeat, Place::Weak, Place::Weak], cost: 1.5 },
];

/// The position in its bar (0 is the downbeat) of each beat of one unbroken run, whose `sounds` are given in any unit;
/// `enters` when its first beat breaks a silence.
pub(super) fn positions(sounds: &[[f32; FEATURES]], enters: bool) -> Vec<usize> {
    let sounds = standardised(sounds);
    // An entry tells where bars begin, not how long they are.
    let suits = |metre: &Metre| metre.path(&sounds, false).0 - metre.cost;
    let [four, three] = &METRES;
    let metre = if suits(three) > suits(four) { three } else { four };
    metre.path(&sounds, enters).1
}

/// Each feature less its mean, over its deviation.
fn standardised(sounds: &[[f32; FEATURES]]) -> Vec<[f32; FEATURES]> {
    let count = sounds.len().max(1) as f32;
    let means: [f32; FEATURES] =
        std::array::from_fn(|feature| sounds.iter().map(|sound| sound[feature]).sum::<f32>() / count);
    let deviations: [f32; FEATURES] = std::array::from_fn(|feature| {
        let squares = sounds.iter().map(|sound| (sound[feature] - means[feature]).powi(2));
        (squares.sum::<f32>() / count).sqrt() + 1e-6
    });
    let scaled = |sound: &[f32; FEATURES]| {
        std::array::from_fn(|feature| (sound[feature] - means[feature]) / deviations[feature])
    };
    sounds.iter().map(scaled).collect()
}

impl Metre {
    /// How well the best positions in bars of this kind suit the `sounds`, and those positions.
    fn path(&self, sounds: &[[f32; FEATURES]], enters: bool) -> (f32, Vec<usize>) {
        let count = self.places.len();
        let mut best = [0.0; MAX_BEATS];
        if enters {
            // The position before the first beat's.
            best[count - 1] = ENTRY_BONUS;
        }
        let mut origins: Vec<[u8; MAX_BEATS]> = Vec::with_capacity(sounds.len());
        for sound in sounds {
            let previous = best;
            let mut from = [0; MAX_BEATS];
            for (position, place) in self.places.iter().enumerate() {
                let (score, origin) = best_origin(&previous[..count], position);
                best[position] = score + place.fit(sound);
                from[position] = origin;
            }
            origins.push(from);
        }
        let mut position = (0..count).fold(0, |top, other| if best[other] > best[top] { other } else { top });
        let score = best[position];
        let mut positions = Vec::with_capacity(sounds.len());
        for origins in origins.iter().rev() {
            positions.push(position);
            position = usize::from(origins[position]);
        }
        positions.reverse();
        (score, positions)
    }
}

impl Place {
    /// How well `sound` suits it.
    fn fit(self, sound: &[f32; FEATURES]) -> f32 {
        let weights = &WEIGHTS[self as usize];
        weights.iter().zip(sound).map(|(weight, value)| weight * value).sum::<f32>() / BEATS_FITTED
    }
}

fn best_origin(scores: &[f32], position: usize) -> (f32, u8) {
    let mut best = (f32::NEG_INFINITY, 0);
    for (origin, score) in scores.iter().enumerate() {
        let follows = (origin + 1) % scores.len() == position;
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

    /// A new chord over a bass note.
    const ONE: [f32; FEATURES] = [3.0, 0.5, 0.8, 0.8];
    const SNARE: [f32; FEATURES] = [0.0, 0.5, 0.1, 0.2];
    const KICK: [f32; FEATURES] = [2.5, 0.3, 0.2, 0.1];
    const CHORD: [f32; FEATURES] = [0.0, 0.2, 0.1, 0.2];

    fn assert_counted(sounds: &[[f32; FEATURES]], enters: bool, first: usize, beats: usize) {
        let counted: Vec<usize> = (first..).take(sounds.len()).map(|beat| beat % beats).collect();
        assert_eq!(positions(sounds, enters), counted);
    }

    #[test]
    fn chords_change_on_the_downbeat() {
        let bars = [ONE, SNARE, KICK, SNARE].repeat(8);
        (0..4).for_each(|first| assert_counted(&bars[first..], false, first, 4));
    }

    #[test]
    fn a_waltz_has_bars_of_three() {
        let bars = [ONE, CHORD, CHORD].repeat(10);
        (0..3).for_each(|first| assert_counted(&bars[first..], false, first, 3));
    }

    #[test]
    fn what_breaks_a_silence_is_a_downbeat() {
        assert_counted(&[KICK, SNARE].repeat(8), true, 0, 4);
    }

    #[test]
    fn a_bar_may_be_cut_short_when_the_music_says_so() {
        let bars = [ONE, SNARE, KICK, SNARE].repeat(30);
        let positions = positions(&[&bars[..78], &bars].concat(), true);
        assert_eq!((positions[0], positions[78], positions[197]), (0, 0, 3), "downbeats of both halves");
    }

    #[test]
    fn without_any_difference_bars_have_four_beats() {
        assert_counted(&[SNARE; 24], true, 0, 4);
    }
}
