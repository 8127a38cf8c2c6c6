//! Peak level per millisecond over all channels: fine enough to see where a sound begins, and how it decays.

/// Levels are kept in hundredths of a decibel above this (dBFS).
const FLOOR_DBFS: f64 = -200.0;
/// Values per decibel.
const STEPS: f64 = 100.0;

/// The largest sample of each millisecond, in two bytes: 2 KB per second of sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    rate: u32,
    channels: usize,
    /// Frames per value: a millisecond, rounded down to whole frames.
    hop: usize,
    levels: Vec<u16>,
    peak: f32,
    filled: usize,
    frames: u64,
}

impl Envelope {
    /// Of a stream of `rate` Hz (at least 1 000) and so many `channels` (at least 1).
    #[must_use]
    pub fn new(rate: u32, channels: usize) -> Self {
        let hop = (rate as usize / 1_000).max(1);
        Self { rate, channels: channels.max(1), hop, levels: Vec::new(), peak: 0.0, filled: 0, frames: 0 }
    }

    /// Adds whole frames of interleaved samples (full scale ±1); how they are cut into calls makes no difference.
    pub fn push(&mut self, interleaved: &[f32]) {
        self.frames += (interleaved.len() / self.channels) as u64;
        let mut rest = interleaved;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min((self.hop - self.filled) * self.channels));
            rest = later;
            self.peak = now.iter().fold(self.peak, |peak, sample| peak.max(sample.abs()));
            self.filled += now.len() / self.channels;
            if self.filled == self.hop {
                self.close();
            }
        }
    }

    /// The stream has ended.
    pub fn finish(&mut self) {
        if self.filled > 0 {
            self.close();
        }
    }

    fn close(&mut self) {
        let decibels = 20.0 * f64::from(self.peak).log10();
        // `as` saturates: below the floor, and for digital silence (-∞), it is 0.
        self.levels.push(((decibels - FLOOR_DBFS) * STEPS).round() as u16);
        (self.peak, self.filled) = (0.0, 0);
    }

    /// Frames pushed so far.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Frames per second.
    #[must_use]
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// Nothing was pushed?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// The value that covers `frame`; beyond the end the one after the last.
    #[must_use]
    pub fn index_of(&self, frame: u64) -> usize {
        usize::try_from(frame / self.hop as u64).unwrap_or(usize::MAX).min(self.levels.len())
    }

    /// The first frame of a value; beyond the end the number of frames.
    #[must_use]
    pub fn frame_of(&self, index: usize) -> u64 {
        (index as u64).saturating_mul(self.hop as u64).min(self.frames)
    }

    /// So many values as fill `ms` milliseconds, at least one.
    #[must_use]
    pub fn values_in(&self, ms: u32) -> usize {
        (ms as usize * self.rate as usize / 1_000 / self.hop).max(1)
    }

    /// A value in dBFS; −200 for digital silence and beyond the end.
    #[must_use]
    pub fn level_db(&self, index: usize) -> f64 {
        self.levels.get(index).map_or(FLOOR_DBFS, |level| (f64::from(*level) + FLOOR_DBFS * STEPS) / STEPS)
    }

    /// The largest of the values `[from, to)` in dBFS, and where it first stands; `None` when there are none.
    #[must_use]
    pub fn peak(&self, from: usize, to: usize) -> Option<(usize, f64)> {
        let to = to.min(self.levels.len());
        let larger =
            |top: usize, index: usize| if self.levels[index] > self.levels[top] { index } else { top };
        let top = (from..to).reduce(larger)?;
        Some((top, self.level_db(top)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_the_peak_of_its_millisecond_over_all_channels() {
        let mut envelope = Envelope::new(2_000, 2);
        envelope.push(&[0.0, 0.0, 0.1, -0.5]);
        envelope.push(&[1.0, 0.0]);
        envelope.push(&[0.0, 0.0, 0.0, 0.0]);
        envelope.finish();
        let levels: Vec<f64> = (0..4).map(|index| envelope.level_db(index)).collect();
        assert_eq!(levels, [-6.02, 0.0, -200.0, -200.0]);
        assert_eq!((envelope.len(), envelope.frames()), (3, 5));
        assert_eq!((envelope.index_of(3), envelope.frame_of(2), envelope.frame_of(9)), (1, 4, 5));
        assert_eq!(envelope.peak(0, 9), Some((1, 0.0)));
        assert_eq!(envelope.peak(3, 3), None);
    }
}
