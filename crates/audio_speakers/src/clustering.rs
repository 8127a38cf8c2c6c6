//! Agglomerative clustering of embeddings: centroid linkage with cosine similarity, each embedding weighted by its
//! speech.
//!
//! A piece of one or two seconds of a meeting has a similarity of only 0.3 to 0.6 to others of its speaker, which some
//! pairs of different clean voices reach too. The mean of several pieces has less noise: means of one speaker
//! become similar, means of two do not. Clusters are therefore compared by their centroids, not by averages over pairs.

use crate::{SpeakerCount, SpeakerError};

/// Minimum centroid similarity within a speaker; clusters below it are different speakers.
pub(crate) const DIFFERENT_SPEAKERS: f32 = 0.46;
/// Maximum number of items in one similarity matrix (4 MB).
const MAX_ITEMS: usize = 1_024;
/// Number of means to which a full matrix is reduced when there are more items.
const REDUCED_ITEMS: usize = 256;

/// The mean of some embeddings.
#[derive(Clone, Debug)]
pub(crate) struct ClusterItem {
    pub(crate) mean: Vec<f32>,
    /// Weight of the item in a centroid.
    pub(crate) weight: f64,
    /// Speech in feature frames (10 ms), with each instant of the recording counted once.
    pub(crate) speech: f64,
}

/// Constraints on the number of speakers.
#[derive(Clone, Copy)]
pub(crate) struct ClusterLimits {
    pub(crate) count: SpeakerCount,
    /// Minimum speech of a speaker in feature frames; a cluster with less does not count as one.
    pub(crate) min_speech: f64,
}

/// The cluster of each item. Clusters are numbered from 0 without gaps; weights are positive.
///
/// Above [`MAX_ITEMS`] items, blocks of them are first reduced to [`REDUCED_ITEMS`] means each: memory is bounded by
/// one matrix, and time grows linearly with the number of items.
///
/// # Errors
/// [`SpeakerError::Cancelled`].
pub(crate) fn cluster(
    items: &[ClusterItem],
    limits: ClusterLimits,
    cancelled: &dyn Fn() -> bool,
) -> Result<Vec<usize>, SpeakerError> {
    if items.len() <= MAX_ITEMS {
        let dendrogram = Dendrogram::new(items, 1, limits.min_speech, cancelled)?;
        return Ok(dendrogram.labels(dendrogram.merges_within(limits.count)));
    }
    let (mut means, mut mean_of) = (Vec::new(), Vec::with_capacity(items.len()));
    for block in items.chunks(MAX_ITEMS) {
        let dendrogram = Dendrogram::new(block, REDUCED_ITEMS, limits.min_speech, cancelled)?;
        let labels = dendrogram.labels(dendrogram.merges.len());
        mean_of.extend(labels.iter().map(|label| label + means.len()));
        means.extend(mean_items(block, &labels));
    }
    let clusters = cluster(&means, limits, cancelled)?;
    Ok(mean_of.into_iter().map(|mean| clusters[mean]).collect())
}

/// The mean item of each label.
pub(crate) fn mean_items(items: &[ClusterItem], labels: &[usize]) -> Vec<ClusterItem> {
    let clusters = labels.iter().max().map_or(0, |label| label + 1);
    let dimensions = items.first().map_or(0, |item| item.mean.len());
    let mut sums = vec![(vec![0f64; dimensions], 0f64, 0f64); clusters];
    for (item, &label) in items.iter().zip(labels) {
        let (sum, weight, speech) = &mut sums[label];
        for (sum, value) in sum.iter_mut().zip(&item.mean) {
            *sum += f64::from(*value) * item.weight;
        }
        *weight += item.weight;
        *speech += item.speech;
    }
    let mean = |(sum, weight, speech): (Vec<f64>, f64, f64)| ClusterItem {
        mean: sum.into_iter().map(|value| (value / weight) as f32).collect(),
        weight,
        speech,
    };
    sums.into_iter().map(mean).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Scales a vector to unit length; the zero vector is unchanged.
fn unit(vector: &[f64]) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    vector.iter().map(|x| (x / length) as f32).collect()
}

/// A merge of two clusters.
struct Merge {
    /// First items of both clusters; the second becomes part of the first.
    clusters: (usize, usize),
    /// Cosine similarity of their centroids.
    similarity: f32,
}

/// Successive merges of the two most similar clusters; ties go to the first pair.
struct Dendrogram {
    items: usize,
    merges: Vec<Merge>,
    /// Number of clusters with enough speech to be a speaker, indexed by the number of merges made, from 0.
    speakers: Vec<usize>,
}

impl Dendrogram {
    /// Merges items until `fewest` clusters remain.
    fn new(
        items: &[ClusterItem],
        fewest: usize,
        min_speech: f64,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Self, SpeakerError> {
        let mut matrix = Similarities::new(items);
        let mut speech: Vec<f64> = items.iter().map(|item| item.speech).collect();
        let is_speaker = |speech: f64| usize::from(speech >= min_speech);
        let mut speakers = vec![speech.iter().map(|speech| is_speaker(*speech)).sum()];
        let mut merges = Vec::new();
        while matrix.alive.len() > fewest {
            if cancelled() {
                return Err(SpeakerError::Cancelled);
            }
            let Some((a, b, similarity)) = matrix.most_similar() else { break };
            matrix.join(a, b);
            let before = is_speaker(speech[a]) + is_speaker(speech[b]);
            speech[a] += speech[b];
            speakers.push(speakers[merges.len()] + is_speaker(speech[a]) - before);
            merges.push(Merge { clusters: (a, b), similarity });
        }
        Ok(Self { items: items.len(), merges, speakers })
    }

    /// The number of merges to make: all merges of similar clusters, or as many more or fewer as bring the number of
    /// speakers within `count`. Only clusters with enough speech count, so an outlier is never one of the requested
    /// speakers.
    fn merges_within(&self, count: SpeakerCount) -> usize {
        let dissimilar = self.merges.iter().position(|merge| merge.similarity < DIFFERENT_SPEAKERS);
        let similar = dissimilar.unwrap_or(self.merges.len());
        if self.speakers[similar] > count.most() {
            let few = self.speakers[similar..].iter().position(|&speakers| speakers <= count.most());
            return few.map_or(self.merges.len(), |more| similar + more);
        }
        // Where the speech does not suffice for `fewest` speakers, the highest count reached is used.
        let most = self.speakers[..=similar].iter().copied().max().unwrap_or(0).min(count.fewest());
        self.speakers[..=similar].iter().rposition(|&speakers| speakers >= most).unwrap_or(similar)
    }

    /// The cluster of each item after `merges` merges, numbered by their first items.
    fn labels(&self, merges: usize) -> Vec<usize> {
        let mut parents: Vec<usize> = (0..self.items).collect();
        for merge in &self.merges[..merges] {
            parents[merge.clusters.1] = merge.clusters.0;
        }
        let mut labels: Vec<usize> = Vec::with_capacity(self.items);
        let mut clusters = 0;
        for (item, &parent) in parents.iter().enumerate() {
            // A cluster is merged into an earlier one, whose label is known.
            labels.push(if parent == item { clusters } else { labels[parent] });
            clusters += usize::from(parent == item);
        }
        labels
    }
}

/// Similarities between the centroids of the remaining clusters.
struct Similarities {
    size: usize,
    values: Vec<f32>,
    /// Weighted sum of the items of each cluster.
    sums: Vec<Vec<f64>>,
    /// The centroids: the sums at unit length.
    centroids: Vec<Vec<f32>>,
    /// First items of the remaining clusters, ascending.
    alive: Vec<usize>,
    /// The most similar later cluster of each cluster; `None` until it is computed.
    best: Vec<Option<usize>>,
}

impl Similarities {
    fn new(items: &[ClusterItem]) -> Self {
        let size = items.len();
        let weighted = |item: &ClusterItem| item.mean.iter().map(|x| f64::from(*x) * item.weight).collect();
        let sums: Vec<Vec<f64>> = items.iter().map(weighted).collect();
        let centroids: Vec<Vec<f32>> = sums.iter().map(|sum| unit(sum)).collect();
        let mut values = vec![0.0; size * size];
        for a in 0..size {
            for b in a + 1..size {
                let similarity = dot(&centroids[a], &centroids[b]);
                values[a * size + b] = similarity;
                values[b * size + a] = similarity;
            }
        }
        Self { size, values, sums, centroids, alive: (0..size).collect(), best: vec![None; size] }
    }

    fn most_similar(&mut self) -> Option<(usize, usize, f32)> {
        let mut found: Option<(usize, usize, f32)> = None;
        for position in 0..self.alive.len().saturating_sub(1) {
            let a = self.alive[position];
            let row = &self.values[a * self.size..][..self.size];
            let b = *self.best[a].get_or_insert_with(|| {
                let later = &self.alive[position + 1..];
                later.iter().copied().fold(later[0], |best, b| if row[b] > row[best] { b } else { best })
            });
            if found.is_none_or(|(.., similarity)| row[b] > similarity) {
                found = Some((a, b, row[b]));
            }
        }
        found
    }

    /// Merges `b`, which is later than `a`, into `a`.
    fn join(&mut self, a: usize, b: usize) {
        let of_b = std::mem::take(&mut self.sums[b]);
        for (sum, more) in self.sums[a].iter_mut().zip(of_b) {
            *sum += more;
        }
        self.centroids[a] = unit(&self.sums[a]);
        self.alive.retain(|&cluster| cluster != b);
        for &other in self.alive.iter().filter(|other| **other != a) {
            let similarity = dot(&self.centroids[a], &self.centroids[other]);
            self.values[a * self.size + other] = similarity;
            self.values[other * self.size + a] = similarity;
            if other < a || self.best[other].is_some_and(|best| best == a || best == b) {
                self.best[other] = None;
            }
        }
        self.best[a] = None;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An item near the axis of a speaker; `noise` is its deviation.
    fn item(speaker: usize, noise: f32, seed: usize) -> ClusterItem {
        let mut mean = vec![0.0; 16];
        mean[speaker] = 1.0;
        mean[8 + seed % 8] += noise;
        let length = dot(&mean, &mean).sqrt();
        let weight = 1.0 + (seed % 3) as f64;
        ClusterItem { mean: mean.iter().map(|x| x / length).collect(), weight, speech: weight }
    }

    fn labels(items: &[ClusterItem], min: Option<u16>, max: Option<u16>, min_speech: f64) -> Vec<usize> {
        let limits = ClusterLimits { count: SpeakerCount::new(min, max).unwrap(), min_speech };
        cluster(items, limits, &|| false).unwrap()
    }

    fn agree(labels: &[usize], truth: &[usize]) -> bool {
        let pairs = labels.iter().zip(truth);
        pairs.clone().all(|(a, s)| pairs.clone().all(|(b, t)| (a == b) == (s == t)))
    }

    #[test]
    fn speakers_are_separated_and_counted() {
        let truth: Vec<usize> = (0..60).map(|i| i * i % 7 % 4).collect();
        let items: Vec<ClusterItem> = truth.iter().enumerate().map(|(i, &s)| item(s, 0.4, i)).collect();
        assert!(agree(&labels(&items, None, None, 0.0), &truth));
        let count = |min, max| labels(&items, min, max, 0.0).iter().max().unwrap() + 1;
        assert_eq!((count(Some(6), None), count(None, Some(2)), count(Some(3), Some(3))), (6, 2, 3));
        assert_eq!(labels(&[], None, None, 0.0), Vec::<usize>::new());
    }

    #[test]
    fn speaker_bounds_count_clusters_with_enough_speech() {
        // Two similar speakers, and one item that differs from all others.
        let truth: Vec<usize> = (0..16).map(|i| usize::from(i >= 8)).chain([5]).collect();
        let similar = |speaker: usize, seed: usize| {
            let mut item = item(speaker, 0.2, seed);
            item.mean[7] = 1.2;
            let length = dot(&item.mean, &item.mean).sqrt();
            item.mean.iter_mut().for_each(|x| *x /= length);
            ClusterItem { weight: 1.0, speech: 1.0, ..item }
        };
        let items: Vec<ClusterItem> = truth
            .iter()
            .enumerate()
            .map(|(i, &speaker)| match speaker {
                5 => ClusterItem { weight: 1.0, speech: 1.0, ..item(5, 0.1, i) },
                _ => similar(speaker, i),
            })
            .collect();
        let speakers = |labels: &[usize]| {
            mean_items(&items, labels).iter().filter(|cluster| cluster.speech >= 3.0).count()
        };
        let (free, two) = (labels(&items, None, None, 3.0), labels(&items, Some(2), Some(2), 3.0));
        assert_eq!(speakers(&free), 1, "{free:?}");
        assert!(agree(&two[..16], &truth[..16]), "{two:?}");
        // The outlier does not count as a third speaker, so the clusters of both speakers are within the maximum of 2.
        let (apart, most): (Vec<usize>, Vec<ClusterItem>) = (
            truth.clone(),
            truth
                .iter()
                .enumerate()
                .map(|(i, &s)| ClusterItem { weight: 1.0, speech: 1.0, ..item(s, 0.3, i) })
                .collect(),
        );
        assert!(agree(&labels(&most, None, Some(2), 3.0)[..16], &apart[..16]));
    }

    #[test]
    fn clustering_stops_when_it_is_cancelled() {
        let items: Vec<ClusterItem> = (0..1_200).map(|i| item(i % 5, 0.5, i)).collect();
        let asked = std::cell::Cell::new(0);
        let cancelled = || {
            asked.set(asked.get() + 1);
            asked.get() > 3
        };
        let limits = ClusterLimits { count: SpeakerCount::default(), min_speech: 0.0 };
        assert_eq!(cluster(&items, limits, &cancelled), Err(SpeakerError::Cancelled));
        assert_eq!(asked.get(), 4);
    }

    #[test]
    fn items_above_the_matrix_limit_are_reduced_first() {
        let truth: Vec<usize> = (0..3_000).map(|i| i / 7 % 5).collect();
        let items: Vec<ClusterItem> = truth.iter().enumerate().map(|(i, &s)| item(s, 0.5, i)).collect();
        let labels = labels(&items, None, None, 0.0);
        assert_eq!(labels.iter().max(), Some(&4));
        assert!(labels.iter().zip(&truth).all(|(a, t)| *a == labels[t * 7]));
    }

    proptest! {
        #[test]
        fn clusters_that_remain_are_different_speakers(seeds in prop::collection::vec((0usize..3, 0usize..40), 2..14)) {
            let items: Vec<ClusterItem> = seeds.iter().map(|&(s, seed)| item(s, 0.2 + seed as f32 / 20.0, seed)).collect();
            let found = labels(&items, None, None, 0.0);
            let means = mean_items(&items, &found);
            let centroid = |item: &ClusterItem| unit(&item.mean.iter().map(|x| f64::from(*x)).collect::<Vec<_>>());
            for (i, a) in means.iter().enumerate() {
                for b in &means[..i] {
                    prop_assert!(dot(&centroid(a), &centroid(b)) < DIFFERENT_SPEAKERS + 1e-4);
                }
            }
            prop_assert_eq!(&found, &labels(&items, None, None, 0.0));
        }
    }
}
