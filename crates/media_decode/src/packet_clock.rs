//! Tracks the media position of a stream of packets.

use media_time::MediaTime;

/// Timestamps that differ less than this from the samples counted so far are jitter: Matroska stores whole
/// milliseconds, and browsers record by the wall clock.
const JITTER: MediaTime = MediaTime::from_millis(30);
/// Audio that jumps back by less than this overlaps the audio before it; a longer jump back starts a new count.
const MAX_OVERLAP: MediaTime = MediaTime::from_millis(1_000);
/// Limit of the total silence that timestamps may put between packets.
pub(crate) const MAX_GAPS: MediaTime = MediaTime::from_millis(3_600 * 1_000);

/// Counts samples; timestamps correct the count where packets are missing.
#[derive(Clone, Debug)]
pub(crate) struct PacketClock {
    rate: u32,
    /// Position of the next packet if nothing is missing; `None` before the first packet.
    expected: Option<i64>,
    /// Offset added to timestamps after ignored jumps, in samples.
    rebase: i64,
    gaps_left: i64,
    last_frames: usize,
    ignored_jumps: u64,
    overlapped: u64,
}

impl PacketClock {
    pub(crate) fn new(rate: u32) -> Self {
        let gaps_left = MAX_GAPS.to_samples(rate);
        Self { rate, expected: None, rebase: 0, gaps_left, last_frames: 0, ignored_jumps: 0, overlapped: 0 }
    }

    /// Restarts the count: `frames` frames begin at `position`.
    pub(crate) fn start(&mut self, position: i64, frames: usize) {
        self.rebase = 0;
        self.advance(position, frames);
    }

    /// The position, in samples, of a packet of `frames` frames with the timestamp `stamp`.
    pub(crate) fn position(&mut self, stamp: i64, frames: usize) -> i64 {
        let stamp = stamp.saturating_add(self.rebase);
        let position = self.expected.map_or(stamp, |expected| self.resolve(expected, stamp));
        self.advance(position, frames);
        position
    }

    fn resolve(&mut self, expected: i64, stamp: i64) -> i64 {
        let ahead = stamp.saturating_sub(expected);
        if ahead.unsigned_abs() <= JITTER.to_samples(self.rate).unsigned_abs() {
            return expected;
        }
        if (-MAX_OVERLAP.to_samples(self.rate)..=self.gaps_left).contains(&ahead) {
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

    /// Position of the next packet if nothing is missing.
    pub(crate) fn expected(&self) -> Option<i64> {
        self.expected
    }

    /// Number of frames of the last packet that was not empty.
    pub(crate) fn last_frames(&self) -> usize {
        self.last_frames
    }

    /// Total number of frames by which packets overlap the packets before them.
    pub(crate) fn overlapped(&self) -> u64 {
        self.overlapped
    }

    /// Number of ignored jumps: those that were too large.
    pub(crate) fn ignored_jumps(&self) -> u64 {
        self.ignored_jumps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> PacketClock {
        let mut clock = PacketClock::new(48_000);
        clock.start(0, 960);
        clock
    }

    #[test]
    fn jitter_does_not_move_positions_or_accumulate() {
        let mut clock = started();
        for packet in 1..10_000 {
            let jitter = if packet % 2 == 0 { 700 } else { -700 };
            assert_eq!(clock.position(packet * 960 + jitter, 960), packet * 960);
        }
    }

    #[test]
    fn lost_second_advances_the_position() {
        let mut clock = started();
        assert_eq!(clock.position(48_000, 960), 48_000);
        assert_eq!(clock.position(48_960, 960), 48_960);
    }

    #[test]
    fn jump_of_a_century_is_ignored_permanently() {
        let mut clock = started();
        let century = 48_000 * 3_600 * 24 * 36_500;
        assert_eq!(clock.position(century, 960), 960);
        assert_eq!(clock.position(century + 960, 960), 1_920);
        assert_eq!(clock.position(0, 960), 2_880);
        assert_eq!(clock.ignored_jumps(), 2);
    }

    #[test]
    fn extreme_timestamps_are_ignored_jumps() {
        let mut clock = started();
        assert_eq!(clock.position(i64::MIN, 960), 960);
        assert_eq!(clock.position(i64::MAX, 960), 1_920);
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
