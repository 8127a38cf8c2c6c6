//! Steps of equal duration in a stream, regardless of the chunks in which it is pushed.

/// Splits a stream of interleaved samples into steps of 1 / `per_second` s.
///
/// Steps start at the whole frames at or before their instants, so at sample rates that are not multiples of
/// `per_second` their lengths vary by one; at lower sample rates some are empty.
pub(crate) struct Steps {
    rate: u64,
    per_second: u64,
    channels: usize,
    /// Number of complete steps so far.
    count: u64,
    /// Samples of the step that is not yet complete.
    pending: Vec<f32>,
}

impl Steps {
    /// For a stream of `rate` Hz.
    pub(crate) fn new(rate: u32, per_second: u32, channels: usize) -> Self {
        Self { rate: rate.into(), per_second: per_second.into(), channels, count: 0, pending: Vec::new() }
    }

    /// Adds samples and passes each complete step to `sink`.
    pub(crate) fn push(&mut self, mut interleaved: &[f32], mut sink: impl FnMut(&[f32])) {
        while !interleaved.is_empty() {
            let length = self.next_length();
            if self.pending.is_empty() && interleaved.len() >= length {
                let (step, rest) = interleaved.split_at(length);
                sink(step);
                self.count += 1;
                interleaved = rest;
                continue;
            }
            let missing = (length - self.pending.len()).min(interleaved.len());
            let (taken, rest) = interleaved.split_at(missing);
            self.pending.extend_from_slice(taken);
            interleaved = rest;
            if self.pending.len() == length {
                sink(&self.pending);
                self.count += 1;
                self.pending.clear();
            }
        }
    }

    /// The samples of an incomplete last step at the end of the stream; empty if the last step is complete.
    pub(crate) fn rest(&self) -> &[f32] {
        &self.pending
    }

    /// Number of samples (of all channels) in the next step.
    fn next_length(&self) -> usize {
        let frame = |step: u64| step * self.rate / self.per_second;
        (frame(self.count + 1) - frame(self.count)) as usize * self.channels
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_sample_is_in_the_step_of_its_time(rate in 1_u32..300, frames in 0_u32..900, chunk in 1_usize..400) {
            let channels = 2;
            let stream: Vec<f32> = (0..frames).flat_map(|frame| [frame as f32, frame as f32]).collect();
            let mut steps = Steps::new(rate, 100, channels);
            let mut found: Vec<Vec<f32>> = Vec::new();
            stream.chunks(chunk * channels).for_each(|part| steps.push(part, |step| found.push(step.to_vec())));
            found.push(steps.rest().to_vec());
            for (n, step) in found.iter().enumerate() {
                let times = step.iter().map(|frame| (*frame as u64 * 100 + 99) / u64::from(rate));
                prop_assert!(times.clone().all(|time| time == n as u64), "step {n}: {step:?}");
            }
            prop_assert_eq!(found.concat(), stream);
        }
    }
}
