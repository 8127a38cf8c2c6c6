//! Writer for Standard MIDI Files (`.mid`): a map of the tempo, and a click.
//!
//! Every beat begins a quarter note, whose tempo is the time to the next beat, so that beats keep their times exactly.

use crate::loss::{Export, LossKind};
use crate::notes::{Annotations, Beat, Held};
use crate::text::prefix;

/// Ticks of a quarter note.
const TICKS: u32 = 960;
/// Greatest tempo value in µs for each quarter note (24 bits): slower beats become several quarters.
const MAX_QUARTER: i64 = 0xFF_FFFF;
/// Tempo before the first beat, and of recordings without beats, in µs for each quarter note: 120 bpm.
const DEFAULT_QUARTER: i64 = 500_000;
/// Minimum length of a quarter note before the first beat, in µs.
const MIN_LEAD_IN_QUARTER: i64 = 200_000;
/// Maximum number of quarter notes from one beat to the next, or before the first: their ticks fit into 28 bits, the
/// maximum of a delta time. Thirty days need 154 506.
const MAX_INTERVAL_QUARTERS: i64 = 200_000;
/// Maximum number of quarter notes of a file; their ticks fit into 32 bits.
const MAX_QUARTERS: i64 = 1_000_000;
/// Beats of a bar if bars are unknown.
const DEFAULT_METRE: u32 = 4;
/// Maximum number of quarter notes of a bar. A longer distance of downbeats is a pause in the beats.
const MAX_METRE: u32 = 16;
/// Maximum length of the name of the track, in bytes.
const MAX_NAME: usize = 255;

/// Formats the beats as a tempo map with time signatures, and as notes of General MIDI's percussion: a high wood block on
/// downbeats, a low one on other beats. Beats beyond 1 000 000 quarter notes are a loss.
#[must_use]
pub fn midi(annotations: &Annotations) -> Export {
    let mut losses = annotations.losses(Held { beats: true, ..Held::NOTHING });
    let map = TempoMap::new(&annotations.beats);
    losses.count(LossKind::BeatsLimited, "", annotations.beats.len() - map.beats.len(), "beat");
    let mut content = Vec::new();
    // Format 1: simultaneous tracks, of which there are two.
    chunk(&mut content, b"MThd", &[&[0, 1, 0, 2][..], &(TICKS as u16).to_be_bytes()].concat());
    for track in [map.conductor(&annotations.media.name), map.click(&annotations.beats)] {
        chunk(&mut content, b"MTrk", &track);
    }
    Export { content, losses: losses.finish() }
}

/// Tempo changes and the tick of each beat.
struct TempoMap {
    /// Tick and µs for each quarter note, where it changes.
    tempos: Vec<(u32, i64)>,
    /// Tick and quarter notes of a bar, where it changes.
    metres: Vec<(u32, u32)>,
    /// Ticks of the beats; of the first ones, if there are too many quarter notes.
    beats: Vec<u32>,
    /// Number of quarter notes.
    quarters: u32,
}

impl TempoMap {
    fn new(beats: &[Beat]) -> Self {
        let mut map = Self {
            tempos: Vec::new(),
            metres: Vec::new(),
            beats: Vec::with_capacity(beats.len()),
            quarters: 0,
        };
        let mut previous = None;
        for beat in beats {
            let added = match previous {
                None => map.lead_in(beats, beat.time.as_micros()),
                Some(previous) => map.append(interval(previous, *beat), 1),
            };
            if added.is_none() {
                break;
            }
            map.beats.push(map.quarters * TICKS);
            previous = Some(*beat);
        }
        let downbeats = map.beats.iter().zip(beats).filter(|(_, beat)| beat.position == Some(1));
        let downbeats: Vec<u32> = downbeats.map(|(tick, _)| *tick).collect();
        map.metres = metres(&downbeats, map.beats.first().copied().unwrap_or(0));
        map
    }

    /// Appends the time before the first beat, at about the tempo of the first interval. `None` if it is too long.
    fn lead_in(&mut self, beats: &[Beat], micros: i64) -> Option<()> {
        if micros <= 0 {
            return Some(());
        }
        let period = beats.windows(2).next().map_or(DEFAULT_QUARTER, |pair| interval(pair[0], pair[1]));
        let quarters = (micros as f64 / period.max(MIN_LEAD_IN_QUARTER) as f64).round() as i64;
        self.append(micros, quarters.min(MAX_INTERVAL_QUARTERS))
    }

    /// Appends `quarters` quarter notes, or as many as necessary, that last `micros` µs together. `None` if they are too
    /// many.
    fn append(&mut self, micros: i64, quarters: i64) -> Option<()> {
        let necessary = micros / MAX_QUARTER + i64::from(micros % MAX_QUARTER > 0);
        let quarters = quarters.max(necessary).max(1);
        let sum = i64::from(self.quarters).checked_add(quarters)?;
        if quarters > MAX_INTERVAL_QUARTERS || sum > MAX_QUARTERS {
            return None;
        }
        // The product exceeds 64 bits.
        let at = |index: i64| (i128::from(micros) * i128::from(index) / i128::from(quarters)) as i64;
        for index in 0..quarters {
            let quarter = (at(index + 1) - at(index)).max(1);
            if self.tempos.last().is_none_or(|&(_, last)| last != quarter) {
                self.tempos.push((self.quarters * TICKS, quarter));
            }
            self.quarters += 1;
        }
        Some(())
    }

    fn conductor(&self, name: &str) -> Vec<u8> {
        let mut events: Vec<(u32, Vec<u8>)> = Vec::new();
        events.push((0, meta(0x03, prefix(name, MAX_NAME).as_bytes())));
        for &(tick, metre) in &self.metres {
            // Quarter notes, a click for each, eight 32nds in a quarter.
            events.push((tick, meta(0x58, &[u8::try_from(metre).unwrap_or(u8::MAX), 2, 24, 8])));
        }
        for &(tick, quarter) in &self.tempos {
            events.push((tick, meta(0x51, &(quarter as u32).to_be_bytes()[1..])));
        }
        events.sort_by_key(|(tick, _)| *tick);
        track(&events, self.end())
    }

    fn click(&self, beats: &[Beat]) -> Vec<u8> {
        const HIGH_WOOD_BLOCK: u8 = 76;
        const LOW_WOOD_BLOCK: u8 = 77;
        const LENGTH: u32 = TICKS / 8;
        let mut events = vec![(0, meta(0x03, b"Click"))];
        for (&tick, beat) in self.beats.iter().zip(beats) {
            let (note, velocity) =
                if beat.position == Some(1) { (HIGH_WOOD_BLOCK, 112) } else { (LOW_WOOD_BLOCK, 80) };
            events.push((tick, vec![0x99, note, velocity]));
            events.push((tick + LENGTH, vec![0x89, note, 0]));
        }
        track(&events, self.end())
    }

    /// A quarter note after the last beat.
    fn end(&self) -> u32 {
        self.beats.last().copied().unwrap_or(0) + TICKS
    }
}

/// Time from one beat to the next in µs, at least 1.
fn interval(beat: Beat, next: Beat) -> i64 {
    (next.time - beat.time).as_micros().max(1)
}

/// Tick and quarter notes of a bar, wherever they change, so that every downbeat begins a bar. `first` is the tick of the
/// first beat, which begins a bar if there are no downbeats.
fn metres(downbeats: &[u32], first: u32) -> Vec<(u32, u32)> {
    let bars = || downbeats.windows(2).map(|pair| (pair[0], (pair[1] - pair[0]) / TICKS));
    let usual = bars().map(|(_, metre)| metre).find(|metre| *metre <= MAX_METRE).unwrap_or(DEFAULT_METRE);
    // Whole bars lead to the first downbeat, after a shorter one where they do not fit.
    let pickup = downbeats.first().copied().unwrap_or(first) / TICKS % usual;
    let mut metres = Vec::new();
    if pickup > 0 {
        metres.push((0, pickup));
    }
    metres.push((pickup * TICKS, usual));
    let mut set = |tick: u32, metre: u32| {
        metres.pop_if(|(at, _)| *at == tick);
        if metres.last().is_none_or(|&(_, last)| last != metre) {
            metres.push((tick, metre));
        }
    };
    for (tick, metre) in bars() {
        if metre <= MAX_METRE {
            set(tick, metre);
        } else {
            // A pause: whole bars, a shorter one where they do not fit, and then the usual metre again.
            set(tick, usual);
            let rest = metre % usual;
            if rest > 0 {
                set(tick + (metre - rest) * TICKS, rest);
                set(tick + metre * TICKS, usual);
            }
        }
    }
    metres
}

fn meta(kind: u8, data: &[u8]) -> Vec<u8> {
    let mut event = vec![0xFF, kind];
    variable_length(&mut event, u32::try_from(data.len()).unwrap_or(0));
    event.extend_from_slice(data);
    event
}

/// Events in order of their ticks, with delta times and the end of the track.
fn track(events: &[(u32, Vec<u8>)], end: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut at = 0;
    for (tick, event) in events {
        variable_length(&mut bytes, tick - at);
        bytes.extend_from_slice(event);
        at = *tick;
    }
    variable_length(&mut bytes, end.saturating_sub(at));
    bytes.extend_from_slice(&[0xFF, 0x2F, 0]);
    bytes
}

/// A number in groups of seven bits, the most significant first; at most 28 bits.
fn variable_length(bytes: &mut Vec<u8>, number: u32) {
    let number = number.min(0x0FFF_FFFF);
    for shift in [21, 14, 7] {
        if number >> shift > 0 {
            bytes.push((number >> shift & 0x7F) as u8 | 0x80);
        }
    }
    bytes.push((number & 0x7F) as u8);
}

fn chunk(content: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    content.extend_from_slice(kind);
    content.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    content.extend_from_slice(data);
}

#[cfg(test)]
mod tests {
    use media_time::MediaTime;

    use super::*;
    use crate::notes::tests::annotations;

    fn beats(times: &[(i64, u32)]) -> Vec<Beat> {
        let beat = |&(millis, position)| Beat {
            time: MediaTime::from_millis(millis),
            position: Some(position),
            confidence: None,
        };
        times.iter().map(beat).collect()
    }

    #[test]
    fn beats_are_quarter_notes_of_a_tempo_map_with_a_click() {
        let mut annotations = annotations(2_000);
        annotations.beats = beats(&[(500, 1), (1_000, 2), (1_600, 1)]);
        let expected: Vec<u8> = [
            &b"MThd"[..],
            &[0, 0, 0, 6, 0, 1, 0, 2, 0x03, 0xC0],
            &b"MTrk"[..],
            &[0, 0, 0, 49],
            &b"\x00\xFF\x03\x08talk.mp4"[..],
            // The lead-in is a bar of one quarter, then bars of two.
            &[0x00, 0xFF, 0x58, 4, 1, 2, 24, 8],
            // 500 000 µs at the start, 600 000 from the second beat on.
            &[0x00, 0xFF, 0x51, 3, 0x07, 0xA1, 0x20],
            &[0x87, 0x40, 0xFF, 0x58, 4, 2, 2, 24, 8],
            &[0x87, 0x40, 0xFF, 0x51, 3, 0x09, 0x27, 0xC0],
            &[0x8F, 0x00, 0xFF, 0x2F, 0],
            &b"MTrk"[..],
            &[0, 0, 0, 41],
            &b"\x00\xFF\x03\x05Click"[..],
            &[0x87, 0x40, 0x99, 76, 112, 0x78, 0x89, 76, 0],
            &[0x86, 0x48, 0x99, 77, 80, 0x78, 0x89, 77, 0],
            &[0x86, 0x48, 0x99, 76, 112, 0x78, 0x89, 76, 0],
            &[0x86, 0x48, 0xFF, 0x2F, 0],
        ]
        .concat();
        assert_eq!(midi(&annotations).content, expected);
    }

    #[test]
    fn downbeats_after_a_pause_begin_bars() {
        // The pause of 40 s is three quarters of 13.3 s.
        let map =
            TempoMap::new(&beats(&[(0, 1), (500, 2), (1_000, 1), (1_500, 2), (41_500, 1), (42_000, 2)]));
        assert_eq!(map.beats, [0, 960, 1_920, 2_880, 5_760, 6_720]);
        assert_eq!(map.metres, [(0, 2), (1_920, 4)]);
        // An hour is 215 quarters: 107 bars and a shorter one.
        let map = TempoMap::new(&beats(&[(0, 1), (500, 2), (1_000, 1), (3_601_000, 1), (3_601_500, 2)]));
        assert_eq!(map.beats[3], 217 * 960);
        assert_eq!(map.metres, [(0, 2), (216 * 960, 1), (217 * 960, 2)]);
    }

    #[test]
    fn late_and_dense_beats_are_limited() {
        const MONTH: i64 = 30 * 24 * 3_600_000;
        let map = TempoMap::new(&beats(&[(MONTH, 1), (MONTH + 1, 2)]));
        assert_eq!(map.beats, [200_000 * 960, 200_001 * 960]);
        let mut annotations = annotations(1_000);
        annotations.beats = beats(&[(0, 1), (1, 2), (i64::MAX, 1)]);
        let losses = midi(&annotations).losses;
        assert_eq!((losses[0].what, losses[0].place.as_str()), (LossKind::BeatsLimited, "1 beat"));
    }
}
