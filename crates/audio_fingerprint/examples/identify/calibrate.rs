//! The table that the null model is an upper bound of.

use audio_fingerprint::{Postings, Query, RATE, Search, Variation, evidence};

use crate::library::{Library, SECOND, is_unknown};
use crate::recall::LENGTHS;

/// Limits of the densities of hits by which places are counted.
const DENSITIES: [f64; 6] = [0.02, 0.06, 0.15, 0.4, 1.0, f64::INFINITY];

/// Places by chance: for each density of hits around them and each number of agreeing peaks, the number of places with as
/// many or more, over that of hits.
pub(crate) fn table(library: &mut Library) {
    let mut totals = [[0usize; 40]; DENSITIES.len()];
    let (mut hits, mut worst) = (0, Vec::new());
    for id in (0..library.recordings.len()).filter(|id| is_unknown(*id)) {
        let recording = library.changed(id, 0);
        for seconds in LENGTHS {
            let length = (seconds * f64::from(RATE)) as usize;
            for start in (0..recording.len().saturating_sub(length)).step_by(60 * SECOND) {
                let Ok(query) = Query::new(&recording[start..start + length]) else { continue };
                let mut search = Search::new(&query, Variation::None);
                let hashes: Vec<u32> = search.batches(usize::MAX).flatten().copied().collect();
                let mut postings = Vec::new();
                library.index.postings(&hashes, search.max_postings(), &mut postings).unwrap();
                search.add(&postings);
                let (count, places) = evidence(search);
                hits += count;
                for (peaks, density) in places {
                    let group = DENSITIES.iter().position(|limit| density < *limit).unwrap();
                    totals[group][..=peaks.min(39)].iter_mut().for_each(|total| *total += 1);
                    worst.push((
                        peaks,
                        format!("{seconds} s, {count} hits, density {density:.3}"),
                        library.names[id].clone(),
                    ));
                }
            }
        }
    }
    worst.sort_by(|a, b| b.cmp(a));
    println!("{hits} hits; peaks: places by density {DENSITIES:?}");
    for peaks in 3..30 {
        println!("{peaks}: {:?}", totals.map(|total| total[peaks]));
    }
    worst.iter().take(25).for_each(|worst| println!("{worst:?}"));
}
