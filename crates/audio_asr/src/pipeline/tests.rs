use std::convert::Infallible;
use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::packing::tests::Counting;
use crate::phrases::tests::{text, time};
use crate::{DecoderPass, Decoding, Search, Timing, Token};

const ENGLISH: Language = Language::ENGLISH;

/// Returns the scripted passes, one answer per call, and records the calls.
#[derive(Debug, Default)]
struct Scripted {
    answers: Mutex<Vec<Vec<DecoderPass>>>,
    asked: Mutex<Vec<(Vec<f32>, Search)>>,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Vec<DecoderPass>>) -> Self {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Self { answers: Mutex::new(answers), asked: Mutex::default() }
    }

    /// Duration in seconds and search strategy of each decoded window.
    fn asked(&self) -> Vec<(f32, Search)> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(samples, search)| (samples.len() as f32 / RATE as f32, *search)).collect()
    }
}

impl Transcriber for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }
    fn knows(&self, language: Language) -> bool {
        language == ENGLISH
    }
    fn is_multilingual(&self) -> bool {
        false
    }
    fn detect_language(&self, _: &[f32], _: &dyn Fn() -> bool) -> Result<Vec<(Language, f32)>, AsrError> {
        Ok(vec![(ENGLISH, 1.0)])
    }
    fn transcribe(
        &self,
        samples: &[f32],
        decoding: Decoding<'_>,
        _: &dyn Fn() -> bool,
    ) -> Result<Vec<DecoderPass>, AsrError> {
        assert!(samples.len() <= crate::WINDOW);
        self.asked.lock().unwrap().push((samples.to_vec(), decoding.search));
        Ok(self.answers.lock().unwrap().pop().unwrap_or_default())
    }
}

fn window(start_ms: i64, end_ms: i64) -> Window {
    Window::new(MediaTime::from_millis(start_ms), MediaTime::from_millis(end_ms)).unwrap()
}

fn pass(no_speech: f32, tokens: Vec<Token>) -> DecoderPass {
    DecoderPass { no_speech, tokens }
}

fn run(scripted: &Scripted, speech: &[Window]) -> Transcript {
    let mut source = Counting::default();
    transcribe(scripted, &mut source, speech, &Options::default(), &|| false).unwrap()
}

fn transcript_of(answers: impl IntoIterator<Item = Vec<DecoderPass>>, speech: &[Window]) -> Transcript {
    run(&Scripted::new(answers), speech)
}

fn ms(milliseconds: usize) -> Token {
    time(milliseconds * 16)
}

/// Text with a measured end.
fn said(text: &str, end_ms: usize) -> Token {
    Token::Text { bytes: text.as_bytes().to_vec(), log_probability: -0.1, end: Some(end_ms * 16) }
}

/// Text with a low probability.
fn unsure(text: &str) -> Token {
    Token::Text { bytes: text.as_bytes().to_vec(), log_probability: -4.0, end: None }
}

fn texts(transcript: &Transcript) -> Vec<&str> {
    transcript.words.iter().map(|word| word.text.as_str()).collect()
}

fn reasons(transcript: &Transcript) -> Vec<Rejection> {
    transcript.rejected.iter().map(|rejected| rejected.reason).collect()
}

#[test]
fn words_get_the_times_of_their_regions() {
    // The second region is too distant for the first window; each window starts 0.25 s before its speech.
    let first = vec![pass(0.0, vec![ms(260), text(" one"), ms(600)])];
    let second = vec![pass(0.0, vec![ms(300), text(" two"), ms(700)])];
    let transcript = transcript_of([first, second], &[window(1_000, 2_000), window(60_000, 61_000)]);
    let times = |word: &Word| (word.start.as_millis_round(), word.end.as_millis_round(), word.timing);
    let words: Vec<_> = transcript.words.iter().map(times).collect();
    assert_eq!(words, [(1_010, 1_350, Timing::Measured), (60_050, 60_450, Timing::Measured)]);
    assert_eq!((transcript.language, transcript.language_detected), (Some(ENGLISH), true));
    assert!(transcript.rejected.is_empty() && transcript.untranscribed.is_empty());
}

#[test]
fn measured_words_need_no_time_tokens() {
    let tokens = vec![
        ms(0),
        said(" Ask", 700),
        said(" not", 1_200),
        said(",", 1_900),
        said(" what", 2_300),
        ms(2_400),
    ];
    let transcript = transcript_of([vec![pass(0.0, tokens)]], &[window(250, 2_500)]);
    let ends: Vec<_> = transcript.words.iter().map(|word| word.end.as_millis_round()).collect();
    assert_eq!((texts(&transcript), ends), (vec!["Ask", "not,", "what"], vec![700, 1_200, 2_300]));
    assert_eq!(transcript.words[2].start.as_millis_round(), 1_900, "after the pause covered by the comma");
    assert!(transcript.words.iter().all(|word| word.timing == Timing::Measured));
}

#[test]
fn speech_without_words_is_decoded_again() {
    let first = vec![pass(0.0, vec![ms(0), said(" one", 1_000), ms(1_000)])];
    let again = vec![pass(
        0.0,
        vec![
            ms(0),
            said(" two", 1_500),
            said(" three", 2_400),
            said(" four", 3_300),
            said(" five", 4_100),
            said(" six", 5_000),
            ms(5_000),
        ],
    )];
    let scripted = Scripted::new([first.clone(), again]);
    let transcript = run(&scripted, &[window(250, 6_000)]);
    assert_eq!(texts(&transcript), ["one", "two", "three", "four", "five", "six"]);
    let asked = scripted.asked();
    assert!(asked.len() == 2 && asked[1].0 < asked[0].0, "{asked:?}");
    // Speech that remains without words is listed.
    let transcript = transcript_of([first], &[window(250, 6_000)]);
    assert_eq!(texts(&transcript), ["one"]);
    let [silent] = transcript.untranscribed.as_slice() else { panic!("{:?}", transcript.untranscribed) };
    assert!(silent.window.start() < MediaTime::from_millis(1_500) && silent.reason.is_none());
    assert_eq!(silent.window.end(), MediaTime::from_millis(6_000));
}

#[test]
fn retry_does_not_duplicate_surrounding_words() {
    let first = vec![pass(0.0, vec![ms(0), said(" one", 1_000), ms(1_000)])];
    // The retry also decodes the surrounding words.
    let again =
        vec![pass(0.0, vec![ms(0), said(" one", 90), said(" two", 1_500), said(" three", 4_000), ms(4_000)])];
    let transcript = transcript_of([first, again], &[window(250, 6_000)]);
    assert_eq!(texts(&transcript), ["one", "two", "three"]);
}

#[test]
fn doubtful_text_is_retried_with_beam_search() {
    let poor = vec![pass(0.1, vec![ms(0), unsure(" you"), ms(900)])];
    let good = vec![pass(0.1, vec![ms(0), text(" seven"), ms(900)])];
    let scripted = Scripted::new([poor.clone(), good]);
    assert_eq!(texts(&run(&scripted, &[window(0, 900)])), ["seven"]);
    let searches: Vec<Search> = scripted.asked().into_iter().map(|(_, search)| search).collect();
    assert_eq!(searches, [Search::Greedy, Search::Beam]);
    // A low probability alone does not reject text.
    assert_eq!(texts(&transcript_of([poor.clone(), poor], &[window(0, 900)])), ["you"]);
}

#[test]
fn rejected_text_is_reported_with_its_reason() {
    let reject =
        |no_speech, tokens| reasons(&transcript_of([vec![pass(no_speech, tokens)]], &[window(0, 900)]));
    assert_eq!(reject(0.9, vec![ms(0), unsure(" you"), ms(900)]), [Rejection::NoSpeech]);
    assert_eq!(reject(0.9, vec![ms(0), text(" you"), ms(900)]), []);
    assert_eq!(reject(0.1, vec![ms(0), text(" and that is all there is"), ms(100)]), [Rejection::TooFast]);
    let outside = transcript_of([vec![pass(0.0, vec![ms(700), text(" you"), ms(900)])]], &[window(0, 500)]);
    assert_eq!((outside.words.len(), reasons(&outside)), (0, vec![Rejection::OutsideSpeech]));
}

#[test]
fn rejected_text_is_sorted_by_its_start() {
    let word =
        |range| WindowWord { text: "you".to_owned(), range, confidence: 1.0, timing: Timing::Measured };
    let window = WindowTranscript {
        // The second word is within the first one.
        words: vec![word(16_000..48_000), word(32_000..40_000)],
        rejected: vec![(0..8_000, Rejection::NoSpeech)],
        decodings: 1,
        ..WindowTranscript::default()
    };
    let mut collector = Collector::default();
    collector.add(window, ENGLISH);
    let transcript = collector.finish(None);
    assert_eq!(texts(&transcript), ["you"]);
    assert_eq!(reasons(&transcript), [Rejection::NoSpeech, Rejection::OutsideSpeech]);
}

/// The same sentence four times, 2 s each.
fn four_times() -> Vec<DecoderPass> {
    let sentence = |start| {
        [
            vec![ms(start)],
            vec![said(" thank", start + 900), said(" you", start + 1_900)],
            vec![ms(start + 2_000)],
        ]
    };
    vec![pass(0.0, (0..4).flat_map(|index| sentence(2_000 * index).concat()).collect())]
}

#[test]
fn spoken_repetitions_are_kept() {
    let alone = vec![pass(0.0, vec![ms(0), text(" Thank you!"), ms(2_000)])];
    let transcript = transcript_of([four_times(), alone], &[window(250, 8_000)]);
    assert_eq!((transcript.words.len(), transcript.retries), (8, 1));
    assert!(transcript.rejected.is_empty());
}

#[test]
fn speech_after_a_decoder_loop_is_transcribed() {
    let alone = vec![pass(0.0, vec![ms(0), text(" something else"), ms(2_000)])];
    let again = vec![pass(
        0.0,
        vec![ms(0), said(" what", 2_500), said(" was", 4_000), said(" said", 5_500), ms(5_800)],
    )];
    let transcript = transcript_of([four_times(), alone, again], &[window(250, 8_000)]);
    assert_eq!(texts(&transcript), ["thank", "you", "what", "was", "said"]);
}

#[test]
fn decoder_loop_within_a_phrase_is_cut_at_its_first_round() {
    let tokens = |count| (0..count).map(|index| said(" yeah", 400 + 10 * index)).collect::<Vec<_>>();
    let looping = || vec![pass(0.0, [vec![ms(0)], tokens(40), vec![ms(5_900)]].concat())];
    let again = vec![pass(0.0, vec![ms(0), said(" sure", 2_000), said(" enough", 4_000), ms(5_000)])];
    let transcript = transcript_of([looping(), looping(), again], &[window(250, 6_000)]);
    assert_eq!(texts(&transcript), ["yeah", "sure", "enough"]);
}

/// A tone of constant level.
struct Tone(f32);

impl SpeechSource for Tone {
    type Error = Infallible;

    fn read(&mut self, samples: Range<u64>, out: &mut Vec<f32>) -> Result<(), Infallible> {
        out.extend(samples.map(|sample| self.0 * (sample as f32 * 0.1).sin()));
        Ok(())
    }
}

#[test]
fn decoded_samples_do_not_depend_on_the_level() {
    let decoded_samples = |level| {
        let scripted = Scripted::default();
        let speech = [window(1_000, 3_000)];
        transcribe(&scripted, &mut Tone(level), &speech, &Options::default(), &|| false).unwrap();
        scripted.asked.into_inner().unwrap().remove(0).0
    };
    let (loud, soft) = (decoded_samples(0.9), decoded_samples(0.0004));
    assert!(loud.iter().zip(&soft).all(|(a, b)| (a - b).abs() < 1e-5));
}

/// Answers depend on the window alone; several windows are decoded at the same time.
#[derive(Debug)]
struct Parallel(usize);

impl Transcriber for Parallel {
    fn name(&self) -> &'static str {
        "parallel"
    }
    fn knows(&self, _: Language) -> bool {
        true
    }
    fn is_multilingual(&self) -> bool {
        true
    }
    fn parallelism(&self) -> usize {
        self.0
    }
    fn detect_language(
        &self,
        samples: &[f32],
        _: &dyn Fn() -> bool,
    ) -> Result<Vec<(Language, f32)>, AsrError> {
        let code = if samples.len().is_multiple_of(3) { "de" } else { "fr" };
        Ok(vec![(Language::from_code(code).unwrap(), 0.9)])
    }
    fn transcribe(
        &self,
        samples: &[f32],
        decoding: Decoding<'_>,
        _: &dyn Fn() -> bool,
    ) -> Result<Vec<DecoderPass>, AsrError> {
        let length = samples.len() / 16;
        Ok(vec![pass(0.0, vec![ms(260), text(" "), text(decoding.language.code()), ms(length / 2)])])
    }
}

#[test]
fn transcript_does_not_depend_on_parallelism() {
    let speech: Vec<Window> =
        (0..23).map(|index| window(index * 7_000, index * 7_000 + 1_000 + 37 * index)).collect();
    let run_with = |parallelism| {
        let options = Options::default();
        transcribe(&Parallel(parallelism), &mut Tone(0.3), &speech, &options, &|| false).unwrap()
    };
    let one = run_with(1);
    assert_eq!(one.words.len(), 23);
    let languages: Vec<Language> = one.words.iter().map(|word| word.language).collect();
    assert!(languages.iter().any(|language| *language != languages[0]), "{languages:?}");
    assert_eq!(run_with(2), one);
    assert_eq!(run_with(8), one);
}

#[test]
fn no_window_is_decoded_without_speech() {
    let transcript = transcript_of([vec![pass(0.0, vec![ms(0), text(" you"), ms(900)])]], &[]);
    assert_eq!(transcript, Transcript::default());
}

#[test]
fn unsupported_language_is_rejected() {
    let options = Options { language: Language::from_code("de"), ..Options::default() };
    let rejected = transcribe(&Scripted::default(), &mut Counting::default(), &[], &options, &|| false);
    assert!(matches!(rejected, Err(TranscribeError::Asr(AsrError::UnsupportedLanguage { .. }))));
}

#[test]
fn cancelled_transcription_stops() {
    let speech = [window(0, 1_000)];
    let options = Options::default();
    let stopped = transcribe(&Scripted::default(), &mut Counting::default(), &speech, &options, &|| true);
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
        let transcript = transcript_of(windows.into_iter().map(|tokens| vec![pass(0.0, tokens)]), &speech);
        let mut end = MediaTime::ZERO;
        for word in &transcript.words {
            prop_assert!(end <= word.start && word.start < word.end);
            end = word.end;
            prop_assert!(speech.iter().any(|region| region.start() <= word.start && word.end <= region.end()));
        }
    }
}
