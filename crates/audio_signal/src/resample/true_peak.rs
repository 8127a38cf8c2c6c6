use super::polyphase::{KernelShape, Polyphase};

/// Of short reach, as the filter of the standard, which has 12 taps a phase.
const PEAK: KernelShape = KernelShape { zero_crossings: 12.0, kaiser_beta: 6.0, cutoff: 1.0 };

/// Measures the true peak of stereo: the largest magnitude at four times the sample rate (ITU-R BS.1770-4, annex 2).
///
/// # Examples
///
/// ```
/// // A tone of a quarter of the rate whose samples miss its peaks.
/// let tone: Vec<f32> = (0..400).flat_map(|n| [[0.7, 0.7, -0.7, -0.7][n % 4]; 2]).collect();
/// let mut meter = audio_signal::TruePeakMeter::new();
/// meter.push(&tone);
/// let peak = meter.finish();
/// assert!((0.97..1.1).contains(&peak), "{peak}");
/// ```
pub struct TruePeakMeter {
    sides: [Polyphase; 2],
    /// Input of one side, and its output.
    input: Vec<f32>,
    output: Vec<f32>,
    peak: f32,
}

impl Default for TruePeakMeter {
    fn default() -> Self {
        Self::new()
    }
}

impl TruePeakMeter {
    /// A meter at the start of a stream of any rate.
    #[must_use]
    pub fn new() -> Self {
        let side = || Polyphase::new(1, 4, &PEAK);
        Self { sides: [side(), side()], input: Vec::new(), output: Vec::new(), peak: 0.0 }
    }

    /// Adds frames of interleaved, finite samples.
    pub fn push(&mut self, interleaved: &[f32]) {
        for side in 0..2 {
            self.input.extend(interleaved.iter().skip(side).step_by(2));
            // The filter does not reproduce samples exactly.
            self.peak = self.input.iter().fold(self.peak, |peak, sample| peak.max(sample.abs()));
            self.measure(side);
        }
    }

    /// The largest magnitude, full scale 1; 0 for silence.
    #[must_use]
    pub fn finish(mut self) -> f32 {
        for side in 0..2 {
            self.input.resize(self.sides[side].reach() + 1, 0.0);
            self.measure(side);
        }
        self.peak
    }

    fn measure(&mut self, side: usize) {
        self.output.clear();
        self.sides[side].push(&mut self.input, u64::MAX, &mut self.output);
        self.peak = self.output.iter().fold(self.peak, |peak, sample| peak.max(sample.abs()));
    }
}
