//! Chunks of positions: cue points with labels, and loops.

use super::{append_chunk, put_u16, put_u32};

/// Maximum length of a label, in bytes.
const MAX_LABEL: usize = 200;
/// MIDI note of the original pitch.
const MIDDLE_C: u32 = 60;

/// A labelled position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    /// Frame from the start of the file.
    pub frame: u32,
    /// Label, written in UTF-8 and cut to 200 bytes; no `labl` chunk is written if it is empty.
    pub label: String,
}

/// A loop over a whole file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loop {
    /// Length of the file in frames.
    pub frames: u32,
    /// Length in beats.
    pub beats: u32,
    /// Beats of a bar, each a quarter note.
    pub beats_per_bar: u16,
    /// Tempo in beats per minute.
    pub bpm: f32,
}

/// Content of the `cue ` chunk: the points are numbered from 1.
pub(super) fn cue(cues: &[Cue]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 + 24 * cues.len());
    put_u32(&mut bytes, cues.len() as u32);
    for (id, cue) in (1..).zip(cues) {
        put_u32(&mut bytes, id);
        put_u32(&mut bytes, cue.frame);
        bytes.extend_from_slice(b"data");
        put_u32(&mut bytes, 0);
        put_u32(&mut bytes, 0);
        put_u32(&mut bytes, cue.frame);
    }
    bytes
}

/// Content of the `LIST` chunk with the labels of `cues`.
pub(super) fn labels(cues: &[Cue]) -> Vec<u8> {
    let mut bytes = b"adtl".to_vec();
    for (id, cue) in (1_u32..).zip(cues).filter(|(_, cue)| !cue.label.is_empty()) {
        let mut content = id.to_le_bytes().to_vec();
        content.extend_from_slice(label(&cue.label).as_bytes());
        content.push(0);
        append_chunk(&mut bytes, b"labl", &content);
    }
    bytes
}

/// `text` without control characters, which include the terminating NUL, of at most [`MAX_LABEL`] bytes.
fn label(text: &str) -> String {
    let mut label = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if label.len() + letter.len_utf8() > MAX_LABEL {
            break;
        }
        label.push(letter);
    }
    label
}

/// Content of the `smpl` chunk: one forward loop from the first to the last frame, without end.
pub(super) fn smpl(looped: &Loop, sample_rate: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(60);
    let period_ns = 1_000_000_000 / sample_rate.max(1);
    // Manufacturer, product, period, note, fraction, SMPTE format and offset, number of loops, further bytes.
    for field in [0, 0, period_ns, MIDDLE_C, 0, 0, 0, 1, 0] {
        put_u32(&mut bytes, field);
    }
    // Id, type (forward), first and last frame (inclusive), fraction, number of repetitions (0: endless).
    for field in [0, 0, 0, looped.frames.saturating_sub(1), 0, 0] {
        put_u32(&mut bytes, field);
    }
    bytes
}

/// Content of the `acid` chunk, whose layout is known from the files of Sony's ACID.
pub(super) fn acid(looped: &Loop) -> Vec<u8> {
    /// The file may be stretched to another tempo.
    const STRETCH: u32 = 4;
    const QUARTER: u16 = 4;
    let mut bytes = Vec::with_capacity(24);
    put_u32(&mut bytes, STRETCH);
    put_u16(&mut bytes, MIDDLE_C as u16);
    // Of unknown meaning, with the usual values.
    put_u16(&mut bytes, 0x8000);
    put_u32(&mut bytes, 0);
    put_u32(&mut bytes, looped.beats);
    put_u16(&mut bytes, QUARTER);
    put_u16(&mut bytes, looped.beats_per_bar);
    bytes.extend_from_slice(&looped.bpm.to_le_bytes());
    bytes
}
