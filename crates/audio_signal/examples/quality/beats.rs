//! Scores beats, downbeats and tempo against `beats/`, `beats_closed/` and `drums/`; beats in `sounds/` are false.

use std::path::Path;

use audio_signal::{Beat, Rhythm};

use crate::corpus;
use crate::score::{f_measure, mean, median};

/// Beats before this time are not scored, in seconds (as in the corpus's published scores).
const FROM: f64 = 3.0;
/// Tolerance of a beat in seconds.
const TOLERANCE: f64 = 0.07;
/// Tolerance of a tempo, relative.
const TEMPO_TOLERANCE: f64 = 0.04;

/// Ratios to the true tempo at which a tempo counts as related.
const OCTAVES: [f64; 5] = [1.0 / 3.0, 0.5, 1.0, 2.0, 3.0];

/// Beats within which the recordings are cut: the analysis then has no information about the start of bars.
const CUTS: std::ops::Range<usize> = 4..12;

/// The annotated beats of a recording, in seconds.
struct Truth {
    beats: Vec<f64>,
    downbeats: Vec<f64>,
}

/// Scores of one recording.
struct Row {
    name: String,
    beats: f64,
    /// F of the points between the found beats.
    between: f64,
    downbeats: Option<f64>,
    true_bpm: f64,
    bpm: f64,
    top: bool,
    related: bool,
    weight: f64,
}

/// Prints one table per folder.
pub(crate) fn print(root: &Path) {
    for folder in ["beats", "beats_closed", "drums"] {
        let rows: Vec<Row> = corpus::recordings(&root.join(folder)).iter().map(|path| row(path)).collect();
        if rows.is_empty() {
            continue;
        }
        println!("\n{folder}: F ±70 ms from 3 s on; tempo within 4 %");
        println!(
            "{:<16}{:>7}{:>10}{:>9}{:>9}{:>6}{:>9}{:>8}",
            "file", "beats", "downbeats", "true bpm", "bpm", "top", "related", "weight"
        );
        for row in &rows {
            let downbeats = row.downbeats.map_or_else(|| "–".to_owned(), |f| format!("{f:.3}"));
            println!(
                "{:<16}{:>7.3}{:>10}{:>9.1}{:>9.1}{:>6}{:>9}{:>8.2}",
                row.name, row.beats, downbeats, row.true_bpm, row.bpm, row.top, row.related, row.weight
            );
        }
        println!("mean: {}", summary(&rows));
        let failures = |is_failure: fn(&Row) -> bool| rows.iter().filter(|row| is_failure(row)).count();
        println!(
            "between the beats {}, without beats {}, at an octave {}",
            failures(|row| row.beats < 0.2 && row.between > 0.5),
            failures(|row| row.bpm == 0.0),
            failures(|row| !row.top && row.related),
        );
        let cut: Vec<Row> =
            corpus::recordings(&root.join(folder)).iter().flat_map(|path| cut_rows(path)).collect();
        println!("started within a beat, {} starts each: {}", CUTS.len(), summary(&cut));
    }
    let sounds = corpus::recordings(&root.join("sounds"));
    let false_beats = sounds.iter().filter(|path| !corpus::analysis(path).rhythm.beats.is_empty());
    let names: Vec<String> = false_beats.map(|path| corpus::name(path)).collect();
    println!("\nsounds: beats in {} of {}: {}", names.len(), sounds.len(), names.join(" "));
}

/// Means over `rows`, as text.
fn summary(rows: &[Row]) -> String {
    let downbeats: Vec<f64> = rows.iter().filter_map(|row| row.downbeats).collect();
    let share = |hit: fn(&Row) -> bool| mean(rows.iter().map(|row| f64::from(u8::from(hit(row)))));
    format!(
        "beats {:.3}, downbeats {}, tempo top {:.2}, tempo related {:.2}",
        mean(rows.iter().map(|row| row.beats)),
        if downbeats.is_empty() { "–".to_owned() } else { format!("{:.3}", mean(downbeats)) },
        share(|row| row.top),
        share(|row| row.related),
    )
}

fn row(path: &Path) -> Row {
    score(path, &truth(path), &corpus::rhythm(path))
}

/// Scores for each cut of a recording.
fn cut_rows(path: &Path) -> Vec<Row> {
    let (rate, mono) = corpus::mono(path);
    let truth = truth(path);
    let cut = |beat: usize| {
        let start = f64::midpoint(truth.beats[beat], truth.beats[beat + 1]);
        let after = |times: &[f64]| -> Vec<f64> {
            times.iter().map(|time| time - start).filter(|time| *time >= 0.0).collect()
        };
        let rest = Truth { beats: after(&truth.beats), downbeats: after(&truth.downbeats) };
        score(path, &rest, &corpus::rhythm_of(rate, &mono[(start * f64::from(rate)) as usize..]))
    };
    CUTS.map(cut).collect()
}

fn truth(path: &Path) -> Truth {
    let truth = corpus::fields(path, "beats");
    let number = |field: &String| field.parse::<f64>().expect("a number");
    let is_downbeat = |fields: &&Vec<String>| fields.get(1).is_some_and(|position| position == "1");
    Truth {
        beats: truth.iter().map(|fields| number(&fields[0])).collect(),
        downbeats: truth.iter().filter(is_downbeat).map(|fields| number(&fields[0])).collect(),
    }
}

/// Scores `rhythm`, detected in the recording at `path`.
fn score(path: &Path, Truth { beats, downbeats }: &Truth, rhythm: &Rhythm) -> Row {
    let counted =
        |times: &[f64]| -> Vec<f64> { times.iter().copied().filter(|time| *time >= FROM).collect() };
    let intervals: Vec<f64> = beats.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let true_bpm = 60.0 / median(&intervals).expect("two beats");
    let near = |bpm: f64| (bpm / true_bpm - 1.0).abs() <= TEMPO_TOLERANCE;
    let bpm = rhythm.tempo.as_ref().map_or(0.0, |tempo| tempo.bpm);
    let best = rhythm.tempo.as_ref().and_then(|tempo| tempo.candidates.first());
    let score = |truth: &[f64], is_selected: fn(&Beat) -> bool| {
        f_measure(&counted(truth), &counted(&found(rhythm, is_selected)), TOLERANCE).f
    };
    let between: Vec<f64> =
        found(rhythm, |_| true).windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).collect();
    Row {
        name: corpus::name(path),
        beats: score(beats, |_| true),
        between: f_measure(&counted(beats), &counted(&between), TOLERANCE).f,
        downbeats: (!downbeats.is_empty()).then(|| score(downbeats, |beat| beat.position == 1)),
        true_bpm,
        bpm,
        top: near(bpm),
        related: OCTAVES.iter().any(|ratio| near(bpm * ratio)),
        weight: best.map_or(0.0, |candidate| candidate.weight),
    }
}

fn found(rhythm: &Rhythm, is_selected: fn(&Beat) -> bool) -> Vec<f64> {
    rhythm.beats.iter().filter(|beat| is_selected(beat)).map(|beat| beat.time.as_secs_f64()).collect()
}
