//! Measures identification on recordings: recall of places, errors, and matches of recordings that are not indexed.
//!
//!     identify CORPUS [PLACES]          the tables of docs/fingerprints.md
//!     identify CORPUS calibrate         agreeing peaks of places by chance, for the null model
//!
//! Every fourth recording is not indexed. Queries are cut at `PLACES` random places (40), all at once on a reel: 10 s of
//! each, 2 s of silence between them.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring tool: its output is its result")]

mod audio;

use std::path::Path;
use std::time::Duration;

use audio::{Random, coded, decode, files, filtered, is_quiet, mixed, white};
use audio_fingerprint::{
    Fingerprinter, MemoryIndex, Postings, Query, RATE, Search, Variation, evidence, identify, refine,
};

const SECOND: usize = RATE as usize;
const SLOT: usize = 12 * SECOND;
const LENGTHS: [f64; 5] = [0.3, 1.0, 3.0, 5.0, 10.0];
const MIN_CONFIDENCE: f64 = 0.999;

struct Corpus {
    recordings: Vec<Vec<f32>>,
    names: Vec<String>,
    index: MemoryIndex,
}

/// A place queries are cut from.
#[derive(Clone, Copy)]
struct Place {
    recording: usize,
    start: usize,
}

fn is_indexed(recording: usize) -> bool {
    recording % 4 != 3
}

/// User and system CPU time of this process, or of the processes it has waited for.
fn cpu(children: bool) -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<u64> =
        stat.rsplit(')').next().unwrap().split_whitespace().skip(1).map(|f| f.parse().unwrap_or(0)).collect();
    let first = if children { 12 } else { 10 };
    Duration::from_millis(10 * (fields[first] + fields[first + 1]))
}

fn load(corpus: &Path) -> Corpus {
    let (mut recordings, mut names) = (Vec::new(), Vec::new());
    let before = cpu(true);
    for path in files(corpus) {
        let samples = decode(&path);
        if samples.len() > SECOND {
            recordings.push(samples);
            names.push(path.display().to_string());
        }
    }
    let decoding = cpu(true) - before;
    let (mut index, mut rows, mut samples, before) = (MemoryIndex::new(), 0, 0, cpu(false));
    for (id, recording) in recordings.iter().enumerate() {
        let mut fingerprinter = Fingerprinter::new();
        recording.chunks(4_096).for_each(|block| fingerprinter.push(block));
        let landmarks = fingerprinter.finish();
        (rows, samples) = (rows + landmarks.len(), samples + recording.len());
        if is_indexed(id) {
            index.add(id as i64, &landmarks, recording.len() as u64);
        }
    }
    let fingerprinting = cpu(false) - before;
    let seconds = samples as f64 / f64::from(RATE);
    println!(
        "{} recordings, {seconds:.0} s, {} of them indexed; {:.1} landmarks/s = {:.2} MB/h at 8 bytes",
        recordings.len(),
        (0..recordings.len()).filter(|id| is_indexed(*id)).count(),
        rows as f64 / seconds,
        rows as f64 / seconds * 8.0 * 3600.0 / 1e6
    );
    println!(
        "CPU: ffmpeg's decoding to 16 kHz mono {:.2} ms/s, landmarks {:.2} ms/s: {:.2} of it\n",
        decoding.as_secs_f64() * 1e3 / seconds,
        fingerprinting.as_secs_f64() * 1e3 / seconds,
        fingerprinting.as_secs_f64() / decoding.as_secs_f64()
    );
    Corpus { recordings, names, index }
}

/// Random places of recordings with 10.5 s after them, whose first second is not quiet.
fn places(corpus: &Corpus, count: usize, indexed: bool, random: &mut Random) -> Vec<Place> {
    let mut places = Vec::new();
    while places.len() < count {
        let recording = random.below(corpus.recordings.len());
        let samples = &corpus.recordings[recording];
        if is_indexed(recording) != indexed || samples.len() < 11 * SECOND {
            continue;
        }
        let start = random.below(samples.len() - 10 * SECOND - SECOND / 2);
        if !is_quiet(&samples[start..start + SECOND / 3]) {
            places.push(Place { recording, start });
        }
    }
    places
}

fn reel(corpus: &Corpus, places: &[Place]) -> Vec<f32> {
    let mut reel = Vec::new();
    for place in places {
        reel.extend_from_slice(&corpus.recordings[place.recording][place.start..][..10 * SECOND]);
        reel.resize(reel.len() + 2 * SECOND, 0.0);
    }
    reel
}

#[derive(Default)]
struct Score {
    queries: usize,
    found: usize,
    wrong: usize,
    errors_ms: Vec<f64>,
    refined_samples: Vec<f64>,
}

/// Searches the queries of `seconds` on a reel that is played at `speed`.
fn measure(
    corpus: &mut Corpus,
    reel: &[f32],
    places: &[Place],
    seconds: f64,
    speed: f64,
    variation: Variation,
) -> Score {
    let mut score = Score::default();
    for (slot, place) in places.iter().enumerate() {
        let start = ((slot * SLOT) as f64 / speed) as usize + 17;
        let length = (seconds * f64::from(RATE) / speed.max(1.0)) as usize;
        let Some(samples) = reel.get(start..start + length) else { continue };
        let Ok(query) = Query::new(samples) else { continue };
        score.queries += 1;
        let expected = place.start as f64 + start as f64 * speed - (slot * SLOT) as f64;
        let matches = identify(&query, &mut corpus.index, variation, MIN_CONFIDENCE).unwrap();
        // Within 100 ms it is the place; the errors are reported.
        let error = |found: &audio_fingerprint::Match| {
            let middle = found.query.start()
                + media_time::MediaTime::from_micros(found.query.duration().as_micros() / 2);
            found.source_at(middle).as_secs_f64() - expected / f64::from(RATE) - middle.as_secs_f64() * speed
        };
        let is_right = |found: &&audio_fingerprint::Match| {
            found.source_id == place.recording as i64 && error(found).abs() < 0.1
        };
        score.wrong += matches.iter().filter(|found| found.source_id != place.recording as i64).count();
        if let Some(found) = matches.iter().find(is_right) {
            score.found += 1;
            score.errors_ms.push(error(found).abs() * 1e3);
            let source = &corpus.recordings[place.recording];
            let first = (expected as usize).saturating_sub(SECOND / 5);
            let end = source.len().min((expected + length as f64 * speed) as usize + SECOND / 5);
            if let Some(refined) =
                refine(samples, &source[first..end], found.speed).filter(|r| r.chance < 1e-6)
            {
                score.refined_samples.push((first as f64 + refined.source_start - expected).abs());
            }
        }
    }
    score.errors_ms.sort_by(f64::total_cmp);
    score.refined_samples.sort_by(f64::total_cmp);
    score
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    sorted.get((sorted.len() as f64 * part) as usize).or(sorted.last()).copied().unwrap_or(f64::NAN)
}

fn row(corpus: &mut Corpus, name: &str, reel: &[f32], places: &[Place], speed: f64, variation: Variation) {
    print!("| {name} |");
    let mut all = Score::default();
    for seconds in LENGTHS {
        let score = measure(corpus, reel, places, seconds, speed, variation);
        print!(" {:.2} |", score.found as f64 / score.queries.max(1) as f64);
        all.errors_ms.extend(score.errors_ms);
        all.refined_samples.extend(score.refined_samples);
        (all.wrong, all.found) = (all.wrong + score.wrong, all.found + score.found);
    }
    all.errors_ms.sort_by(f64::total_cmp);
    all.refined_samples.sort_by(f64::total_cmp);
    let within = all.errors_ms.iter().filter(|error| **error <= 10.0).count();
    println!(
        " {:.2} | {:.1} / {:.1} | {:.2} | {:.1} | {} |",
        within as f64 / all.errors_ms.len().max(1) as f64,
        quantile(&all.errors_ms, 0.5),
        quantile(&all.errors_ms, 0.99),
        all.refined_samples.len() as f64 / all.found.max(1) as f64,
        quantile(&all.refined_samples, 0.5),
        all.wrong
    );
}

fn tables(corpus: &mut Corpus, count: usize) {
    let mut random = Random(20);
    let places_of = places(corpus, count, true, &mut random);
    let clean = reel(corpus, &places_of);
    let others = places(corpus, count, false, &mut random);
    let noise = reel(corpus, &others);
    let hiss = white(&mut random, 60);
    println!(
        "| queries | 0.3 s | 1 s | 3 s | 5 s | 10 s | ≤ 10 ms | ms, median / 99 % | refined | samples | elsewhere |\n|---|---|---|---|---|---|---|---|---|---|---|"
    );
    let gain = clean.iter().map(|sample| 0.25 * sample).collect::<Vec<_>>();
    let mut rows: Vec<(String, Vec<f32>)> = vec![
        ("−12 dB".to_owned(), gain),
        ("MP3 64 kbit/s".to_owned(), coded(&clean, &["-b:a", "64k"], "mp3")),
        ("MP3 32 kbit/s".to_owned(), coded(&clean, &["-b:a", "32k"], "mp3")),
        ("Opus 24 kbit/s".to_owned(), coded(&clean, &["-c:a", "libopus", "-b:a", "24k"], "opus")),
        ("telephone".to_owned(), filtered(&clean, "highpass=300,lowpass=3400,highpass=300,lowpass=3400")),
    ];
    for snr in [20.0, 10.0, 5.0, 0.0] {
        rows.push((format!("others at {snr} dB"), mixed(&clean, &noise, snr)));
    }
    for snr in [10.0, 0.0] {
        rows.push((format!("white noise at {snr} dB"), mixed(&clean, &hiss, snr)));
    }
    rows.push((
        "others at 10 dB, MP3 64".to_owned(),
        coded(&mixed(&clean, &noise, 10.0), &["-b:a", "64k"], "mp3"),
    ));
    for (name, reel) in rows {
        row(corpus, &name, &reel, &places_of, 1.0, Variation::None);
    }
    let second = places(corpus, count, true, &mut random);
    for snr in [0.0, 6.0] {
        let mix = mixed(&clean, &reel(corpus, &second), snr);
        row(corpus, &format!("mix, {snr} dB: the louder"), &mix, &places_of, 1.0, Variation::None);
        row(corpus, "the other", &mix, &second, 1.0, Variation::None);
    }
    let few = &places_of[..count.div_ceil(3)];
    let short = &clean[..few.len() * SLOT];
    for speed in [0.9, 0.95, 1.03, 1.1] {
        let changed = filtered(short, &format!("asetrate={},aresample=16000", (16_000.0 * speed) as u32));
        row(corpus, &format!("speed {speed}"), &changed, few, speed, Variation::SpeedAndPitch);
    }
    for (name, filter) in
        [("+1 semitone", "rubberband=pitch=1.05946"), ("−1 semitone", "rubberband=pitch=0.94387")]
    {
        row(corpus, name, &filtered(short, filter), few, 1.0, Variation::SpeedAndPitch);
    }
    for tempo in [0.92, 1.08] {
        let changed = filtered(short, &format!("atempo={tempo}"));
        row(corpus, &format!("tempo {tempo}"), &changed, few, tempo, Variation::SpeedAndPitch);
    }
    unknown(corpus, &noise, &others);
}

/// Matches of queries from recordings that are not indexed.
fn unknown(corpus: &mut Corpus, reel: &[f32], places: &[Place]) {
    for variation in [Variation::None, Variation::SpeedAndPitch] {
        let (mut queries, mut found) = (0, Vec::new());
        for seconds in LENGTHS {
            let count = if variation == Variation::None { places.len() } else { places.len().div_ceil(3) };
            for slot in 0..count {
                let samples = &reel[slot * SLOT..][..(seconds * f64::from(RATE)) as usize];
                let Ok(query) = Query::new(samples) else { continue };
                queries += 1;
                for false_match in identify(&query, &mut corpus.index, variation, MIN_CONFIDENCE).unwrap() {
                    let name = &corpus.names[false_match.source_id as usize];
                    found.push(format!(
                        "{seconds} s of {}: {name} {false_match:?}",
                        corpus.names[places[slot].recording]
                    ));
                }
            }
        }
        println!(
            "\n{variation:?}: {} false matches of {queries} queries that are not indexed\n{}",
            found.len(),
            found.join("\n")
        );
    }
}

/// Places by chance: for each number of agreeing peaks, the number of places, over that of hits.
fn calibrate(corpus: &mut Corpus) {
    let mut totals = [0usize; 40];
    let (mut hits, mut worst) = (0, Vec::new());
    for (id, recording) in corpus.recordings.iter().enumerate().filter(|(id, _)| !is_indexed(*id)) {
        for seconds in LENGTHS {
            let length = (seconds * f64::from(RATE)) as usize;
            for start in (0..recording.len().saturating_sub(length)).step_by(10 * SECOND) {
                let Ok(query) = Query::new(&recording[start..start + length]) else { continue };
                let mut search = Search::new(&query, Variation::None);
                let hashes: Vec<u32> = search.batches(usize::MAX).flatten().copied().collect();
                let mut postings = Vec::new();
                corpus.index.postings(&hashes, &mut postings).unwrap();
                search.add(&postings).unwrap();
                let (count, peaks) = evidence(search);
                hits += count;
                peaks.iter().for_each(|peaks| totals[(*peaks).min(39)] += 1);
                worst.push((
                    peaks.first().copied().unwrap_or(0),
                    seconds.to_string(),
                    count,
                    corpus.names[id].clone(),
                ));
            }
        }
    }
    worst.sort_by(|a, b| b.cmp(a));
    println!("{} queries, {hits} hits; peaks: places", worst.len());
    for (peaks, count) in totals.iter().enumerate().filter(|(_, count)| **count > 0) {
        println!("{peaks}: {count}, {:.2e} of the hits", *count as f64 / hits as f64);
    }
    worst.iter().take(12).for_each(|worst| println!("{worst:?}"));
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut corpus = load(Path::new(&arguments[0]));
    match arguments.get(1).map(String::as_str) {
        Some("calibrate") => calibrate(&mut corpus),
        count => tables(&mut corpus, count.map_or(40, |count| count.parse().unwrap())),
    }
}
