//! Places decoded samples on the presentation timeline.

use std::collections::VecDeque;
use std::ops::Range;

/// One presented stretch of the media, in samples: media position `media.start` is presented at position `at`, and so
/// on until `media.end`. Media outside all edits is not presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) media: Range<i64>,
    pub(crate) at: i64,
}

impl Edit {
    /// Presents everything from media position `start` on, beginning at `at`.
    pub(crate) fn from(start: i64, at: i64) -> Self {
        Self { media: start..i64::MAX, at }
    }
}

/// A stretch of frames to emit next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// A number of silent frames.
    Silence(u64),
    /// A range of the most recently decoded frames.
    Audio(Range<usize>),
}

/// Puts decoded stretches into presentation order: fills gaps with silence, and drops frames before zero, frames that
/// edits leave out and frames that would be presented twice. The emitted frames are contiguous from zero on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    edits: Vec<Edit>,
    /// Frames emitted so far, which is the presentation position of the next one.
    emitted: i64,
}

impl Timeline {
    pub(crate) fn new(edits: Vec<Edit>) -> Self {
        Self { edits, emitted: 0 }
    }

    /// Whether media position `position` is after the last edit, so that nothing more is presented.
    pub(crate) fn is_over(&self, position: i64) -> bool {
        self.edits.iter().all(|edit| edit.media.end <= position)
    }

    /// Places `frames` decoded frames that begin at media position `position`.
    pub(crate) fn place(&mut self, position: i64, frames: usize, spans: &mut VecDeque<Span>) {
        let end = position.saturating_add(i64::try_from(frames).unwrap_or(i64::MAX));
        for edit in &self.edits {
            let (from, to) = (position.max(edit.media.start), end.min(edit.media.end));
            if from >= to {
                continue;
            }
            let presented_at = edit.at.saturating_add(from - edit.media.start);
            let late = self.emitted.saturating_sub(presented_at);
            if late >= to - from {
                continue;
            }
            if late < 0 {
                spans.push_back(Span::Silence(late.unsigned_abs()));
                self.emitted = presented_at;
            }
            let from = from + late.max(0);
            // Both are within `frames`, a `usize`.
            spans.push_back(Span::Audio((from - position) as usize..(to - position) as usize));
            self.emitted += to - from;
        }
    }

    /// Restarts the media: media position `position` follows the last emitted frame.
    pub(crate) fn restart(&mut self, position: i64) {
        self.edits = vec![Edit::from(position, self.emitted)];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn placed(timeline: &mut Timeline, position: i64, frames: usize) -> Vec<Span> {
        let mut spans = VecDeque::new();
        timeline.place(position, frames, &mut spans);
        spans.into()
    }

    #[test]
    fn priming_is_dropped_and_a_late_start_is_silence() {
        let mut primed = Timeline::new(vec![Edit::from(1_024, 0)]);
        assert_eq!(placed(&mut primed, 0, 1_024), []);
        assert_eq!(placed(&mut primed, 1_024, 1_024), [Span::Audio(0..1_024)]);

        let mut late = Timeline::new(vec![Edit::from(0, 500)]);
        assert_eq!(placed(&mut late, 0, 10), [Span::Silence(500), Span::Audio(0..10)]);
    }

    #[test]
    fn a_cut_in_the_middle_joins_both_sides() {
        let edits = vec![Edit { media: 0..100, at: 0 }, Edit::from(150, 100)];
        let mut timeline = Timeline::new(edits);
        assert_eq!(placed(&mut timeline, 0, 200), [Span::Audio(0..100), Span::Audio(150..200)]);
        assert_eq!(timeline.emitted, 150);
    }

    #[test]
    fn overlapping_frames_are_presented_once() {
        let mut timeline = Timeline::new(vec![Edit::from(0, 0)]);
        placed(&mut timeline, 0, 100);
        assert_eq!(placed(&mut timeline, 60, 100), [Span::Audio(40..100)]);
        assert_eq!(placed(&mut timeline, 0, 100), []);
    }

    proptest! {
        #[test]
        fn emitted_frames_equal_the_sum_of_the_spans(
            start in -2_000i64..2_000, at in 0i64..2_000,
            packets in proptest::collection::vec((-5_000i64..50_000, 0usize..3_000), 0..20),
        ) {
            let mut timeline = Timeline::new(vec![Edit::from(start, at)]);
            let mut total = 0;
            for (position, frames) in packets {
                for span in placed(&mut timeline, position, frames) {
                    total += match span {
                        Span::Silence(count) => count as i64,
                        Span::Audio(range) => {
                            prop_assert!(range.start < range.end && range.end <= frames);
                            range.len() as i64
                        }
                    };
                }
                prop_assert_eq!(timeline.emitted, total);
            }
        }
    }
}
