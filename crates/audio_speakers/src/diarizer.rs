//! Diarization of a recording, window by window: segmentation, embedding, clustering, turns.

use std::sync::Arc;

use media_time::MediaTime;
use rten::ThreadPool;

use crate::assembly::assemble;
use crate::clustering::{ClusterItem, ClusterLimits, cluster, mean_items};
use crate::fbank::BANDS;
use crate::pieces::{PieceEmbedding, RELIABLE_FRAMES, SpeechPiece, pieces, segmentation_frame};
use crate::reconstruction::{LabelledPiece, LabelledWindow, reconstruct};
use crate::segmentation::{Activity, FRAME_STEP, FRAMES, HOP_FRAMES, LOCAL_SPEAKERS, WINDOW};
use crate::{Diarization, Embedding, RATE, SpeakerCount, SpeakerError, SpeakerModels};

const HOP: usize = HOP_FRAMES * FRAME_STEP;
/// Minimum feature frames of a speaker: 1.5 s of the recording, regardless of how many windows cover it.
const SPEAKER_FRAMES: f64 = 150.0;

/// Diarizes one recording. Samples are pushed in pieces of any length; [`Self::finish`] returns the result.
pub struct Diarizer<'a> {
    models: &'a SpeakerModels,
    limits: ClusterLimits,
    /// Threads of this recording alone: concurrent diarizations do not wait for each other.
    pub(crate) pool: Arc<ThreadPool>,
    /// Samples from the start of the next window on.
    pending: Vec<f32>,
    /// Number of samples pushed.
    total: u64,
    windows: Vec<Activity>,
    voices: Vec<PieceEmbedding>,
}

impl<'a> Diarizer<'a> {
    /// Creates a diarizer for a recording with `count` speakers.
    #[must_use]
    pub fn new(models: &'a SpeakerModels, count: SpeakerCount) -> Self {
        Self::with_limits(models, ClusterLimits { count, min_speech: SPEAKER_FRAMES })
    }

    /// Creates a diarizer for the enrolment of a voice: the shortest speech of another person counts as a speaker,
    /// where [`Self::new`] treats it as an outlier.
    pub(crate) fn for_enrolment(models: &'a SpeakerModels) -> Self {
        Self::with_limits(models, ClusterLimits { count: SpeakerCount::default(), min_speech: 0.0 })
    }

    fn with_limits(models: &'a SpeakerModels, limits: ClusterLimits) -> Self {
        let pool = Arc::new(ThreadPool::with_num_threads(models.threads));
        Self { models, limits, pool, pending: Vec::new(), total: 0, windows: Vec::new(), voices: Vec::new() }
    }

    /// Adds the next samples: mono, 16 kHz, in [-1, 1]. Values that are not finite count as silence. Blocking: runs the
    /// networks on every complete window.
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

    /// Computes the turns. Blocking: the time is proportional to the length of the recording, and `cancelled` is
    /// called before each of the up to 1 024 merges of a block of clustering (at most 1 MB of similarities is between
    /// two calls).
    ///
    /// # Errors
    /// [`SpeakerError::Inference`], [`SpeakerError::Cancelled`].
    pub fn finish(mut self, cancelled: &dyn Fn() -> bool) -> Result<Diarization, SpeakerError> {
        let is_covered = !self.windows.is_empty() && self.pending.len() <= WINDOW - HOP;
        if !is_covered && !self.pending.is_empty() {
            self.run_window()?;
        }
        let length = MediaTime::from_frames(self.total, RATE);
        build_diarization(&self.windows, &self.voices, self.limits, length, cancelled)
    }

    /// Segments and embeds the window in `pending`.
    fn run_window(&mut self) -> Result<(), SpeakerError> {
        let activity = self.models.segmenter.run(&self.pool, &self.pending)?;
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
        piece: &SpeechPiece,
        local: usize,
    ) -> Result<Option<PieceEmbedding>, SpeakerError> {
        let frames = &piece.frames;
        let (Some(&first), Some(&last)) = (frames.first(), frames.last()) else { return Ok(None) };
        let embedding = self.models.embedder.embed(&self.pool, features, frames)?;
        Ok(embedding.map(|embedding| PieceEmbedding {
            window: self.windows.len(),
            local,
            range: (segmentation_frame(first), segmentation_frame(last)),
            embedding,
            frames: frames.len(),
            is_reliable: piece.is_clean && frames.len() >= RELIABLE_FRAMES,
        }))
    }
}

/// Clusters the voices and merges the windows.
fn build_diarization(
    windows: &[Activity],
    voices: &[PieceEmbedding],
    limits: ClusterLimits,
    length: MediaTime,
    cancelled: &dyn Fn() -> bool,
) -> Result<Diarization, SpeakerError> {
    let centroids = centroids(voices, windows.len(), limits, cancelled)?;
    let labels: Vec<usize> = voices.iter().map(|voice| nearest(&voice.embedding, &centroids)).collect();
    let mut labelled: Vec<LabelledWindow<'_>> =
        windows.iter().map(|activity| LabelledWindow { activity, pieces: Vec::new() }).collect();
    for (voice, &speaker) in voices.iter().zip(&labels) {
        let piece = LabelledPiece { local: voice.local, range: voice.range, speaker };
        labelled[voice.window].pieces.push(piece);
    }
    let frames = reconstruct(&labelled, centroids.len());
    Ok(assemble(&frames, voices, &labels, &centroids, length))
}

/// The centroid of each speaker; at least one if `voices` is not empty.
fn centroids(
    voices: &[PieceEmbedding],
    windows: usize,
    limits: ClusterLimits,
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<Embedding>, SpeakerError> {
    let any_reliable = voices.iter().any(|voice| voice.is_reliable);
    let items: Vec<ClusterItem> = voices
        .iter()
        .filter(|voice| voice.is_reliable || !any_reliable)
        .map(|voice| ClusterItem {
            mean: voice.embedding.values().to_vec(),
            weight: voice.frames as f64,
            speech: voice.frames as f64 / windows_over(voice, windows) as f64,
        })
        .collect();
    let mut means = mean_items(&items, &cluster(&items, limits, cancelled)?);
    // A cluster of little speech is dissolved: its voices go to the nearest remaining cluster. Where fewer clusters
    // than the requested minimum have enough speech, the largest of the others are kept as well.
    means.sort_by(|a, b| b.speech.total_cmp(&a.speech));
    let speakers = means.iter().filter(|mean| mean.speech >= limits.min_speech).count();
    means.truncate(speakers.max(limits.count.fewest()));
    Ok(means.iter().filter_map(|mean| Embedding::new(&mean.mean)).collect())
}

/// The number of windows, of `windows` in all, that cover the middle of a piece: four in the middle of a recording, one
/// at its start and in a recording of one window.
fn windows_over(voice: &PieceEmbedding, windows: usize) -> usize {
    let middle = voice.window * HOP_FRAMES + usize::midpoint(voice.range.0, voice.range.1);
    let first = (middle + 1).saturating_sub(FRAMES).div_ceil(HOP_FRAMES);
    let last = (middle / HOP_FRAMES).min(windows.saturating_sub(1));
    (last + 1).saturating_sub(first).max(1)
}

/// The centroid with the highest similarity to a voice; the first of equal ones.
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
    use crate::segmentation::FRAME_OFFSET;

    /// Recordings of up to six windows in which up to three people speak, as the networks would report them: each local
    /// speaker is one person, and embeddings are near the person's axis.
    fn recordings() -> impl Strategy<Value = (Vec<Activity>, Vec<PieceEmbedding>)> {
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
                        voices.push(PieceEmbedding {
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

    fn piece(window: usize, local: usize, range: (usize, usize), dimension: usize) -> PieceEmbedding {
        let mut values = [0.01; 192];
        values[dimension] = 1.0;
        let frames = (range.1 - range.0) * FRAME_STEP / 160;
        PieceEmbedding {
            window,
            local,
            range,
            embedding: Embedding::new(&values).unwrap(),
            frames,
            is_reliable: true,
        }
    }

    /// One window in which two people speak one after another, three pieces of 1 s each.
    fn short_dialogue() -> (Vec<Activity>, Vec<PieceEmbedding>) {
        let mut activity = [0; FRAMES];
        activity[0..180].fill(0b001);
        activity[200..380].fill(0b010);
        let pieces = (0..3).flat_map(|part| {
            let first = part * 60;
            [piece(0, 0, (first, first + 59), 3), piece(0, 1, (200 + first, 259 + first), 7)]
        });
        (vec![activity], pieces.collect())
    }

    #[test]
    fn short_recordings_have_two_speakers() {
        let (windows, voices) = short_dialogue();
        let limits = ClusterLimits { count: SpeakerCount::default(), min_speech: SPEAKER_FRAMES };
        let found =
            build_diarization(&windows, &voices, limits, MediaTime::from_millis(10_000), &|| false).unwrap();
        assert_eq!(found.voices().len(), 2);
        // An outlier of 1 s does not count as a speaker, neither freely nor towards a bound.
        let mut with_outlier = voices.clone();
        with_outlier.push(piece(0, 0, (120, 179), 9));
        for max in [None, Some(2)] {
            let limits = ClusterLimits { count: SpeakerCount::new(max, max).unwrap(), ..limits };
            let found =
                build_diarization(&windows, &with_outlier, limits, MediaTime::from_millis(10_000), &|| false);
            let voices = found.unwrap().voices().to_vec();
            assert_eq!(voices.len(), 2);
            assert!(voices.iter().all(|voice| voice.embedding.values()[9] < 0.5));
        }
    }

    #[test]
    fn windows_over_counts_the_windows_that_cover_a_piece() {
        let over = |window, range, windows| windows_over(&piece(window, 0, range, 0), windows);
        assert_eq!(over(0, (0, 588), 1), 1);
        assert_eq!((over(0, (0, 100), 20), over(0, (200, 300), 20), over(0, (500, 588), 20)), (1, 2, 4));
        assert_eq!((over(10, (200, 300), 20), over(19, (200, 300), 20), over(19, (500, 588), 20)), (4, 3, 1));
    }

    proptest! {
        #[test]
        fn turns_are_ordered_and_cover_no_more_than_speech(
            (windows, voices) in recordings(), min in 1u16..4, cut in 0i64..3_000,
        ) {
            let samples = ((windows.len() - 1) * HOP + WINDOW) as i64;
            let length = MediaTime::from_samples(samples, RATE) - MediaTime::from_millis(cut);
            let count = SpeakerCount::new(Some(min), None).unwrap();
            let limits = ClusterLimits { count, min_speech: SPEAKER_FRAMES };
            let found = build_diarization(&windows, &voices, limits, length, &|| false).unwrap();
            prop_assert_eq!(&found, &build_diarization(&windows, &voices, limits, length, &|| false).unwrap());
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
