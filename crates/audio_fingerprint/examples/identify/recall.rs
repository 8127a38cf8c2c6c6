//! Recall of places under changes of the audio, and the errors of their offsets.

use audio_fingerprint::{Match, RATE, Variation};
use media_time::MediaTime;

use crate::audio::{Random, coded, filtered, mixed_by_slot, reverberant};
use crate::library::{Library, Place, SECOND, is_unknown};
use crate::score::{Found, quantile, search};

/// Time of each place on a reel: 10 s, and 2 s of silence.
const SLOT: usize = 12 * SECOND;
pub(crate) const LENGTHS: [f64; 5] = [0.5, 1.0, 2.0, 5.0, 10.0];
/// Speech of this many voices at once is babble.
const VOICES: usize = 6;

/// A reel with a query's audio in each slot, played at a speed.
struct Reel<'a> {
    name: &'a str,
    samples: Vec<f32>,
    places: &'a [Place],
    /// Of the time axis.
    speed: f64,
    variation: Variation,
}

#[derive(Default)]
struct Score {
    queries: usize,
    found: usize,
    /// Matches in other recordings.
    elsewhere: Vec<(Place, Match)>,
    errors_ms: Vec<f64>,
}

impl Score {
    /// Counts the matches of a query whose first sample is at `expected` s of the place's recording.
    fn count(&mut self, matches: &[Match], place: Place, expected: f64, speed: f64) {
        // In the middle of the match, where an error of the speed matters least.
        let error = |found: &Match| {
            let middle = found.query.start() + MediaTime::from_micros(found.query.duration().as_micros() / 2);
            (found.source_at(middle).as_secs_f64() - expected - middle.as_secs_f64() * speed).abs() * 1e3
        };
        let (here, elsewhere): (Vec<Match>, Vec<Match>) =
            matches.iter().copied().partition(|found| found.source_id == place.recording as i64);
        self.elsewhere.extend(elsewhere.into_iter().map(|found| (place, found)));
        self.queries += 1;
        // Within 100 ms it is the place; errors are reported.
        if let Some(error) = here.iter().map(error).find(|error| *error < 100.0) {
            self.found += 1;
            self.errors_ms.push(error);
        }
    }
}

/// Audio of the same length as `places` on a reel, of others.
fn spliced(library: &Library, places: &[Place]) -> Vec<f32> {
    let mut reel = Vec::new();
    for place in places {
        reel.extend(library.part(place.recording, place.start, 10 * SECOND));
        reel.resize(reel.len() + SLOT - 10 * SECOND, 0.0);
    }
    reel
}

/// Noises of recordings that are not indexed: speech of several voices, and music.
fn noises(library: &Library, count: usize, random: &mut Random) -> [Vec<f32>; 2] {
    let of = |is_speech: bool| -> Vec<usize> {
        let has_kind = |id: &usize| library.names[*id].starts_with("speech") == is_speech;
        (0..library.names.len()).filter(|id| is_unknown(*id)).filter(has_kind).collect()
    };
    let mut reel = |recordings: &[usize]| {
        let places: Vec<Place> = (0..count).map(|_| library.place(recordings, 10 * SECOND, random)).collect();
        spliced(library, &places)
    };
    let (speech, music) = (of(true), of(false));
    let mut babble = reel(&speech);
    for _ in 1..VOICES {
        babble.iter_mut().zip(reel(&speech)).for_each(|(sum, voice)| *sum += voice);
    }
    [babble, reel(&music)]
}

/// `changed_places` is the number of places that are searched at other speeds and pitches, `None` for the short table.
pub(crate) fn tables(library: &mut Library, count: usize, seed: u64, changed_places: Option<usize>) {
    let is_all = changed_places.is_some();
    let mut random = Random(seed);
    let indexed = library.indexed.clone();
    let places: Vec<Place> = (0..count).map(|_| library.place(&indexed, 10 * SECOND, &mut random)).collect();
    let clean = spliced(library, &places);
    let [babble, music] = noises(library, count, &mut random);
    println!(
        "\n| queries | {} | ≤ 10 ms | error, ms | confirmed, ms | elsewhere |\n|---|{}---|---|---|---|",
        LENGTHS.map(|length| format!("{length} s")).join(" | "),
        "---|".repeat(LENGTHS.len())
    );
    let mp3 = |samples: &[f32], rate: &str| coded(samples, &["-b:a", rate], "mp3");
    let mut rows = vec![
        ("−12 dB".to_owned(), clean.iter().map(|sample| 0.25 * sample).collect()),
        ("MP3 64 kbit/s".to_owned(), mp3(&clean, "64k")),
        ("babble at 10 dB, MP3 64".to_owned(), mp3(&mixed_by_slot(&clean, &babble, 10.0, SLOT), "64k")),
    ];
    if is_all {
        rows.push(("MP3 32 kbit/s".to_owned(), mp3(&clean, "32k")));
        let telephone = "highpass=300,lowpass=3400,highpass=300,lowpass=3400";
        rows.push(("telephone".to_owned(), filtered(&clean, telephone)));
        for (noise, samples) in [("babble", &babble), ("music", &music)] {
            for snr in [10.0, 5.0, 0.0] {
                rows.push((format!("{noise} at {snr} dB"), mixed_by_slot(&clean, samples, snr, SLOT)));
            }
        }
        rows.push(("reverberation, 0.6 s".to_owned(), reverberant(&clean, 0.6)));
        let bands = "equalizer=f=150:t=o:w=1:g=9,equalizer=f=2500:t=o:w=1.5:g=-9,treble=g=6";
        rows.push(("equaliser, ± 9 dB".to_owned(), filtered(&clean, bands)));
    }
    let mut times = LENGTHS.map(|_| Vec::new());
    for (name, samples) in rows {
        let reel = Reel { name: &name, samples, places: &places, speed: 1.0, variation: Variation::None };
        row(library, &reel, &mut times);
    }
    report_times("at the same speed", &mut times);
    if let Some(changed_places) = changed_places {
        let mut times = LENGTHS.map(|_| Vec::new());
        changed(library, &places[..count.min(changed_places)], &clean, &mut times);
        report_times("at all speeds and pitches", &mut times);
    }
}

/// Queries at other speeds and pitches.
fn changed(library: &mut Library, places: &[Place], clean: &[f32], times: &mut [Vec<f64>; 5]) {
    let clean = &clean[..places.len() * SLOT];
    for (name, filter, speed) in [
        ("speed −10 %", "asetrate=14400,aresample=16000", 0.9),
        ("speed +10 %", "asetrate=17600,aresample=16000", 1.1),
        ("−1 semitone", "rubberband=pitch=0.94387", 1.0),
        ("+1 semitone", "rubberband=pitch=1.05946", 1.0),
        ("tempo +8 %", "atempo=1.08", 1.08),
    ] {
        let samples = filtered(clean, filter);
        row(library, &Reel { name, samples, places, speed, variation: Variation::SpeedAndPitch }, times);
    }
}

fn row(library: &mut Library, reel: &Reel<'_>, times: &mut [Vec<f64>; 5]) {
    print!("| {} |", reel.name);
    let (mut before, mut after) = (Score::default(), Score::default());
    for (seconds, times) in LENGTHS.into_iter().zip(times) {
        let counts = [before.found, after.found, before.queries];
        for (slot, place) in reel.places.iter().enumerate() {
            let start = ((slot * SLOT) as f64 / reel.speed) as usize + 17;
            let length = (seconds * f64::from(RATE) / reel.speed.max(1.0)) as usize;
            let Some(samples) = reel.samples.get(start..start + length) else { continue };
            let from = &library.names[place.recording];
            library.write(reel.name, &format!("{seconds}~{from}~{}", place.start + 17), samples);
            let Found { landmarks, confirmed, cpu_ms } = search(library, samples, reel.variation);
            let at = place.start as f64 + start as f64 * reel.speed - (slot * SLOT) as f64;
            before.count(&landmarks, *place, at / f64::from(RATE), reel.speed);
            after.count(&confirmed, *place, at / f64::from(RATE), reel.speed);
            times.push(cpu_ms);
        }
        let queries = (before.queries - counts[2]).max(1) as f64;
        let recall = [before.found - counts[0], after.found - counts[1]].map(|n| n as f64 / queries);
        print!(" {:.2} / {:.2} |", recall[0], recall[1]);
    }
    let within = before.errors_ms.iter().filter(|error| **error <= 10.0).count();
    println!(
        " {:.2} | {:.1} / {:.1} | {:.3} / {:.1} | {} / {} |",
        within as f64 / before.errors_ms.len().max(1) as f64,
        quantile(&mut before.errors_ms, 0.5),
        quantile(&mut before.errors_ms, 0.99),
        quantile(&mut after.errors_ms, 0.5),
        quantile(&mut after.errors_ms, 0.99),
        before.elsewhere.len(),
        after.elsewhere.len()
    );
    for (place, found) in &after.elsewhere {
        let (from, to) = (&library.names[place.recording], library.name(found.source_id));
        eprintln!("{}: {from} at {} also in {to}: {found:?}", reel.name, place.start);
    }
}

fn report_times(name: &str, times: &mut [Vec<f64>; 5]) {
    let figures = LENGTHS.into_iter().zip(times).map(|(seconds, times)| {
        format!("{seconds} s: {:.0} / {:.0}", quantile(times, 0.5), quantile(times, 0.99))
    });
    println!("\nCPU of a query {name}, median / 99 %, in ms: {}", figures.collect::<Vec<_>>().join(", "));
}
