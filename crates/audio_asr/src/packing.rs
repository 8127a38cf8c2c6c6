//! From a recording's speech to windows for a model: silence cut down, nothing longer than a window, never more than
//! one window in memory.

use std::collections::VecDeque;
use std::ops::Range;

use crate::{RATE, WINDOW};

/// What is kept of the surroundings of speech, on either side: between two neighbours at most 0.3 s of silence stay.
const PADDING: u64 = RATE as u64 * 15 / 100;
/// Silence after the last sound of a window: words that begin within 0.1 s of its end are not decoded.
const TAIL: usize = RATE as usize / 2;
/// Most sound of a window.
const CAPACITY: usize = WINDOW - TAIL;
/// Speech without a pause is cut where it is quietest within so much of a full window's end.
const CUT_SEARCH: usize = 6 * RATE as usize;
/// The quietest stretch is looked for with this length, at multiples of this step: 40 ms and 10 ms.
const CUT_LEN: usize = RATE as usize / 25;
const CUT_STEP: usize = RATE as usize / 100;

/// The samples of a recording, mono at 16 kHz.
pub trait SpeechSource {
    /// Why they cannot be had.
    type Error;

    /// Appends the samples numbered `samples` to `out`. Called with ranges in ascending order that do not overlap, of
    /// at most [`WINDOW`] samples. What lies beyond the recording's end may be left out.
    ///
    /// # Errors
    /// When the recording cannot be read.
    fn read(&mut self, samples: Range<u64>, out: &mut Vec<f32>) -> Result<(), Self::Error>;
}

/// A window, and where its parts come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Packed {
    pub(crate) samples: Vec<f32>,
    /// In order, without gap from 0 to the tail.
    pub(crate) pieces: Vec<Piece>,
}

/// A stretch of the recording within a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where it begins in the window.
    pub(crate) at: usize,
    /// Which samples of the recording it holds.
    pub(crate) source: Range<u64>,
}

/// Packs the speech of a recording into windows, one after the other.
#[derive(Debug)]
pub(crate) struct Packer<'a, S> {
    source: &'a mut S,
    /// What is still to be packed, with its padding.
    spans: VecDeque<Range<u64>>,
    /// Samples already read of the first span.
    carry: Vec<f32>,
}

impl<'a, S: SpeechSource> Packer<'a, S> {
    /// `speech` is sorted and does not overlap.
    pub(crate) fn new(source: &'a mut S, speech: &[Range<u64>]) -> Self {
        Self { source, spans: padded(speech), carry: Vec::new() }
    }

    /// The next window; `None` when everything is packed.
    pub(crate) fn next(&mut self) -> Result<Option<Packed>, S::Error> {
        let mut window = Packed::default();
        while let Some(span) = self.spans.front().cloned() {
            let room = CAPACITY - window.samples.len();
            if span.end - span.start <= room as u64 {
                self.take(&mut window, span)?;
                self.spans.pop_front();
            } else if window.samples.is_empty() {
                self.take_part(&mut window, span)?;
                break;
            } else {
                break;
            }
        }
        if window.pieces.is_empty() {
            return Ok(None);
        }
        window.samples.resize(window.samples.len() + TAIL, 0.0);
        Ok(Some(window))
    }

    /// Moves a span, or its beginning, into the window.
    fn take(&mut self, window: &mut Packed, span: Range<u64>) -> Result<(), S::Error> {
        let at = window.samples.len();
        let wanted = at + (span.end - span.start) as usize;
        window.samples.append(&mut self.carry);
        let read = span.start + (window.samples.len() - at) as u64;
        if read < span.end {
            self.source.read(read..span.end, &mut window.samples)?;
        }
        // A recording may end a little before its speech is padded.
        window.samples.resize(wanted, 0.0);
        window.pieces.push(Piece { at, source: span });
        Ok(())
    }

    /// Fills the window from a span that is longer, and keeps for the next what comes after the cut.
    fn take_part(&mut self, window: &mut Packed, span: Range<u64>) -> Result<(), S::Error> {
        self.take(window, span.start..span.start + CAPACITY as u64)?;
        let searched = CAPACITY - CUT_SEARCH;
        let cut = searched + quietest(&window.samples[searched..]);
        self.carry = window.samples.split_off(cut);
        let middle = span.start + cut as u64;
        window.pieces = vec![Piece { at: 0, source: span.start..middle }];
        self.spans[0] = middle..span.end;
        Ok(())
    }
}

/// Speech with its padding: neighbours share what is between them.
fn padded(speech: &[Range<u64>]) -> VecDeque<Range<u64>> {
    let between = |a: &Range<u64>, b: &Range<u64>| a.end + (b.start - a.end) / 2;
    let pad = |index: usize| {
        let region = &speech[index];
        let earliest = index.checked_sub(1).map_or(0, |before| between(&speech[before], region));
        let latest = speech.get(index + 1).map_or(u64::MAX, |after| between(region, after));
        region.start.saturating_sub(PADDING).max(earliest)..(region.end + PADDING).min(latest)
    };
    (0..speech.len()).map(pad).collect()
}

/// The middle of the quietest stretch.
fn quietest(samples: &[f32]) -> usize {
    let energy =
        |start: usize| samples[start..start + CUT_LEN].iter().map(|sample| sample * sample).sum::<f32>();
    let starts = (0..=samples.len() - CUT_LEN).step_by(CUT_STEP);
    let best = starts.min_by(|&a, &b| energy(a).total_cmp(&energy(b)));
    best.unwrap_or(0) + CUT_LEN / 2
}

#[cfg(test)]
pub(crate) mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// Each sample tells its own number, as far as a float can.
    #[derive(Debug, Default)]
    pub(crate) struct Counting {
        read_to: u64,
        pub(crate) largest: usize,
    }

    impl SpeechSource for Counting {
        type Error = Infallible;

        fn read(&mut self, samples: Range<u64>, out: &mut Vec<f32>) -> Result<(), Infallible> {
            assert!(self.read_to <= samples.start && samples.start < samples.end);
            self.read_to = samples.end;
            self.largest = self.largest.max((samples.end - samples.start) as usize);
            out.extend(samples.map(value));
            Ok(())
        }
    }

    fn value(sample: u64) -> f32 {
        (sample % 1_000_003) as f32
    }

    fn windows(speech: &[Range<u64>]) -> Vec<Packed> {
        let mut source = Counting::default();
        let mut packer = Packer::new(&mut source, speech);
        std::iter::from_fn(|| packer.next().unwrap()).collect()
    }

    fn second(seconds: f64) -> u64 {
        (seconds * f64::from(RATE)) as u64
    }

    #[test]
    fn silence_is_cut_down() {
        let packed =
            windows(&[second(1.0)..second(2.0), second(10.0)..second(11.0), second(11.2)..second(12.0)]);
        assert_eq!(packed.len(), 1);
        let pieces: Vec<_> =
            packed[0].pieces.iter().map(|piece| (piece.at as u64, piece.source.clone())).collect();
        let expected = [
            (0, second(0.85)..second(2.15)),
            (second(1.3), second(9.85)..second(11.1)),
            (second(2.55), second(11.1)..second(12.15)),
        ];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn speech_without_pause_is_cut_into_windows() {
        let (packed, largest) = {
            let mut source = Counting::default();
            let forty_minutes = second(5.0)..second(2_405.0);
            let mut packer = Packer::new(&mut source, &[forty_minutes]);
            let packed: Vec<_> = std::iter::from_fn(|| packer.next().unwrap()).collect();
            (packed, source.largest)
        };
        assert!(largest <= WINDOW);
        assert!((81..=102).contains(&packed.len()), "{}", packed.len());
        assert_eq!(packed[0].pieces[0].source.start, second(4.85));
        assert_eq!(packed.last().unwrap().pieces[0].source.end, second(2_405.15));
        for pair in packed.windows(2) {
            assert_eq!(pair[0].pieces.last().unwrap().source.end, pair[1].pieces[0].source.start);
        }
    }

    #[test]
    fn the_cut_is_where_it_is_quiet() {
        let mut samples = vec![0.5; CUT_SEARCH];
        samples[20_000..21_000].fill(0.0);
        assert!((20_000..21_000).contains(&quietest(&samples)));
    }

    fn any_speech() -> impl Strategy<Value = Vec<Range<u64>>> {
        prop::collection::vec((0u64..80_000, 1u64..900_000), 0..12).prop_map(|spans| {
            let mut at = 0;
            let place = |(gap, len)| {
                let start = at + gap;
                at = start + len;
                start..at
            };
            spans.into_iter().map(place).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_sample_of_speech_is_packed_once_and_in_order(speech in any_speech()) {
            let mut next = 0;
            let mut packed = Vec::new();
            for window in windows(&speech) {
                prop_assert!(window.samples.len() <= WINDOW);
                let mut at = 0;
                for piece in &window.pieces {
                    prop_assert!(piece.source.start >= next && piece.source.start < piece.source.end);
                    prop_assert_eq!(piece.at, at);
                    let len = (piece.source.end - piece.source.start) as usize;
                    prop_assert_eq!(window.samples[at], value(piece.source.start));
                    prop_assert_eq!(window.samples[at + len - 1], value(piece.source.end - 1));
                    at += len;
                    next = piece.source.end;
                    packed.push(piece.source.clone());
                }
                prop_assert!(window.samples[at..].iter().all(|&sample| sample == 0.0));
            }
            let covered = |sample: u64| packed.iter().any(|range| range.contains(&sample));
            for region in speech {
                prop_assert!(covered(region.start) && covered(region.end - 1));
            }
        }
    }
}
