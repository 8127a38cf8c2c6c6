//! Peak level per millisecond over all channels: fine enough to locate the attack and the decay of an event.

/// Level of value 0 in dBFS; levels are stored in steps of 0.01 dB above it.
const FLOOR_DBFS: f64 = -200.0;
/// Steps of stored levels per dB.
const STEPS: f64 = 100.0;

/// The peak level of each millisecond, two bytes each: 2 KB per second of audio.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    rate: u32,
    channels: usize,
    /// Frames per value: one millisecond, rounded down to whole frames.
    hop: usize,
    levels: Vec<u16>,
    peak: f32,
    filled: usize,
    frames: u64,
}

impl Envelope {
    /// An empty envelope for a stream of `rate` Hz (at least 1 000) with `channels` channels (at least 1).
    #[must_use]
    pub fn new(rate: u32, channels: usize) -> Self {
        let hop = (rate as usize / 1_000).max(1);
        Self { rate, channels: channels.max(1), hop, levels: Vec::new(), peak: 0.0, filled: 0, frames: 0 }
    }

    /// Adds whole frames of interleaved samples (full scale ±1); the result does not depend on how they are split into
    /// calls.
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

    /// Completes the last value at the end of the stream.
    pub fn finish(&mut self) {
        if self.filled > 0 {
            self.close();
        }
    }

    fn close(&mut self) {
        let decibels = 20.0 * f64::from(self.peak).log10();
        // `as` saturates at 0, for levels below the floor and for digital silence (-∞).
        self.levels.push(((decibels - FLOOR_DBFS) * STEPS).round() as u16);
        (self.peak, self.filled) = (0.0, 0);
    }

    /// Number of frames pushed so far.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Sample rate in frames per second.
    #[must_use]
    pub const fn rate(&self) -> u32 {
        self.rate
    }

    /// Number of values, one per millisecond.
    #[must_use]
    pub fn len(&self) -> usize {
        self.levels.len()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }

    /// Index of the value that covers `frame`; beyond the end, the number of values.
    #[must_use]
    pub fn index_of(&self, frame: u64) -> usize {
        usize::try_from(frame / self.hop as u64).unwrap_or(usize::MAX).min(self.levels.len())
    }

    /// First frame of the value at `index`; beyond the end, the number of frames.
    #[must_use]
    pub fn frame_of(&self, index: usize) -> u64 {
        (index as u64).saturating_mul(self.hop as u64).min(self.frames)
    }

    /// Number of values in `ms` milliseconds, at least one.
    #[must_use]
    pub fn values_in(&self, ms: u32) -> usize {
        (ms as usize * self.rate as usize / 1_000 / self.hop).max(1)
    }

    /// The level of a value in dBFS; −200 for digital silence and beyond the end.
    #[must_use]
    pub fn level_db(&self, index: usize) -> f64 {
        self.levels.get(index).map_or(FLOOR_DBFS, |level| (f64::from(*level) + FLOOR_DBFS * STEPS) / STEPS)
    }

    /// Index and level in dBFS of the first maximum of the values `[from, to)`; `None` if the range is empty.
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
