//! Words as captions: at most two lines of at most 42 characters (the usual limits of subtitling), cut where sentences
//! end or a pause is made, else after a comma, else where they are full.

use std::fmt::Write;

use crate::model::Word;
use crate::text::{ends_sentence, joined};

/// Characters of a line.
pub const MAX_LINE: usize = 42;
/// A pause after which another caption begins, in ms.
const PAUSE_MS: i64 = 1_500;
/// The longest a caption goes on growing, in ms.
const MAX_DURATION_MS: i64 = 7_000;
/// A sentence of up to so many characters may share its caption with the next.
const SHORT: usize = MAX_LINE / 2;

/// What is shown at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caption {
    /// When it appears, in ms.
    pub start_ms: i64,
    /// When it goes, in ms.
    pub end_ms: i64,
    /// One or two, of at most [`MAX_LINE`] characters.
    pub lines: Vec<String>,
}

/// A word, or a part of one that is longer than a line.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    text: &'a str,
    start_ms: i64,
    end_ms: i64,
}

/// The captions of words in order.
#[must_use]
pub fn captions(words: &[Word]) -> Vec<Caption> {
    let mut captions = Vec::new();
    let mut current: Vec<Piece<'_>> = Vec::new();
    for piece in words.iter().flat_map(pieces) {
        if current.last().is_some_and(|last| is_over(&current, *last, piece)) {
            captions.extend(caption(&std::mem::take(&mut current)));
        }
        current.push(piece);
        while wrapped(&current).is_none() {
            let rest = current.split_off(cut(&current));
            captions.extend(caption(&std::mem::replace(&mut current, rest)));
        }
    }
    captions.extend(caption(&current));
    captions
}

/// One sentence a line, also broken at pauses.
#[must_use]
pub fn plain(words: &[Word]) -> String {
    let mut text = String::new();
    let is_end = |a: &Word, b: &Word| ends_sentence(&a.word) || b.start_ms - a.end_ms >= PAUSE_MS;
    for sentence in words.chunk_by(|a, b| !is_end(a, b)) {
        text += &joined(sentence.iter().map(|word| word.word.as_str()));
        text.push('\n');
    }
    text
}

/// As SubRip.
#[must_use]
pub fn srt(captions: &[Caption]) -> String {
    let mut text = String::new();
    for (index, caption) in captions.iter().enumerate() {
        let (start, end) = (clock(caption.start_ms, ','), clock(caption.end_ms, ','));
        // Writing to a String cannot fail.
        let _ = write!(text, "{}\n{start} --> {end}\n{}\n\n", index + 1, caption.lines.join("\n"));
    }
    text
}

/// As WebVTT (W3C), with what would be markup escaped.
#[must_use]
pub fn vtt(captions: &[Caption]) -> String {
    let mut text = "WEBVTT\n".to_owned();
    for caption in captions {
        let (start, end) = (clock(caption.start_ms, '.'), clock(caption.end_ms, '.'));
        let lines = caption.lines.join("\n").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(text, "\n{start} --> {end}\n{lines}\n");
    }
    text
}

fn clock(ms: i64, point: char) -> String {
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    format!("{:02}:{:02}:{:02}{point}{ms:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

fn pieces(word: &Word) -> impl Iterator<Item = Piece<'_>> {
    let (start_ms, end_ms) = (word.start_ms, word.end_ms);
    let parts = word.word.split_whitespace().flat_map(LineParts);
    parts.map(move |text| Piece { text, start_ms, end_ms })
}

/// A text in parts that each fit on a line.
struct LineParts<'a>(&'a str);

impl<'a> Iterator for LineParts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let cut = self.0.char_indices().nth(MAX_LINE).map_or(self.0.len(), |(at, _)| at);
        let (part, rest) = self.0.split_at(cut);
        self.0 = rest;
        (!part.is_empty()).then_some(part)
    }
}

/// Is the caption complete before `next`?
fn is_over(current: &[Piece<'_>], last: Piece<'_>, next: Piece<'_>) -> bool {
    let is_long = || text(current).chars().count() > SHORT;
    next.start_ms - last.end_ms >= PAUSE_MS
        || next.end_ms - current[0].start_ms > MAX_DURATION_MS
        || (ends_sentence(last.text) && is_long())
}

/// How many pieces of a caption that is too long by its last one stay in it.
fn cut(current: &[Piece<'_>]) -> usize {
    let full = current.len() - 1;
    let after_comma = |&count: &usize| current[count - 1].text.ends_with([',', ';', ':', '，', '、']);
    (full.div_ceil(2)..=full).rev().filter(|&count| count > 0).find(after_comma).unwrap_or(full)
}

fn caption(pieces: &[Piece<'_>]) -> Option<Caption> {
    let (first, last) = (pieces.first()?, pieces.last()?);
    Some(Caption { start_ms: first.start_ms, end_ms: last.end_ms, lines: wrapped(pieces)? })
}

fn text(pieces: &[Piece<'_>]) -> String {
    joined(pieces.iter().map(|piece| piece.text))
}

/// On one line, or on two as equal as can be; `None` when there is no room.
fn wrapped(pieces: &[Piece<'_>]) -> Option<Vec<String>> {
    let len = |line: &String| line.chars().count();
    let whole = text(pieces);
    if len(&whole) <= MAX_LINE {
        return Some(vec![whole]);
    }
    let halves = (1..pieces.len()).map(|at| [text(&pieces[..at]), text(&pieces[at..])]);
    let fitting = halves.filter(|lines| lines.iter().all(|line| len(line) <= MAX_LINE));
    fitting.min_by_key(|[upper, lower]| len(upper).abs_diff(len(lower))).map(Vec::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<Word> {
        let word = |(index, word): (i64, &str)| Word {
            word: word.to_owned(),
            start_ms: index * 300,
            end_ms: index * 300 + 250,
            confidence: None,
            more: serde_json::Map::new(),
        };
        (0..).zip(text.split(' ')).map(word).collect()
    }

    fn lines(text: &str) -> Vec<Vec<String>> {
        captions(&words(text)).into_iter().map(|caption| caption.lines).collect()
    }

    #[test]
    fn a_caption_ends_with_its_sentence() {
        assert_eq!(
            lines("Welcome to this recording of a machine. It begins with a voice."),
            [vec!["Welcome to this recording of a machine."], vec!["It begins with a voice."]]
        );
        assert_eq!(lines("Yes. No. Perhaps."), [vec!["Yes. No. Perhaps."]], "short ones share");
    }

    #[test]
    fn two_lines_are_about_equal() {
        let text = "Ask not what your country can do for you, ask what you can do";
        assert_eq!(lines(text), [vec!["Ask not what your country can", "do for you, ask what you can do"]]);
    }

    #[test]
    fn a_long_sentence_is_cut_after_a_comma() {
        let text = "And so my fellow Americans who are here today with us all, ask not what your country can do \
                    for any of you";
        let captions = lines(text);
        assert_eq!(captions.len(), 2);
        assert!(captions[0].concat().ends_with("all,"), "{captions:?}");
    }

    #[test]
    fn a_pause_is_an_end() {
        let mut words = words("one two");
        words[1].start_ms += 2_000;
        words[1].end_ms += 2_000;
        assert_eq!(captions(&words).len(), 2);
        assert_eq!(plain(&words), "one\ntwo\n");
    }

    #[test]
    fn the_formats() {
        let caption =
            Caption { start_ms: 3_661_001, end_ms: 3_662_500, lines: vec!["a < b".into(), "& c".into()] };
        let captions = [caption];
        assert_eq!(srt(&captions), "1\n01:01:01,001 --> 01:01:02,500\na < b\n& c\n\n");
        assert_eq!(vtt(&captions), "WEBVTT\n\n01:01:01.001 --> 01:01:02.500\na &lt; b\n&amp; c\n");
        assert_eq!((srt(&[]).as_str(), vtt(&[]).as_str(), plain(&[]).as_str()), ("", "WEBVTT\n", ""));
    }

    proptest! {
        #[test]
        fn every_word_is_shown_within_the_limits(texts in prop::collection::vec("[a-zé,.!? \n好]{0,60}", 0..40)) {
            let mut spoken = words("");
            spoken.clear();
            for (index, text) in (0i64..).zip(&texts) {
                let start_ms = index * 400;
                spoken.push(Word {
                    word: text.clone(), start_ms, end_ms: start_ms + 300, confidence: None, more: serde_json::Map::new(),
                });
            }
            let captions = captions(&spoken);
            let mut end = 0;
            for caption in &captions {
                prop_assert!((1..=2).contains(&caption.lines.len()));
                for line in &caption.lines {
                    prop_assert!((1..=MAX_LINE).contains(&line.chars().count()), "{line:?}");
                    prop_assert!(!line.contains(['\n', '\r']));
                }
                prop_assert!(caption.start_ms < caption.end_ms);
                end = caption.end_ms.max(end);
            }
            let bare = |text: &str| text.replace(char::is_whitespace, "");
            let shown: String = captions.iter().flat_map(|caption| &caption.lines).map(|line| bare(line)).collect();
            prop_assert_eq!(shown, texts.iter().map(|text| bare(text)).collect::<String>());
        }
    }
}
