//! Chunks of WAVE files by which editors and samplers know where a file comes from.
//!
//! - `bext` (EBU Tech 3285): the sample of the source at which the file begins, so that it lands at its place;
//! - `iXML` (<http://www.ixml.info>): ids of the source and of the file;
//! - `cue ` and `LIST adtl` (Multimedia Programming Interface 1.0): labelled positions;
//! - `smpl` and `acid`: a loop, its length in beats and its tempo.
//!
//! No chunk holds the time of writing: the same file has the same bytes.

use crate::xml::Xml;

/// What a WAVE file is a part of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaveOrigin {
    /// One line on the content.
    pub description: String,
    /// Program that made the file.
    pub originator: String,
    /// Id of the file.
    pub reference: String,
    /// Sample rate in Hz, of the file and of `first_sample`.
    pub sample_rate: u32,
    /// The sample of the source at which the file begins.
    pub first_sample: u64,
    /// Names and values of iXML's `USER` element, such as ids.
    pub properties: Vec<(&'static str, String)>,
    /// Labelled positions, in samples from the start of the file.
    pub cues: Vec<(u32, String)>,
    /// How the file is looped.
    pub looped: Option<Loop>,
}

/// A loop of a whole file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loop {
    /// Length of the file in samples.
    pub samples: u32,
    /// Length in beats.
    pub beats: u32,
    /// Beats of a bar.
    pub metre: u16,
    /// Tempo in beats per minute.
    pub bpm: f32,
}

/// The chunks, ready to be written between `fmt ` and `data`; each has an even length.
#[must_use]
pub fn chunks(origin: &WaveOrigin) -> Vec<u8> {
    let mut bytes = Vec::new();
    chunk(&mut bytes, b"bext", &bext(origin));
    chunk(&mut bytes, b"iXML", &ixml(origin));
    if !origin.cues.is_empty() {
        chunk(&mut bytes, b"cue ", &cue(&origin.cues));
        chunk(&mut bytes, b"LIST", &labels(&origin.cues));
    }
    if let Some(looped) = &origin.looped {
        chunk(&mut bytes, b"smpl", &smpl(looped, origin.sample_rate));
        chunk(&mut bytes, b"acid", &acid(looped));
    }
    bytes
}

fn chunk(bytes: &mut Vec<u8>, id: &[u8; 4], content: &[u8]) {
    bytes.extend_from_slice(id);
    // The contents are made here, far below 4 GiB.
    bytes.extend_from_slice(&(content.len() as u32).to_le_bytes());
    bytes.extend_from_slice(content);
    if !content.len().is_multiple_of(2) {
        bytes.push(0);
    }
}

fn bext(origin: &WaveOrigin) -> Vec<u8> {
    const DATE_AND_TIME: usize = 18;
    const UMID: usize = 64;
    /// Loudness values of version 2, and what is reserved.
    const REST: usize = 10 + 180;
    let mut bytes = Vec::with_capacity(602);
    bytes.extend(ascii::<256>(&origin.description));
    bytes.extend(ascii::<32>(&origin.originator));
    bytes.extend(ascii::<32>(&origin.reference));
    bytes.extend([0; DATE_AND_TIME]);
    bytes.extend_from_slice(&origin.first_sample.to_le_bytes());
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend([0; UMID]);
    bytes.extend([0; REST]);
    bytes
}

/// `text` in ASCII, cut or filled with zeros to `N` bytes; other characters become `?`.
fn ascii<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    for (byte, letter) in bytes.iter_mut().zip(text.chars()) {
        *byte = if matches!(letter, ' '..='~') { letter as u8 } else { b'?' };
    }
    bytes
}

fn ixml(origin: &WaveOrigin) -> Vec<u8> {
    let mut xml = Xml::without_doctype();
    xml.element("BWFXML", &[], |xml| {
        xml.text("IXML_VERSION", "1.61");
        xml.text("FILE_UID", &origin.reference);
        xml.element("SPEED", &[], |xml| {
            let rate = origin.sample_rate.to_string();
            xml.text("FILE_SAMPLE_RATE", &rate);
            xml.text("TIMESTAMP_SAMPLE_RATE", &rate);
            xml.text("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI", &(origin.first_sample >> 32).to_string());
            xml.text("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO", &(origin.first_sample & 0xFFFF_FFFF).to_string());
        });
        xml.element("USER", &[], |xml| {
            for (name, value) in &origin.properties {
                xml.text(name, value);
            }
        });
    });
    xml.finish()
}

fn cue(cues: &[(u32, String)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 + 24 * cues.len());
    put(&mut bytes, cues.len() as u32);
    for (id, (sample, _)) in (1..).zip(cues) {
        put(&mut bytes, id);
        put(&mut bytes, *sample);
        bytes.extend_from_slice(b"data");
        put(&mut bytes, 0);
        put(&mut bytes, 0);
        put(&mut bytes, *sample);
    }
    bytes
}

fn labels(cues: &[(u32, String)]) -> Vec<u8> {
    let mut bytes = b"adtl".to_vec();
    for (id, (_, label)) in (1_u32..).zip(cues) {
        let mut content = id.to_le_bytes().to_vec();
        content.extend(
            label.chars().map(|letter| if matches!(letter, ' '..='~') { letter as u8 } else { b'?' }),
        );
        content.push(0);
        chunk(&mut bytes, b"labl", &content);
    }
    bytes
}

fn smpl(looped: &Loop, sample_rate: u32) -> Vec<u8> {
    const MIDDLE_C: u32 = 60;
    let mut bytes = Vec::with_capacity(60);
    let period_ns = 1_000_000_000 / sample_rate.max(1);
    for field in [0, 0, period_ns, MIDDLE_C, 0, 0, 0, 1, 0] {
        put(&mut bytes, field);
    }
    // Forward, from the first to the last sample, without end.
    for field in [0, 0, 0, looped.samples.saturating_sub(1), 0, 0] {
        put(&mut bytes, field);
    }
    bytes
}

fn acid(looped: &Loop) -> Vec<u8> {
    /// The file may be stretched to another tempo.
    const STRETCH: u32 = 4;
    const MIDDLE_C: u16 = 60;
    const QUARTER: u16 = 4;
    let mut bytes = Vec::with_capacity(24);
    put(&mut bytes, STRETCH);
    bytes.extend_from_slice(&MIDDLE_C.to_le_bytes());
    bytes.extend_from_slice(&0x8000_u16.to_le_bytes());
    put(&mut bytes, 0);
    put(&mut bytes, looped.beats);
    bytes.extend_from_slice(&QUARTER.to_le_bytes());
    bytes.extend_from_slice(&looped.metre.to_le_bytes());
    bytes.extend_from_slice(&looped.bpm.to_le_bytes());
    bytes
}

fn put(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wave_chunks_have_even_lengths_and_their_fields() {
        let origin = WaveOrigin {
            description: "Läufer".to_owned(),
            originator: "harkback".to_owned(),
            reference: "a".repeat(40),
            sample_rate: 48_000,
            first_sample: (1 << 32) + 5,
            properties: vec![("ASSET_ID", "<a&b>".to_owned())],
            cues: vec![(0, "start".to_owned()), (100, "beat 2".to_owned())],
            looped: Some(Loop { samples: 48_000, beats: 2, metre: 4, bpm: 120.0 }),
        };
        let bytes = chunks(&origin);
        let mut found = Vec::new();
        let mut rest = &bytes[..];
        while let [a, b, c, d, l0, l1, l2, l3, ..] = *rest {
            let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
            found.push(([a, b, c, d], &rest[8..8 + len]));
            rest = &rest[8 + len + len % 2..];
        }
        assert!(rest.is_empty());
        let ids: Vec<_> = found.iter().map(|(id, _)| std::str::from_utf8(id).unwrap()).collect();
        assert_eq!(ids, ["bext", "iXML", "cue ", "LIST", "smpl", "acid"]);
        let bext = found[0].1;
        assert_eq!(bext.len(), 602);
        assert_eq!(&bext[..7], b"L?ufer\0");
        assert_eq!(&bext[288..320], "a".repeat(32).as_bytes());
        assert_eq!(&bext[338..346], &((1_u64 << 32) + 5).to_le_bytes());
        let ixml = std::str::from_utf8(found[1].1).unwrap();
        assert!(ixml.contains("<ASSET_ID>&lt;a&amp;b&gt;</ASSET_ID>"), "{ixml}");
        assert!(ixml.contains("_HI>1<") && ixml.contains("_LO>5<"), "{ixml}");
    }
}
