//! Packs speech regions into windows for the model: natural pauses are kept, long ones shortened, and passages that are
//! far apart or differ in level get separate windows.

use std::collections::VecDeque;
use std::ops::Range;

use crate::{RATE, WINDOW};

/// Padding on each side of a passage: 0.25 s.
const PADDING: u64 = RATE as u64 / 4;
/// Maximum pause within a passage: 1.2 s.
const NATURAL_PAUSE: u64 = RATE as u64 * 6 / 5;
/// Length from which a passage ends at the next pause of 0.5 s: the cost of the encoder grows faster than its window.
const LONG_PASSAGE: u64 = 10 * RATE as u64;
const SHORT_PAUSE: u64 = RATE as u64 / 2;
/// Maximum length of a window with several passages: 16 s.
const MAX_SHARED_WINDOW: usize = 16 * RATE as usize;
/// Maximum pause between two passages of a window: 4 s.
const MAX_PASSAGE_GAP: u64 = 4 * RATE as u64;
/// Maximum RMS ratio between two passages of a window: 12 dB.
const MAX_LEVEL_RATIO: f64 = 4.0;
/// Silence after the audio of a window: words that start within 0.1 s of its end are not decoded.
const TRAILING_SILENCE: usize = RATE as usize / 2;
/// Maximum length of the audio in a window, in samples.
const MAX_AUDIO: usize = WINDOW - TRAILING_SILENCE;
/// Speech without a pause is cut at its quietest point within this length before the end of a full window.
const CUT_SEARCH: usize = 6 * RATE as usize;
/// Length and step of the search for the quietest point: 40 ms and 10 ms.
const CUT_LEN: usize = RATE as usize / 25;
const CUT_STEP: usize = RATE as usize / 100;

/// The samples of a recording, mono at 16 kHz.
pub trait SpeechSource {
    /// Why the samples cannot be read.
    type Error;

    /// Appends the samples numbered `samples` to `out`. It is called with ranges in ascending order that do not
    /// overlap, of at most [`WINDOW`] samples. Samples beyond the end of the recording may be left out.
    ///
    /// # Errors
    /// When the recording cannot be read.
    fn read(&mut self, samples: Range<u64>, out: &mut Vec<f32>) -> Result<(), Self::Error>;
}

/// A window with the sources of its audio.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PackedWindow {
    pub(crate) samples: Vec<f32>,
    /// The parts of the audio in order, without gaps from sample 0 to the tail.
    pub(crate) spans: Vec<SourceSpan>,
}

impl PackedWindow {
    /// Makes a window of a part of this one, clipped to its audio.
    pub(crate) fn cut(&self, range: &Range<usize>) -> Self {
        let end = self.spans.last().map_or(0, |last| last.at + last.len());
        let range = range.start.min(end)..range.end.min(end);
        let mut samples = self.samples[range.clone()].to_vec();
        samples.resize(samples.len() + TRAILING_SILENCE, 0.0);
        let spans = self.spans.iter().filter_map(|span| {
            let (start, end) = (span.at.max(range.start), (span.at + span.len()).min(range.end));
            (start < end).then(|| SourceSpan { at: start - range.start, source: span.source_of(start..end) })
        });
        Self { samples, spans: spans.collect() }
    }

    /// The parts of a range of the window, in samples of the recording.
    pub(crate) fn sources(&self, range: &Range<usize>) -> impl Iterator<Item = Range<u64>> {
        self.spans.iter().filter_map(|span| {
            let (start, end) = (span.at.max(range.start), (span.at + span.len()).min(range.end));
            (start < end).then(|| span.source_of(start..end))
        })
    }

    /// The largest contiguous part of a range of the window, in samples of the recording; empty if there is none.
    pub(crate) fn source(&self, range: &Range<usize>) -> Range<u64> {
        self.sources(range).max_by_key(|part| part.end - part.start).unwrap_or_default()
    }
}

impl SourceSpan {
    fn len(&self) -> usize {
        (self.source.end - self.source.start) as usize
    }

    fn source_of(&self, range: Range<usize>) -> Range<u64> {
        let at = |sample: usize| self.source.start + (sample - self.at) as u64;
        at(range.start)..at(range.end)
    }
}

/// A contiguous part of the recording within a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceSpan {
    /// Start in the window, in samples.
    pub(crate) at: usize,
    /// Range of samples in the recording.
    pub(crate) source: Range<u64>,
}

/// Packs the speech of a recording into consecutive windows.
#[derive(Debug)]
pub(crate) struct Packer<'a, S> {
    source: &'a mut S,
    /// The remaining passages, with their padding.
    passages: VecDeque<Range<u64>>,
    /// Samples of the first passage that were read already.
    carry: Vec<f32>,
    /// Whether every passage gets its own window.
    one_passage_per_window: bool,
}

impl<'a, S: SpeechSource> Packer<'a, S> {
    /// Creates a packer; `speech` is sorted and does not overlap.
    pub(crate) fn new(source: &'a mut S, speech: &[Range<u64>], one_passage_per_window: bool) -> Self {
        Self { source, passages: passages(speech), carry: Vec::new(), one_passage_per_window }
    }

    /// The next window; `None` when everything is packed.
    pub(crate) fn next(&mut self) -> Result<Option<PackedWindow>, S::Error> {
        let mut window = PackedWindow::default();
        while let Some(passage) = self.passages.front().cloned() {
            let length = (passage.end - passage.start) as usize;
            if window.samples.is_empty() && length > MAX_AUDIO {
                self.read(MAX_AUDIO)?;
                self.take_part(&mut window, &passage);
                break;
            }
            if !window.samples.is_empty() && !self.fits(&window, &passage) {
                break;
            }
            self.read(length)?;
            if !window.samples.is_empty() && differs_in_level(&window.samples, &self.carry) {
                break;
            }
            window.spans.push(SourceSpan { at: window.samples.len(), source: passage });
            window.samples.append(&mut self.carry);
            self.passages.pop_front();
        }
        if window.spans.is_empty() {
            return Ok(None);
        }
        window.samples.resize(window.samples.len() + TRAILING_SILENCE, 0.0);
        Ok(Some(window))
    }

    /// Whether a passage may be appended to the window.
    fn fits(&self, window: &PackedWindow, passage: &Range<u64>) -> bool {
        let gap = window.spans.last().map_or(0, |last| passage.start.saturating_sub(last.source.end));
        let room = MAX_SHARED_WINDOW.saturating_sub(window.samples.len()) as u64;
        !self.one_passage_per_window && gap <= MAX_PASSAGE_GAP && passage.end - passage.start <= room
    }

    /// Reads the first passage up to `length` samples.
    fn read(&mut self, length: usize) -> Result<(), S::Error> {
        let Some(passage) = self.passages.front() else { return Ok(()) };
        let known = passage.start + self.carry.len() as u64;
        let end = passage.start + length as u64;
        if known < end {
            self.source.read(known..end, &mut self.carry)?;
        }
        // The recording may end within the padding of its speech.
        self.carry.resize(self.carry.len().max(length), 0.0);
        Ok(())
    }

    /// Fills the window from a longer passage; the samples after the cut are carried over to the next window.
    fn take_part(&mut self, window: &mut PackedWindow, passage: &Range<u64>) {
        let searched = MAX_AUDIO - CUT_SEARCH;
        let cut = searched + quietest_point(&self.carry[searched..]);
        let rest = self.carry.split_off(cut);
        window.samples = std::mem::replace(&mut self.carry, rest);
        let middle = passage.start + cut as u64;
        window.spans = vec![SourceSpan { at: 0, source: passage.start..middle }];
        self.passages[0] = middle..passage.end;
    }
}

/// Splits speech at its pauses and pads the passages, at most to the middle of a pause.
fn passages(speech: &[Range<u64>]) -> VecDeque<Range<u64>> {
    let mut passages: Vec<Range<u64>> = Vec::new();
    for region in speech {
        let follows = |last: &Range<u64>| {
            let is_long = last.end - last.start >= LONG_PASSAGE;
            region.start <= last.end + if is_long { SHORT_PAUSE } else { NATURAL_PAUSE }
        };
        match passages.last_mut() {
            Some(last) if follows(last) => last.end = region.end,
            _ => passages.push(region.clone()),
        }
    }
    let padded = |(index, passage): (usize, &Range<u64>)| {
        let before = index.checked_sub(1).map(|before| passage.start - passages[before].end);
        let after = passages.get(index + 1).map(|after| after.start - passage.end);
        let padding = |pause: Option<u64>| PADDING.min(pause.map_or(u64::MAX, |pause| pause / 2));
        passage.start.saturating_sub(padding(before))..passage.end + padding(after)
    };
    passages.iter().enumerate().map(padded).collect()
}

fn differs_in_level(a: &[f32], b: &[f32]) -> bool {
    let power = |samples: &[f32]| {
        let sum: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
        sum / samples.len().max(1) as f64
    };
    let (a, b) = (power(a), power(b));
    a.max(b) > a.min(b) * MAX_LEVEL_RATIO * MAX_LEVEL_RATIO
}

/// The middle of the quietest [`CUT_LEN`] samples.
fn quietest_point(samples: &[f32]) -> usize {
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

    /// A source whose samples contain their own number, within the precision of a float.
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

    fn windows(speech: &[Range<u64>]) -> Vec<PackedWindow> {
        let mut source = Counting::default();
        let mut packer = Packer::new(&mut source, speech, false);
        std::iter::from_fn(|| packer.next().unwrap()).collect()
    }

    fn second(seconds: f64) -> u64 {
        (seconds * f64::from(RATE)) as u64
    }

    fn sources(packed: &PackedWindow) -> Vec<(u64, Range<u64>)> {
        packed.spans.iter().map(|span| (span.at as u64, span.source.clone())).collect()
    }

    /// A source that is louder from a given sample on.
    struct Louder(u64);

    impl SpeechSource for Louder {
        type Error = Infallible;

        fn read(&mut self, samples: Range<u64>, out: &mut Vec<f32>) -> Result<(), Infallible> {
            out.extend(samples.map(|sample| if sample < self.0 { 0.01 } else { 0.5 }));
            Ok(())
        }
    }

    #[test]
    fn short_pauses_are_kept_and_long_ones_shortened() {
        let speech = [
            second(1.0)..second(2.0),
            second(5.0)..second(6.0),
            second(7.0)..second(8.0),
            second(60.0)..second(61.0),
        ];
        let mut source = Louder(u64::MAX);
        let mut packer = Packer::new(&mut source, &speech, false);
        let packed: Vec<_> = std::iter::from_fn(|| packer.next().unwrap()).collect();
        assert_eq!(packed.len(), 2, "distant passages get separate windows");
        let expected = [(0, second(0.75)..second(2.25)), (second(1.5), second(4.75)..second(8.25))];
        assert_eq!(sources(&packed[0]), expected);
        assert_eq!(sources(&packed[1]), [(0, second(59.75)..second(61.25))]);
    }

    #[test]
    fn long_speech_is_split_at_pauses() {
        let speech = [second(0.0)..second(11.0), second(11.6)..second(15.0), second(15.4)..second(24.0)];
        let packed = windows(&speech);
        let ends: Vec<u64> = packed.iter().map(|window| window.spans[0].source.end).collect();
        assert_eq!(ends, [second(11.25), second(24.25)]);
    }

    #[test]
    fn passages_of_unlike_level_get_separate_windows() {
        let mut source = Louder(second(60.0));
        let mut packer =
            Packer::new(&mut source, &[second(56.0)..second(57.0), second(61.0)..second(62.0)], false);
        assert_eq!(sources(&packer.next().unwrap().unwrap()), [(0, second(55.75)..second(57.25))]);
        let next = packer.next().unwrap().unwrap();
        assert_eq!(sources(&next), [(0, second(60.75)..second(62.25))]);
        assert!(next.samples[..1_000].iter().all(|sample| *sample == 0.5));
        assert!(packer.next().unwrap().is_none());
    }

    #[test]
    fn speech_without_pause_is_cut_into_windows() {
        let (packed, largest) = {
            let mut source = Counting::default();
            let forty_minutes = second(5.0)..second(2_405.0);
            let mut packer = Packer::new(&mut source, &[forty_minutes], false);
            let packed: Vec<_> = std::iter::from_fn(|| packer.next().unwrap()).collect();
            (packed, source.largest)
        };
        assert!(largest <= WINDOW);
        assert!((81..=102).contains(&packed.len()), "{}", packed.len());
        assert_eq!(packed[0].spans[0].source.start, second(4.75));
        assert_eq!(packed.last().unwrap().spans[0].source.end, second(2_405.25));
        for pair in packed.windows(2) {
            assert_eq!(pair[0].spans.last().unwrap().source.end, pair[1].spans[0].source.start);
        }
    }

    #[test]
    fn cut_is_at_the_quietest_samples() {
        let mut samples = vec![0.5; CUT_SEARCH];
        samples[20_000..21_000].fill(0.0);
        assert!((20_000..21_000).contains(&quietest_point(&samples)));
    }

    fn any_speech() -> impl Strategy<Value = Vec<Range<u64>>> {
        prop::collection::vec((0u64..80_000, 1u64..900_000), 0..12).prop_map(|spans| {
            let mut at = 0;
            let range = |(gap, len)| {
                let start = at + gap;
                at = start + len;
                start..at
            };
            spans.into_iter().map(range).collect()
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
                for span in &window.spans {
                    prop_assert!(span.source.start >= next && span.source.start < span.source.end);
                    prop_assert_eq!(span.at, at);
                    let len = (span.source.end - span.source.start) as usize;
                    prop_assert_eq!(window.samples[at], value(span.source.start));
                    prop_assert_eq!(window.samples[at + len - 1], value(span.source.end - 1));
                    at += len;
                    next = span.source.end;
                    packed.push(span.source.clone());
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
