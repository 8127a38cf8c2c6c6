//! Durations of the fragments of an MP4 file (ISO/IEC 14496-12 §8.8), which its index does not declare.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};
use std::ops::Range;

use super::boxes::{BoxReader, be32};

/// Most boxes that are read; enough for a day of fragments of one second.
const MAX_BOXES: u32 = 2_000_000;
/// Most bytes of a run's table that are read.
const MAX_RUN_BYTES: usize = 1 << 20;

/// Totals of the fragments of a track.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fragments {
    pub(crate) samples: u64,
    /// Total duration in ticks of the track.
    pub(crate) duration: u64,
}

/// The fragments of each track by its id; `defaults` are the sample durations declared by `trex` boxes.
pub(super) fn read(
    source: &mut (impl Read + Seek),
    defaults: &BTreeMap<u32, u32>,
) -> io::Result<BTreeMap<u32, Fragments>> {
    let mut reader = BoxReader::with_limit(source, MAX_BOXES);
    let mut file = reader.everything()?;
    let mut tracks = BTreeMap::new();
    while let Some(child) = reader.next_box(&mut file)? {
        if child.kind != *b"moof" {
            continue;
        }
        let mut moof = child.content;
        while let Some(traf) = reader.next_box(&mut moof)? {
            if traf.kind == *b"traf" {
                add_track(&mut reader, traf.content, defaults, &mut tracks)?;
            }
        }
    }
    Ok(tracks)
}

fn add_track<R: Read + Seek>(
    reader: &mut BoxReader<'_, R>,
    mut traf: Range<u64>,
    defaults: &BTreeMap<u32, u32>,
    tracks: &mut BTreeMap<u32, Fragments>,
) -> io::Result<()> {
    let (mut track, mut default) = (0, 0);
    while let Some(child) = reader.next_box(&mut traf)? {
        match &child.kind {
            b"tfhd" => {
                let header = reader.content(&child, 64)?;
                track = be32(&header, 4).unwrap_or(0);
                default = header_duration(&header).or(defaults.get(&track).copied()).unwrap_or(0);
            }
            b"trun" => {
                let run = reader.content(&child, MAX_RUN_BYTES)?;
                let (samples, duration) = run_duration(&run, default);
                let total = tracks.entry(track).or_default();
                total.samples = total.samples.saturating_add(samples);
                total.duration = total.duration.saturating_add(duration);
            }
            _ => {}
        }
    }
    Ok(())
}

/// `default_sample_duration` of a `tfhd` box, which comes after the optional fields that the flags declare.
fn header_duration(header: &[u8]) -> Option<u32> {
    let flags = be32(header, 0)?;
    let base = if flags & 0x1 != 0 { 8 } else { 0 };
    let description = if flags & 0x2 != 0 { 4 } else { 0 };
    if flags & 0x8 != 0 { be32(header, 8 + base + description) } else { None }
}

/// Number of samples of a `trun` box, and their total duration in ticks.
fn run_duration(run: &[u8], default: u32) -> (u64, u64) {
    let flags = be32(run, 0).unwrap_or(0);
    let count = u64::from(be32(run, 4).unwrap_or(0));
    if flags & 0x100 == 0 {
        return (count, count.saturating_mul(default.into()));
    }
    let fields = (flags >> 8 & 0xf).count_ones() as usize * 4;
    let first = 8 + (flags & 0x1 != 0) as usize * 4 + (flags & 0x4 != 0) as usize * 4;
    let entries = run.get(first..).unwrap_or_default().chunks_exact(fields);
    let durations = entries.take(usize::try_from(count).unwrap_or(usize::MAX)).map(|entry| be32(entry, 0));
    let (counted, duration) = durations.fold((0, 0), |(counted, total): (u64, u64), duration| {
        (counted + 1, total.saturating_add(u64::from(duration.unwrap_or(0))))
    });
    // Samples beyond the bytes that were read are assumed to have the average duration.
    let rest = (count - counted).saturating_mul(duration.checked_div(counted).unwrap_or(default.into()));
    (count, duration.saturating_add(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes(), kind.as_slice(), content].concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn durations_come_from_runs_headers_and_defaults() {
        let traf = |tfhd: &[u32], trun: &[u32]| {
            boxed(b"traf", &[boxed(b"tfhd", &words(tfhd)), boxed(b"trun", &words(trun))].concat())
        };
        let by_run = traf(&[0, 1], &[0x301, 2, 99, 40, 7, 50, 7]);
        let by_header = traf(&[0x8, 1, 30], &[0, 10]);
        let by_default = traf(&[0, 2], &[0, 5]);
        let file = [by_run, by_header, by_default].map(|traf| boxed(b"moof", &traf)).concat();
        let found = read(&mut io::Cursor::new(file), &BTreeMap::from([(2, 20)])).unwrap();
        assert_eq!(found[&1], Fragments { samples: 12, duration: 390 });
        assert_eq!(found[&2], Fragments { samples: 5, duration: 100 });
    }

    #[test]
    fn sample_counts_beyond_the_box_use_the_average_duration() {
        let (count, duration) = run_duration(&words(&[0x100, u32::MAX, 10, 20]), 1);
        assert_eq!((count, duration), (u64::from(u32::MAX), 30 + (u64::from(u32::MAX) - 2) * 15));
    }
}
