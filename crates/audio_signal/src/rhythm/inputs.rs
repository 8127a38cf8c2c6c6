//! The inputs of the rhythm net: band levels and the onset function, each 20 ms, one byte per value.

/// Frames of the spectrum per frame of the net (20 ms).
pub(super) const FRAMES_PER_STEP: usize = 4;
/// Borders between the net's bands in Hz, independent of the sample rate: as narrow as the spectrum's bins at the bottom,
/// then a sixth, at last a quarter of an octave.
const EDGES_HZ: [f64; BANDS + 1] = [
    22.0, 65.0, 108.0, 151.0, 194.0, 237.0, 280.0, 323.0, 366.0, 412.0, 465.0, 524.0, 590.0, 665.0, 750.0,
    845.0, 952.0, 1073.0, 1210.0, 1363.0, 1536.0, 1731.0, 1951.0, 2199.0, 2478.0, 2793.0, 3148.0, 3549.0,
    4000.0, 4757.0, 5657.0, 6727.0, 8000.0, 9514.0, 11314.0, 13454.0, 16000.0,
];
const BANDS: usize = 36;
/// Values per frame of the net: the bands and the onset function.
pub(super) const INPUTS: usize = BANDS + 1;
/// Steps of stored levels per decade of magnitude.
const STEPS_PER_DECADE: f32 = 64.0;
/// Steps of the stored onset function per decade.
const RISE_STEPS: f32 = 128.0;

/// The inputs of all frames so far.
pub(super) struct NetInputs {
    /// The spectrum's bands in each of the net's; empty above the stream's highest frequency.
    groups: Vec<std::ops::Range<usize>>,
    /// Sums of the levels of the frames in the next step, by band of the spectrum.
    sums: Vec<f32>,
    rise: f32,
    frames: usize,
    /// By frame, then by input.
    pub(super) values: Vec<u8>,
}

/// The onset function of each frame in stored `values`, in decades.
pub(super) fn rises(values: &[u8]) -> Vec<f32> {
    values.as_chunks::<INPUTS>().0.iter().map(|frame| f32::from(frame[BANDS]) / RISE_STEPS).collect()
}

impl NetInputs {
    /// For frames with bands at `centres_hz` (ascending).
    pub(super) fn new(centres_hz: impl Iterator<Item = f64>) -> Self {
        let centres: Vec<f64> = centres_hz.collect();
        let group = |edges: &[f64]| {
            let (first, end) =
                (centres.partition_point(|hz| *hz < edges[0]), centres.partition_point(|hz| *hz < edges[1]));
            // Where the spectrum's bands are wider, a band between two of them has the level of the one above.
            let is_between = first == end && first > 0 && first < centres.len();
            first..if is_between { first + 1 } else { end }
        };
        Self {
            groups: EDGES_HZ.windows(2).map(group).collect(),
            sums: vec![0.0; centres.len()],
            rise: 0.0,
            frames: 0,
            values: Vec::new(),
        }
    }

    /// Adds the frame with these band `levels` and this value of the onset function.
    pub(super) fn push(&mut self, levels: &[f32], rise: f32) {
        for (sum, level) in self.sums.iter_mut().zip(levels) {
            *sum += level;
        }
        self.rise = self.rise.max(rise);
        self.frames += 1;
        if self.frames.is_multiple_of(FRAMES_PER_STEP) {
            let mean = |group: &std::ops::Range<usize>| {
                let sums = &self.sums[group.clone()];
                sums.iter().sum::<f32>() / (FRAMES_PER_STEP * sums.len().max(1)) as f32
            };
            // `as` saturates; four decades are more than the range of levels.
            let step = |group| (STEPS_PER_DECADE * mean(group)).round() as u8;
            self.values.extend(self.groups.iter().map(step));
            self.values.push((RISE_STEPS * self.rise).round() as u8);
            self.sums.fill(0.0);
            self.rise = 0.0;
        }
    }
}
