//! A cut inside a beat loop: every repeat is a place.

use audio_fingerprint::{Match, Query, RATE, Variation, candidates};

use crate::audio::{Random, coded};
use crate::library::{Library, SECOND, fingerprint};
use crate::score::search;

const REPEATS: usize = 30;
/// Length of the loop: a bar at 120 BPM.
const LOOP: usize = 2 * SECOND;
const LEAD: usize = 5 * SECOND;

/// Queries of a loop with [`REPEATS`] repeats, in a library that has everything else, too.
pub(crate) fn table(library: &mut Library, count: usize, seed: u64) {
    let mut random = Random(seed + 2);
    println!(
        "\n| queries in a loop of {REPEATS} repeats | repeats found | elsewhere in the loop |\n|---|---|---|"
    );
    let indexed = library.indexed.clone();
    let mut looped = Vec::new();
    for _ in 0..count {
        let place = library.place(&indexed, LEAD + LOOP, &mut random);
        let samples = library.part(place.recording, place.start, LEAD + LOOP);
        let mut recording = samples[..LEAD].to_vec();
        (0..REPEATS).for_each(|_| recording.extend_from_slice(&samples[LEAD..]));
        looped.push(recording);
    }
    let first = library.recordings.len();
    for recording in &looped {
        let source = library.recordings.len();
        library.index.add(source as i64, &fingerprint(recording));
        library.names.push(format!("loop {source}"));
        library.recordings.push(recording.iter().map(|sample| (sample * 32_768.0) as i16).collect());
    }
    for (name, codec) in [("as they are", false), ("MP3 64 kbit/s", true)] {
        for seconds in [0.5, 1.0, 1.5] {
            let length = (seconds * f64::from(RATE)) as usize;
            let (mut found, mut other) = (0, 0);
            for (number, recording) in looped.iter().enumerate() {
                let start = LEAD + 13 * LOOP + 3_000;
                let mut samples = recording[start..start + length].to_vec();
                if codec {
                    samples = coded(&samples, &["-b:a", "64k"], "mp3");
                    samples.truncate(length);
                }
                let matches = search(library, &samples, Variation::None).confirmed;
                let here = matches.iter().filter(|found| found.source_id == (first + number) as i64);
                let phase = |at: i64| (at - (start % LOOP) as i64).rem_euclid(LOOP as i64);
                let is_repeat = |at: i64| phase(at).min(LOOP as i64 - phase(at)) < 160;
                let (right, wrong): (Vec<&Match>, Vec<&Match>) =
                    here.partition(|m| is_repeat(m.offset().to_samples(RATE)));
                (found, other) = (found + right.len().min(REPEATS), other + wrong.len());
            }
            let total = (REPEATS * looped.len()) as f64;
            println!("| {seconds} s, {name} | {:.3} | {other} |", found as f64 / total);
        }
    }
    let long = &looped[0][LEAD + 4 * LOOP..][..5 * SECOND];
    let query = Query::new(long).unwrap();
    let found = candidates(&query, &mut library.index, Variation::None).unwrap();
    println!("\n5 s of one loop have {} matches by landmarks.", found.len());
}
