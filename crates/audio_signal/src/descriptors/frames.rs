//! Power spectra of a stream at a fixed number of frames per second.

use crate::PowerSpectra;

/// Minimum length of a window in samples.
const MIN_WINDOW: usize = 64;

/// Computes the power spectra of Hann windows of a stream. Frame `i` is centred on `i / per_second` seconds.
pub(super) struct SpectrumFrames {
    rate: u64,
    per_second: u64,
    spectra: PowerSpectra,
    /// Samples from the start of the next frame's window on.
    pending: Vec<f32>,
    /// Powers of two frames; a full-scale sine has power 1 in its bins.
    powers: [Vec<f32>; 2],
    frames: u64,
}

impl SpectrumFrames {
    /// Windows of at least `window_s` seconds at `rate` Hz, of which the bins below `highest_hz` are computed.
    pub(super) fn new(rate: u32, per_second: u32, window_s: f64, highest_hz: f64) -> Self {
        let length = ((f64::from(rate) * window_s) as usize).next_power_of_two().max(MIN_WINDOW);
        let hann = |n: usize| 0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / length as f32).cos();
        let bins = (highest_hz * length as f64 / f64::from(rate)).ceil() as usize;
        let powers = vec![0.0; bins.clamp(1, length / 2 + 1)];
        Self {
            rate: rate.into(),
            per_second: per_second.into(),
            spectra: PowerSpectra::new((0..length).map(|n| hann(n) * 4.0 / length as f32).collect()),
            pending: vec![0.0; length / 2],
            powers: [powers.clone(), powers],
            frames: 0,
        }
    }

    /// Width of a bin in Hz.
    pub(super) fn bin_hz(&self) -> f64 {
        self.rate as f64 / self.spectra.size() as f64
    }

    /// Number of computed bins.
    pub(super) fn bins(&self) -> usize {
        self.powers[0].len()
    }

    /// Adds `mono` samples and passes each complete frame to `sink`, with its number.
    pub(super) fn push(&mut self, mono: &[f32], mut sink: impl FnMut(u64, &[f32])) {
        self.pending.extend_from_slice(mono);
        let size = self.spectra.size();
        let mut start = 0;
        loop {
            let second = start + self.hop(self.frames);
            if second + size > self.pending.len() {
                break;
            }
            self.measure(start, second);
            sink(self.frames, &self.powers[0]);
            sink(self.frames + 1, &self.powers[1]);
            start = second + self.hop(self.frames + 1);
            self.frames += 2;
        }
        self.pending.drain(..start);
    }

    /// Passes the frames that are centred within the stream but not yet complete.
    pub(super) fn finish(mut self, mut sink: impl FnMut(u64, &[f32])) {
        let size = self.spectra.size();
        self.push(&vec![0.0; size / 2], &mut sink);
        if self.pending.len() >= size {
            let second = self.hop(self.frames);
            self.pending.resize(second + size, 0.0);
            self.measure(0, second);
            sink(self.frames, &self.powers[0]);
        }
    }

    fn measure(&mut self, first: usize, second: usize) {
        let size = self.spectra.size();
        let windows = [first, second].map(|start| &self.pending[start..start + size]);
        let [a, b] = &mut self.powers;
        self.spectra.of_pair(windows, [a, b]);
    }

    /// Hop from `frame` to the next, in samples.
    fn hop(&self, frame: u64) -> usize {
        let sample = |frame: u64| frame * self.rate / self.per_second;
        (sample(frame + 1) - sample(frame)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_the_power_of_a_tone_and_do_not_depend_on_chunks() {
        for rate in [1_000, 8_000, 44_100, 384_000] {
            let hertz = 0.1 * rate as f32;
            let tone = |n: usize| 0.5 * (std::f32::consts::TAU * hertz * n as f32 / rate as f32).sin();
            let samples: Vec<f32> = (0..rate as usize / 2).map(tone).collect();
            let of = |chunk: usize| {
                let mut frames = SpectrumFrames::new(rate, 100, 0.04, f64::from(rate));
                let mut found: Vec<(u64, Vec<f32>)> = Vec::new();
                let mut sink = |frame: u64, powers: &[f32]| found.push((frame, powers.to_vec()));
                samples.chunks(chunk).for_each(|part| frames.push(part, &mut sink));
                frames.finish(&mut sink);
                found
            };
            let found = of(100_000);
            assert_eq!(found, of(77), "{rate} Hz");
            assert_eq!(found.len(), 51, "one each 10 ms, both ends included");
            assert!(found.iter().zip(0..).all(|((frame, _), index)| *frame == index));
            let powers = &found[25].1;
            let bin_hz = SpectrumFrames::new(rate, 100, 0.04, f64::from(rate)).bin_hz();
            let loudest = (0..powers.len()).max_by(|a, b| powers[*a].total_cmp(&powers[*b])).unwrap();
            assert!((loudest as f64 * bin_hz - f64::from(hertz)).abs() <= bin_hz, "{rate} Hz");
            assert!((powers[loudest] - 0.25).abs() < 0.08, "{}", powers[loudest]);
        }
    }
}
