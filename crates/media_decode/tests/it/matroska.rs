//! Writes Matroska files with laced blocks and compressed frames.

#![expect(clippy::expect_used, reason = "the files are small")]

/// Lacing of the frames of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lacing {
    /// One frame per block.
    None,
    /// Eight frames per block, with sizes as in Ogg (RFC 9559 §10.3.2).
    Xiph,
    /// Eight frames per block, with EBML sizes (§10.3.3).
    Ebml,
}

/// Number of bytes stripped from every frame, which the demuxer restores (§5.1.4.1.31.8, header stripping).
pub(crate) const PREFIX_BYTES: usize = 1;

const FRAMES_PER_BLOCK: usize = 8;
/// Blocks in a cluster; their relative timestamps have 16 bits.
const BLOCKS_PER_CLUSTER: usize = 100;

/// A file of Opus packets of 20 ms. With `strips`, the first byte of the frames, which must be equal, is stored once.
pub(crate) fn opus(head: &[u8], packets: &[Vec<u8>], lacing: Lacing, strips: bool) -> Vec<u8> {
    let prefix = if strips { &packets[0][..PREFIX_BYTES] } else { &[] };
    let per_block = if matches!(lacing, Lacing::None) { 1 } else { FRAMES_PER_BLOCK };
    let blocks: Vec<&[Vec<u8>]> = packets.chunks(per_block).collect();
    let clusters = blocks.chunks(BLOCKS_PER_CLUSTER).enumerate().map(|(index, blocks)| {
        let first = index * BLOCKS_PER_CLUSTER * per_block * 20;
        let timestamp = element(&[0xE7], &(first as u64).to_be_bytes());
        let blocks = blocks.iter().enumerate().map(|(index, frames)| {
            let frames: Vec<&[u8]> = frames.iter().map(|frame| &frame[prefix.len()..]).collect();
            element(&[0xA3], &block(index * per_block * 20, &frames, lacing))
        });
        element(&[0x1F, 0x43, 0xB6, 0x75], &[timestamp, blocks.collect::<Vec<_>>().concat()].concat())
    });
    let clusters: Vec<Vec<u8>> = clusters.collect();
    let header = element(
        &[0x1A, 0x45, 0xDF, 0xA3],
        &[element(&[0x42, 0x82], b"matroska"), element(&[0x42, 0x87], &[4]), element(&[0x42, 0x85], &[2])]
            .concat(),
    );
    let applications = [element(&[0x4D, 0x80], b"test"), element(&[0x57, 0x41], b"test")].concat();
    let scale = element(&[0x2A, 0xD7, 0xB1], &1_000_000_u32.to_be_bytes());
    let info = element(&[0x15, 0x49, 0xA9, 0x66], &[scale, applications].concat());
    let tracks = element(&[0x16, 0x54, 0xAE, 0x6B], &track(head, prefix));
    let segment = element(&[0x18, 0x53, 0x80, 0x67], &[info, tracks, clusters.concat()].concat());
    [header, segment].concat()
}

fn track(head: &[u8], prefix: &[u8]) -> Vec<u8> {
    let pre_skip = u32::from(u16::from_le_bytes([head[10], head[11]]));
    let audio = [element(&[0xB5], &48_000_f64.to_be_bytes()), element(&[0x9F], &[head[9]])].concat();
    let mut entry = vec![
        element(&[0xD7], &[1]),
        element(&[0x73, 0xC5], &[1]),
        element(&[0x83], &[2]),
        element(&[0x86], b"A_OPUS"),
        element(&[0x56, 0xAA], &(pre_skip * 62_500 / 3).to_be_bytes()),
        element(&[0x63, 0xA2], head),
        element(&[0xE1], &audio),
    ];
    if !prefix.is_empty() {
        let compression = [element(&[0x42, 0x54], &[3]), element(&[0x42, 0x55], prefix)].concat();
        let encoding = element(&[0x62, 0x40], &element(&[0x50, 0x34], &compression));
        entry.push(element(&[0x6D, 0x80], &encoding));
    }
    element(&[0xAE], &entry.concat())
}

fn block(time_ms: usize, frames: &[&[u8]], lacing: Lacing) -> Vec<u8> {
    let time = i16::try_from(time_ms).expect("within a cluster").to_be_bytes();
    let flags = match lacing {
        _ if frames.len() == 1 => 0x80,
        Lacing::None => 0x80,
        Lacing::Xiph => 0x82,
        Lacing::Ebml => 0x86,
    };
    let mut block = [&[0x81][..], &time, &[flags]].concat();
    if frames.len() > 1 {
        block.push(u8::try_from(frames.len() - 1).expect("few frames"));
        let sizes: Vec<usize> = frames[..frames.len() - 1].iter().map(|frame| frame.len()).collect();
        block.extend(match lacing {
            Lacing::Ebml => ebml_sizes(&sizes),
            Lacing::None | Lacing::Xiph => xiph_sizes(&sizes),
        });
    }
    block.extend(frames.concat());
    block
}

fn xiph_sizes(sizes: &[usize]) -> Vec<u8> {
    let size = |size: &usize| [vec![255; size / 255], vec![(size % 255) as u8]].concat();
    sizes.iter().flat_map(size).collect()
}

/// The first size, then signed differences, all as numbers of two bytes.
fn ebml_sizes(sizes: &[usize]) -> Vec<u8> {
    let first = (0x4000 | sizes[0] as u16).to_be_bytes().to_vec();
    let difference = |pair: &[usize]| {
        let difference = pair[1] as i32 - pair[0] as i32 + 0x1FFF;
        (0x4000 | difference as u16).to_be_bytes()
    };
    [first, sizes.windows(2).flat_map(difference).collect()].concat()
}

fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
    let length = (1_u64 << 56 | content.len() as u64).to_be_bytes();
    [id, &length, content].concat()
}

/// The packets of an Ogg file with one stream, its headers included.
pub(crate) fn ogg_packets(file: &[u8]) -> Vec<Vec<u8>> {
    let (mut packets, mut packet, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(page) = file.get(at..).filter(|page| page.starts_with(b"OggS")) {
        let segments = &page[27..27 + usize::from(page[26])];
        let mut data = &page[27 + segments.len()..];
        for length in segments {
            let (segment, rest) = data.split_at(usize::from(*length));
            packet.extend_from_slice(segment);
            data = rest;
            if *length < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
        at += page.len() - data.len();
    }
    packets
}
