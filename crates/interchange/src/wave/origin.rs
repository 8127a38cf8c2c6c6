//! Chunks that identify the source of a file: `bext` and `iXML`.

use super::marks::{Cue, Loop, acid, cue, labels, smpl};
use super::{append_chunk, put_u16};
use crate::xml::Xml;

/// The origin of a WAVE file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WaveOrigin {
    /// One line on the content; `bext` has its first 256 characters in ASCII.
    pub description: String,
    /// Program that made the file; `bext` has its first 32 characters.
    pub originator: String,
    /// Reference of the originator for the source; `bext` has its first 32 characters.
    pub reference: String,
    /// Id of the source, shared by all files that are made of it; `FAMILY_UID` of iXML.
    pub family: String,
    /// Id of the file; `FILE_UID` of iXML.
    pub file: String,
    /// Sample rate in Hz, of the file and of `first_sample`.
    pub sample_rate: u32,
    /// The frame of the source at which the file begins.
    pub first_sample: u64,
    /// Elements of iXML's `USER`: names, which must be valid in XML, and values.
    pub properties: Vec<(&'static str, String)>,
    /// Labelled positions.
    pub cues: Vec<Cue>,
    /// The loop over the whole file, if it is one.
    pub looped: Option<Loop>,
}

/// The chunks of a file with this origin, each of even length: `bext`, `iXML`; `cue ` and `LIST` if there are cues;
/// `smpl` and `acid` if it is a loop.
#[must_use]
pub fn chunks(origin: &WaveOrigin) -> Vec<u8> {
    let mut bytes = Vec::new();
    append_chunk(&mut bytes, b"bext", &bext(origin));
    append_chunk(&mut bytes, b"iXML", &ixml(origin));
    if !origin.cues.is_empty() {
        append_chunk(&mut bytes, b"cue ", &cue(&origin.cues));
    }
    if origin.cues.iter().any(|cue| !cue.label.is_empty()) {
        append_chunk(&mut bytes, b"LIST", &labels(&origin.cues));
    }
    if let Some(looped) = &origin.looped {
        append_chunk(&mut bytes, b"smpl", &smpl(looped, origin.sample_rate));
        append_chunk(&mut bytes, b"acid", &acid(looped));
    }
    bytes
}

/// Content of the `bext` chunk, 602 bytes: version 1, without date, UMID and coding history. In version 2, zeros in the
/// loudness fields would declare 0 LUFS.
fn bext(origin: &WaveOrigin) -> Vec<u8> {
    const DATE_AND_TIME: usize = 10 + 8;
    const UMID: usize = 64;
    const RESERVED: usize = 190;
    let mut bytes = Vec::with_capacity(602);
    bytes.extend(ascii::<256>(&origin.description));
    bytes.extend(ascii::<32>(&origin.originator));
    bytes.extend(ascii::<32>(&origin.reference));
    bytes.extend([0; DATE_AND_TIME]);
    bytes.extend_from_slice(&origin.first_sample.to_le_bytes());
    put_u16(&mut bytes, 1);
    bytes.extend([0; UMID]);
    bytes.extend([0; RESERVED]);
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

/// Content of the `iXML` chunk.
fn ixml(origin: &WaveOrigin) -> Vec<u8> {
    let mut xml = Xml::without_doctype();
    xml.element("BWFXML", &[], |xml| {
        xml.text("IXML_VERSION", "1.61");
        xml.text("NOTE", &origin.description);
        xml.text("FILE_UID", &origin.file);
        xml.element("SPEED", &[], |xml| {
            let rate = origin.sample_rate.to_string();
            xml.text("FILE_SAMPLE_RATE", &rate);
            xml.text("TIMESTAMP_SAMPLE_RATE", &rate);
            let [high, low] = [origin.first_sample >> 32, origin.first_sample & 0xffff_ffff];
            xml.text("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI", &high.to_string());
            xml.text("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO", &low.to_string());
        });
        xml.element("FILE_SET", &[], |xml| xml.text("FAMILY_UID", &origin.family));
        xml.element("USER", &[], |xml| {
            for (name, value) in &origin.properties {
                xml.text(name, value);
            }
        });
    });
    xml.finish()
}
