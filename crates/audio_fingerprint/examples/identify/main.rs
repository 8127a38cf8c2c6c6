//! Measures identification on recordings: recall of places, errors, and matches of recordings that are not indexed.
//!
//!     identify CORPUS [PLACES]          the tables of docs/fingerprints.md
//!     identify CORPUS calibrate         agreeing peaks of places by chance, for the null model
//!
//! Every fourth recording is not indexed. Queries are cut at `PLACES` random places (40), all at once on a reel: 10 s of
//! each, 2 s of silence between them.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring tool: its output is its result")]

mod audio;

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use audio::{Random, coded, decode, files, filtered, is_quiet, mixed, white};
use audio_fingerprint::{
    Fingerprinter, MIN_CANDIDATE_CONFIDENCE, MIN_CONFIDENCE, Match, MemoryIndex, Postings, Query, RATE,
    Samples, Search, Sources, Variation, confirm, evidence, identify,
};
use media_time::MediaTime;

const SECOND: usize = RATE as usize;
const SLOT: usize = 12 * SECOND;
const LENGTHS: [f64; 5] = [0.3, 1.0, 3.0, 5.0, 10.0];

struct Corpus {
    recordings: Vec<Vec<f32>>,
    names: Vec<String>,
    index: MemoryIndex,
}

/// The recordings, as sources.
struct Recordings<'a>(&'a [Vec<f32>]);

impl Sources for Recordings<'_> {
    type Error = Infallible;

    fn read(&mut self, source: i64, start: i64, out: &mut [f32]) -> Result<(), Infallible> {
        self.0[source as usize].as_slice().read(start, out)
    }
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
            index.add(id as i64, &landmarks);
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

fn spliced(corpus: &Corpus, places: &[Place]) -> Vec<f32> {
    let mut reel = Vec::new();
    for place in places {
        reel.extend_from_slice(&corpus.recordings[place.recording][place.start..][..10 * SECOND]);
        reel.resize(reel.len() + 2 * SECOND, 0.0);
    }
    reel
}

/// A reel with a query's audio in each slot, played at a speed.
#[derive(Clone, Copy)]
struct Reel<'a> {
    samples: &'a [f32],
    places: &'a [Place],
    /// Places of other audio in the mix.
    others: &'a [Place],
    speed: f64,
}

#[derive(Default)]
struct Score {
    queries: usize,
    found: usize,
    /// Matches in recordings of which no query was cut.
    elsewhere: usize,
    errors_ms: Vec<f64>,
}

impl Score {
    fn add(&mut self, other: Self) {
        self.found += other.found;
        self.elsewhere += other.elsewhere;
        self.errors_ms.extend(other.errors_ms);
        self.errors_ms.sort_by(f64::total_cmp);
    }
}

/// The matches of a query: of landmarks alone, or candidates that are confirmed by correlation.
fn search(corpus: &mut Corpus, samples: &[f32], variation: Variation, is_confirmed: bool) -> Vec<Match> {
    let Ok(query) = Query::new(samples) else { return Vec::new() };
    let least = if is_confirmed { MIN_CANDIDATE_CONFIDENCE } else { MIN_CONFIDENCE };
    let found = identify(&query, &mut corpus.index, variation, least).unwrap();
    if !is_confirmed {
        return found;
    }
    confirm(samples, found, &mut Recordings(&corpus.recordings), MIN_CONFIDENCE).unwrap()
}

/// Searches the queries of `seconds` on a reel that is played at `speed`.
fn measure(
    corpus: &mut Corpus,
    reel: &Reel<'_>,
    seconds: f64,
    variation: Variation,
    is_confirmed: bool,
) -> Score {
    let Reel { samples, places, others, speed } = *reel;
    let mut score = Score::default();
    for (slot, place) in places.iter().enumerate() {
        let start = ((slot * SLOT) as f64 / speed) as usize + 17;
        let length = (seconds * f64::from(RATE) / speed.max(1.0)) as usize;
        let Some(samples) = samples.get(start..start + length) else { continue };
        score.queries += 1;
        let expected = (place.start as f64 + start as f64 * speed - (slot * SLOT) as f64) / f64::from(RATE);
        let matches = search(corpus, samples, variation, is_confirmed);
        // In the middle of the match, where an error of the speed matters least.
        let error = |found: &Match| {
            let middle = found.query.start() + MediaTime::from_micros(found.query.duration().as_micros() / 2);
            (found.source_at(middle).as_secs_f64() - expected - middle.as_secs_f64() * speed).abs() * 1e3
        };
        // Within 100 ms it is the place; errors are reported.
        let is_right = |found: &&Match| found.source_id == place.recording as i64 && error(found) < 100.0;
        let is_elsewhere = |found: &&Match| {
            !places.iter().chain(others).any(|place| found.source_id == place.recording as i64)
        };
        score.elsewhere += matches.iter().filter(is_elsewhere).count();
        if let Some(found) = matches.iter().find(is_right) {
            score.found += 1;
            score.errors_ms.push(error(found));
        }
    }
    score
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    sorted.get((sorted.len() as f64 * part) as usize).or(sorted.last()).copied().unwrap_or(f64::NAN)
}

fn row(corpus: &mut Corpus, name: &str, reel: &Reel<'_>, variation: Variation) {
    print!("| {name} |");
    let (mut before, mut after) = (Score::default(), Score::default());
    for seconds in LENGTHS {
        let scores =
            [false, true].map(|is_confirmed| measure(corpus, reel, seconds, variation, is_confirmed));
        let recall = |score: &Score| score.found as f64 / score.queries.max(1) as f64;
        print!(" {:.2} / {:.2} |", recall(&scores[0]), recall(&scores[1]));
        let [landmarks, confirmed] = scores;
        before.add(landmarks);
        after.add(confirmed);
    }
    let within = before.errors_ms.iter().filter(|error| **error <= 10.0).count();
    println!(
        " {:.2} | {:.1} / {:.1} | {:.3} / {:.1} | {} / {} |",
        within as f64 / before.errors_ms.len().max(1) as f64,
        quantile(&before.errors_ms, 0.5),
        quantile(&before.errors_ms, 0.99),
        quantile(&after.errors_ms, 0.5),
        quantile(&after.errors_ms, 0.99),
        before.elsewhere,
        after.elsewhere
    );
}

fn tables(corpus: &mut Corpus, count: usize) {
    let mut random = Random(20);
    let places_of = places(corpus, count, true, &mut random);
    let clean = spliced(corpus, &places_of);
    let others = places(corpus, count, false, &mut random);
    let noise = spliced(corpus, &others);
    let hiss = white(&mut random, 60);
    println!(
        "| queries | 0.3 s | 1 s | 3 s | 5 s | 10 s | ≤ 10 ms | error, ms | confirmed, ms | elsewhere |\n|---|---|---|---|---|---|---|---|---|---|"
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
        row(
            corpus,
            &name,
            &Reel { samples: &reel, places: &places_of, others: &[], speed: 1.0 },
            Variation::None,
        );
    }
    let second = places(corpus, count, true, &mut random);
    for snr in [0.0, 6.0] {
        let mix = mixed(&clean, &spliced(corpus, &second), snr);
        row(
            corpus,
            &format!("mix, {snr} dB: the louder"),
            &Reel { samples: &mix, places: &places_of, others: &second, speed: 1.0 },
            Variation::None,
        );
        row(
            corpus,
            "the other",
            &Reel { samples: &mix, places: &second, others: &places_of, speed: 1.0 },
            Variation::None,
        );
    }
    let few = &places_of[..count.div_ceil(3)];
    let short = &clean[..few.len() * SLOT];
    for speed in [0.9, 0.95, 1.03, 1.1] {
        let changed = filtered(short, &format!("asetrate={},aresample=16000", (16_000.0 * speed) as u32));
        row(
            corpus,
            &format!("speed {speed}"),
            &Reel { samples: &changed, places: few, others: &[], speed },
            Variation::SpeedAndPitch,
        );
    }
    for (name, filter) in
        [("+1 semitone", "rubberband=pitch=1.05946"), ("−1 semitone", "rubberband=pitch=0.94387")]
    {
        let changed = filtered(short, filter);
        row(
            corpus,
            name,
            &Reel { samples: &changed, places: few, others: &[], speed: 1.0 },
            Variation::SpeedAndPitch,
        );
    }
    for tempo in [0.92, 1.08] {
        let changed = filtered(short, &format!("atempo={tempo}"));
        row(
            corpus,
            &format!("tempo {tempo}"),
            &Reel { samples: &changed, places: few, others: &[], speed: tempo },
            Variation::SpeedAndPitch,
        );
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
                queries += 1;
                for false_match in search(corpus, samples, variation, true) {
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

/// Limits of the densities of hits by which places are counted.
const DENSITIES: [f64; 6] = [0.02, 0.06, 0.15, 0.4, 1.0, f64::INFINITY];

/// Places by chance: for each density of hits around them and each number of agreeing peaks, the number of places with as
/// many or more, over that of hits.
fn calibrate(corpus: &mut Corpus) {
    let mut totals = [[0usize; 40]; DENSITIES.len()];
    let (mut hits, mut worst) = (0, Vec::new());
    for (id, recording) in corpus.recordings.iter().enumerate().filter(|(id, _)| !is_indexed(*id)) {
        for seconds in LENGTHS {
            let length = (seconds * f64::from(RATE)) as usize;
            for start in (0..recording.len().saturating_sub(length)).step_by(6 * SECOND) {
                let Ok(query) = Query::new(&recording[start..start + length]) else { continue };
                let mut search = Search::new(&query, Variation::None);
                let hashes: Vec<u32> = search.batches(usize::MAX).flatten().copied().collect();
                let mut postings = Vec::new();
                corpus.index.postings(&hashes, &mut postings).unwrap();
                search.add(&postings).unwrap();
                let (count, places) = evidence(search);
                hits += count;
                for (peaks, density) in places {
                    let group = DENSITIES.iter().position(|limit| density < *limit).unwrap();
                    totals[group][..=peaks.min(39)].iter_mut().for_each(|total| *total += 1);
                    worst.push((
                        peaks,
                        format!("{seconds} s, {count} hits, density {density:.3}"),
                        corpus.names[id].clone(),
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

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut corpus = load(Path::new(&arguments[0]));
    match arguments.get(1).map(String::as_str) {
        Some("calibrate") => calibrate(&mut corpus),
        count => tables(&mut corpus, count.map_or(40, |count| count.parse().unwrap())),
    }
}
