use std::ops::Range;

/// The number of states of a frame that is not silent.
pub(crate) const STATES: usize = 3;

/// Log likelihoods of the states of a frame.
pub(crate) type Emission = [f32; STATES];

/// Minimum duration of each state (frames) and costs of a change of state (nats).
pub(crate) struct DurationModel {
    pub(crate) min_frames: [usize; STATES],
    pub(crate) switch_cost: f64,
    /// Cost of a change at silence or at a change of the audio.
    pub(crate) boundary_switch_cost: f64,
}

#[derive(Clone, Copy)]
struct BackPointer {
    /// The previous state, if the segment of this state started `min_frames` frames ago.
    from: Option<u8>,
}

/// The most likely sequence of segments: their states and frames, covering all frames.
///
/// A Viterbi search over segments with a minimum duration each (explicit-duration hidden Markov model, Rabiner 1989,
/// IV.D, with a uniform distribution above the minimum): the best path whose last segment is of state k and long
/// enough either continued by a frame, or entered k exactly `min_frames` frames ago. A recording shorter than the
/// minimum durations is one segment.
pub(crate) fn viterbi(
    emissions: &[Emission],
    is_boundary: impl Fn(usize) -> bool,
    durations: &DurationModel,
) -> Vec<(usize, Range<usize>)> {
    let sums = prefix_sums(emissions);
    let mut scores: Vec<[f64; STATES]> = Vec::with_capacity(emissions.len() + 1);
    let mut steps: Vec<[BackPointer; STATES]> = Vec::with_capacity(emissions.len() + 1);
    scores.push([0.0; STATES]);
    steps.push([BackPointer { from: None }; STATES]);
    for end in 1..=emissions.len() {
        let mut score = [0.0; STATES];
        let mut step = [BackPointer { from: None }; STATES];
        for state in 0..STATES {
            score[state] = scores[end - 1][state] + f64::from(emissions[end - 1][state]);
            let Some(start) = end.checked_sub(durations.min_frames[state]).filter(|&start| start > 0) else {
                continue;
            };
            let cost =
                if is_boundary(start) { durations.boundary_switch_cost } else { durations.switch_cost };
            let gained = sums[end][state] - sums[start][state] - cost;
            // Only the first segment can be shorter; it is then dropped.
            for from in (0..STATES).filter(|&from| from != state && start >= durations.min_frames[from]) {
                if scores[start][from] + gained > score[state] {
                    score[state] = scores[start][from] + gained;
                    step[state] = BackPointer { from: Some(from as u8) };
                }
            }
        }
        scores.push(score);
        steps.push(step);
    }
    trace(&scores, &steps, durations)
}

fn prefix_sums(emissions: &[Emission]) -> Vec<[f64; STATES]> {
    let mut sum = [0.0; STATES];
    let totals = emissions.iter().map(|emission| {
        sum.iter_mut().zip(emission).for_each(|(sum, &value)| *sum += f64::from(value));
        sum
    });
    std::iter::once([0.0; STATES]).chain(totals).collect()
}

fn trace(
    scores: &[[f64; STATES]],
    steps: &[[BackPointer; STATES]],
    durations: &DurationModel,
) -> Vec<(usize, Range<usize>)> {
    let mut end = scores.len() - 1;
    let mut state = (1..STATES).fold(0, |best, k| if scores[end][k] > scores[end][best] { k } else { best });
    let mut segments = Vec::new();
    let mut at = end;
    while at > 0 {
        match steps[at][state].from {
            Some(from) => {
                let start = at - durations.min_frames[state];
                segments.push((state, start..end));
                (state, at, end) = (usize::from(from), start, start);
            }
            None => at -= 1,
        }
    }
    if end > 0 {
        segments.push((state, 0..end));
    }
    segments.reverse();
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DURATIONS: DurationModel =
        DurationModel { min_frames: [2, 5, 4], switch_cost: 1.0, boundary_switch_cost: 0.1 };

    fn towards(state: usize) -> Emission {
        std::array::from_fn(|k| if k == state { -0.1 } else { -2.0 })
    }

    #[test]
    fn segments_below_the_minimum_duration_are_skipped() {
        let states = [0, 0, 0, 0, 1, 1, 0, 0, 2, 2, 2, 2, 2];
        let emissions: Vec<_> = states.into_iter().map(towards).collect();
        assert_eq!(viterbi(&emissions, |_| false, &DURATIONS), [(0, 0..8), (2, 8..13)]);
    }

    proptest! {
        #[test]
        fn segments_cover_everything_and_last_long_enough(
            values in prop::collection::vec(prop::array::uniform3(-3f32..0.0), 0..60),
        ) {
            let segments = viterbi(&values, |t| t % 7 == 0, &DURATIONS);
            let mut at = 0;
            for (index, (state, frames)) in segments.iter().enumerate() {
                prop_assert_eq!(frames.start, at);
                prop_assert!(segments.len() == 1 || frames.len() >= DURATIONS.min_frames[*state]);
                prop_assert!(index == 0 || segments[index - 1].0 != *state);
                at = frames.end;
            }
            prop_assert_eq!(at, values.len());
        }
    }
}
