//! Feeds one decoded stream to all stages, on one thread or on several.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use audio_fingerprint::{Fingerprinter, Landmark};
use media_decode::{AudioFormat, DecodeError, Decoder};

use crate::simd::WIDTH;
use crate::{
    AnalysisParams, Control, LoudnessMeter, Progress, PyramidMeter, Resampler, RhythmAnalyzer, SignalError,
    SpeechDetector, TruePeakMeter, WaveformPyramid,
    loudness::LoudnessProfile,
    scene::{LevelMeter, Texture, TextureMeter},
};

/// Frames per batch: large enough that passing it on costs little, small enough for fast cancellation.
const BATCH_FRAMES: usize = 16_384;
/// Capacity of a thread's queue in batches.
const QUEUE_BATCHES: usize = 4;

/// Samples for a thread; `None` at the end of the recording. A queue that closes without it was abandoned.
type Batch = Option<Arc<[f32]>>;

/// A consumer of decoded samples.
pub(crate) trait Stage: Send {
    /// Adds whole frames of interleaved samples; the result does not depend on how they are split into calls.
    fn push(&mut self, interleaved: &[f32]);
    /// Completes the result at the end of the stream.
    fn finish(&mut self) {}
}

/// Measures loudness, true peak, levels and the peaks of a waveform.
struct LoudnessStage {
    meter: LoudnessMeter,
    true_peak: TruePeakMeter,
    pyramid: PyramidMeter,
    levels: LevelMeter,
}

impl Stage for LoudnessStage {
    fn push(&mut self, interleaved: &[f32]) {
        self.meter.push(interleaved);
        self.true_peak.push(interleaved);
        self.pyramid.push(interleaved);
        self.levels.push(interleaved);
    }
}

/// Measures what needs the mono mix at 16 kHz: textures, speech probabilities and landmarks.
pub(crate) struct MonoStage {
    resampler: Option<Resampler>,
    mono: Vec<f32>,
    textures: Option<TextureMeter>,
    detector: Option<SpeechDetector>,
    voice: Vec<f32>,
    fingerprinter: Option<Fingerprinter>,
    landmarks: Option<Vec<Landmark>>,
}

impl MonoStage {
    /// With textures and speech probabilities, and with landmarks, as requested.
    pub(crate) fn new(format: &AudioFormat, params: &AnalysisParams) -> Result<Self, SignalError> {
        let detector = params.include_speech_music.then(SpeechDetector::new).transpose()?;
        Ok(Self {
            resampler: Some(Resampler::new(format.rate, &format.layout)?),
            mono: Vec::new(),
            textures: params.include_speech_music.then(TextureMeter::new),
            detector,
            voice: Vec::new(),
            fingerprinter: params.include_landmarks.then(Fingerprinter::new),
            landmarks: None,
        })
    }

    /// Textures, speech probabilities and landmarks, of a finished stage; empty if not requested.
    pub(crate) fn into_features(self) -> (Vec<Texture>, Vec<f32>, Option<Vec<Landmark>>) {
        (self.textures.map_or_else(Vec::new, TextureMeter::finish), self.voice, self.landmarks)
    }

    fn measure(&mut self) {
        match (&mut self.textures, &mut self.fingerprinter) {
            (Some(textures), Some(fingerprinter)) => {
                textures.push_unmeasured(&self.mono);
                fingerprinter.push_sharing(&self.mono, |powers| textures.measure_pair(powers));
            }
            (Some(textures), None) => textures.push(&self.mono),
            (None, Some(fingerprinter)) => fingerprinter.push(&self.mono),
            (None, None) => {}
        }
        if let Some(detector) = &mut self.detector {
            detector.push(&self.mono, &mut self.voice);
        }
        self.mono.clear();
    }
}

impl Stage for MonoStage {
    fn push(&mut self, interleaved: &[f32]) {
        if let Some(resampler) = &mut self.resampler {
            resampler.push(interleaved, &mut self.mono);
        }
        self.measure();
    }

    fn finish(&mut self) {
        if let Some(resampler) = self.resampler.take() {
            resampler.finish(&mut self.mono);
        }
        self.measure();
        if let Some(detector) = self.detector.take() {
            detector.finish(&mut self.voice);
        }
        if let Some(fingerprinter) = self.fingerprinter.take() {
            let textures = &mut self.textures;
            self.landmarks = Some(fingerprinter.finish_sharing(|powers| {
                if let Some(textures) = textures {
                    textures.measure_pair(powers);
                }
            }));
        }
    }
}

/// Detects onsets and beats.
pub(crate) struct BeatStage {
    channels: usize,
    mono: Vec<f32>,
    analyzer: RhythmAnalyzer,
}

impl BeatStage {
    pub(crate) fn new(format: &AudioFormat) -> Self {
        Self { channels: format.channels(), mono: Vec::new(), analyzer: RhythmAnalyzer::new(format.rate) }
    }

    /// The analyser with all samples, not yet finished: the segments with speech have to be known first.
    pub(crate) fn into_analyzer(self) -> RhythmAnalyzer {
        self.analyzer
    }
}

impl Stage for BeatStage {
    fn push(&mut self, interleaved: &[f32]) {
        let gain = 1.0 / self.channels as f32;
        self.mono.clear();
        if self.channels == 2 {
            // The common case is handled separately, so that the compiler knows the layout of the samples.
            self.mono
                .extend(interleaved.as_chunks::<2>().0.iter().map(|[left, right]| (left + right) * gain));
        } else {
            let mix = |frame: &[f32]| frame.iter().sum::<f32>() * gain;
            self.mono.extend(interleaved.chunks_exact(self.channels).map(mix));
        }
        self.analyzer.push(&self.mono);
    }
}

/// The output of all stages for a recording.
pub(crate) struct PassFeatures {
    /// The largest magnitude of any sample; full scale is 1.
    pub(crate) peak: f32,
    /// The largest magnitude between the samples, too, as far as four times the sample rate shows it.
    pub(crate) true_peak: f32,
    /// Peaks of the mix; `None` without samples.
    pub(crate) pyramid: Option<WaveformPyramid>,
    pub(crate) loudness: LoudnessProfile,
    /// Level cells, see [`LevelMeter`].
    pub(crate) cells: Vec<f32>,
    pub(crate) textures: Vec<Texture>,
    /// The speech probability of each texture's frame; empty if speech and music are not requested.
    pub(crate) voice: Vec<f32>,
    /// The rhythm analyser with all samples, not yet finished.
    pub(crate) rhythm: RhythmAnalyzer,
    /// `None` if not requested.
    pub(crate) landmarks: Option<Vec<Landmark>>,
}

/// Decodes a whole recording and runs all requested stages.
///
/// # Errors
/// Those of [`crate::analyze`].
pub(crate) fn run_pass(
    decoder: &mut Decoder,
    params: &AnalysisParams,
    control: &Control<'_>,
) -> Result<PassFeatures, SignalError> {
    let format = decoder.format().clone();
    let (rate, channels) = (format.rate, format.channels());
    let mut loudness = LoudnessStage {
        meter: LoudnessMeter::new(rate, &format.layout)?,
        true_peak: TruePeakMeter::new(channels),
        pyramid: PyramidMeter::new(&format, false),
        levels: LevelMeter::new(rate, channels),
    };
    let mut mono = MonoStage::new(&format, params)?;
    let mut beats = BeatStage::new(&format);
    let mut stages: Vec<&mut dyn Stage> = vec![&mut loudness];
    if params.include_beats {
        stages.push(&mut beats);
    }
    if params.include_speech_music || params.include_landmarks {
        stages.push(&mut mono);
    }
    let peak = run_stages(decoder, stages, params.threads, control)?;
    let (textures, voice, landmarks) = mono.into_features();
    Ok(PassFeatures {
        peak,
        true_peak: loudness.true_peak.finish(),
        pyramid: loudness.pyramid.finish(),
        loudness: loudness.meter.finish(),
        cells: loudness.levels.finish(),
        textures,
        voice,
        rhythm: beats.into_analyzer(),
        landmarks,
    })
}

/// Runs `stages` over the recording: the last ones on up to `threads - 1` threads of their own, the others and the
/// decoder on this one. Returns the largest magnitude of any sample.
fn run_stages(
    decoder: &mut Decoder,
    mut stages: Vec<&mut dyn Stage>,
    threads: usize,
    control: &Control<'_>,
) -> Result<f32, SignalError> {
    let spawned_count = threads.saturating_sub(1).min(stages.len());
    let spawned = stages.split_off(stages.len() - spawned_count);
    std::thread::scope(|scope| {
        let start = |stage| {
            let (sender, receiver) = sync_channel(QUEUE_BATCHES);
            scope.spawn(move || run_stage(stage, &receiver));
            sender
        };
        let queues: Vec<_> = spawned.into_iter().map(start).collect();
        let peak = decode(decoder, &mut stages, &queues, control)?;
        // The threads finish their stages at the same time.
        send(&queues, &None);
        stages.iter_mut().for_each(|stage| stage.finish());
        Ok(peak)
    })
}

fn run_stage(stage: &mut dyn Stage, batches: &Receiver<Batch>) {
    while let Ok(batch) = batches.recv() {
        match batch {
            Some(samples) => stage.push(&samples),
            None => return stage.finish(),
        }
    }
}

/// Sends a batch to all queues. A queue is closed early only by a panic on its thread, which the scope propagates.
fn send(queues: &[SyncSender<Batch>], batch: &Batch) {
    queues.iter().for_each(|queue| drop(queue.send(batch.clone())));
}

fn decode(
    decoder: &mut Decoder,
    stages: &mut [&mut dyn Stage],
    queues: &[SyncSender<Batch>],
    control: &Control<'_>,
) -> Result<f32, SignalError> {
    let batch_len = BATCH_FRAMES * decoder.format().channels();
    let expected_duration = decoder.expected_duration();
    let mut batch: Vec<f32> = Vec::with_capacity(batch_len);
    let mut peak = 0.0;
    loop {
        if (control.cancelled)() {
            return Err(DecodeError::Cancelled.into());
        }
        let ended = match decoder.next_block()? {
            Some(block) => {
                batch.extend_from_slice(block.samples);
                false
            }
            None => true,
        };
        if batch.len() >= batch_len || ended {
            peak = peak_of(&batch, peak);
            if !queues.is_empty() {
                send(queues, &Some(batch.as_slice().into()));
            }
            stages.iter_mut().for_each(|stage| stage.push(&batch));
            batch.clear();
            (control.progress)(Progress { position: decoder.position(), expected_duration });
        }
        if ended {
            return Ok(peak);
        }
    }
}

/// The largest magnitude of `samples` and `peak`, in lanes that the compiler can vectorise.
fn peak_of(samples: &[f32], peak: f32) -> f32 {
    let larger = |a: f32, b: f32| if b.abs() > a { b.abs() } else { a };
    let (chunks, rest) = samples.as_chunks::<WIDTH>();
    let mut lanes = [peak; WIDTH];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, sample)| *lane = larger(*lane, *sample));
    }
    lanes.into_iter().chain(rest.iter().copied()).fold(peak, larger)
}
