//! Splits an AAC frame into its channel elements.
//!
//! A raw data block (ISO/IEC 14496-3 §4.4.2.1) is a sequence of elements of one or two channels without lengths: the
//! end of an element is known only after reading all of its Huffman codes. `oxideav-aac` reads them.

use std::ops::Range;

use oxideav_aac::Error;
use oxideav_aac::asc::AudioSpecificConfig;
use oxideav_aac::ics_body::IcsBody;
use oxideav_aac::ics_info::IcsInfo;
use oxideav_aac::ms_stereo::MsMaskPresent;
use oxideav_aac::raw_data_block::{Element, IdSynEle, Walker};
use oxideav_aac::spectral_data::SpectralData;
use oxideav_core::bits::BitReader;

/// The object type of AAC-LC.
pub(super) const LOW_COMPLEXITY: u8 = 2;
/// Most elements of a frame; no channel configuration has more.
const MAX_ELEMENTS: usize = 16;

/// One channel element of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ChannelElement {
    /// Number of channels: 2 for a channel pair element, else 1.
    pub(super) channels: usize,
    /// Bit range of the element in the frame, including its identifier.
    bits: Range<u64>,
}

impl ChannelElement {
    /// A frame that contains only this element of `frame`.
    pub(super) fn alone(&self, frame: &[u8]) -> Vec<u8> {
        const END: [bool; 3] = [true; 3];
        let bit = |at: u64| frame.get((at / 8) as usize).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0);
        let bits = self.bits.clone().map(bit).chain(END);
        let mut bytes = vec![0; ((self.bits.end - self.bits.start) as usize + END.len()).div_ceil(8)];
        for (index, _) in bits.enumerate().filter(|(_, bit)| *bit) {
            bytes[index / 8] |= 0x80 >> (index % 8);
        }
        bytes
    }
}

/// Finds the channel elements of `frame`, in order. Extensions (SBR) and elements without audio are left out.
///
/// # Errors
/// When the frame is damaged, or uses coupling channels or tools beyond AAC-LC.
pub(super) fn channel_elements(frame: &[u8], rate_index: u8) -> Result<Vec<ChannelElement>, Error> {
    let mut reader = BitReader::new(frame);
    let mut elements = Vec::new();
    while reader.bits_remaining() >= 3 && elements.len() < MAX_ELEMENTS {
        let start = reader.bit_position();
        let channels = match Walker::new(&mut reader).next_element()? {
            Some(Element::ChannelElement { kind: IdSynEle::Sce | IdSynEle::Lfe, .. }) => {
                skip_channel(&mut reader, None, rate_index)?;
                1
            }
            Some(Element::ChannelElement { kind: IdSynEle::Cpe, .. }) => {
                skip_pair(&mut reader, rate_index)?;
                2
            }
            Some(Element::ChannelElement { .. }) => return Err(Error::ElementDecodeInvalid),
            Some(Element::End) | None => break,
            Some(_) => continue,
        };
        elements.push(ChannelElement { channels, bits: start..reader.bit_position() });
    }
    Ok(elements)
}

/// Whether an AudioSpecificConfig signals spectral band replication (HE-AAC), by its object type or an extension.
pub(super) fn config_has_sbr(config: &[u8]) -> bool {
    /// `syncExtensionType` (11 bits), the object type SBR (5 bits) and `sbrPresentFlag` (ISO/IEC 14496-3 §1.6.2.1).
    const SYNC: u32 = 0x2b7 << 6 | 5 << 1 | 1;
    let is_hierarchical = AudioSpecificConfig::parse(config).is_ok_and(|(config, _)| config.sbr_present);
    // The extension comes after rate and channels, at any bit offset: the body of the object type varies in length.
    let bits =
        config.iter().take(16).flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit & 1)));
    let mut window = 0;
    let has_extension = bits.skip(13).any(|bit| {
        window = (window << 1 | bit) & 0x1_ffff;
        window == SYNC
    });
    is_hierarchical || has_extension
}

/// Whether `frame` carries spectral band replication, which need not be signalled outside the frame.
pub(super) fn frame_has_sbr(frame: &[u8], rate_index: u8) -> bool {
    let mut reader = BitReader::new(frame);
    for _ in 0..MAX_ELEMENTS {
        let skipped = match Walker::new(&mut reader).next_element_keep_fill() {
            Ok(Some(Element::ChannelElement { kind: IdSynEle::Sce | IdSynEle::Lfe, .. })) => {
                skip_channel(&mut reader, None, rate_index)
            }
            Ok(Some(Element::ChannelElement { kind: IdSynEle::Cpe, .. })) => {
                skip_pair(&mut reader, rate_index)
            }
            Ok(Some(Element::Fill { payload_bytes })) => {
                // `EXT_SBR_DATA` and `EXT_SBR_DATA_CRC` (table 4.121).
                match reader.read_u32(4.min(payload_bytes * 8)) {
                    Ok(0xd | 0xe) => return true,
                    Ok(_) => skip_bits(&mut reader, (payload_bytes * 8).saturating_sub(4)),
                    Err(_) => return false,
                }
            }
            Ok(Some(Element::Data { .. } | Element::ProgramConfig(_))) => Ok(()),
            _ => return false,
        };
        if skipped.is_err() {
            return false;
        }
    }
    false
}

fn skip_bits(reader: &mut BitReader<'_>, count: u32) -> Result<(), Error> {
    (0..count).try_for_each(|_| reader.read_bit().map(drop)).map_err(|_| Error::UnexpectedEnd)
}

/// Skips a channel pair (table 4.5), whose channels may share their window information.
fn skip_pair(reader: &mut BitReader<'_>, rate_index: u8) -> Result<(), Error> {
    let end = |_| Error::UnexpectedEnd;
    let shared = if reader.read_bit().map_err(end)? {
        let info = IcsInfo::parse(reader, LOW_COMPLEXITY, rate_index, true)?;
        let mask = MsMaskPresent::from_bits(reader.read_u32(2).map_err(end)? as u8)?;
        if mask == MsMaskPresent::Mask {
            let bits = u32::from(info.num_window_groups) * u32::from(info.max_sfb);
            (0..bits).try_for_each(|_| reader.read_bit().map(drop)).map_err(end)?;
        }
        Some(info)
    } else {
        None
    };
    skip_channel(reader, shared.as_ref(), rate_index)?;
    skip_channel(reader, shared.as_ref(), rate_index)
}

/// Skips one channel (table 4.50); `shared` is the window information of its pair, if any.
fn skip_channel(reader: &mut BitReader<'_>, shared: Option<&IcsInfo>, rate_index: u8) -> Result<(), Error> {
    let body = match shared {
        Some(info) => IcsBody::parse_with_ics_info(reader, info, LOW_COMPLEXITY, false)?,
        None => IcsBody::parse(reader, LOW_COMPLEXITY, rate_index, false)?,
    };
    let info = shared.or(body.ics_info.as_ref()).ok_or(Error::ElementDecodeInvalid)?;
    SpectralData::parse(reader, info, &body.section_data, rate_index).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn element_bits_are_copied_and_terminated() {
        let element = ChannelElement { channels: 1, bits: 3..8 };
        assert_eq!(element.alone(&[0b1010_1101]), [0b0110_1111]);
        let longer = ChannelElement { channels: 1, bits: 4..13 };
        assert_eq!(longer.alone(&[0b0000_1001, 0b1110_1000]), [0b1001_1110, 0b1111_0000]);
    }

    #[test]
    fn sbr_is_detected_in_the_configuration() {
        // AAC-LC at 44.1 kHz, stereo; HE-AAC by its object type; by an extension after AAC-LC at 24 kHz.
        assert!(!config_has_sbr(&[0x12, 0x10]));
        assert!(config_has_sbr(&[0x2b, 0x11, 0x88, 0x00]));
        assert!(config_has_sbr(&[0x13, 0x10, 0x56, 0xe5, 0x98]));
        assert!(!config_has_sbr(&[0x13, 0x10, 0x56, 0xe5, 0x00]));
        assert!(!config_has_sbr(&[]));
    }

    #[test]
    fn random_bytes_do_not_panic() {
        let mut state = 1u32;
        for length in 0..300 {
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            let frame: Vec<u8> = (0..length).map(|_| next()).collect();
            let _ = frame_has_sbr(&frame, 3);
            for element in channel_elements(&frame, 3).unwrap_or_default() {
                assert!(element.bits.end <= frame.len() as u64 * 8);
            }
        }
    }
}
