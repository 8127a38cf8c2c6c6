//! Writer for Standard MIDI Files (`.mid`): a map of the tempo, and a click.
//!
//! Every beat begins a quarter note, whose tempo is the time to the next beat, so that beats keep their times exactly.

use crate::loss::{Export, Losses};
use crate::notes::{Annotations, Beat};

/// Ticks of a quarter note.
const TICKS: u32 = 960;
/// Greatest tempo value in µs for each quarter note (24 bits): slower beats become several quarters.
const MAX_QUARTER: i64 = 0xFF_FFFF;
/// Tempo before the first beat, and of recordings without beats, in µs for each quarter note: 120 bpm.
const DEFAULT_QUARTER: i64 = 500_000;
/// Beats of a bar if bars are unknown.
const DEFAULT_METRE: u32 = 4;

/// Formats the beats as a tempo map with time signatures; with `click`, also as notes of General MIDI's percussion: a high
/// wood block on downbeats, a low one on other beats.
#[must_use]
pub fn midi(annotations: &Annotations, click: bool) -> Export {
    let mut losses = Losses::default();
    if !annotations.events.is_empty() {
        losses.add("events_omitted", format!("{} events", annotations.events.len()));
    }
    let map = TempoMap::new(&annotations.beats);
    let mut tracks = vec![map.conductor(&annotations.media.name)];
    if click {
        tracks.push(map.click(&annotations.beats));
    }
    let mut content = Vec::new();
    let count = u16::try_from(tracks.len()).unwrap_or(u16::MAX);
    chunk(
        &mut content,
        b"MThd",
        &[&[0, 1][..], &count.to_be_bytes(), &(TICKS as u16).to_be_bytes()].concat(),
    );
    for track in tracks {
        chunk(&mut content, b"MTrk", &track);
    }
    Export { content, losses: losses.finish() }
}

/// Tempo changes and the tick of each beat.
struct TempoMap {
    /// Tick and µs for each quarter note.
    tempos: Vec<(u32, i64)>,
    /// Tick and beats of a bar.
    metres: Vec<(u32, u32)>,
    /// Ticks of the beats.
    beats: Vec<u32>,
}

impl TempoMap {
    fn new(beats: &[Beat]) -> Self {
        let mut map = Self { tempos: Vec::new(), metres: Vec::new(), beats: Vec::with_capacity(beats.len()) };
        let mut tick = 0;
        let period = beats.windows(2).next().map_or(DEFAULT_QUARTER, |pair| interval(pair[0], pair[1]));
        if let Some(first) = beats.first().filter(|first| first.time.as_micros() > 0) {
            // The beat before the first is where the tempo of the first interval puts it.
            let quarters = (first.time.as_micros() as f64 / period.max(1) as f64).round() as i64;
            map.quarters(&mut tick, first.time.as_micros(), quarters);
        }
        let metres = metres(beats);
        let (first_bar, metre) = metres.first().copied().unwrap_or((0, DEFAULT_METRE));
        // Whole bars lead to the first downbeat, after a shorter one where they do not fit.
        let pickup = (tick / TICKS + first_bar) % metre;
        if pickup > 0 {
            map.metres.push((0, pickup));
        }
        map.metres.push((pickup * TICKS, metre));
        let mut metres = metres.into_iter().skip(1).peekable();
        for (index, beat) in beats.iter().enumerate() {
            if let Some((_, metre)) = metres.next_if(|&(at, _)| at as usize == index) {
                map.metres.push((tick, metre));
            }
            map.beats.push(tick);
            if let Some(next) = beats.get(index + 1) {
                map.quarters(&mut tick, interval(*beat, *next), 1);
            }
        }
        map.tempos.dedup_by_key(|(_, quarter)| *quarter);
        map
    }

    /// Adds `quarters` quarter notes, or as many as necessary, that last `micros` µs together.
    fn quarters(&mut self, tick: &mut u32, micros: i64, quarters: i64) {
        let quarters = quarters.max(1).max((micros + MAX_QUARTER - 1) / MAX_QUARTER);
        for index in 0..quarters {
            let quarter = micros * (index + 1) / quarters - micros * index / quarters;
            self.tempos.push((*tick, quarter.max(1)));
            *tick = tick.saturating_add(TICKS);
        }
    }

    fn conductor(&self, name: &str) -> Vec<u8> {
        let mut events: Vec<(u32, Vec<u8>)> = Vec::new();
        events.push((0, meta(0x03, &name.bytes().take(255).collect::<Vec<_>>())));
        for &(tick, metre) in &self.metres {
            // Quarter notes, a click for each, eight 32nds in a quarter.
            events.push((tick, meta(0x58, &[u8::try_from(metre).unwrap_or(u8::MAX), 2, 24, 8])));
        }
        for &(tick, quarter) in &self.tempos {
            events.push((tick, meta(0x51, &(quarter as u32).to_be_bytes()[1..])));
        }
        events.sort_by_key(|(tick, _)| *tick);
        track(&events, self.beats.last().copied().unwrap_or(0) + TICKS)
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
        track(&events, self.beats.last().copied().unwrap_or(0) + TICKS)
    }
}

/// Time from one beat to the next in µs, at least 1.
fn interval(beat: Beat, next: Beat) -> i64 {
    (next.time - beat.time).as_micros().max(1)
}

/// Index of the downbeat and beats of the bar, wherever the number of beats changes.
fn metres(beats: &[Beat]) -> Vec<(u32, u32)> {
    let downbeats: Vec<u32> =
        (0..).zip(beats).filter(|(_, beat)| beat.position == Some(1)).map(|(index, _)| index).collect();
    let mut metres: Vec<(u32, u32)> = Vec::new();
    for pair in downbeats.windows(2) {
        let metre = pair[1] - pair[0];
        if metres.last().is_none_or(|&(_, last)| last != metre) {
            metres.push((pair[0], metre));
        }
    }
    if metres.is_empty() {
        metres.extend(downbeats.first().map(|&first| (first, DEFAULT_METRE)));
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
