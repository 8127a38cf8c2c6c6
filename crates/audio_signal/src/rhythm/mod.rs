//! Rhythm: onsets, tempo, beats and bars of a mono stream.
//!
//! While samples come in, only band levels are computed and reduced to one onset value per 5 ms and one
//! pulse value per frequency range and 10 ms; everything else happens in [`RhythmAnalyzer::finish`], where
//! the whole recording is known. Methods, sources and figures: `docs/signal.md`.

mod bars;
mod beats;
mod onsets;
mod pulse;
mod spectrum;
mod tempo;

use media_time::MediaTime;

pub use onsets::Onset;

use bars::BeatSound;
use onsets::OnsetFunction;
use pulse::{Pulse, PulseFunction};
use spectrum::BandSpectrum;
use tempo::{TempoPath, Tempogram};

/// Frames of the onset function per frame of the pulse.
const PULSE_STRIDE: usize = 2;
/// Significance (standard deviations) from which on there is a beat.
const MIN_SIGNIFICANCE: f32 = 6.0;
/// Fewer beats in a row are chance.
const MIN_BEATS: usize = 4;
/// Tempi listed beside the main one, as ratios to it.
const RELATED_TEMPI: [f64; 6] = [0.5, 2.0, 2.0 / 3.0, 1.5, 1.0 / 3.0, 3.0];
/// How sharply the weights of the candidates follow their responses.
const CANDIDATE_SHARPNESS: f64 = 8.0;
/// Beat sounds are the largest value within this many pulse frames.
const SOUND_REACH: usize = 3;

/// What the rhythm of a recording is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rhythm {
    /// Beginnings of sounds, strictly increasing.
    pub onsets: Vec<Onset>,
    /// `None` where there is no beat.
    pub tempo: Option<Tempo>,
    /// Strictly increasing; empty where there is no beat.
    pub beats: Vec<Beat>,
}

/// The tempo of a recording as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Tempo {
    /// Beats per minute of the beats found: 60 s over the median interval.
    pub bpm: f64,
    /// The tempo and those it may be taken for, half and double always among them; by falling weight.
    pub candidates: Vec<TempoCandidate>,
}

/// A tempo that the recording may be taken to have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TempoCandidate {
    /// Beats per minute.
    pub bpm: f64,
    /// Share of belief, 0 to 1; the weights of all candidates add up to 1.
    pub weight: f64,
}

/// A beat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beat {
    /// When it falls.
    pub time: MediaTime,
    /// Counts all beats of the recording from 0.
    pub beat_index: u32,
    /// Counts bars from 0, which starts at the first downbeat; beats before it are its pickup and count to it.
    pub bar_index: u32,
    /// Position in the bar from 1, the downbeat.
    pub position: u32,
    /// How clear the beat is around here, 0 to 1.
    pub confidence: f32,
}

/// Finds the rhythm of a mono stream of any rate; silence, noise and speech have onsets but no beats.
///
/// Memory grows by about 2 KiB per second of sound.
pub struct RhythmAnalyzer {
    rate: u32,
    /// `None` when the rate is out of range.
    frames: Option<Frames>,
}

struct Frames {
    spectrum: BandSpectrum,
    features: Features,
}

struct Features {
    onsets: OnsetFunction,
    pulse: PulseFunction,
    count: usize,
}

impl Features {
    fn push(&mut self, levels: &[f32]) {
        self.onsets.push(levels);
        if self.count.is_multiple_of(PULSE_STRIDE) {
            self.pulse.push(levels);
        }
        self.count += 1;
    }
}

impl RhythmAnalyzer {
    /// For a stream of `rate` Hz. Below about 500 Hz or above 1 MHz nothing is found.
    #[must_use]
    pub fn new(rate: u32) -> Self {
        let frames = BandSpectrum::new(rate).map(|spectrum| Frames {
            features: Features {
                onsets: OnsetFunction::default(),
                pulse: PulseFunction::new(spectrum.centres_hz()),
                count: 0,
            },
            spectrum,
        });
        Self { rate, frames }
    }

    /// Adds `mono` samples (finite, full scale ±1); how the stream is cut into calls makes no difference.
    pub fn push(&mut self, mono: &[f32]) {
        if let Some(frames) = &mut self.frames {
            frames.spectrum.push(mono, |levels| frames.features.push(levels));
        }
    }

    /// The rhythm of all that was pushed.
    #[must_use]
    pub fn finish(self) -> Rhythm {
        let Some(Frames { mut spectrum, mut features }) = self.frames else { return Rhythm::default() };
        spectrum.finish(|levels| features.push(levels));
        let onsets = features.onsets.pick(spectrum.hop(), self.rate);
        let hop = spectrum.hop() * PULSE_STRIDE;
        let frames_per_second = f64::from(self.rate) / hop as f64;
        let ranges: Vec<Vec<f32>> =
            features.pulse.ranges().map(|range| pulse::standardise(range, frames_per_second)).collect();
        let pulse = Pulse::sum(&ranges, frames_per_second);
        if pulse.values.is_empty() {
            return Rhythm { onsets, ..Rhythm::default() };
        }
        let tempogram = Tempogram::new(&pulse);
        let path = tempogram.path();
        let runs = audible_runs(&beats::track(&pulse, &path), &path);
        let time = |frame: usize| {
            let frame = frame as f64 + onsets::peak_offset(&pulse.values, frame);
            MediaTime::from_samples((frame * hop as f64).round().max(0.0) as i64, self.rate)
        };
        let beats = number(&runs, &ranges, &path, time);
        let tempo = tempo(&beats, &tempogram, &path);
        Rhythm { onsets, tempo, beats }
    }
}

/// Runs of beats that are not chance.
fn audible_runs(beats: &[usize], path: &TempoPath) -> Vec<Vec<usize>> {
    let audible = |beat: &usize| path.significance(*beat) >= MIN_SIGNIFICANCE;
    beats
        .chunk_by(|a, b| audible(a) == audible(b))
        .filter(|run| audible(&run[0]) && run.len() >= MIN_BEATS)
        .map(<[usize]>::to_vec)
        .collect()
}

/// Beats with their places in bars, which start anew in each run.
fn number(
    runs: &[Vec<usize>],
    ranges: &[Vec<f32>],
    path: &TempoPath,
    time: impl Fn(usize) -> MediaTime,
) -> Vec<Beat> {
    let sound = |frame: usize| {
        let around = |range: usize| {
            ranges.get(range).map_or(0.0, |values| {
                let (first, end) =
                    (frame.saturating_sub(SOUND_REACH), values.len().min(frame + SOUND_REACH + 1));
                values[first..end].iter().copied().fold(f32::NEG_INFINITY, f32::max)
            })
        };
        BeatSound { low: around(0), mid: around(1) }
    };
    let mut beats: Vec<Beat> = Vec::new();
    let mut downbeats = 0u32;
    for run in runs {
        let sounds: Vec<BeatSound> = run.iter().map(|frame| sound(*frame)).collect();
        for (frame, position) in run.iter().zip(bars::positions(&sounds)) {
            downbeats += u32::from(position == 0);
            beats.push(Beat {
                time: time(*frame),
                beat_index: beats.len() as u32,
                bar_index: downbeats.saturating_sub(1),
                position: position as u32 + 1,
                confidence: confidence(path.significance(*frame)),
            });
        }
    }
    beats
}

/// Significance as a share of belief: one half at the threshold of hearing a beat at all.
fn confidence(significance: f32) -> f32 {
    1.0 / (1.0 + (MIN_SIGNIFICANCE - significance).exp())
}

fn tempo(beats: &[Beat], tempogram: &Tempogram, path: &TempoPath) -> Option<Tempo> {
    let mut intervals: Vec<i64> =
        beats.windows(2).map(|pair| (pair[1].time - pair[0].time).as_micros()).collect();
    intervals.sort_unstable();
    let median = *intervals.get(intervals.len() / 2)?;
    let bpm = 60e6 / median as f64;
    let audible = |point: usize| path.significance[point] >= MIN_SIGNIFICANCE;
    let main = tempogram.mean_response(bpm, audible).filter(|response| *response > 0.0)?;
    let belief = |ratio: f64| {
        // Beyond the tempi looked for, only the preference speaks.
        let unheard = main * tempo::preference(bpm * ratio) / tempo::preference(bpm);
        let response = tempogram.mean_response(bpm * ratio, audible).unwrap_or(unheard.min(main) * 0.5);
        (CANDIDATE_SHARPNESS * (response / main - 1.0)).exp()
    };
    let beliefs: Vec<(f64, f64)> =
        std::iter::once(1.0).chain(RELATED_TEMPI).map(|ratio| (bpm * ratio, belief(ratio))).collect();
    let total: f64 = beliefs.iter().map(|(_, belief)| belief).sum();
    let mut candidates: Vec<TempoCandidate> =
        beliefs.into_iter().map(|(bpm, belief)| TempoCandidate { bpm, weight: belief / total }).collect();
    candidates.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    Some(Tempo { bpm, candidates })
}
