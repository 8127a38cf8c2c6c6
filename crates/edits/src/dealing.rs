//! Deals windows of sources to intervals. Pure functions.

use audio_pattern_engine::SplitMix64;
use media_time::{AssetTime, MediaTime, Window};

/// A window of the source with this index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DealtWindow {
    pub(crate) source: usize,
    pub(crate) window: Window<AssetTime>,
}

/// Deals windows of sources: the sources take turns, and windows of a source advance through it and start again at its
/// end.
#[derive(Debug)]
pub(crate) struct Dealer<'a> {
    sources: &'a [Window<AssetTime>],
    /// Start of the next window of each source.
    next: Vec<AssetTime>,
    turns: Turns,
}

/// The order in which sources take turns.
#[derive(Debug)]
struct Turns {
    /// The sources of the current round.
    order: Vec<usize>,
    position: usize,
    /// Shuffles each round; `None` for the given order.
    generator: Option<SplitMix64>,
}

impl<'a> Dealer<'a> {
    /// Deals from `sources` in the given order, or shuffled with a seed.
    pub(crate) fn new(sources: &'a [Window<AssetTime>], shuffled: Option<i64>) -> Self {
        let order = (0..sources.len()).collect();
        let mut turns = Turns { order, position: 0, generator: shuffled.map(SplitMix64::new) };
        turns.shuffle();
        Self { sources, next: sources.iter().map(|source| source.start()).collect(), turns }
    }

    /// The next window of this length, of the next source that is long enough; `None` if no source is.
    pub(crate) fn deal(&mut self, length: MediaTime) -> Option<DealtWindow> {
        // Two rounds include each source, also when the first one has begun.
        for _ in 0..2 * self.sources.len() {
            let source = self.turns.next()?;
            if let Some(window) = self.advance(source, length) {
                return Some(DealtWindow { source, window });
            }
        }
        None
    }

    fn advance(&mut self, source: usize, length: MediaTime) -> Option<Window<AssetTime>> {
        let (whole, next) = (self.sources.get(source)?, self.next.get_mut(source)?);
        if length > whole.duration() {
            return None;
        }
        let start = if *next + length > whole.end() { whole.start() } else { *next };
        *next = start + length;
        Some(Window::starting_at(start, length))
    }
}

impl Turns {
    fn next(&mut self) -> Option<usize> {
        if self.position == self.order.len() {
            self.position = 0;
            let last = self.order.last().copied();
            self.shuffle();
            // No source is shown twice in succession between two rounds.
            let end = self.order.len().saturating_sub(1);
            if self.generator.is_some() && self.order.first().copied() == last {
                self.order.swap(0, end);
            }
        }
        let source = self.order.get(self.position).copied();
        self.position += 1;
        source
    }

    /// Fisher and Yates's shuffle.
    fn shuffle(&mut self) {
        let Some(generator) = &mut self.generator else { return };
        for last in (1..self.order.len()).rev() {
            self.order.swap(last, generator.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn source(start: i64, length: i64) -> Window<AssetTime> {
        Window::starting_at(AssetTime::from_millis(start), MediaTime::from_millis(length))
    }

    fn dealt(sources: &[Window<AssetTime>], seed: Option<i64>, lengths: &[i64]) -> Vec<(usize, i64)> {
        let mut dealer = Dealer::new(sources, seed);
        let deal = |length: &i64| {
            let DealtWindow { source, window } = dealer.deal(MediaTime::from_millis(*length)).unwrap();
            (source, window.start().since_zero().as_millis_round())
        };
        lengths.iter().map(deal).collect()
    }

    #[test]
    fn sources_take_turns_and_their_windows_advance_and_wrap() {
        let sources = [source(0, 1_000), source(5_000, 2_000)];
        assert_eq!(
            dealt(&sources, None, &[600; 6]),
            [(0, 0), (1, 5_000), (0, 0), (1, 5_600), (0, 0), (1, 6_200)]
        );
        assert_eq!(dealt(&sources, None, &[1_500, 900]), [(1, 5_000), (0, 0)], "a short source is skipped");
        assert!(Dealer::new(&sources, None).deal(MediaTime::from_millis(2_001)).is_none());
        assert!(Dealer::new(&[], Some(1)).deal(MediaTime::ZERO).is_none());
    }

    proptest! {
        #[test]
        fn dealt_windows_are_inside_their_sources(
            sources in vec((0i64..10_000, 1i64..5_000), 1..8), lengths in vec(1i64..6_000, 0..60),
            seed in any::<Option<i64>>(),
        ) {
            let sources: Vec<_> = sources.into_iter().map(|(start, length)| source(start, length)).collect();
            let deal = || {
                let mut dealer = Dealer::new(&sources, seed);
                lengths.iter().map(|length| dealer.deal(MediaTime::from_millis(*length))).collect::<Vec<_>>()
            };
            let dealt = deal();
            for (found, length) in dealt.iter().zip(&lengths) {
                let length = MediaTime::from_millis(*length);
                match found {
                    Some(DealtWindow { source, window }) => {
                        prop_assert_eq!(window.duration(), length);
                        prop_assert_eq!(window.intersect(sources[*source]), Some(*window));
                    }
                    None => prop_assert!(sources.iter().all(|source| source.duration() < length)),
                }
            }
            prop_assert_eq!(dealt, deal(), "the same seed gives the same windows");
        }

        #[test]
        fn shuffled_rounds_have_each_source_once(count in 1usize..9, seed in any::<i64>()) {
            let sources = vec![source(0, 1_000); count];
            let turns: Vec<usize> = dealt(&sources, Some(seed), &vec![1; 4 * count]).into_iter().map(|one| one.0).collect();
            for round in turns.chunks(count) {
                let mut round = round.to_vec();
                round.sort_unstable();
                prop_assert_eq!(round, (0..count).collect::<Vec<_>>());
            }
            prop_assert!(count == 1 || turns.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }
}
