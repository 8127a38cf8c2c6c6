use std::ops::Range;

/// The number of states of a frame that is not silent.
pub(crate) const STATES: usize = 3;

/// Log likelihoods of the states of a frame.
pub(crate) type Emission = [f32; STATES];

/// Minimum duration of each state (frames) and cost of a change (nats).
pub(crate) struct DurationModel {
    pub(crate) shortest: [usize; STATES],
    pub(crate) change: f64,
    /// Cost of a change at silence or at a change of the audio.
    pub(crate) likely_change: f64,
}

#[derive(Clone, Copy)]
struct Step {
    /// The previous state, if the segment of this state started `shortest` frames ago.
    from: Option<u8>,
}

/// The most likely sequence of segments: their states and frames, covering all frames.
///
/// A Viterbi search over segments with a minimum duration each (explicit-duration hidden Markov model, Rabiner 1989,
/// IV.D, with a uniform distribution above the minimum): the best path whose last segment is of state k and long
/// enough either continued by a frame, or entered k exactly `shortest` frames ago. A recording shorter than the minimum
/// durations is one segment.
pub(crate) fn best(
    emissions: &[Emission],
    likely: impl Fn(usize) -> bool,
    grammar: &DurationModel,
) -> Vec<(usize, Range<usize>)> {
    let sums = prefix_sums(emissions);
    let mut scores: Vec<[f64; STATES]> = Vec::with_capacity(emissions.len() + 1);
    let mut steps: Vec<[Step; STATES]> = Vec::with_capacity(emissions.len() + 1);
    scores.push([0.0; STATES]);
    steps.push([Step { from: None }; STATES]);
    for end in 1..=emissions.len() {
        let mut score = [0.0; STATES];
        let mut step = [Step { from: None }; STATES];
        for state in 0..STATES {
            score[state] = scores[end - 1][state] + f64::from(emissions[end - 1][state]);
            let Some(start) = end.checked_sub(grammar.shortest[state]).filter(|&start| start > 0) else {
                continue;
            };
            let cost = if likely(start) { grammar.likely_change } else { grammar.change };
            let gained = sums[end][state] - sums[start][state] - cost;
            // Only the first segment can be shorter; it is then dropped.
            for from in (0..STATES).filter(|&from| from != state && start >= grammar.shortest[from]) {
                if scores[start][from] + gained > score[state] {
                    score[state] = scores[start][from] + gained;
                    step[state] = Step { from: Some(from as u8) };
                }
            }
        }
        scores.push(score);
        steps.push(step);
    }
    trace(&scores, &steps, grammar)
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
    steps: &[[Step; STATES]],
    grammar: &DurationModel,
) -> Vec<(usize, Range<usize>)> {
    let mut end = scores.len() - 1;
    let mut state = (1..STATES).fold(0, |best, k| if scores[end][k] > scores[end][best] { k } else { best });
    let mut segments = Vec::new();
    let mut at = end;
    while at > 0 {
        match steps[at][state].from {
            Some(from) => {
                let start = at - grammar.shortest[state];
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

    const GRAMMAR: DurationModel = DurationModel { shortest: [2, 5, 4], change: 1.0, likely_change: 0.1 };

    fn towards(state: usize) -> Emission {
        std::array::from_fn(|k| if k == state { -0.1 } else { -2.0 })
    }

    #[test]
    fn segments_below_the_minimum_duration_are_skipped() {
        let states = [0, 0, 0, 0, 1, 1, 0, 0, 2, 2, 2, 2, 2];
        let emissions: Vec<_> = states.into_iter().map(towards).collect();
        assert_eq!(best(&emissions, |_| false, &GRAMMAR), [(0, 0..8), (2, 8..13)]);
    }

    proptest! {
        #[test]
        fn segments_cover_everything_and_last_long_enough(
            values in prop::collection::vec(prop::array::uniform3(-3f32..0.0), 0..60),
        ) {
            let segments = best(&values, |t| t % 7 == 0, &GRAMMAR);
            let mut at = 0;
            for (index, (state, frames)) in segments.iter().enumerate() {
                prop_assert_eq!(frames.start, at);
                prop_assert!(segments.len() == 1 || frames.len() >= GRAMMAR.shortest[*state]);
                prop_assert!(index == 0 || segments[index - 1].0 != *state);
                at = frames.end;
            }
            prop_assert_eq!(at, values.len());
        }
    }
}
