//! The table of file signatures.

use super::FileFormat;

/// The format whose signature `head` begins with. After a leading tag (`is_tagged`) only formats of bare frames or
/// blocks are recognised: a tag before any other format is an accident or an attack.
pub(super) fn of(head: &[u8], is_tagged: bool) -> Option<FileFormat> {
    let found = image(head).or_else(|| container(head)).or_else(|| stream(head)).or_else(|| archive(head))?;
    (!is_tagged || is_stream(found)).then_some(found)
}

/// Whether `head` has `magic` at `offset`.
fn has(head: &[u8], offset: usize, magic: &[u8]) -> bool {
    head.get(offset..).is_some_and(|rest| rest.starts_with(magic))
}

fn image(head: &[u8]) -> Option<FileFormat> {
    let at = |offset, magic: &[u8]| has(head, offset, magic);
    let brand = |brands: &[&[u8; 4]]| at(4, b"ftyp") && brands.iter().any(|brand| at(8, *brand));
    Some(match head {
        _ if at(0, b"\x89PNG\r\n\x1a\n") => FileFormat::Png,
        _ if at(0, b"\xff\xd8\xff") => FileFormat::Jpeg,
        _ if at(0, b"GIF87a") || at(0, b"GIF89a") => FileFormat::Gif,
        _ if at(0, b"BM") && at(6, &[0; 4]) => FileFormat::Bmp,
        _ if at(0, b"II*\0") || at(0, b"MM\0*") => FileFormat::Tiff,
        _ if at(0, b"RIFF") && at(8, b"WEBP") => FileFormat::WebP,
        _ if brand(&[b"avif", b"avis"]) => FileFormat::Avif,
        _ if brand(&[b"heic", b"heix", b"mif1"]) => FileFormat::Heic,
        _ => return None,
    })
}

fn container(head: &[u8]) -> Option<FileFormat> {
    let at = |offset, magic: &[u8]| has(head, offset, magic);
    let is_form = |forms: &[&[u8; 4]]| forms.iter().any(|form| at(0, *form));
    Some(match head {
        _ if at(4, b"ftypqt  ") => FileFormat::QuickTime,
        _ if at(4, b"ftyp") => FileFormat::IsoMp4,
        _ if is_brandless(head) => FileFormat::BrandlessMp4,
        _ if at(0, b"\x1a\x45\xdf\xa3") && head.windows(4).take(64).any(|word| word == b"webm") => {
            FileFormat::WebM
        }
        _ if at(0, b"\x1a\x45\xdf\xa3") => FileFormat::Matroska,
        _ if is_form(&[b"RIFF", b"RF64", b"BW64"]) && at(8, b"WAVE") => FileFormat::Wave,
        _ if at(0, b"RIFF") && at(8, b"AVI ") => FileFormat::Avi,
        _ if at(0, b"riff\x2e\x91\xcf\x11") => FileFormat::W64,
        _ if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) => FileFormat::Aiff,
        _ if at(0, b"FORM") && at(8, b"8SVX") || at(0, b"FRM8") && at(12, b"DSD ") => FileFormat::Iff,
        _ if at(0, b"caff") => FileFormat::Caf,
        _ if at(0, b"OggS") => FileFormat::Ogg,
        _ if at(0, b"FLV\x01") => FileFormat::Flv,
        _ if at(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11") => FileFormat::Asf,
        _ if at(0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02") => FileFormat::Mxf,
        _ if at(0, b"\x00\x00\x01\xba") => FileFormat::MpegPs,
        _ if at(0, b"\x00\x00\x01\xb3") => FileFormat::MpegVideo,
        _ if at(0, b"nut/multimedia container\0") => FileFormat::Nut,
        _ if at(0, b".RMF\0\0\0") => FileFormat::RealMedia,
        _ if at(0, b"\xb7\xd8\x00\x20\x37\x49\xda\x11\xa6\x4e\x00\x07\xe9\x5e\xad\x8d") => FileFormat::Wtv,
        _ if at(0, b"\x1f\x07\x00") && head.get(3).is_some_and(|byte| byte & 0x7f == 0x3f) => FileFormat::Dv,
        _ if is_transport_stream(head) => FileFormat::MpegTs,
        _ => return None,
    })
}

/// Whether the first box is of QuickTime before `ftyp` was introduced, or of a fragment without its beginning, and has
/// a plausible size.
fn is_brandless(head: &[u8]) -> bool {
    const BOXES: [&[u8; 4]; 9] =
        [b"moov", b"wide", b"mdat", b"free", b"skip", b"pnot", b"styp", b"moof", b"sidx"];
    let size = head.first_chunk().map_or(0, |size| u32::from_be_bytes(*size));
    let is_sized = size >= 8 || size <= 1;
    is_sized && BOXES.iter().any(|name| has(head, 4, *name))
}

/// Whether `head` is an MPEG transport stream: packets of 188 bytes that each begin with a sync byte, after 4 bytes of
/// time code in M2TS or before 16 bytes of error correction. The file may begin inside a packet.
fn is_transport_stream(head: &[u8]) -> bool {
    const PACKETS: usize = 5;
    let is_sync = |at: usize| head.get(at) == Some(&0x47);
    let all = |first: usize, size: usize| (0..PACKETS).all(|packet| is_sync(first + packet * size));
    let whole = |size: usize| (0..size.min(head.len())).any(|first| all(first, size));
    let short = head.len() < PACKETS * 204 && is_sync(0) && (188..head.len()).step_by(188).all(is_sync);
    [188, 192, 204].into_iter().any(whole) || short && head.len() > 188
}

fn stream(head: &[u8]) -> Option<FileFormat> {
    let at = |offset, magic: &[u8]| has(head, offset, magic);
    Some(match head {
        _ if at(0, b"fLaC") => FileFormat::Flac,
        _ if at(0, b"#!AMR") => FileFormat::Amr,
        // Bitstream identification (ETSI TS 102 366 §4.4.2.1): above 10 it is E-AC-3.
        [0x0b, 0x77, _, _, _, bsid, ..] if bsid >> 3 > 10 => FileFormat::Eac3,
        [0x0b, 0x77, _, _, _, _, ..] => FileFormat::Ac3,
        _ if at(0, b"\x7f\xfe\x80\x01") || at(0, b"\xfe\x7f\x01\x80") => FileFormat::Dts,
        _ if at(0, b"\x1f\xff\xe8\x00") || at(0, b"\xff\x1f\x00\xe8") => FileFormat::Dts,
        _ if at(0, b".snd") => FileFormat::Au,
        _ if at(0, b"wvpk") => FileFormat::WavPack,
        _ if at(0, b"MAC ") => FileFormat::Ape,
        _ if at(0, b"tBaK") => FileFormat::Tak,
        _ if at(0, b"TTA1") || at(0, b"TTA2") => FileFormat::Tta,
        _ if at(0, b"MP+") => FileFormat::Musepack7,
        _ if at(0, b"MPCK") => FileFormat::Musepack8,
        _ if at(0, b"Creative Voice File\x1a") => FileFormat::Voc,
        _ if at(0, b"DSD \x1c\0\0\0") => FileFormat::Dsf,
        _ if at(0, b"ajkg") => FileFormat::Shorten,
        _ if at(0, b"OFR ") => FileFormat::OptimFrog,
        _ if at(4, b"\xf8\x72\x6f\xba") => FileFormat::TrueHd,
        _ if at(4, b"\xf8\x72\x6f\xbb") => FileFormat::Mlp,
        _ if is_loas(head) => FileFormat::Loas,
        _ => return None,
    })
}

/// Whether `head` begins with three consecutive AudioSyncStream frames (ISO/IEC 14496-3 §1.7.2): 11 bits of
/// synchronisation and 13 bits of length each.
fn is_loas(head: &[u8]) -> bool {
    let mut at = 0;
    (0..3).all(|_| match head.get(at..at + 3) {
        Some(&[0x56, second, third]) if second & 0xe0 == 0xe0 => {
            at += 3 + (usize::from(second & 0x1f) << 8 | usize::from(third));
            true
        }
        _ => false,
    })
}

const fn is_stream(format: FileFormat) -> bool {
    use FileFormat as F;
    matches!(
        format,
        F::Flac
            | F::Ac3
            | F::Eac3
            | F::Dts
            | F::WavPack
            | F::Ape
            | F::Tak
            | F::Tta
            | F::Musepack7
            | F::Musepack8
            | F::OptimFrog
    )
}

fn archive(head: &[u8]) -> Option<FileFormat> {
    let at = |offset, magic: &[u8]| has(head, offset, magic);
    Some(match head {
        _ if at(0, b"PK\x03\x04") || at(0, b"PK\x05\x06") => FileFormat::Zip,
        _ if at(257, b"ustar") => FileFormat::Tar,
        _ if at(0, b"\x1f\x8b\x08") || at(0, b"7z\xbc\xaf\x27\x1c") || at(0, b"Rar!\x1a\x07") => {
            FileFormat::Compressed
        }
        _ if at(0, b"\xfd7zXZ\0") || at(0, b"BZh") || at(0, b"\x28\xb5\x2f\xfd") => FileFormat::Compressed,
        _ if at(0, b"%PDF-") => FileFormat::Pdf,
        _ => return None,
    })
}
