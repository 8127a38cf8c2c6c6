//! Beats, bars and tempo of a recording from its features: by the net, or by the pulse alone.

use std::ops::Range;

use media_time::{MediaTime, Window};

use super::confidence::Support;
use super::envelope::PeakEnvelope;
use super::grid::{self, Beat, BeatEvidence, BeatFeatures, PlacedBeat, RelatedTempo, Tempo};
use super::inputs::FRAMES_PER_STEP;
use super::net::Activations;
use super::neural::{NetBeat, Observations};
use super::pulse::{self, PULSE_STRIDE, Pulse, RANGES};
use super::tempo::{TempoPath, Tempogram};
use super::timbre::Timbre;
use super::{FrameFeatures, bars, beats, metre, onsets};

/// Weights of the frequency ranges for the tempo. Hi-hats subdivide the beat, which would double the tempo.
const TEMPO_WEIGHTS: [f32; RANGES] = [1.0, 1.0, 1.0, 0.0];
/// Weights of the frequency ranges for the beats of a known tempo. Hi-hats mark them best.
const BEAT_WEIGHTS: [f32; RANGES] = [1.0, 1.0, 1.0, 1.5];
/// Minimum number of beats by the net, relative to those by the pulse: half of them may be the true ones, fewer are not.
const MIN_SHARE: f64 = 0.45;
/// A beat of the net is moved to the highest pulse within this many frames of the pulse (20 ms) …
const SNAP_REACH: usize = 2;
/// … if that is at least as high (standard deviations).
const MIN_SNAP_PULSE: f32 = 1.0;
/// Largest significance that counts for the confidence of a beat of the pulse.
const MAX_SIGNIFICANCE: f32 = 40.0;

/// The beats of a recording.
pub(super) struct FoundBeats {
    /// Those of each unbroken run.
    pub(super) placed: Vec<Vec<PlacedBeat>>,
    /// Their tempo and those related to it.
    pub(super) tempi: Vec<RelatedTempo>,
}

impl FoundBeats {
    /// The beats in the order of their times.
    pub(super) fn beats(&self) -> Vec<Beat> {
        grid::number_beats(&self.placed)
    }

    pub(super) fn tempo(&self) -> Option<Tempo> {
        let beats: Vec<f64> =
            self.placed.iter().flatten().map(|beat| f64::from(beat.support.confidence())).collect();
        grid::tempo(&self.tempi, beats.iter().sum::<f64>() / beats.len().max(1) as f64)
    }
}

/// The beats by the pulse.
pub(super) struct PulseBeats {
    pub(super) found: FoundBeats,
    /// The frames of the pulse of the beats of each run, and their features.
    runs: Vec<Vec<usize>>,
    pub(super) features: Vec<BeatFeatures>,
    tempogram: Tempogram,
}

impl PulseBeats {
    /// The frames of the net that hold the beats.
    fn net_frames(&self) -> Vec<usize> {
        self.runs.iter().flatten().copied().map(net_frame).collect()
    }
}

/// The features of a recording from which its beats are decided.
pub(super) struct BeatTracker<'a> {
    envelope: PeakEnvelope,
    pub(super) ranges: [Vec<f32>; RANGES],
    timbre: Timbre,
    /// Samples per frame of the spectrum.
    hop: usize,
    rate: u32,
    /// Where there are no beats, sorted.
    beatless: &'a [Window],
    /// Where there are beats by the net only, sorted.
    noise: &'a [Window],
}

impl<'a> BeatTracker<'a> {
    pub(super) fn new(
        features: FrameFeatures,
        envelope: PeakEnvelope,
        hop: usize,
        rate: u32,
        beatless: &'a [Window],
        noise: &'a [Window],
    ) -> Self {
        let frames_per_second = f64::from(rate) / (hop * PULSE_STRIDE) as f64;
        let ranges = features.pulse.finish(frames_per_second);
        let mut tracker = Self { envelope, ranges, timbre: features.timbre, hop, rate, beatless, noise };
        for frame in 0..tracker.ranges[0].len() {
            if tracker.is_beatless(frame * PULSE_STRIDE) {
                tracker.ranges.iter_mut().for_each(|range| range[frame] = 0.0);
            }
        }
        tracker
    }

    /// The time of a frame of the spectrum.
    fn time(&self, frame: f64) -> MediaTime {
        MediaTime::from_samples((frame * self.hop as f64).round() as i64, self.rate)
    }

    fn is_beatless(&self, frame: usize) -> bool {
        is_within(self.beatless, MediaTime::from_samples((frame * self.hop) as i64, self.rate))
    }

    /// Whether a frame of the pulse is the first after silence.
    fn after_silence(&self, frame: usize) -> bool {
        self.envelope.starts_after_silence(frame * PULSE_STRIDE * self.hop)
    }

    fn pulse(&self, weights: [f32; RANGES]) -> Pulse {
        let frames_per_second = f64::from(self.rate) / (self.hop * PULSE_STRIDE) as f64;
        Pulse::sum(&self.ranges, weights, frames_per_second)
    }

    /// Which of `count` frames of the net can have a beat; the others are not computed.
    pub(super) fn can_have_beat(&self, count: usize) -> Vec<bool> {
        let first = self.pulse(BEAT_WEIGHTS).first_onset().unwrap_or(0) * PULSE_STRIDE;
        let can_have_beat = |frame: usize| {
            // Also up to the end of the next frame: beats are refined by up to a frame.
            let (begin, end) = (frame * FRAMES_PER_STEP, (frame + 2) * FRAMES_PER_STEP - 1);
            end >= first && !self.is_beatless(begin) && !self.is_beatless(end)
        };
        (0..count).map(can_have_beat).collect()
    }

    /// The beats by the net, given the onset function in its frames, its activations in the frames that can have a beat, and the
    /// beats by the pulse; `None` if it detects none.
    pub(super) fn by_net(
        &self,
        rises: &[f32],
        activations: &[Activations],
        can_have_beat: &[bool],
        by_pulse: &PulseBeats,
    ) -> Option<FoundBeats> {
        let pulse = self.pulse(BEAT_WEIGHTS);
        let first_onset = pulse.first_onset();
        let frames_per_second = f64::from(self.rate) / (self.hop * FRAMES_PER_STEP) as f64;
        let observations = Observations {
            activations,
            rises: &pulse::standardised(rises, frames_per_second),
            pulse_beats: &by_pulse.net_frames(),
            entry: first_onset.filter(|frame| self.after_silence(*frame)).map(net_frame),
            frames_per_second,
        };
        let runs = observations.runs(can_have_beat);
        let (found, by_pulse_alone) =
            (runs.iter().map(Vec::len).sum::<usize>(), by_pulse.runs.iter().map(Vec::len).sum::<usize>());
        if found == 0 || (found as f64) < MIN_SHARE * by_pulse_alone as f64 {
            return None;
        }
        let mut placed: Vec<Vec<PlacedBeat>> = runs.iter().map(|run| self.placed(run, &pulse)).collect();
        // Where the net has no run, that of the pulse remains, but not in noise: the tempo of music nearby continues into it.
        let is_apart = |run: &&Vec<PlacedBeat>| placed.iter().all(|other| !overlap(run, other));
        let is_noise = |run: &&Vec<PlacedBeat>| {
            2 * run.iter().filter(|beat| is_within(self.noise, beat.time)).count() > run.len()
        };
        let others = by_pulse.found.placed.iter().filter(|run| is_apart(run) && !is_noise(run));
        let others: Vec<Vec<PlacedBeat>> = others.cloned().collect();
        placed.extend(others);
        placed.sort_by_key(|run| run.first().map(|beat| beat.time));
        let tempi = grid::related_tempi(&placed, &by_pulse.tempogram, |_| true);
        Some(FoundBeats { placed, tempi })
    }

    /// The beats of a run of the net, with their times and positions in bars.
    fn placed(&self, run: &[NetBeat], pulse: &Pulse) -> Vec<PlacedBeat> {
        // A frame of the net is the mean of those of the spectrum from its first on.
        let centre = |frame: f64| frame * FRAMES_PER_STEP as f64 + (FRAMES_PER_STEP - 1) as f64 / 2.0;
        let at: Vec<f64> =
            run.iter().map(|beat| snapped(pulse, centre(beat.frame) / PULSE_STRIDE as f64)).collect();
        let frames: Vec<usize> = at.iter().map(|frame| frame.round() as usize).collect();
        let downbeats: Vec<f32> = run.iter().map(|beat| beat.downbeat).collect();
        let evidence = BeatEvidence { ranges: &self.ranges, timbre: &self.timbre };
        let bars = metre::bars(&downbeats, &evidence.of(&frames), self.after_silence(frames[0]));
        let beat = |(((beat, at), position), bar_margin): (((&NetBeat, &f64), usize), f32)| PlacedBeat {
            time: self.time(at * PULSE_STRIDE as f64),
            position,
            bar_margin,
            support: beat.support,
        };
        run.iter().zip(&at).zip(bars.positions).zip(bars.margins).map(beat).collect()
    }

    /// The beats by the pulse.
    pub(super) fn by_pulse(&self) -> PulseBeats {
        let tempogram = Tempogram::new(&self.pulse(TEMPO_WEIGHTS));
        let mut path = tempogram.path();
        let after_silence = |frame: usize| self.after_silence(frame);
        let mut pulse = self.pulse(BEAT_WEIGHTS);
        pulse.first_onset().filter(|frame| after_silence(*frame)).inspect(|frame| pulse.accent(*frame));

        let beats = beats::track_with_alternatives(&pulse, &tempogram, &mut path);
        let runs = grid::significant_runs(&beats, &path, |frame| !self.is_beatless(frame * PULSE_STRIDE));
        let evidence = BeatEvidence { ranges: &self.ranges, timbre: &self.timbre };
        let features: Vec<BeatFeatures> = runs.iter().map(|run| evidence.of(run)).collect();
        let place = |(run, features): (&Vec<usize>, &BeatFeatures)| {
            let bars = bars::bars(features, None, after_silence(run[0]));
            let beat = |((frame, position), bar_margin): ((&usize, usize), f32)| PlacedBeat {
                time: self
                    .time((*frame as f64 + onsets::peak_offset(&pulse.values, *frame)) * PULSE_STRIDE as f64),
                position,
                bar_margin,
                support: pulse_support(*frame, &pulse, &path),
            };
            run.iter().zip(bars.positions).zip(bars.margins).map(beat).collect()
        };
        let placed: Vec<Vec<PlacedBeat>> = runs.iter().zip(&features).map(place).collect();
        let tempi = grid::related_tempi(&placed, &tempogram, |point| path.is_audible(point));
        PulseBeats { found: FoundBeats { placed, tempi }, runs, features, tempogram }
    }
}

/// The evidence for a beat in a frame of the pulse.
fn pulse_support(frame: usize, pulse: &Pulse, path: &TempoPath) -> Support {
    let around = frame.saturating_sub(SNAP_REACH)..(frame + SNAP_REACH + 1).min(pulse.values.len());
    Support::Pulse {
        strength: path.significance(frame).min(MAX_SIGNIFICANCE),
        own: pulse.values[around].iter().copied().fold(0.0, f32::max),
    }
}

/// Whether one of the sorted windows has this time.
fn is_within(windows: &[Window], time: MediaTime) -> bool {
    let next = windows.partition_point(|window| window.end() <= time);
    windows.get(next).is_some_and(|window| window.contains(time))
}

/// The ranges of the frames with `true`.
pub(super) fn ranges(frames: &[bool]) -> Vec<Range<usize>> {
    let mut start = 0;
    let same = frames.chunk_by(|a, b| a == b).map(|run| {
        let range = start..start + run.len();
        start = range.end;
        range
    });
    same.filter(|range| frames[range.start]).collect()
}

/// Whether one of the runs begins before the other one ends.
fn overlap(a: &[PlacedBeat], b: &[PlacedBeat]) -> bool {
    let ends = |run: &[PlacedBeat]| Some((run.first()?.time, run.last()?.time));
    ends(a).zip(ends(b)).is_some_and(|(a, b)| a.0 <= b.1 && b.0 <= a.1)
}

/// The frame of the net that holds a frame of the pulse.
fn net_frame(frame: usize) -> usize {
    frame * PULSE_STRIDE / FRAMES_PER_STEP
}

/// The place of the peak of `pulse` nearest to a beat at `frame`; `frame` itself if there is none.
fn snapped(pulse: &Pulse, frame: f64) -> f64 {
    let nearest = frame.round().max(0.0) as usize;
    let around = nearest.saturating_sub(SNAP_REACH)..(nearest + SNAP_REACH + 1).min(pulse.values.len());
    let value = |frame: usize| pulse.values[frame];
    let Some(top) = around.reduce(|top, other| if value(other) > value(top) { other } else { top }) else {
        return frame;
    };
    let is_peak = value(top) >= MIN_SNAP_PULSE
        && (top == 0 || value(top - 1) <= value(top))
        && (top + 1 >= pulse.values.len() || value(top + 1) <= value(top));
    if is_peak { top as f64 + onsets::peak_offset(&pulse.values, top) } else { frame }
}
