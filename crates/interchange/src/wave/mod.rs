//! Headers of RIFF/WAVE files with chunks that record the origin of their audio.
//!
//! - [`header`] starts a file of 32-bit floats; the samples follow it;
//! - [`chunks`] makes the chunks of a [`WaveOrigin`], which [`header`] puts before the samples:
//!   - `bext` (EBU Tech 3285, version 1): the sample of the source at which the file begins, so that editors place it
//!     there;
//!   - `iXML` (<http://www.ixml.info>): ids of the source, and further properties;
//!   - `cue ` and `LIST adtl` (Multimedia Programming Interface 1.0): labelled positions;
//!   - `smpl` and `acid`: a loop over the whole file, its length in beats and its tempo.
//!
//! No chunk holds the time of writing: equal arguments give equal bytes.

mod float;
mod marks;
mod origin;

pub use float::{FloatFormat, MAX_CHUNK_BYTES, data_bytes, header};
pub use marks::{Cue, Loop};
pub use origin::{WaveOrigin, chunks};

/// Appends a chunk: its id, the length of `content` and `content`, padded to an even length. The length excludes the
/// padding.
fn append_chunk(bytes: &mut Vec<u8>, id: &[u8; 4], content: &[u8]) {
    bytes.extend_from_slice(id);
    // All contents are far smaller than 4 GiB: they are made of bounded texts and few positions.
    put_u32(bytes, content.len() as u32);
    bytes.extend_from_slice(content);
    if !content.len().is_multiple_of(2) {
        bytes.push(0);
    }
}

fn put_u16(bytes: &mut Vec<u8>, number: u16) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn put_u32(bytes: &mut Vec<u8>, number: u32) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

#[cfg(test)]
mod tests;
