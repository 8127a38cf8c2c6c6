//! Agglomerative clustering of embeddings: centroid linkage over cosines, each embedding weighted by its speech.
//!
//! A piece of one or two seconds of a meeting is only 0.3 to 0.6 similar to others of its speaker, which is what
//! some pairs of different clean voices are to each other. The mean of several pieces loses that noise: means of one
//! speaker become similar, those of two do not. So clusters are compared by their centroids, not by averaging over pairs.

use crate::SpeakerCount;

/// Clusters whose centroids are less similar than this are different speakers.
pub(crate) const DIFFERENT_SPEAKERS: f32 = 0.46;
/// Most items of one similarity matrix (4 MB).
const MOST_ITEMS: usize = 1_024;
/// What a full matrix is reduced to when there are more items.
const REDUCED_ITEMS: usize = 256;

/// The mean of some embeddings, and their weight.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) mean: Vec<f32>,
    pub(crate) weight: f64,
}

/// When merging ends.
#[derive(Clone, Copy)]
struct Limits {
    fewest: usize,
    most: usize,
    /// Above `most` clusters are merged however unlike they are.
    threshold: f32,
}

/// The cluster of each item. Clusters are numbered from 0 without gaps; weights are positive.
///
/// Above [`MOST_ITEMS`] items, runs of them are first reduced to [`REDUCED_ITEMS`] means each, so that memory does not
/// grow with their square.
pub(crate) fn cluster(items: &[Item], count: SpeakerCount) -> Vec<usize> {
    if items.len() <= MOST_ITEMS {
        let limits = Limits { fewest: count.fewest(), most: count.most(), threshold: DIFFERENT_SPEAKERS };
        return merge(items, limits);
    }
    let (mut means, mut mean_of) = (Vec::new(), Vec::with_capacity(items.len()));
    let limits = Limits { fewest: REDUCED_ITEMS, most: REDUCED_ITEMS, threshold: -1.0 };
    for block in items.chunks(MOST_ITEMS) {
        let labels = merge(block, limits);
        mean_of.extend(labels.iter().map(|label| label + means.len()));
        means.extend(mean_items(block, &labels));
    }
    let clusters = cluster(&means, count);
    mean_of.into_iter().map(|mean| clusters[mean]).collect()
}

/// The mean item of each label.
pub(crate) fn mean_items(items: &[Item], labels: &[usize]) -> Vec<Item> {
    let clusters = labels.iter().max().map_or(0, |label| label + 1);
    let dimensions = items.first().map_or(0, |item| item.mean.len());
    let mut sums = vec![(vec![0f64; dimensions], 0f64); clusters];
    for (item, &label) in items.iter().zip(labels) {
        let (sum, weight) = &mut sums[label];
        for (sum, value) in sum.iter_mut().zip(&item.mean) {
            *sum += f64::from(*value) * item.weight;
        }
        *weight += item.weight;
    }
    let mean = |(sum, weight): (Vec<f64>, f64)| Item {
        mean: sum.into_iter().map(|value| (value / weight) as f32).collect(),
        weight,
    };
    sums.into_iter().map(mean).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// A vector at unit length; zero stays zero.
fn unit(vector: &[f64]) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    vector.iter().map(|x| (x / length) as f32).collect()
}

/// Merges the most similar two clusters until the limits say stop; ties go to the first pair.
fn merge(items: &[Item], limits: Limits) -> Vec<usize> {
    let mut matrix = Similarities::new(items);
    while matrix.alive.len() > limits.fewest {
        let Some((a, b, similarity)) = matrix.most_similar() else { break };
        if similarity < limits.threshold && matrix.alive.len() <= limits.most {
            break;
        }
        matrix.join(a, b);
    }
    matrix.labels()
}

/// Similarities between the centroids of the clusters that are alive.
struct Similarities {
    size: usize,
    values: Vec<f32>,
    /// Weighted sum of the items of each cluster.
    sums: Vec<Vec<f64>>,
    /// The sums at unit length.
    centroids: Vec<Vec<f32>>,
    /// Cluster of each item: the first item in it.
    owner: Vec<usize>,
    /// First items of the clusters, ascending.
    alive: Vec<usize>,
    /// The most similar later cluster of each, as far as it is known.
    best: Vec<Option<usize>>,
}

impl Similarities {
    fn new(items: &[Item]) -> Self {
        let size = items.len();
        let weighted = |item: &Item| item.mean.iter().map(|x| f64::from(*x) * item.weight).collect();
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
        let (owner, alive, best) = ((0..size).collect(), (0..size).collect(), vec![None; size]);
        Self { size, values, sums, centroids, owner, alive, best }
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

    /// `b`, which is later than `a`, becomes part of `a`.
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
        self.owner.iter_mut().filter(|owner| **owner == b).for_each(|owner| *owner = a);
    }

    fn labels(&self) -> Vec<usize> {
        let label = |owner: &usize| self.alive.partition_point(|first| first < owner);
        self.owner.iter().map(label).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An item near the axis of a speaker; `noise` is its deviation.
    fn item(speaker: usize, noise: f32, seed: usize) -> Item {
        let mut mean = vec![0.0; 16];
        mean[speaker] = 1.0;
        mean[8 + seed % 8] += noise;
        let length = dot(&mean, &mean).sqrt();
        Item { mean: mean.iter().map(|x| x / length).collect(), weight: 1.0 + (seed % 3) as f64 }
    }

    fn agree(labels: &[usize], truth: &[usize]) -> bool {
        let pairs = labels.iter().zip(truth);
        pairs.clone().all(|(a, s)| pairs.clone().all(|(b, t)| (a == b) == (s == t)))
    }

    #[test]
    fn speakers_are_separated_and_counted() {
        let truth: Vec<usize> = (0..60).map(|i| i * i % 7 % 4).collect();
        let items: Vec<Item> = truth.iter().enumerate().map(|(i, &s)| item(s, 0.4, i)).collect();
        assert!(agree(&cluster(&items, SpeakerCount::default()), &truth));
        let count = |min, max| {
            let labels = cluster(&items, SpeakerCount::new(min, max).unwrap());
            labels.iter().max().unwrap() + 1
        };
        assert_eq!((count(Some(6), None), count(None, Some(2)), count(Some(3), Some(3))), (6, 2, 3));
        assert_eq!(cluster(&[], SpeakerCount::default()), Vec::<usize>::new());
    }

    #[test]
    fn more_items_than_a_matrix_holds_are_reduced_first() {
        let truth: Vec<usize> = (0..3_000).map(|i| i / 7 % 5).collect();
        let items: Vec<Item> = truth.iter().enumerate().map(|(i, &s)| item(s, 0.5, i)).collect();
        let labels = cluster(&items, SpeakerCount::default());
        assert_eq!(labels.iter().max(), Some(&4));
        assert!(labels.iter().zip(&truth).all(|(a, t)| *a == labels[t * 7]));
    }

    proptest! {
        #[test]
        fn clusters_that_remain_are_different_speakers(seeds in prop::collection::vec((0usize..3, 0usize..40), 2..14)) {
            let items: Vec<Item> = seeds.iter().map(|&(s, seed)| item(s, 0.2 + seed as f32 / 20.0, seed)).collect();
            let labels = cluster(&items, SpeakerCount::default());
            let means = mean_items(&items, &labels);
            let centroid = |item: &Item| unit(&item.mean.iter().map(|x| f64::from(*x)).collect::<Vec<_>>());
            for (i, a) in means.iter().enumerate() {
                for b in &means[..i] {
                    prop_assert!(dot(&centroid(a), &centroid(b)) < DIFFERENT_SPEAKERS + 1e-4);
                }
            }
            prop_assert_eq!(&labels, &cluster(&items, SpeakerCount::default()));
        }
    }
}
