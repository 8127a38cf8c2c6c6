//! What is counted of matches.

use audio_fingerprint::{MIN_CONFIDENCE, Match, Query, Variation, candidates, confirm};

use crate::library::Library;

/// The matches of a query: by landmarks alone, and confirmed by correlation.
pub(crate) struct Found {
    pub(crate) landmarks: Vec<Match>,
    pub(crate) confirmed: Vec<Match>,
    /// CPU time of all of it, in ms.
    pub(crate) cpu_ms: f64,
}

pub(crate) fn search(library: &mut Library, samples: &[f32], variation: Variation) -> Found {
    let start = cpu_ms();
    let Ok(query) = Query::new(samples) else {
        return Found { landmarks: Vec::new(), confirmed: Vec::new(), cpu_ms: 0.0 };
    };
    let found = candidates(&query, &mut library.index, variation).unwrap();
    let landmarks = found.iter().filter(|found| found.confidence >= MIN_CONFIDENCE).copied().collect();
    let confirmed = confirm(samples, found, library, MIN_CONFIDENCE).unwrap();
    Found { landmarks, confirmed, cpu_ms: cpu_ms() - start }
}

/// CPU time of this thread in ms: unlike the clock, it does not depend on what else the machine does.
pub(crate) fn cpu_ms() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e6
}

pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get((values.len() as f64 * part) as usize).or(values.last()).copied().unwrap_or(f64::NAN)
}
