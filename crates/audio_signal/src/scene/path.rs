use std::ops::Range;

/// The number of states: what a frame can be when it is not silent.
pub(crate) const STATES: usize = 3;

/// Log likelihoods of the states of a frame.
pub(crate) type Emission = [f32; STATES];

/// How long each state lasts at least (frames) and what a change costs (nats).
pub(crate) struct Grammar {
    pub(crate) shortest: [usize; STATES],
    pub(crate) change: f64,
    /// What a change costs where there is silence or the sound changes.
    pub(crate) likely_change: f64,
}

#[derive(Clone, Copy)]
struct Step {
    /// The state before, when the segment of this state began `shortest` frames ago.
    from: Option<u8>,
}

/// The likeliest sequence of segments: their states and frames, covering all frames.
///
/// A Viterbi search over segments with a shortest length each (explicit-duration hidden Markov model, Rabiner 1989,
/// IV.D, with a uniform distribution above the minimum): the best path whose last segment is of state k and long
/// enough either went on by a frame, or entered k exactly `shortest` frames ago. A recording shorter than any segment is
/// one segment.
pub(crate) fn best(
    emissions: &[Emission],
    likely: impl Fn(usize) -> bool,
    grammar: &Grammar,
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
            // Only a first segment can be shorter: then it is none.
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
    grammar: &Grammar,
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

    const GRAMMAR: Grammar = Grammar { shortest: [2, 5, 4], change: 1.0, likely_change: 0.1 };

    fn towards(state: usize) -> Emission {
        std::array::from_fn(|k| if k == state { -0.1 } else { -2.0 })
    }

    #[test]
    fn follows_what_lasts_and_skips_what_does_not() {
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
