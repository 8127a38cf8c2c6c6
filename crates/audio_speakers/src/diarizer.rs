//! A recording, window by window: segmentation, embeddings, clustering, turns.

use media_time::MediaTime;

use crate::assembly::assemble;
use crate::clustering::{Item, cluster, mean_items};
use crate::embedding::{FEWEST_FRAMES, frames_where};
use crate::fbank::BANDS;
use crate::reconstruction::{Segment, reconstruct};
use crate::segmentation::{Activity, FRAME_STEP, LOCAL_SPEAKERS, WINDOW};
use crate::{Diarization, Embedding, RATE, SpeakerCount, SpeakerError, SpeakerModels};

/// Frames from one window to the next (2.53 s).
pub(crate) const HOP_FRAMES: usize = 150;
const HOP: usize = HOP_FRAMES * FRAME_STEP;
/// Feature frames (10 ms) of one speaker alone that make an embedding fit to found a cluster on.
const RELIABLE_FRAMES: usize = 100;
/// Feature frames of all windows that make a cluster a speaker: 1.5 s, counted in each of the windows over it.
const SPEAKER_FRAMES: f64 = 150.0 * WINDOW as f64 / HOP as f64 * 0.5;

/// One local speaker of one window.
#[derive(Clone, Debug)]
pub(crate) struct LocalVoice {
    pub(crate) window: usize,
    pub(crate) local: usize,
    pub(crate) embedding: Embedding,
    /// Feature frames it was made of.
    pub(crate) frames: usize,
    /// Made of speech without overlap, and of enough of it.
    pub(crate) is_reliable: bool,
}

/// Diarizes one recording. Samples are pushed in pieces of any length; [`Self::finish`] decides.
pub struct Diarizer<'a> {
    models: &'a SpeakerModels,
    count: SpeakerCount,
    /// Samples from the begin of the next window on.
    pending: Vec<f32>,
    /// Samples pushed.
    total: u64,
    windows: Vec<Activity>,
    voices: Vec<LocalVoice>,
}

impl<'a> Diarizer<'a> {
    /// For a recording with `count` speakers.
    #[must_use]
    pub const fn new(models: &'a SpeakerModels, count: SpeakerCount) -> Self {
        Self { models, count, pending: Vec::new(), total: 0, windows: Vec::new(), voices: Vec::new() }
    }

    /// The next samples: mono, 16 kHz, in [-1, 1]. Values that are not finite count as silence. Blocking: runs the
    /// networks on every window that is complete.
    ///
    /// # Errors
    /// [`SpeakerError::Inference`].
    pub fn push(&mut self, samples: &[f32]) -> Result<(), SpeakerError> {
        self.total += samples.len() as u64;
        let finite = |&x: &f32| if x.is_finite() { x.clamp(-1.0, 1.0) } else { 0.0 };
        let mut rest = samples;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(WINDOW - self.pending.len()));
            self.pending.extend(now.iter().map(finite));
            if self.pending.len() == WINDOW {
                self.run_window()?;
                self.pending.drain(..HOP);
            }
            rest = later;
        }
        Ok(())
    }

    /// Decides who spoke when. Blocking.
    ///
    /// # Errors
    /// [`SpeakerError::Inference`].
    pub fn finish(mut self) -> Result<Diarization, SpeakerError> {
        let is_covered = !self.windows.is_empty() && self.pending.len() <= WINDOW - HOP;
        if !is_covered && !self.pending.is_empty() {
            self.run_window()?;
        }
        let length = MediaTime::from_samples(i64::try_from(self.total).unwrap_or(i64::MAX), RATE);
        Ok(decide(&self.windows, &self.voices, self.count, length))
    }

    /// Segments and embeds the window that `pending` holds.
    fn run_window(&mut self) -> Result<(), SpeakerError> {
        let activity = self.models.segmenter.run(&self.pending)?;
        if activity.iter().any(|&set| set != 0) {
            let features = self.models.embedder.features(&self.pending);
            for local in 0..LOCAL_SPEAKERS {
                let voice = self.embed(&features, &activity, local)?;
                self.voices.extend(voice);
            }
        }
        self.windows.push(activity);
        Ok(())
    }

    fn embed(
        &self,
        features: &[[f32; BANDS]],
        activity: &Activity,
        local: usize,
    ) -> Result<Option<LocalVoice>, SpeakerError> {
        let alone = frames_where(activity, features.len(), |set| set == 1 << local);
        let is_reliable = alone.len() >= RELIABLE_FRAMES;
        let frames = if alone.len() >= 2 * FEWEST_FRAMES {
            alone
        } else {
            frames_where(activity, features.len(), |set| set & (1 << local) != 0)
        };
        let embedding = self.models.embedder.embed(features, &frames)?;
        let window = self.windows.len();
        Ok(embedding.map(|embedding| LocalVoice { window, local, embedding, frames: frames.len(), is_reliable }))
    }
}

/// Clusters the voices and puts the windows together.
pub(crate) fn decide(
    windows: &[Activity],
    voices: &[LocalVoice],
    count: SpeakerCount,
    length: MediaTime,
) -> Diarization {
    let centroids = centroids(voices, count);
    let segments = assign(windows, voices, &centroids);
    let frames = reconstruct(&segments, centroids.len());
    assemble(&frames, voices, &segments, &centroids, length)
}

/// The centroid of each speaker.
fn centroids(voices: &[LocalVoice], count: SpeakerCount) -> Vec<Embedding> {
    let any_reliable = voices.iter().any(|voice| voice.is_reliable);
    let items: Vec<Item> = voices
        .iter()
        .filter(|voice| voice.is_reliable || !any_reliable)
        .map(|voice| Item { mean: voice.embedding.values().to_vec(), weight: voice.frames as f64 })
        .collect();
    let mut means = mean_items(&items, &cluster(&items, count));
    // A cluster of little speech is dissolved: its voices go to the nearest of the others.
    means.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let speakers = means.iter().filter(|mean| mean.weight >= SPEAKER_FRAMES).count();
    means.truncate(speakers.max(count.fewest()));
    means.iter().filter_map(|mean| Embedding::new(&mean.mean)).collect()
}

/// The speaker of each local speaker of each window.
fn assign(windows: &[Activity], voices: &[LocalVoice], centroids: &[Embedding]) -> Vec<Segment> {
    let mut segments: Vec<Segment> =
        windows.iter().map(|activity| Segment { activity: *activity, speakers: [None; LOCAL_SPEAKERS] }).collect();
    for of_window in voices.chunk_by(|a, b| a.window == b.window) {
        let speakers = &mut segments[of_window[0].window].speakers;
        // The most speech chooses first; local speakers of a window are different people while there are enough.
        let mut order: Vec<&LocalVoice> = of_window.iter().collect();
        order.sort_by_key(|voice| std::cmp::Reverse(voice.frames));
        for voice in order {
            let similarity = |speaker: &usize| voice.embedding.similarity(&centroids[*speaker]);
            let nearest = |free_only: bool| {
                (0..centroids.len())
                    .filter(|speaker| !free_only || !speakers.contains(&Some(*speaker)))
                    .reduce(|best, speaker| if similarity(&speaker) > similarity(&best) { speaker } else { best })
            };
            speakers[voice.local] = nearest(true).or_else(|| nearest(false));
        }
    }
    segments
}
