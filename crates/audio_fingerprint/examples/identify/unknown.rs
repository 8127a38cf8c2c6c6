//! Queries from recordings that are not indexed: every match is a false one.

use audio_fingerprint::{Match, RATE, Variation};

use crate::audio::{Random, coded};
use crate::library::{Library, SECOND, is_synthesised, is_unknown};
use crate::recall::LENGTHS;
use crate::score::search;

pub(crate) fn table(library: &mut Library, count: usize, seed: u64) {
    let mut random = Random(seed + 1);
    let unknown: Vec<usize> = (0..library.names.len()).filter(|id| is_unknown(*id)).collect();
    for (variation, count) in [(Variation::None, count), (Variation::SpeedAndPitch, count / 10)] {
        let (mut by_landmarks, mut confirmed, mut recorded) = (0, 0, [0; 2]);
        let mut names = Vec::new();
        for number in 0..count {
            let length = (LENGTHS[number % LENGTHS.len()] * f64::from(RATE)) as usize;
            let place = library.place(&unknown, 10 * SECOND, &mut random);
            let mut samples = library.part(place.recording, place.start, length);
            if number % 2 == 1 && variation == Variation::None && number < count / 5 {
                samples = coded(&samples, &["-b:a", "64k"], "mp3");
                samples.truncate(length);
            }
            let found = search(library, &samples, variation);
            by_landmarks += usize::from(!found.landmarks.is_empty());
            confirmed += usize::from(!found.confirmed.is_empty());
            if !is_synthesised(&library.names[place.recording]) {
                recorded[0] += 1;
                recorded[1] += usize::from(!found.confirmed.is_empty());
            }
            let describe = |found: &Match| {
                let name = library.name(found.source_id);
                let (query, source) = (found.query, found.source.start().as_secs_f64());
                let (peaks, by_chance) = (found.score, found.expected_by_chance);
                format!(
                    "{name} at {source:.1} s: {} s, {peaks} peaks, {by_chance:.1e}",
                    query.duration().as_secs_f64()
                )
            };
            if let Some(first) = found.confirmed.first().or(found.landmarks.first()) {
                let from = &library.names[place.recording];
                let (at, length) = (place.start as f64 / f64::from(RATE), length as f64 / f64::from(RATE));
                let total = found.confirmed.len();
                names.push(format!("{length} s of {from} at {at:.1} s: {total} in {}", describe(first)));
            }
        }
        println!(
            "\n{count} queries that are not indexed ({variation:?}): {by_landmarks} with a match by landmarks, \
             {confirmed} confirmed; of the {} that are not made by a synthesiser, {}",
            recorded[0], recorded[1]
        );
        names.iter().for_each(|name| println!("- {name}"));
    }
}
