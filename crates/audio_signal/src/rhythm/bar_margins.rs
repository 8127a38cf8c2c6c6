//! How much speaks for bars: the evidence for the positions of beats, less that for counting from another beat.

/// Beats on each side whose evidence counts: eight bars of four. Music may be counted otherwise elsewhere.
const REACH: usize = 16;

/// The positions of the beats of a run, and what speaks for them.
#[derive(Debug, Default)]
pub(super) struct Bars {
    /// The position of each beat in its bar; 0 is the downbeat.
    pub(super) positions: Vec<usize>,
    /// For each beat, by how much the evidence for the positions of the beats around exceeds that for the same bars counted from
    /// any other beat (nats).
    pub(super) margins: Vec<f32>,
}

impl Bars {
    /// Bars of `beats`, given the score of a beat (by its index) at a position.
    pub(super) fn new(positions: Vec<usize>, beats: usize, score: impl Fn(usize, usize) -> f32) -> Self {
        let count = positions.len();
        let mut margins = vec![f32::INFINITY; count];
        for shift in 1..beats {
            let mut sums = vec![0.0; count + 1];
            for (index, position) in positions.iter().enumerate() {
                let gain = score(index, *position) - score(index, (position + shift) % beats);
                sums[index + 1] = sums[index] + f64::from(gain);
            }
            for (index, margin) in margins.iter_mut().enumerate() {
                let (from, to) = (index.saturating_sub(REACH), (index + REACH + 1).min(count));
                *margin = margin.min((sums[to] - sums[from]) as f32);
            }
        }
        Self { positions, margins }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bars of four whose downbeats score `downbeat`, other beats 0.
    fn bars(downbeat: f32) -> Bars {
        let score = |index: usize, position: usize| {
            if index.is_multiple_of(4) && position == 0 { downbeat } else { 0.0 }
        };
        Bars::new((0..80).map(|index| index % 4).collect(), 4, score)
    }

    #[test]
    fn margins_grow_with_the_evidence_of_the_bars_around() {
        let (weak, strong) = (bars(0.1), bars(0.5));
        assert!(weak.margins.iter().zip(&strong.margins).all(|(weak, strong)| strong > weak));
        // Nine downbeats within 16 beats of one in the middle, five near the start.
        assert!((strong.margins[40] - 4.5).abs() < 1e-5 && (strong.margins[0] - 2.5).abs() < 1e-5);
    }

    #[test]
    fn equal_beats_have_no_margin() {
        assert!(bars(0.0).margins.iter().all(|margin| *margin == 0.0));
    }
}
