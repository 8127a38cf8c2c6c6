//! Made edits, conformed.

use audio_fingerprint::{
    MIN_CONFIDENCE, Match, Query, RATE, Shot, Variation, blocks, candidates, confirm, conform, identify,
};
use media_time::{MediaTime, Window};

use crate::audio::{Random, mixed};
use crate::cuts;
use crate::library::{Library, Place, SECOND, is_unknown};
use crate::score::{cpu_ms, quantile};

/// Recordings of one edit.
const RUSHES: usize = 12;
/// A cut is found if it is this near, in s.
pub(crate) const NEAR: f64 = 0.1;
/// Windows in which short shots are searched: 1.5 s.
const SHORT_WINDOW: usize = 3 * SECOND / 2;

/// A shot as it was made; the edit continues with the next one.
pub(crate) struct Made {
    /// Of a recording that is not indexed, if it is a stranger.
    pub(crate) place: Place,
    pub(crate) length: usize,
}

/// Shots of 1 to 6 s with gains of −12 to 0 dB, a third of them with fades at both ends, and half of the edits with a bed.
/// `strangers` is the share of shots from recordings that are not indexed; no two of them follow one another.
fn edit(library: &Library, strangers: f64, random: &mut Random) -> (Vec<Made>, Vec<f32>) {
    let cuts = 20 + random.below(181);
    let rushes: Vec<usize> =
        (0..RUSHES).map(|_| library.indexed[random.below(library.indexed.len())]).collect();
    let unknown: Vec<usize> = (0..library.names.len()).filter(|id| is_unknown(*id)).collect();
    let (mut made, mut samples) = (Vec::<Made>::new(), Vec::new());
    for _ in 0..=cuts {
        let length = SECOND + random.below(5 * SECOND);
        let is_stranger = strangers > 0.0
            && random.next() < strangers
            && made.last().is_none_or(|shot| !is_unknown(shot.place.recording));
        let place = library.place(if is_stranger { &unknown } else { &rushes }, length, random);
        let mut shot = library.part(place.recording, place.start, length);
        let gain = 10f32.powf(-12.0 * random.next() as f32 / 20.0);
        let fade = if random.below(3) == 0 { SECOND / 20 + random.below(SECOND / 4) } else { 1 };
        for (n, sample) in shot.iter_mut().enumerate() {
            *sample *= gain * (n.min(length - 1 - n) as f32 / fade as f32).min(1.0);
        }
        samples.extend(shot);
        made.push(Made { place, length });
    }
    if random.below(2) == 0 {
        let beds: Vec<usize> =
            unknown.into_iter().filter(|id| !library.names[*id].starts_with("speech")).collect();
        let place = library.place(&beds, 15 * SECOND, random);
        let bed = library.part(place.recording, place.start, 15 * SECOND);
        samples = mixed(&samples, &bed, 12.0);
    }
    (made, samples)
}

/// The shots of an edit, as the service finds them: blocks by their landmarks, then short windows of what is unknown,
/// confirmed by samples.
fn conformed(library: &mut Library, samples: &[f32]) -> Vec<Shot> {
    let mut matches = Vec::new();
    for block in blocks(samples.len() as u64) {
        let start = MediaTime::from_samples(block.start as i64, RATE);
        let Ok(query) = Query::new(&samples[block.start as usize..block.end as usize]) else { continue };
        let found = identify(&query, &mut library.index, Variation::None, 0.999).unwrap();
        matches.extend(found.into_iter().map(|found| found.later(start)));
    }
    let shots = conform(&mut &*samples, library, &matches).unwrap();
    let before = matches.len();
    for unknown in shots.iter().filter(|shot| shot.origin.is_none()) {
        matches.extend(short_matches(library, samples, unknown.edit));
    }
    if matches.len() == before { shots } else { conform(&mut &*samples, library, &matches).unwrap() }
}

/// The confirmed matches of windows of 1.5 s of a stretch, as `audio_identify` searches them.
fn short_matches(library: &mut Library, samples: &[f32], stretch: Window<MediaTime>) -> Vec<Match> {
    let [mut start, end] = [stretch.start(), stretch.end()].map(|time| time.to_samples(RATE).max(0) as usize);
    let mut matches = Vec::new();
    while start < end {
        let window = &samples[start..end.min(start + SHORT_WINDOW)];
        if let Ok(query) = Query::new(window) {
            let found = candidates(&query, &mut library.index, Variation::None);
            let found = confirm(window, found.unwrap(), library, MIN_CONFIDENCE).unwrap();
            let time = MediaTime::from_samples(start as i64, RATE);
            matches.extend(found.into_iter().map(|found| found.later(time)));
        }
        start += SHORT_WINDOW / 2;
    }
    matches
}

#[derive(Default)]
struct Score {
    cuts: usize,
    found: usize,
    reported: usize,
    right: usize,
    errors_ms: Vec<f64>,
    seconds: f64,
    right_seconds: f64,
    unknown_seconds: f64,
    wrong_seconds: f64,
}

/// `with_cuts` also prints the shots of each edit, and which cuts are missed or false.
pub(crate) fn table(library: &mut Library, edits: usize, strangers: f64, with_cuts: bool, seed: u64) {
    let mut random = Random(seed + 4);
    let (mut score, mut cpu) = (Score::default(), 0.0);
    for _ in 0..edits {
        let (made, samples) = edit(library, strangers, &mut random);
        let before = cpu_ms();
        let shots = conformed(library, &samples);
        cpu += cpu_ms() - before;
        score.add(&made, &shots);
        if with_cuts {
            cuts::print(library, &made, &shots);
        }
    }
    println!("\n{edits} edits of 20 to 200 cuts, {:.1} h: {} cuts", score.seconds / 3_600.0, score.cuts);
    println!(
        "recall {:.4}, precision {:.4}; error: median {:.1} ms, 99 % {:.1} ms",
        score.found as f64 / score.cuts as f64,
        score.right as f64 / score.reported as f64,
        quantile(&mut score.errors_ms, 0.5),
        quantile(&mut score.errors_ms, 0.99),
    );
    println!(
        "time with the right place {:.4}, right to be unknown {:.4}, with another place {:.4}, unknown the rest; CPU {:.1} ms for a second",
        score.right_seconds / score.seconds,
        score.unknown_seconds / score.seconds,
        score.wrong_seconds / score.seconds,
        cpu / score.seconds,
    );
}

impl Score {
    fn add(&mut self, made: &[Made], shots: &[Shot]) {
        let rate = f64::from(RATE);
        let ends = made.iter().scan(0, |at, shot| {
            *at += shot.length;
            Some(*at as f64 / rate)
        });
        let ends: Vec<f64> = ends.collect();
        let cuts = &ends[..ends.len() - 1];
        let reported: Vec<f64> = shots.iter().skip(1).map(|shot| shot.edit.start().as_secs_f64()).collect();
        let nearest =
            |all: &[f64], at: f64| all.iter().map(|other| (other - at).abs()).fold(f64::MAX, f64::min);
        let errors = cuts.iter().map(|cut| nearest(&reported, *cut)).filter(|error| *error <= NEAR);
        let errors: Vec<f64> = errors.map(|error| error * 1e3).collect();
        self.cuts += cuts.len();
        self.found += errors.len();
        self.errors_ms.extend(errors);
        self.reported += reported.len();
        self.right += reported.iter().filter(|cut| nearest(cuts, **cut) <= NEAR).count();
        self.count_time(made, shots, &ends);
    }

    /// In steps of 10 ms.
    fn count_time(&mut self, made: &[Made], shots: &[Shot], ends: &[f64]) {
        let end = ends.last().copied().unwrap_or_default();
        for step in 0..(end * 100.0) as usize {
            let at = (step as f64 + 0.5) / 100.0;
            let index = ends.partition_point(|end| *end <= at);
            let start = if index == 0 { 0.0 } else { ends[index - 1] };
            let expected = made[index].place.start as f64 / f64::from(RATE) + at - start;
            self.seconds += 0.01;
            let shot = shots.iter().find(|shot| shot.edit.end().as_secs_f64() > at);
            let Some((shot, origin)) = shot.and_then(|shot| Some((shot, shot.origin.as_ref()?))) else {
                self.unknown_seconds += if is_unknown(made[index].place.recording) { 0.01 } else { 0.0 };
                continue;
            };
            let place = origin.start.as_secs_f64() + (at - shot.edit.start().as_secs_f64()) * origin.speed;
            let is_right =
                origin.source_id == made[index].place.recording as i64 && (place - expected).abs() < 0.01;
            let seconds = if is_right { &mut self.right_seconds } else { &mut self.wrong_seconds };
            *seconds += 0.01;
        }
    }
}
