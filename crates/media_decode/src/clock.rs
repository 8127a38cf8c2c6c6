//! Follows the media position of a stream of packets.

use media_time::MediaTime;

/// Timestamps that differ less from the samples counted so far are jitter: Matroska tells whole milliseconds,
/// browsers record by the clock on the wall.
const JITTER: MediaTime = MediaTime::from_millis(30);
/// Sound that jumps back by less overlaps what came before; a longer way back is a new count.
const LONGEST_OVERLAP: MediaTime = MediaTime::from_millis(1_000);
/// The most silence that timestamps may put between packets altogether.
pub(crate) const LONGEST_GAPS: MediaTime = MediaTime::from_millis(3_600 * 1_000);

/// Counts samples; timestamps correct the count where packets are missing.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    rate: u32,
    /// Where the next packet belongs if nothing is missing; `None` before the first.
    expected: Option<i64>,
    /// What is added to timestamps, after jumps that were not believed.
    rebase: i64,
    gaps_left: i64,
    last_frames: usize,
    ignored_jumps: u64,
    overlapped: u64,
}

impl Clock {
    pub(crate) fn new(rate: u32) -> Self {
        let gaps_left = LONGEST_GAPS.to_samples(rate);
        Self { rate, expected: None, rebase: 0, gaps_left, last_frames: 0, ignored_jumps: 0, overlapped: 0 }
    }

    /// Counts anew: `frames` frames begin at `position`.
    pub(crate) fn start(&mut self, position: i64, frames: usize) {
        self.rebase = 0;
        self.advance(position, frames);
    }

    /// Where a packet of `frames` frames belongs whose timestamp says `stamp`, in samples.
    pub(crate) fn position(&mut self, stamp: i64, frames: usize) -> i64 {
        let stamp = stamp.saturating_add(self.rebase);
        let position = self.expected.map_or(stamp, |expected| self.settle(expected, stamp));
        self.advance(position, frames);
        position
    }

    fn settle(&mut self, expected: i64, stamp: i64) -> i64 {
        let ahead = stamp.saturating_sub(expected);
        if ahead.abs() <= JITTER.to_samples(self.rate) {
            return expected;
        }
        if (-LONGEST_OVERLAP.to_samples(self.rate)..=self.gaps_left).contains(&ahead) {
            self.gaps_left -= ahead.max(0);
            self.overlapped += ahead.min(0).unsigned_abs();
            return stamp;
        }
        self.ignored_jumps += 1;
        self.rebase = self.rebase.saturating_sub(ahead);
        expected
    }

    fn advance(&mut self, position: i64, frames: usize) {
        self.last_frames = if frames > 0 { frames } else { self.last_frames };
        self.expected = Some(position.saturating_add(i64::try_from(frames).unwrap_or(i64::MAX)));
    }

    /// The timestamp that a packet at `position` would have.
    pub(crate) fn stamp(&self, position: i64) -> i64 {
        position.saturating_sub(self.rebase)
    }

    /// Where the next packet belongs if nothing is missing.
    pub(crate) fn expected(&self) -> Option<i64> {
        self.expected
    }

    /// Frames of the last packet that had any.
    pub(crate) fn last_frames(&self) -> usize {
        self.last_frames
    }

    /// Frames by which packets begin before the end of those before them, together.
    pub(crate) fn overlapped(&self) -> u64 {
        self.overlapped
    }

    /// Jumps that were too large to believe.
    pub(crate) fn ignored_jumps(&self) -> u64 {
        self.ignored_jumps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> Clock {
        let mut clock = Clock::new(48_000);
        clock.start(0, 960);
        clock
    }

    #[test]
    fn jitter_does_not_move_the_sound_and_does_not_add_up() {
        let mut clock = started();
        for packet in 1..10_000 {
            let jitter = if packet % 2 == 0 { 700 } else { -700 };
            assert_eq!(clock.position(packet * 960 + jitter, 960), packet * 960);
        }
    }

    #[test]
    fn a_lost_second_is_left_out() {
        let mut clock = started();
        assert_eq!(clock.position(48_000, 960), 48_000);
        assert_eq!(clock.position(48_960, 960), 48_960);
    }

    #[test]
    fn a_jump_of_a_century_is_ignored_once_and_for_all() {
        let mut clock = started();
        let century = 48_000 * 3_600 * 24 * 36_500;
        assert_eq!(clock.position(century, 960), 960);
        assert_eq!(clock.position(century + 960, 960), 1_920);
        assert_eq!(clock.position(0, 960), 2_880);
        assert_eq!(clock.ignored_jumps(), 2);
    }

    #[test]
    fn many_gaps_are_bounded_together() {
        let mut clock = started();
        let step = 48_000 * 1_800;
        let last = (1..1_000).map(|packet| clock.position(packet * step, 960)).last().unwrap();
        assert!(last < 48_000 * 3_700);
    }
}
