//! The offset and drift of two recordings of one event.

use media_time::{MediaTime, Window};

use crate::aligned_part::AlignedPart;
use crate::correlation::phase_correlation;
use crate::regression::{Line, robust_line};
use crate::samples::{Samples, part};
use crate::{Match, RATE, link};

/// Length of the chunks that are compared, in samples: 1 s.
const CHUNK: usize = RATE as usize;
/// Greatest number of chunks of a part, evenly spaced.
const MAX_CHUNKS: i64 = 96;
/// Samples on either side of a chunk's expected place in which it is searched: 60 ms.
const MARGIN: i64 = 960;
/// Greatest chance of a chunk's correlation.
const MAX_CHANCE: f64 = 1e-4;
/// Chunks this far from the line, in samples, are wrong: 0.5 ms.
const OUTLIER: f64 = 8.0;
/// Fewest chunks on the line of a part.
const MIN_CHUNKS: usize = 3;
/// Steps in which a part is extended beyond its matches, in samples.
const STEP: i64 = RATE as i64 / 2;

/// Distance of the chunks of the whole recording that are compared with the longest part's line, in samples, and their number.
const SPREAD_STEP: i64 = RATE as i64;
const MAX_SPREAD_CHUNKS: i64 = 512;

/// Aligns `other` to `reference` (both mono, [`RATE`] Hz) by `matches` of the other recording's blocks in the reference,
/// whose query times are those of the whole recording.
///
/// A recorder that was stopped and started again has several parts, in the same order in both recordings; between them are
/// gaps. One that never stopped has one part, which includes stretches without anything in common. Without a part, the
/// recordings are unrelated: matches alone are no evidence, parts have chunks that correlate in phase, too. Parts end where a
/// recording does.
///
/// # Errors
/// When a recording cannot be read.
pub fn align<R: Samples, O: Samples<Error = R::Error>>(
    reference: &mut R,
    other: &mut O,
    matches: &[Match],
) -> Result<Vec<AlignedPart>, R::Error> {
    let mut parts: Vec<AlignedPart> = Vec::new();
    let mut links = link(matches.to_vec());
    links.sort_by_key(|found| (-found.query.duration().as_micros(), found.query.start()));
    for found in links {
        let is_covered = |part: &AlignedPart| {
            part.other
                .intersect(found.query)
                .is_some_and(|common| 2 * common.duration().as_micros() >= found.query.duration().as_micros())
        };
        if parts.iter().any(is_covered) {
            continue;
        }
        // Longer parts come first: what contradicts one is a repeat.
        if let Some(aligned) = align_part(reference, other, &found)?
            && parts.iter().all(|part| is_in_order(part, &aligned))
        {
            parts.push(aligned);
        }
    }
    if let Some(longest) = parts.iter().max_by_key(|part| part.other.duration()) {
        let longest = spread(reference, other, longest)?;
        // A clock that is the same before and after a part was not another one in it: the part is a repeat.
        parts.retain(|part| !is_mostly_within(part.other, longest.other));
        parts.push(longest);
    }
    parts.sort_by_key(|part| part.other.start());
    // Chunks at the edges of a recording correlate with the part of them that is in it.
    let length = |samples: u64| MediaTime::from_frames(samples, RATE);
    let (reference_length, other_length) = (length(reference.len()), length(other.len()));
    let parts = joined(without_overlaps(parts)).into_iter();
    Ok(parts.filter_map(|part| part.within(reference_length, other_length)).collect())
}

/// Whether more than half of `part` is within `whole`.
fn is_mostly_within(part: Window<MediaTime>, whole: Window<MediaTime>) -> bool {
    let common = part.intersect(whole).map_or(MediaTime::ZERO, |common| common.duration());
    2 * common.as_micros() > part.duration().as_micros()
}

/// A part from the first to the last chunk of the whole recording that is on its line: landmarks may have found nothing in
/// stretches that repeat themselves.
fn spread<R: Samples, O: Samples<Error = R::Error>>(
    reference: &mut R,
    other: &mut O,
    part: &AlignedPart,
) -> Result<AlignedPart, R::Error> {
    let slope = 1.0 / (1.0 + part.drift_ppm * 1e-6);
    let line = Line { slope, intercept: part.offset.as_secs_f64() * f64::from(RATE) };
    let end = other.len().cast_signed() - CHUNK as i64;
    let count = (end / SPREAD_STEP).clamp(1, MAX_SPREAD_CHUNKS);
    let (mut window, mut further) = (part.other, 0);
    for index in 0..=count {
        let at = (index * end / count).max(0);
        let time = |sample: i64| MediaTime::from_samples(sample, RATE);
        if part.other.contains(time(at)) {
            continue;
        }
        if let Some(place) = chunk_place(reference, other, at, &line)?
            && (place - line.at(at as f64)).abs() <= OUTLIER
        {
            let (start, stop) = (window.start().min(time(at)), window.end().max(time(at + CHUNK as i64)));
            (window, further) = (Window::new(start, stop).unwrap_or(window), further + 1);
        }
    }
    let further = further as f64 * end as f64 / count as f64 / f64::from(RATE);
    let agreeing =
        (part.agreement * part.other.duration().as_secs_f64() + further).min(window.duration().as_secs_f64());
    let agreement = agreeing / window.duration().as_secs_f64().max(1e-6);
    Ok(AlignedPart { other: window, agreement, ..*part })
}

/// The parts, where consecutive ones on one line of the clock are one: a recorder that was stopped for a time has another
/// offset, and one that never stopped has the same, with stretches without anything in common between its parts.
fn joined(parts: Vec<AlignedPart>) -> Vec<AlignedPart> {
    let mut joined: Vec<AlignedPart> = Vec::with_capacity(parts.len());
    for part in parts {
        match joined.last_mut() {
            Some(last) if is_same_clock(last, &part) => *last = both(last, &part),
            _ => joined.push(part),
        }
    }
    joined
}

/// A time of the other recording in the reference, in s, by the clock of a part.
fn place(part: &AlignedPart, time: MediaTime) -> f64 {
    part.offset.as_secs_f64() + time.as_secs_f64() / (1.0 + part.drift_ppm * 1e-6)
}

/// Is the middle of the shorter part on the line of the longer one, as its own chunks have to be?
fn is_same_clock(a: &AlignedPart, b: &AlignedPart) -> bool {
    let (longer, shorter) = if a.other.duration() >= b.other.duration() { (a, b) } else { (b, a) };
    let half = MediaTime::from_micros(shorter.other.duration().as_micros() / 2);
    let middle = shorter.other.start() + half;
    (place(longer, middle) - place(shorter, middle)).abs() * f64::from(RATE) <= OUTLIER
}

/// Both parts as one, on the line from the start of the earlier one to the end of the later one. Chunks between them do not
/// agree.
fn both(earlier: &AlignedPart, later: &AlignedPart) -> AlignedPart {
    let (start, end) = (earlier.other.start(), later.other.end());
    let Ok(other) = Window::new(start, end) else { return *earlier };
    let length = other.duration().as_secs_f64().max(1e-6);
    let slope = (place(later, end) - place(earlier, start)) / length;
    let agreeing = |part: &AlignedPart| part.agreement * part.other.duration().as_secs_f64();
    AlignedPart {
        other,
        offset: MediaTime::from_secs_f64(place(earlier, start) - slope * start.as_secs_f64()),
        drift_ppm: (1.0 / slope - 1.0) * 1e6,
        confidence: earlier.confidence.max(later.confidence),
        agreement: (agreeing(earlier) + agreeing(later)) / length,
    }
}

/// Are both parts in the same order in both recordings? Time runs forward for every recorder.
fn is_in_order(a: &AlignedPart, b: &AlignedPart) -> bool {
    let in_reference = |part: &AlignedPart| part.other.start() + part.offset;
    (a.other.start() < b.other.start()) == (in_reference(a) < in_reference(b))
}

/// Where each part ends before the next one begins.
fn without_overlaps(mut parts: Vec<AlignedPart>) -> Vec<AlignedPart> {
    for index in 1..parts.len() {
        let next = parts[index].other.start();
        let earlier = &mut parts[index - 1];
        if earlier.other.end() > next {
            earlier.other = Window::new(earlier.other.start(), next).unwrap_or(earlier.other);
        }
    }
    parts
}

/// Measures the part around a match; `None` if its chunks do not agree.
fn align_part<R: Samples, O: Samples<Error = R::Error>>(
    reference: &mut R,
    other: &mut O,
    found: &Match,
) -> Result<Option<AlignedPart>, R::Error> {
    let (start, end) = (found.query.start().to_samples(RATE), found.query.end().to_samples(RATE));
    let chunk = CHUNK as i64;
    // A short match is measured where it is, beyond its ends too: parts of chunks that are unrelated do no harm.
    let (start, end) = (start - chunk, end.max(start + 2 * chunk) + chunk);
    let (start, end) = (start.max(0), end.min(other.len().cast_signed()));
    let expected = Line { slope: found.speed, intercept: found.offset().as_secs_f64() * f64::from(RATE) };
    let count = ((end - start) / (chunk / 2) - 1).clamp(0, MAX_CHUNKS);
    let mut points = Vec::new();
    for index in 0..count {
        let at = start + index * (end - start - chunk) / (count - 1).max(1);
        if let Some(place) = chunk_place(reference, other, at, &expected)? {
            points.push((at as f64, place - at as f64));
        }
    }
    let Some(line) = robust_line(&points, OUTLIER) else { return Ok(None) };
    let agreeing = points.iter().filter(|(at, lag)| (lag - line.at(*at)).abs() <= OUTLIER).count();
    if agreeing < MIN_CHUNKS || agreeing * 3 < points.len() {
        return Ok(None);
    }
    let line = Line { slope: 1.0 + line.slope, intercept: line.intercept };
    let start = extend(reference, other, start, -STEP, &line)?;
    let end = extend(reference, other, end - chunk, STEP, &line)? + chunk;
    let time = |sample: i64| MediaTime::from_samples(sample, RATE);
    let Ok(window) = Window::new(time(start), time(end)) else { return Ok(None) };
    Ok(Some(AlignedPart {
        other: window,
        offset: MediaTime::from_secs_f64(line.intercept / f64::from(RATE)),
        drift_ppm: (1.0 / line.slope - 1.0) * 1e6,
        confidence: found.confidence,
        agreement: agreeing as f64 / count.max(1) as f64,
    }))
}

/// The place in the reference, in samples, of the middle of the chunk at `at` of the other recording, less half a chunk;
/// `None` if it does not correlate around the expected one.
fn chunk_place<R: Samples, O: Samples<Error = R::Error>>(
    reference: &mut R,
    other: &mut O,
    at: i64,
    expected: &Line,
) -> Result<Option<f64>, R::Error> {
    let first = expected.at(at as f64).round() as i64 - MARGIN;
    let query = part(other, at, CHUNK)?;
    let source = part(reference, first, CHUNK + 2 * MARGIN as usize)?;
    let found = phase_correlation(&query, &source).filter(|lag| lag.chance <= MAX_CHANCE);
    Ok(found.map(|lag| first as f64 + lag.samples))
}

/// The last position, from `at` on in steps, whose chunk is on the line.
fn extend<R: Samples, O: Samples<Error = R::Error>>(
    reference: &mut R,
    other: &mut O,
    mut at: i64,
    step: i64,
    line: &Line,
) -> Result<i64, R::Error> {
    let end = other.len().cast_signed() - CHUNK as i64;
    loop {
        let next = (at + step).clamp(0, end.max(0));
        if next == at {
            return Ok(at);
        }
        match chunk_place(reference, other, next, line)? {
            Some(place) if (place - line.at(next as f64)).abs() <= OUTLIER => at = next,
            _ => return Ok(at),
        }
    }
}
