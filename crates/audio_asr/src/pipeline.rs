//! A recording's speech in, its words out.

use std::collections::BTreeMap;
use std::ops::Range;

use media_time::{MediaTime, Window};

use crate::gates::{self, LoopGuard};
use crate::packing::{Packed, Packer};
use crate::phrases::{self, Phrase};
use crate::placing::{self, Voiced};
use crate::{AsrError, Gates, Language, RATE, Rejection, SpeechSource, TranscribeError, Transcriber, Word};

/// How to transcribe.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// The language spoken; detected once, in the first window, when not given.
    pub language: Option<Language>,
    /// What is rejected.
    pub gates: Gates,
}

/// What was said in a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// The language: as given, or as detected. `None` when it was not given and nothing was said.
    pub language: Option<Language>,
    /// Was it detected?
    pub language_detected: bool,
    /// In order, without overlap, each within one of the regions of speech.
    pub words: Vec<Word>,
    /// How many pieces of decoded text (phrases, or the words of a phrase for which there is no room) were rejected,
    /// by reason.
    pub rejected: BTreeMap<Rejection, u32>,
    /// How much sound the model was given.
    pub heard: MediaTime,
    /// In how many windows.
    pub windows: u32,
}

/// Transcribes what is said in `speech`, which is sorted and does not overlap, of a recording.
///
/// Blocking. At most one window of samples is held at a time, however long anybody speaks.
///
/// # Errors
/// See [`AsrError`]; those of the source.
pub fn transcribe<T: Transcriber + ?Sized, S: SpeechSource>(
    transcriber: &T,
    source: &mut S,
    speech: &[Window],
    options: &Options,
    cancelled: &dyn Fn() -> bool,
) -> Result<Transcript, TranscribeError<S::Error>> {
    if let Some(language) = options.language.filter(|&language| !transcriber.knows(language)) {
        let model = transcriber.name().to_owned();
        let remedy = "leave the language out, or use a multilingual model";
        return Err(AsrError::UnsupportedLanguage { model, language, remedy }.into());
    }
    let speech: Vec<Range<u64>> = speech.iter().filter_map(sample_range).collect();
    let mut packer = Packer::new(source, &speech);
    let mut collector = Collector::new(options.gates);
    let mut language = options.language;
    while let Some(window) = packer.next().map_err(TranscribeError::Source)? {
        if cancelled() {
            return Err(AsrError::Cancelled.into());
        }
        let spoken = match language {
            Some(language) => language,
            None => *language.insert(transcriber.detect_language(&window.samples, cancelled)?),
        };
        let passes = transcriber.transcribe(&window.samples, spoken, cancelled)?;
        let voiced = placing::voiced(&window, &speech);
        for pass in passes {
            collector.add(pass.no_speech, &phrases::phrases(&pass, spoken), &voiced);
        }
        collector.count(&window);
    }
    let mut transcript = collector.transcript;
    transcript.language = language.filter(|_| options.language.is_some() || !transcript.words.is_empty());
    transcript.language_detected = options.language.is_none() && transcript.language.is_some();
    Ok(transcript)
}

fn sample_range(window: &Window) -> Option<Range<u64>> {
    let sample = |time: MediaTime| u64::try_from(time.to_samples(RATE)).ok();
    let (start, end) = (sample(window.start())?, sample(window.end())?);
    (start < end).then_some(start..end)
}

/// Decides what is believed.
struct Collector {
    gates: Gates,
    loops: LoopGuard,
    transcript: Transcript,
    /// Where the last word ends, in samples.
    end: u64,
}

impl Collector {
    fn new(gates: Gates) -> Self {
        Self { gates, loops: LoopGuard::default(), transcript: Transcript::default(), end: 0 }
    }

    fn count(&mut self, window: &Packed) {
        let samples = i64::try_from(window.samples.len()).unwrap_or(i64::MAX);
        self.transcript.heard += MediaTime::from_samples(samples, RATE);
        self.transcript.windows += 1;
    }

    fn add(&mut self, no_speech: f32, phrases: &[Phrase], voiced: &[Voiced]) {
        let tokens: usize = phrases.iter().map(|phrase| phrase.tokens).sum();
        let sum: f32 = phrases.iter().map(|phrase| phrase.log_probability).sum();
        let is_unsure = sum / (tokens.max(1) as f32) < self.gates.log_probability;
        let is_speech = no_speech <= self.gates.no_speech || !is_unsure;
        for phrase in phrases {
            let verdict = if is_speech { self.verdict(phrase, voiced) } else { Err(Rejection::NoSpeech) };
            match verdict {
                Ok(speech) => self.keep(phrase, &speech),
                Err(reason) => self.reject(reason),
            }
        }
    }

    /// The speech of a phrase that is to be believed.
    fn verdict(&mut self, phrase: &Phrase, voiced: &[Voiced]) -> Result<Vec<Voiced>, Rejection> {
        let text = phrase.text();
        let is_loop = self.loops.is_loop(&text);
        if phrase.mean_log_probability() < self.gates.log_probability {
            return Err(Rejection::LowProbability);
        }
        if gates::compression_ratio(&text) > self.gates.compression_ratio {
            return Err(Rejection::Repetitive);
        }
        if is_loop {
            return Err(Rejection::Loop);
        }
        let speech = placing::speech_of(phrase, voiced);
        if speech.is_empty() {
            return Err(Rejection::OutsideSpeech);
        }
        if gates::too_fast(text.chars().count(), placing::seconds(&speech)) {
            return Err(Rejection::TooFast);
        }
        Ok(speech)
    }

    fn keep(&mut self, phrase: &Phrase, speech: &[Voiced]) {
        for (word, (place, timing)) in phrase.words.iter().zip(placing::place(phrase, speech)) {
            let place = place.start.max(self.end)..place.end;
            if place.is_empty() {
                self.reject(Rejection::OutsideSpeech);
                continue;
            }
            self.end = place.end;
            let time = |sample| MediaTime::from_samples(i64::try_from(sample).unwrap_or(i64::MAX), RATE);
            self.transcript.words.push(Word {
                text: word.text.clone(),
                start: time(place.start),
                end: time(place.end),
                confidence: word.probability,
                timing,
            });
        }
    }

    fn reject(&mut self, reason: Rejection) {
        *self.transcript.rejected.entry(reason).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;
    use crate::packing::tests::Counting;
    use crate::phrases::tests::text;
    use crate::{Pass, Token};

    /// Gives its passes window by window.
    #[derive(Debug)]
    struct Scripted(Mutex<Vec<Vec<Pass>>>);

    impl Transcriber for Scripted {
        fn name(&self) -> &'static str {
            "scripted"
        }
        fn knows(&self, language: Language) -> bool {
            language == Language::ENGLISH
        }
        fn detect_language(&self, _: &[f32], _: &dyn Fn() -> bool) -> Result<Language, AsrError> {
            Ok(Language::ENGLISH)
        }
        fn transcribe(
            &self,
            samples: &[f32],
            _: Language,
            _: &dyn Fn() -> bool,
        ) -> Result<Vec<Pass>, AsrError> {
            assert!(samples.len() <= crate::WINDOW);
            Ok(self.0.lock().unwrap().pop().unwrap_or_default())
        }
    }

    fn window(start_ms: i64, end_ms: i64) -> Window {
        Window::new(MediaTime::from_millis(start_ms), MediaTime::from_millis(end_ms)).unwrap()
    }

    fn pass(no_speech: f32, tokens: Vec<Token>) -> Pass {
        Pass { no_speech, tokens }
    }

    fn run(passes: Vec<Vec<Pass>>, speech: &[Window]) -> Transcript {
        let scripted = Scripted(Mutex::new(passes.into_iter().rev().collect()));
        let mut source = Counting::default();
        transcribe(&scripted, &mut source, speech, &Options::default(), &|| false).unwrap()
    }

    fn ms(milliseconds: usize) -> Token {
        Token::Time(milliseconds * 16)
    }

    #[test]
    fn words_come_back_where_they_were_spoken() {
        // The second region stands at 1.45 s of the window: 1.3 s of the first, and 0.15 s before it.
        let tokens = vec![ms(160), text(" one"), ms(600), ms(1_500), text(" two"), ms(1_900)];
        let transcript = run(vec![vec![pass(0.0, tokens)]], &[window(1_000, 2_000), window(60_000, 61_000)]);
        let words: Vec<_> = transcript
            .words
            .iter()
            .map(|word| {
                (word.text.as_str(), word.start.as_millis_round(), word.end.as_millis_round(), word.timing)
            })
            .collect();
        let measured = placing::Timing::Measured;
        assert_eq!(words, [("one", 1_010, 1_450, measured), ("two", 60_050, 60_450, measured)]);
        assert_eq!((transcript.language, transcript.language_detected), (Some(Language::ENGLISH), true));
        assert!(transcript.rejected.is_empty());
    }

    #[test]
    fn what_is_not_believed_is_counted() {
        let unsure = |word: &str| Token::Text { bytes: word.as_bytes().to_vec(), log_probability: -2.0 };
        let whole = window(0, 10_000);
        let reasons = |no_speech, tokens| run(vec![vec![pass(no_speech, tokens)]], &[whole]).rejected;
        let one = |reason| BTreeMap::from([(reason, 1)]);
        assert_eq!(reasons(0.9, vec![ms(0), unsure(" you"), ms(900)]), one(Rejection::NoSpeech));
        assert_eq!(reasons(0.1, vec![ms(0), unsure(" you"), ms(900)]), one(Rejection::LowProbability));
        assert_eq!(reasons(0.9, vec![ms(0), text(" you"), ms(900)]), BTreeMap::new());
        let again = vec![text(" thank you for watching"); 8];
        let again = [vec![ms(0)], again, vec![ms(9_000)]].concat();
        assert_eq!(reasons(0.1, again), one(Rejection::Repetitive));
        assert_eq!(
            reasons(0.1, vec![ms(0), text(" and that is all there is"), ms(100)]),
            one(Rejection::TooFast)
        );
        let outside = run(vec![vec![pass(0.0, vec![ms(700), text(" you"), ms(900)])]], &[window(0, 500)]);
        assert_eq!((outside.words.len(), outside.rejected), (0, one(Rejection::OutsideSpeech)));
    }

    #[test]
    fn where_nobody_speaks_nothing_is_asked() {
        let transcript = run(vec![vec![pass(0.0, vec![ms(0), text(" you"), ms(900)])]], &[]);
        assert_eq!(transcript, Transcript::default());
    }

    #[test]
    fn a_language_the_model_does_not_know_is_refused() {
        let options = Options { language: Language::from_code("de"), ..Options::default() };
        let scripted = Scripted(Mutex::default());
        let refused = transcribe(&scripted, &mut Counting::default(), &[], &options, &|| false);
        assert!(matches!(refused, Err(TranscribeError::Asr(AsrError::UnsupportedLanguage { .. }))));
    }

    #[test]
    fn it_stops_when_nobody_waits() {
        let scripted = Scripted(Mutex::default());
        let speech = [window(0, 1_000)];
        let stopped = transcribe(&scripted, &mut Counting::default(), &speech, &Options::default(), &|| true);
        assert!(matches!(stopped, Err(TranscribeError::Asr(AsrError::Cancelled))));
    }

    fn any_tokens() -> impl Strategy<Value = Vec<Token>> {
        let words = prop::sample::select(vec![" one", " two", "ty", ".", " three hundred", " no"]);
        prop::collection::vec(prop_oneof![(0usize..32_000).prop_map(ms), words.prop_map(text)], 0..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn words_are_sorted_and_within_the_speech(
            spans in prop::collection::vec((1i64..3_000, 20i64..40_000), 1..8),
            windows in prop::collection::vec(any_tokens(), 1..12),
        ) {
            let mut at = 0;
            let speech: Vec<Window> = spans.into_iter().map(|(gap, len)| {
                let start = at + gap;
                at = start + len;
                window(start, at)
            }).collect();
            let transcript = run(windows.into_iter().map(|tokens| vec![pass(0.0, tokens)]).collect(), &speech);
            let mut end = MediaTime::ZERO;
            for word in &transcript.words {
                prop_assert!(end <= word.start && word.start < word.end);
                end = word.end;
                prop_assert!(speech.iter().any(|region| region.start() <= word.start && word.end <= region.end()));
            }
        }
    }
}
