//! Reliability of confidences: how often what is said with a confidence is right.

const BINS: usize = 10;

/// The columns of [`Reliability::row`].
pub(crate) const HEADER: &str = "                                  n    ECE   confidence: right of so many";

/// Confidences and whether what was said with them was right.
#[derive(Default)]
pub(crate) struct Reliability {
    /// Sum of the confidences, number right, and number, in each bin of confidence.
    bins: [(f64, f64, f64); BINS],
}

impl Reliability {
    pub(crate) fn add(&mut self, confidence: f64, right: bool) {
        let bin = &mut self.bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += confidence;
        bin.1 += f64::from(u8::from(right));
        bin.2 += 1.0;
    }

    /// The expected calibration error (see the table `segments`).
    fn error(&self) -> f64 {
        let count: f64 = self.bins.iter().map(|bin| bin.2).sum();
        self.bins.iter().map(|(confidence, right, _)| (confidence - right).abs()).sum::<f64>()
            / count.max(1.0)
    }

    /// A line of the table: the count, the error, and each bin's mean confidence, share that is right, and count.
    pub(crate) fn row(&self, name: &str) -> String {
        let count: f64 = self.bins.iter().map(|bin| bin.2).sum();
        let bin = |(confidence, right, count): &(f64, f64, f64)| {
            format!("  {:.2}:{:.2} ({count:.0})", confidence / count, right / count)
        };
        let bins: String = self.bins.iter().filter(|bin| bin.2 > 0.0).map(bin).collect();
        format!("{name:<30}{count:>5.0}{:>7.3} {bins}", self.error())
    }
}
