//! A recording, window by window: segmentation, embeddings, clustering, turns.

use media_time::MediaTime;

use crate::assembly::assemble;
use crate::clustering::{Item, cluster, mean_items};
use crate::fbank::BANDS;
use crate::pieces::{Piece, pieces, segmentation_frame};
use crate::reconstruction::{LabelledPiece, Segment, reconstruct};
use crate::segmentation::{Activity, FRAME_STEP, LOCAL_SPEAKERS, WINDOW};
use crate::{Diarization, Embedding, RATE, SpeakerCount, SpeakerError, SpeakerModels};

/// Frames from one window to the next (2.53 s).
pub(crate) const HOP_FRAMES: usize = 150;
const HOP: usize = HOP_FRAMES * FRAME_STEP;
/// Feature frames (10 ms) of one speaker alone that make an embedding fit to found a cluster on.
const RELIABLE_FRAMES: usize = 80;
/// Feature frames of all windows that make a cluster a speaker: 1.5 s, counted in each of the windows over it.
const SPEAKER_FRAMES: f64 = 150.0 * WINDOW as f64 / HOP as f64;

/// A piece of speech of one window, embedded.
#[derive(Clone, Debug)]
pub(crate) struct PieceVoice {
    pub(crate) window: usize,
    pub(crate) local: usize,
    /// Its first and last frame in the segmentation of the window.
    pub(crate) range: (usize, usize),
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
    voices: Vec<PieceVoice>,
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
                for piece in pieces(&activity, features.len(), local) {
                    let voice = self.embed(&features, &piece, local)?;
                    self.voices.extend(voice);
                }
            }
        }
        self.windows.push(activity);
        Ok(())
    }

    fn embed(
        &self,
        features: &[[f32; BANDS]],
        piece: &Piece,
        local: usize,
    ) -> Result<Option<PieceVoice>, SpeakerError> {
        let frames = &piece.frames;
        let (Some(&first), Some(&last)) = (frames.first(), frames.last()) else { return Ok(None) };
        let embedding = self.models.embedder.embed(features, frames)?;
        Ok(embedding.map(|embedding| PieceVoice {
            window: self.windows.len(),
            local,
            range: (segmentation_frame(first), segmentation_frame(last)),
            embedding,
            frames: frames.len(),
            is_reliable: piece.is_clean && frames.len() >= RELIABLE_FRAMES,
        }))
    }
}

/// Clusters the voices and puts the windows together.
fn decide(
    windows: &[Activity],
    voices: &[PieceVoice],
    count: SpeakerCount,
    length: MediaTime,
) -> Diarization {
    let centroids = centroids(voices, count);
    let labels: Vec<usize> = voices.iter().map(|voice| nearest(&voice.embedding, &centroids)).collect();
    let mut segments: Vec<Segment<'_>> =
        windows.iter().map(|activity| Segment { activity, pieces: Vec::new() }).collect();
    for (voice, &speaker) in voices.iter().zip(&labels) {
        let piece = LabelledPiece { local: voice.local, range: voice.range, speaker };
        segments[voice.window].pieces.push(piece);
    }
    let frames = reconstruct(&segments, centroids.len());
    assemble(&frames, voices, &labels, &centroids, length)
}

/// The centroid of each speaker; at least one where there is any voice.
fn centroids(voices: &[PieceVoice], count: SpeakerCount) -> Vec<Embedding> {
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

/// The centroid most similar to a voice; of equal ones the first.
fn nearest(voice: &Embedding, centroids: &[Embedding]) -> usize {
    let similarity = |speaker: usize| voice.similarity(&centroids[speaker]);
    (1..centroids.len())
        .fold(0, |best, other| if similarity(other) > similarity(best) { other } else { best })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pieces::pieces;
    use crate::segmentation::{FRAME_OFFSET, FRAMES};

    /// Recordings of up to six windows in which up to three people speak, as the networks would report them: each local
    /// speaker is one person, and embeddings lie near the person's axis.
    fn recordings() -> impl Strategy<Value = (Vec<Activity>, Vec<PieceVoice>)> {
        let runs = prop::collection::vec((0usize..80, 1usize..200, 0u8..7), 0..20);
        (runs, 1usize..6, 0usize..7).prop_map(|(runs, count, seed)| {
            let mut frames = vec![0u8; (count - 1) * HOP_FRAMES + FRAMES];
            let mut at = 0;
            for (pause, length, set) in runs {
                at += pause;
                let set = [0b001, 0b010, 0b100, 0b011, 0b101, 0b110, 0b001][usize::from(set)];
                frames.iter_mut().skip(at).take(length).for_each(|frame| *frame = set);
                at += length;
            }
            let window = |window: usize| -> Activity {
                let mut activity = [0; FRAMES];
                activity.copy_from_slice(&frames[window * HOP_FRAMES..][..FRAMES]);
                activity
            };
            let windows: Vec<Activity> = (0..count).map(window).collect();
            let mut voices = Vec::new();
            for (window, activity) in windows.iter().enumerate() {
                for local in 0..LOCAL_SPEAKERS {
                    for piece in pieces(activity, 998, local) {
                        let mut values = [0.01; 192];
                        values[local] = 1.0;
                        values[10 + (window + seed) % 7] = 0.5;
                        voices.push(PieceVoice {
                            window,
                            local,
                            range: (
                                segmentation_frame(piece.frames[0]),
                                segmentation_frame(piece.frames[piece.frames.len() - 1]),
                            ),
                            embedding: Embedding::new(&values).unwrap(),
                            frames: piece.frames.len(),
                            is_reliable: piece.is_clean && piece.frames.len() >= RELIABLE_FRAMES,
                        });
                    }
                }
            }
            (windows, voices)
        })
    }

    proptest! {
        #[test]
        fn turns_are_ordered_and_cover_no_more_than_speech(
            (windows, voices) in recordings(), min in 1u16..4, cut in 0i64..3_000,
        ) {
            let samples = ((windows.len() - 1) * HOP + WINDOW) as i64;
            let length = MediaTime::from_samples(samples, RATE) - MediaTime::from_millis(cut);
            let count = SpeakerCount::new(Some(min), None).unwrap();
            let found = decide(&windows, &voices, count, length);
            prop_assert_eq!(&found, &decide(&windows, &voices, count, length));
            let is_speech = |time: MediaTime| {
                let sample = time.to_samples(RATE);
                windows.iter().enumerate().any(|(window, activity)| {
                    let frame = (sample - (window * HOP + FRAME_OFFSET) as i64).div_euclid(FRAME_STEP as i64);
                    usize::try_from(frame.max(0)).ok().and_then(|frame| activity.get(frame)).is_some_and(|&set| set != 0)
                })
            };
            let mut appeared = 0;
            let mut ends = vec![MediaTime::MIN; found.voices().len()];
            for pair in found.turns().windows(2) {
                prop_assert!(pair[0].window.start() <= pair[1].window.start());
            }
            for turn in found.turns() {
                let (start, end) = (turn.window.start(), turn.window.end());
                prop_assert!(MediaTime::ZERO <= start && start < end && end <= length);
                prop_assert!(turn.speaker <= appeared);
                appeared = appeared.max(turn.speaker + 1);
                prop_assert!(ends[turn.speaker] < start, "turns of one speaker touch");
                ends[turn.speaker] = end;
                // Speech, or a pause of at most 250 ms (and the step of a frame).
                let step = MediaTime::from_millis(10);
                let (mut at, mut spoken) = (start + step, start);
                while at < end {
                    if is_speech(at) {
                        spoken = at;
                    }
                    prop_assert!(at - spoken <= MediaTime::from_millis(290), "{start} to {end}: silence at {at}");
                    at += step;
                }
            }
            prop_assert_eq!(appeared, found.voices().len());
            for (speaker, voice) in found.voices().iter().enumerate() {
                let own = found.turns().iter().filter(|turn| turn.speaker == speaker);
                let speech = own.fold(MediaTime::ZERO, |sum, turn| sum + turn.window.duration());
                prop_assert_eq!(voice.speech, speech);
                prop_assert!(voice.alone <= voice.speech && (0.0..=1.0).contains(&voice.confidence));
            }
        }
    }
}
