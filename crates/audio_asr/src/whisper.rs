//! whisper.cpp, by way of whisper-rs: one thread a model, which owns everything of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperError, WhisperSegment,
    WhisperState,
};

use crate::engine::{Engine, Stop, Unfinished};
use crate::{AsrError, Language, ModelHeader, Pass, RATE, Token, Transcriber};

/// Samples of one step of a time token (20 ms) and of whisper.cpp's own clock (10 ms).
const TIME_STEP: i64 = RATE as i64 / 50;
const CENTISECOND: i64 = RATE as i64 / 100;

/// What transcribes, with its version.
#[must_use]
pub fn engine_version() -> String {
    format!("whisper.cpp {}", whisper_rs::WHISPER_CPP_VERSION)
}

/// A loaded model. Dropping it frees the model when its thread is done.
#[derive(Debug)]
pub struct WhisperModel {
    name: String,
    sha256: String,
    header: ModelHeader,
    engine: Engine<Session>,
}

impl WhisperModel {
    /// Loads a file that was checked; `threads` is how many whisper.cpp may use for one window.
    pub(crate) fn load(
        name: String,
        path: PathBuf,
        sha256: String,
        header: ModelHeader,
        threads: usize,
    ) -> Result<Self, String> {
        let engine = Engine::start("whisper", move || Session::load(&path, threads));
        let engine = engine.map_err(|error| match error {
            Some(error) => format!("whisper.cpp cannot load it ({error})"),
            None => "there is no thread to load it on".to_owned(),
        })?;
        Ok(Self { name, sha256, header, engine })
    }

    /// Its file's SHA-256, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Name and first eight digits of the hash, e.g. `tiny.en-1a2b3c4d`: what names it in versions.
    #[must_use]
    pub fn version(&self) -> String {
        format!("{}-{}", self.name, self.sha256.get(..8).unwrap_or(&self.sha256))
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.engine.has_ended()
    }

    fn run<T: Send + 'static>(
        &self,
        cancelled: &dyn Fn() -> bool,
        work: impl FnOnce(&mut Session) -> Result<T, WhisperError> + Send + 'static,
    ) -> Result<T, AsrError> {
        let done = self.engine.run(cancelled, move |session, stop| {
            session.listen_to(stop);
            work(session)
        });
        match done {
            Ok(result) => result.map_err(|error| AsrError::Engine(error.to_string())),
            Err(Unfinished::Cancelled) => Err(AsrError::Cancelled),
            Err(Unfinished::Ended) => Err(AsrError::Stopped(self.name.clone())),
        }
    }
}

impl Transcriber for WhisperModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn knows(&self, language: Language) -> bool {
        match language {
            Language::ENGLISH => true,
            Language::CANTONESE => self.header.knows_cantonese(),
            _ => !self.header.is_english_only(),
        }
    }

    fn detect_language(&self, samples: &[f32], cancelled: &dyn Fn() -> bool) -> Result<Language, AsrError> {
        if self.header.is_english_only() {
            return Ok(Language::ENGLISH);
        }
        let samples = samples.to_vec();
        let probabilities = self.run(cancelled, move |session| session.language_probabilities(&samples))?;
        let likelihood = |code, probability| {
            let language = Language::from_code(code).filter(|&language| self.knows(language))?;
            Some((probability, language))
        };
        // whisper.cpp asks for all its languages, also those that this model has no token for.
        let known = probabilities.into_iter().filter_map(|(code, probability)| likelihood(code, probability));
        let best = known.max_by(|(a, _), (b, _)| a.total_cmp(b));
        best.map(|(_, language)| language).ok_or_else(|| AsrError::Engine("it told no language".to_owned()))
    }

    fn transcribe(
        &self,
        samples: &[f32],
        language: Language,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<Pass>, AsrError> {
        if samples.is_empty() {
            return Ok(Vec::new());
        }
        let samples = samples.to_vec();
        self.run(cancelled, move |session| session.transcribe(&samples, language))
    }
}

/// What lives on the thread.
#[derive(Debug)]
struct Session {
    context: WhisperContext,
    state: WhisperState,
    threads: usize,
    /// By language, and never thrown away: whisper-rs does not free what they point to.
    params: BTreeMap<Language, FullParams<'static, 'static>>,
    /// Whether to stop what runs.
    stop: Arc<Mutex<Stop>>,
}

impl Session {
    fn load(path: &std::path::Path, threads: usize) -> Result<Self, WhisperError> {
        whisper_rs::install_logging_hooks();
        let mut parameters = WhisperContextParameters::default();
        parameters.use_gpu(false);
        let context = WhisperContext::new_with_params(path, parameters)?;
        let state = context.create_state()?;
        Ok(Self { context, state, threads, params: BTreeMap::new(), stop: Arc::default() })
    }

    fn listen_to(&self, stop: &Stop) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop.clone();
    }

    fn language_probabilities(&mut self, samples: &[f32]) -> Result<Vec<(&'static str, f32)>, WhisperError> {
        self.state.pcm_to_mel(samples, self.threads)?;
        let (_, probabilities) = self.state.lang_detect(0, self.threads)?;
        let codes = (0..).map(whisper_rs::get_lang_str);
        Ok(codes.zip(probabilities).filter_map(|(code, probability)| Some((code?, probability))).collect())
    }

    fn transcribe(&mut self, samples: &[f32], language: Language) -> Result<Vec<Pass>, WhisperError> {
        let (threads, stop) = (self.threads, &self.stop);
        let params = self.params.entry(language).or_insert_with(|| params(language, threads, stop.clone()));
        self.state.full(params.clone(), samples)?;
        self.state.as_iter().map(|segment| self.pass(&segment)).collect()
    }

    /// With `single_segment`, a segment is all that one run of the decoder gave.
    fn pass(&self, segment: &WhisperSegment<'_>) -> Result<Pass, WhisperError> {
        let (end_of_text, first_time) = (self.context.token_eot(), self.context.token_beg());
        let mut tokens = Vec::new();
        let mut begin = None;
        for token in (0..segment.n_tokens()).filter_map(|index| segment.get_token(index)) {
            let data = token.token_data();
            // The segment's start is where the run began plus the likeliest time at its first token.
            let begin = *begin.get_or_insert_with(|| {
                segment.start_timestamp() * CENTISECOND - i64::from(data.tid - first_time) * TIME_STEP
            });
            if data.id < end_of_text {
                tokens.push(Token::Text { bytes: token.to_bytes()?.to_vec(), log_probability: data.plog });
            } else if data.id >= first_time {
                let time = begin + i64::from(data.id - first_time) * TIME_STEP;
                tokens.push(Token::Time(usize::try_from(time).unwrap_or(0)));
            }
        }
        Ok(Pass { no_speech: segment.no_speech_probability(), tokens })
    }
}

fn params(language: Language, threads: usize, stop: Arc<Mutex<Stop>>) -> FullParams<'static, 'static> {
    let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    params.set_language(Some(language.code()));
    params.set_n_threads(i32::try_from(threads).unwrap_or(i32::MAX));
    params.set_temperature(0.0);
    params.set_temperature_inc(0.0);
    params.set_no_context(true);
    // Otherwise only the ends of segments can be had, and stretches are decoded twice.
    params.set_single_segment(true);
    params.set_suppress_nst(true);
    // Nothing is dropped behind our back: what is not believed is counted, see `gates`.
    params.set_logprob_thold(f32::NEG_INFINITY);
    params.set_print_progress(false);
    params.set_print_timestamps(false);
    // whisper-rs 0.16 calls what it is given as if it were the type it was given; only for this very type is that what
    // it stored.
    let aborts: Box<dyn FnMut() -> bool> =
        Box::new(move || stop.lock().unwrap_or_else(PoisonError::into_inner).is_set());
    params.set_abort_callback_safe::<_, Box<dyn FnMut() -> bool>>(Some(aborts));
    params
}
