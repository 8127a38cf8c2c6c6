//! Where sound begins and ends within a window, finer than speech detection tells.

use std::ops::Range;

use crate::RATE;

/// The level is looked at in frames of 10 ms.
const FRAME: usize = RATE as usize / 100;
/// Shorter gaps do not part sounds, in frames: 60 ms, the closure of a plosive.
const SHORTEST_GAP: usize = 6;
/// Shorter sounds are clicks, in frames.
const SHORTEST_SOUND: usize = 3;
/// The quiet and the loud frames of a window, as shares of all.
const QUIET: f32 = 0.1;
const LOUD: f32 = 0.95;
/// How far the loud frames must be above the quiet ones for edges to be told, in dB.
const CONTRAST_DB: f32 = 15.0;
/// Where between the two the edge is.
const EDGE: f32 = 0.3;
/// No quieter frame than this is told from another, in dB of full scale.
const FLOOR_DB: f32 = -90.0;

/// The sounding stretches of a window, in samples, in order; none where loud and quiet cannot be told apart.
pub(crate) fn sounds(samples: &[f32]) -> Vec<Range<usize>> {
    let levels: Vec<f32> = samples.chunks(FRAME).map(level_db).collect();
    let mut sorted: Vec<f32> = levels.iter().copied().filter(|level| *level > FLOOR_DB).collect();
    sorted.sort_by(f32::total_cmp);
    let at = |share: f32| sorted.get((share * sorted.len() as f32) as usize).copied();
    let Some((quiet, loud)) = at(QUIET).zip(at(LOUD)) else { return Vec::new() };
    // Where a window has no pause to speak of, what was zero before and after it is its silence.
    let quiet = if sorted.len() < levels.len() { quiet.min(loud - 2.0 * CONTRAST_DB) } else { quiet };
    if loud - quiet < CONTRAST_DB {
        return Vec::new();
    }
    let threshold = quiet + EDGE * (loud - quiet);
    let mut found: Vec<Range<usize>> = Vec::new();
    for (frame, _) in levels.iter().enumerate().filter(|(_, level)| **level > threshold) {
        match found.last_mut() {
            Some(last) if frame - last.end < SHORTEST_GAP => last.end = frame + 1,
            _ => found.push(frame..frame + 1),
        }
    }
    found.retain(|sound| sound.len() >= SHORTEST_SOUND);
    found.iter().map(|sound| sound.start * FRAME..(sound.end * FRAME).min(samples.len())).collect()
}

fn level_db(frame: &[f32]) -> f32 {
    let power = frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len().max(1) as f32;
    (10.0 * power.max(1e-12).log10()).max(FLOOR_DB)
}

/// How far a measured time may be off: what lies closer to an edge is moved there.
const SNAP: usize = RATE as usize / 10;
/// A word is no shorter than this.
const SHORTEST_WORD: usize = RATE as usize * 3 / 100;

/// A word's range, kept out of pauses: it begins and ends with sound. `range` may be empty.
pub(crate) fn snapped(range: Range<usize>, sounds: &[Range<usize>]) -> Range<usize> {
    let Range { mut start, mut end } = range;
    // The first sound that is not over when the word begins.
    let first = sounds.partition_point(|sound| sound.end <= start);
    if let Some(sound) = sounds.get(first) {
        let next = sounds.get(first + 1);
        if start < sound.start && sound.start + SHORTEST_WORD <= end {
            start = sound.start;
        } else if let Some(next) = next.filter(|_| sound.end - start.max(sound.start) < SNAP) {
            // It begins with the very end of a sound, which belongs to the word before.
            let behind = end.saturating_sub(next.start);
            if start >= sound.start && behind > 2 * (sound.end - start) {
                start = next.start;
            }
        }
    }
    // The last sound that begins before the word ends.
    let last = sounds.partition_point(|sound| sound.start < end).checked_sub(1).map(|index| &sounds[index]);
    if let Some(sound) = last.filter(|sound| end > sound.end && sound.end >= start + SHORTEST_WORD) {
        end = sound.end;
    }
    // A pause inside: what is before it is the word.
    let pause = sounds.windows(2).find(|pair| start < pair[0].end && pair[1].start < end);
    if let Some(pair) = pause.filter(|pair| pair[1].start - pair[0].end >= LONGEST_INNER_GAP) {
        if pair[0].end >= start + 2 * SHORTEST_WORD {
            end = pair[0].end;
        } else {
            start = pair[1].start;
        }
    }
    start..end.max(start + SHORTEST_WORD)
}

/// Longer gaps are in no word: 300 ms.
const LONGEST_INNER_GAP: usize = RATE as usize * 3 / 10;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: usize = RATE as usize / 1_000;

    fn ms(range: Range<usize>) -> Range<usize> {
        range.start * MS..range.end * MS
    }

    #[test]
    fn sound_is_told_from_silence() {
        let mut samples = vec![0.0001; 2_000 * MS];
        samples[ms(500..900)].fill(0.3);
        samples[ms(940..1_000)].fill(0.3);
        samples[ms(1_300..1_600)].fill(0.3);
        samples[ms(1_800..1_810)].fill(0.3);
        assert_eq!(sounds(&samples), [ms(500..1_000), ms(1_300..1_600)]);
        assert!(sounds(&vec![0.1; 2_000 * MS]).is_empty(), "nothing is quiet");
        assert!(sounds(&[]).is_empty());
    }

    #[test]
    fn words_are_kept_out_of_pauses() {
        let sounds = [ms(500..1_000), ms(1_300..1_600)];
        let snap = |range| snapped(ms(range), &sounds);
        assert_eq!(snap(100..700), ms(500..700), "a silence before it");
        assert_eq!(snap(700..1_200), ms(700..1_000), "a pause behind it");
        assert_eq!(snap(960..1_500), ms(1_300..1_500), "the end of the word before");
        assert_eq!(snap(700..1_500), ms(700..1_000), "across a pause");
        assert_eq!(snap(600..800), ms(600..800));
        assert_eq!(snapped(ms(5..5), &[]), ms(5..35), "never empty");
    }
}
