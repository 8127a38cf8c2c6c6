//! Compares the roles of the reported hits with the annotated strokes of the drum-only recordings of `drums/`.

use std::fs::File;
use std::path::Path;

use audio_field_to_samples::extract::{FeatureSet, extract};
use audio_field_to_samples::hits::{HitParams, detect};
use audio_signal::{Control, HitMeter, HitRole};

use crate::calibration::{HEADER, Reliability};
use crate::{corpus, drums};

/// Maximum distance between a hit and its strokes, in seconds.
const NEAR: f64 = 0.03;

/// Prints the confusion of hits of one instrument, and how many of all hits have a role of one of their instruments.
pub(crate) fn print() {
    println!("\nroles of hits, drum-only; rows are the strokes of one instrument within {} ms", NEAR * 1e3);
    let mut table = [[0_usize; HitRole::ALL.len()]; HitRole::ALL.len()];
    let (mut all, mut named, mut right) = (0, 0, 0);
    let mut reliability = Reliability::default();
    for path in drums::recordings(&corpus::root()) {
        let file = File::open(&path).expect("the recording");
        let features = extract(&file.into(), FeatureSet { rhythm: true, bands: false }, &Control::none())
            .expect("a recording");
        let ((_, mono), strokes) = (corpus::mono(&path), strokes(&path));
        for hit in detect(&features.rhythm.onsets, &features.envelope, &HitParams::default()) {
            let time = hit.time.as_secs_f64();
            let near = strokes.iter().filter(|(at, _)| (at - time).abs() <= NEAR);
            let mut truth: Vec<usize> = near.map(|(_, role)| index(*role)).collect();
            truth.sort_unstable();
            truth.dedup();
            let mut meter = HitMeter::new(features.format.rate);
            meter.push(&mono[hit.sound.start as usize..hit.sound.end as usize]);
            let (Some(first), Some(found)) = (truth.first(), meter.finish()) else { continue };
            let role = index(found.role.role);
            if truth.len() == 1 {
                table[*first][role] += 1;
            }
            all += 1;
            if found.role.role != HitRole::Other {
                named += 1;
                right += usize::from(truth.contains(&role));
                reliability.add(found.role.confidence.into(), truth.contains(&role));
            }
        }
    }
    println!("{:8}{}", "", HitRole::ALL.map(|role| format!("{:>7}", role.as_str())).concat());
    for (role, counts) in HitRole::ALL.iter().zip(table) {
        println!("{:8}{}", role.as_str(), counts.map(|count| format!("{count:>7}")).concat());
    }
    println!("of {all} hits {named} have a role, {right} that of one of their instruments");
    println!("{HEADER}\n{}", reliability.row("roles of hits"));
}

fn index(role: HitRole) -> usize {
    HitRole::ALL.iter().position(|other| *other == role).unwrap_or_default()
}

/// The strokes in seconds, with their roles.
fn strokes(recording: &Path) -> Vec<(f64, HitRole)> {
    let stroke = |fields: Vec<String>| {
        let role = match fields[1].as_str() {
            "KD" => HitRole::Kick,
            "SD" => HitRole::Snare,
            "HH" | "CY" => HitRole::Hat,
            "TT" => HitRole::Tom,
            _ => HitRole::Other,
        };
        (fields[0].parse().expect("a number"), role)
    };
    corpus::fields(recording, "onsets").into_iter().map(stroke).collect()
}
