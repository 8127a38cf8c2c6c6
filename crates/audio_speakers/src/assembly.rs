//! Builds turns and voices from the active speakers of each frame.

use media_time::{MediaTime, Window};

use crate::clustering::{ClusterItem, DIFFERENT_SPEAKERS, mean_items};
use crate::pieces::PieceEmbedding;
use crate::reconstruction::ActiveSpeakers;
use crate::segmentation::{FRAME_OFFSET, FRAME_STEP};
use crate::{Diarization, Embedding, RATE, Turn, Voice};

/// Pauses of one speaker up to this duration are part of the turn.
const MAX_PAUSE: MediaTime = MediaTime::from_millis(250);
/// Turns below this duration are dropped.
const MIN_TURN: MediaTime = MediaTime::from_millis(120);

/// `labels` are the clusters of `voices`, `centroids` those of the clusters in `frames`. Clusters without a turn are
/// left out; the others are numbered by the start of their first turn.
pub(crate) fn assemble(
    frames: &[ActiveSpeakers],
    voices: &[PieceEmbedding],
    labels: &[usize],
    centroids: &[Embedding],
    length: MediaTime,
) -> Diarization {
    let mut turns = turns(frames, centroids.len(), length);
    turns.sort_by_key(|turn| (turn.window.start(), turn.speaker));
    let mut order: Vec<usize> = Vec::new();
    for turn in &mut turns {
        let known = order.iter().position(|cluster| *cluster == turn.speaker);
        let cluster = turn.speaker;
        turn.speaker = known.unwrap_or(order.len());
        if known.is_none() {
            order.push(cluster);
        }
    }
    let embeddings: Vec<Embedding> = order
        .iter()
        .map(|&cluster| mean(voices, labels, cluster).unwrap_or_else(|| centroids[cluster].clone()))
        .collect();
    let diarization = Diarization::new(turns);
    let voice = |(speaker, &cluster): (usize, &usize)| {
        let own =
            || diarization.turns().iter().filter(|turn| turn.speaker == speaker).map(|turn| turn.window);
        let speech = own().fold(MediaTime::ZERO, |sum, window| sum + window.duration());
        let shared = shared_time(own(), diarization.overlaps());
        let confidence = confidence(voices, labels, cluster, speaker, &embeddings);
        Voice { embedding: embeddings[speaker].clone(), speech, alone: speech - shared, confidence }
    };
    let voices = order.iter().enumerate().map(voice).collect();
    diarization.with_voices(voices)
}

/// Total duration that `windows` and `others`, each ordered and disjoint, have in common, in one pass over both.
fn shared_time(windows: impl Iterator<Item = Window>, others: &[Window]) -> MediaTime {
    let (mut shared, mut next) = (MediaTime::ZERO, 0);
    for window in windows {
        while let Some(other) = others.get(next).filter(|other| other.start() < window.end()) {
            shared += window.intersect(*other).map_or(MediaTime::ZERO, Window::duration);
            // `other` may continue into the next window.
            if other.end() > window.end() {
                break;
            }
            next += 1;
        }
    }
    shared
}

/// The turns of each cluster in order, cluster by cluster.
fn turns(frames: &[ActiveSpeakers], clusters: usize, length: MediaTime) -> Vec<Turn> {
    let time = |frame: usize| {
        let sample = if frame == 0 { 0 } else { frame * FRAME_STEP + FRAME_OFFSET };
        MediaTime::from_frames(sample as u64, RATE).min(length)
    };
    let mut runs: Vec<Vec<(MediaTime, MediaTime)>> = vec![Vec::new(); clusters];
    for (frame, active) in frames.iter().enumerate() {
        let (start, end) = (time(frame), time(frame + 1));
        for &speaker in active {
            let runs = &mut runs[usize::from(speaker)];
            match runs.last_mut() {
                Some(run) if start - run.1 <= MAX_PAUSE => run.1 = end,
                _ => runs.push((start, end)),
            }
        }
    }
    let turns = runs.into_iter().enumerate().flat_map(|(speaker, runs)| {
        let windows = runs.into_iter().filter_map(|(start, end)| Window::new(start, end).ok());
        let kept = windows.filter(|window| window.duration() >= MIN_TURN);
        kept.map(move |window| Turn { window, speaker, is_overlapped: false })
    });
    turns.collect()
}

fn of_cluster<'a>(
    voices: &'a [PieceEmbedding],
    labels: &'a [usize],
    cluster: usize,
) -> impl Iterator<Item = &'a PieceEmbedding> {
    let labelled =
        voices.iter().zip(labels).filter(move |(voice, label)| voice.is_reliable && **label == cluster);
    labelled.map(|(voice, _)| voice)
}

/// The mean of the reliable embeddings of a cluster.
fn mean(voices: &[PieceEmbedding], labels: &[usize], cluster: usize) -> Option<Embedding> {
    let items: Vec<ClusterItem> = of_cluster(voices, labels, cluster)
        .map(|voice| ClusterItem {
            mean: voice.embedding.values().to_vec(),
            weight: voice.frames as f64,
            speech: 0.0,
        })
        .collect();
    let labels = vec![0; items.len()];
    mean_items(&items, &labels).first().and_then(|item| Embedding::new(&item.mean))
}

/// See [`Voice::confidence`]; 0 without a reliable embedding.
fn confidence(
    voices: &[PieceEmbedding],
    labels: &[usize],
    cluster: usize,
    speaker: usize,
    embeddings: &[Embedding],
) -> f32 {
    let distance =
        |voice: &PieceEmbedding, other: usize| 1.0 - voice.embedding.similarity(&embeddings[other]);
    let (mut sum, mut weights) = (0f64, 0f64);
    for voice in of_cluster(voices, labels, cluster) {
        let own = distance(voice, speaker);
        let others =
            (0..embeddings.len()).filter(|other| *other != speaker).map(|other| distance(voice, other));
        let nearest = others.reduce(f32::min).unwrap_or(1.0 - DIFFERENT_SPEAKERS);
        let silhouette = (nearest - own) / nearest.max(own).max(f32::EPSILON);
        sum += f64::from(silhouette.max(0.0)) * voice.frames as f64;
        weights += voice.frames as f64;
    }
    if weights > 0.0 { (sum / weights) as f32 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn windows(raw: Vec<(i64, i64)>) -> Vec<Window> {
        let mut at = 0;
        let window = |(gap, length): (i64, i64)| {
            let start = at + gap;
            at = start + length;
            Window::new(MediaTime::from_millis(start), MediaTime::from_millis(at)).ok()
        };
        raw.into_iter().filter_map(window).collect()
    }

    proptest! {
        #[test]
        fn shared_time_is_the_sum_of_all_intersections(
            a in prop::collection::vec((1i64..40, 1i64..60), 0..12),
            b in prop::collection::vec((1i64..40, 1i64..60), 0..12),
        ) {
            let (a, b) = (windows(a), windows(b));
            let pairs = a.iter().flat_map(|a| b.iter().filter_map(|b| a.intersect(*b)));
            let expected = pairs.fold(MediaTime::ZERO, |sum, window| sum + window.duration());
            prop_assert_eq!(shared_time(a.iter().copied(), &b), expected);
        }
    }
}
