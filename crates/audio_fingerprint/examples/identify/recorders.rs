//! Pairs of recorders of one event, and of different events.

use audio_fingerprint::{AlignedPart, MemoryIndex, Query, RATE, Variation, align, blocks, identify};
use media_time::MediaTime;

use crate::audio::{Random, mixed, reverberant, white};
use crate::library::{Library, SECOND, fingerprint, is_synthesised, is_unknown};
use crate::score::{cpu_ms, quantile};

/// Length of an event, and of the pieces it is made of, in seconds.
const EVENT: usize = 600;
const PIECE: usize = 60;
/// Length of the unrelated recordings.
const UNRELATED: usize = 120;

/// A recording by one of the recorders.
struct Recorder {
    /// Second of the event at which it was started.
    start: f64,
    /// How much faster its clock is.
    ppm: f64,
    reverberation: f32,
    snr_db: f32,
    gain: f32,
}

impl Recorder {
    fn random(random: &mut Random) -> Self {
        Self {
            start: 10.0 * random.next(),
            ppm: 400.0 * random.next() - 200.0,
            reverberation: 0.2 + 0.6 * random.next() as f32,
            snr_db: 10.0 + 20.0 * random.next() as f32,
            gain: 0.1 + 0.4 * random.next() as f32,
        }
    }

    fn record(&self, event: &[f32], random: &mut Random) -> Vec<f32> {
        let step = 1.0 / (1.0 + self.ppm * 1e-6);
        let first = self.start * f64::from(RATE);
        let count = ((event.len() as f64 - first) / step) as usize;
        let dry: Vec<f32> = (0..count).map(|n| interpolated(event, first + n as f64 * step)).collect();
        let wet = reverberant(&dry, self.reverberation);
        let noise = white(random, wet.len());
        mixed(&wet, &noise, self.snr_db).iter().map(|sample| self.gain * sample).collect()
    }
}

/// The sample at a fractional position: a sinc kernel of 48 samples, with a Hann window.
fn interpolated(samples: &[f32], position: f64) -> f32 {
    const REACH: i64 = 24;
    let whole = position.floor();
    let mut sum = 0.0;
    for tap in 1 - REACH..=REACH {
        let x = std::f64::consts::PI * (whole + tap as f64 - position);
        let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
        let at = usize::try_from(whole as i64 + tap).ok();
        let sample = at.and_then(|at| samples.get(at)).copied().unwrap_or_default();
        sum += f64::from(sample) * sinc * (0.5 + 0.5 * (x / REACH as f64).cos());
    }
    sum as f32
}

fn aligned(reference: &[f32], other: &[f32]) -> Vec<AlignedPart> {
    let mut index = MemoryIndex::new();
    index.add(0, &fingerprint(reference));
    let mut matches = Vec::new();
    for block in blocks(other.len() as u64) {
        let start = MediaTime::from_samples(block.start as i64, RATE);
        let Ok(query) = Query::new(&other[block.start as usize..block.end as usize]) else { continue };
        let found = identify(&query, &mut index, Variation::None, 0.999).unwrap();
        matches.extend(found.into_iter().map(|found| found.later(start)));
    }
    align(&mut &*reference, &mut &*other, &matches).unwrap()
}

/// The recordings that no library has, in two halves without one in common: synthesised ones, which are made of the same
/// samples, are in the first.
fn halves(library: &Library) -> [Vec<usize>; 2] {
    let unknown = (0..library.recordings.len()).filter(|id| is_unknown(*id));
    let (first, second) = unknown.partition(|id| is_synthesised(&library.names[*id]) || id % 8 == 3);
    [first, second]
}

/// An event of several pieces of recordings.
fn event(library: &Library, recordings: &[usize], seconds: usize, random: &mut Random) -> Vec<f32> {
    let length = PIECE.min(seconds) * SECOND;
    let mut event = Vec::new();
    while event.len() < seconds * SECOND {
        let place = library.place(recordings, length, random);
        event.extend(library.part(place.recording, place.start, length));
    }
    event
}

pub(crate) fn table(library: &mut Library, pairs: usize, seed: u64) {
    let (mut random, halves) = (Random(seed + 3), halves(library));
    let (mut offsets, mut drifts, mut whole, mut times) = (Vec::new(), Vec::new(), 0, Vec::new());
    for pair in 0..pairs {
        let event = event(library, &halves.concat(), EVENT, &mut random);
        let recorders = [(); 2].map(|()| Recorder::random(&mut random));
        let [reference, other] = recorders.each_ref().map(|recorder| recorder.record(&event, &mut random));
        let before = cpu_ms();
        let parts = aligned(&reference, &other);
        times.push((cpu_ms() - before) / 1e3);
        let clock = |recorder: &Recorder| 1.0 + recorder.ppm * 1e-6;
        // A time of the other recorder, on the reference's clock.
        let true_place = |t: f64| {
            (recorders[1].start - recorders[0].start + t / clock(&recorders[1])) * clock(&recorders[0])
        };
        for (name, samples) in [("reference", &reference), ("other", &other)] {
            library.write("align", &format!("{pair}~{name}~{}", true_place(0.0)), samples);
        }
        let drift = (clock(&recorders[1]) / clock(&recorders[0]) - 1.0) * 1e6;
        let length = other.len() as f64 / f64::from(RATE);
        whole += usize::from(parts.len() == 1 && parts[0].other.duration().as_secs_f64() > 0.98 * length);
        for part in parts {
            let place = |t: f64| part.offset.as_secs_f64() + t / (1.0 + part.drift_ppm * 1e-6);
            let ends = [part.other.start(), part.other.end()].map(MediaTime::as_secs_f64);
            let error = ends.map(|t| (place(t) - true_place(t)).abs() * 1e3);
            offsets.push(error[0].max(error[1]));
            if error[0].max(error[1]) > 1.0 || (part.drift_ppm - drift).abs() > 1.0 {
                eprintln!("wrong by {error:?} ms, {:.2} ppm: {part:?}", part.drift_ppm - drift);
            }
            drifts.push((part.drift_ppm - drift).abs());
        }
    }
    println!(
        "\n{pairs} pairs of recorders of one event of {EVENT} s: {whole} aligned as one part over all of it"
    );
    for (name, values) in
        [("error of the place at the ends, ms", &mut offsets), ("error of the drift, ppm", &mut drifts)]
    {
        println!(
            "{name}: median {:.3}, 99 % {:.3}, largest {:.3}",
            quantile(values, 0.5),
            quantile(values, 0.99),
            quantile(values, 1.0)
        );
    }
    println!("CPU of an alignment: {:.1} s", quantile(&mut times, 0.5));
    let mut wrong = 0;
    for _ in 0..10 * pairs {
        let [reference, other] = halves.each_ref().map(|recordings| {
            let event = event(library, recordings, UNRELATED, &mut random);
            Recorder { start: 0.0, ..Recorder::random(&mut random) }.record(&event, &mut random)
        });
        wrong += usize::from(!aligned(&reference, &other).is_empty());
    }
    println!("{} pairs of different events, {UNRELATED} s: {wrong} with a part", 10 * pairs);
}
