//! whisper.cpp by whisper-rs: a pool of threads per model, each with its own decoder state.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use whisper_rs::{
    DtwParameters, FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperError,
    WhisperSegment, WhisperState,
};

use crate::alignment_heads;
use crate::engine::{EnginePool, JobError, StopFlag};
use crate::{AsrError, DecoderPass, Decoding, Language, ModelHeader, RATE, Search, Token, Transcriber};

/// Samples of a step of time tokens (20 ms) and of whisper.cpp's own timestamps (10 ms).
const TIME_STEP: i64 = RATE as i64 / 50;
const CENTISECOND: i64 = RATE as i64 / 100;

/// Name and version of the transcription engine.
#[must_use]
pub fn engine_version() -> String {
    format!("whisper.cpp {}", whisper_rs::WHISPER_CPP_VERSION)
}

/// Minimum window length in samples (1.5 s); shorter windows are padded. whisper.cpp aborts the process when it aligns
/// text to less than 160 ms.
const MIN_WINDOW: usize = RATE as usize * 3 / 2;
/// Maximum number of windows decoded at the same time; each has its own decoder state.
const MAX_ENGINES: usize = 8;
/// Maximum number of tokens of a prompt and of decoded text; the decoder's limit is 224 each.
const MAX_PROMPT: usize = 220;
const BEAMS: i32 = 5;

/// A loaded model. Dropping it frees the model when its threads have ended.
#[derive(Debug)]
pub struct WhisperModel {
    name: String,
    sha256: String,
    header: ModelHeader,
    engines: EnginePool<Session>,
}

impl WhisperModel {
    /// Loads a checked file. `heads` are the alignment heads for measuring times, if known; `threads` is the maximum
    /// number of windows decoded at the same time.
    pub(crate) fn load(
        name: String,
        path: PathBuf,
        sha256: String,
        header: ModelHeader,
        heads: Option<DtwParameters<'static>>,
        threads: usize,
    ) -> Result<Self, String> {
        whisper_rs::install_logging_hooks();
        let mut parameters = WhisperContextParameters::default();
        // Flash attention would silently disable the measuring of times.
        parameters.use_gpu(false).flash_attn(false);
        if let Some(heads) = heads {
            parameters.dtw_parameters(heads);
        }
        let context = WhisperContext::new_with_params(path, parameters);
        let context = Arc::new(context.map_err(|error| format!("whisper.cpp cannot load it ({error})"))?);
        let engines = EnginePool::start("whisper", threads.clamp(1, MAX_ENGINES), || {
            let context = context.clone();
            move || Session::new(context, alignment_heads::time_bias(header))
        });
        let engines = engines.map_err(|error| match error {
            Some(error) => format!("whisper.cpp cannot load it ({error})"),
            None => "no thread can be started for it".to_owned(),
        })?;
        Ok(Self { name, sha256, header, engines })
    }

    /// SHA-256 of the file, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Version of the model in results: name and first eight digits of the hash, e.g. `tiny.en-1a2b3c4d`.
    #[must_use]
    pub fn version(&self) -> String {
        format!("{}-{}", self.name, self.sha256.get(..8).unwrap_or(&self.sha256))
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.engines.have_ended()
    }

    fn run<T: Send + 'static>(
        &self,
        cancelled: &dyn Fn() -> bool,
        work: impl FnOnce(&mut Session) -> Result<T, WhisperError> + Send + 'static,
    ) -> Result<T, AsrError> {
        let done = self.engines.run(cancelled, move |session, stop| {
            session.set_stop_flag(stop);
            work(session)
        });
        match done {
            Ok(result) => result.map_err(|error| AsrError::Engine(error.to_string())),
            Err(JobError::Cancelled) => Err(AsrError::Cancelled),
            Err(JobError::Ended) => Err(AsrError::Stopped(self.name.clone())),
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
            _ => self.is_multilingual(),
        }
    }

    fn is_multilingual(&self) -> bool {
        !self.header.is_english_only()
    }

    fn parallelism(&self) -> usize {
        self.engines.count()
    }

    fn detect_language(
        &self,
        samples: &[f32],
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<(Language, f32)>, AsrError> {
        if !self.is_multilingual() {
            return Ok(vec![(Language::ENGLISH, 1.0)]);
        }
        let samples = padded(samples);
        let probabilities = self.run(cancelled, move |session| session.language_probabilities(&samples))?;
        // whisper.cpp reports all its languages, including those that this model has no token for.
        let known = |(code, probability)| {
            let language = Language::from_code(code).filter(|&language| self.knows(language))?;
            Some((language, probability))
        };
        let mut known: Vec<(Language, f32)> = probabilities.into_iter().filter_map(known).collect();
        known.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        if known.is_empty() {
            Err(AsrError::Engine("no language was detected".to_owned()))
        } else {
            Ok(known)
        }
    }

    fn transcribe(
        &self,
        samples: &[f32],
        decoding: Decoding<'_>,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<DecoderPass>, AsrError> {
        if samples.is_empty() {
            return Ok(Vec::new());
        }
        let samples = padded(samples);
        let task = (decoding.language, decoding.search, decoding.translate);
        let prompt = decoding.prompt.to_owned();
        self.run(cancelled, move |session| session.transcribe(&samples, task, &prompt))
    }
}

/// A copy of `samples`, padded with silence to [`MIN_WINDOW`].
fn padded(samples: &[f32]) -> Vec<f32> {
    let mut padded = samples.to_vec();
    padded.resize(samples.len().max(MIN_WINDOW), 0.0);
    padded
}

/// Encoder positions (of 1 500) for a window: those of its samples and a margin of 3 s. The rest would encode silence,
/// which is most of the cost of a short window.
fn audio_context(samples: usize) -> i32 {
    const MARGIN: usize = 150;
    const MIN_POSITIONS: usize = 384;
    const STEP: usize = 32;
    let positions = (samples.div_ceil(TIME_STEP as usize) + MARGIN).next_multiple_of(STEP);
    positions.clamp(MIN_POSITIONS, 1_500) as i32
}

/// Token limit for a window: above the rate of fast speech, so that it only ends decoder loops.
fn max_tokens(samples: usize) -> i32 {
    const PER_SECOND: usize = 12;
    const MINIMUM: usize = 24;
    let tokens = MINIMUM + PER_SECOND * samples / RATE as usize;
    tokens.min(MAX_PROMPT) as i32
}

type DecodingTask = (Language, Search, bool);

/// Decoder state of a thread.
#[derive(Debug)]
struct Session {
    context: Arc<WhisperContext>,
    state: WhisperState,
    /// Bias of the token times, in samples.
    time_bias: usize,
    /// Parameters by task. They are never dropped, because whisper-rs does not free what they point to.
    params: BTreeMap<DecodingTask, FullParams<'static, 'static>>,
    /// Stop flag of the current job.
    stop: Arc<Mutex<StopFlag>>,
}

impl Session {
    fn new(context: Arc<WhisperContext>, time_bias: usize) -> Result<Self, WhisperError> {
        let state = context.create_state()?;
        Ok(Self { context, state, time_bias, params: BTreeMap::new(), stop: Arc::default() })
    }

    fn set_stop_flag(&self, stop: &StopFlag) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop.clone();
    }

    fn language_probabilities(&mut self, samples: &[f32]) -> Result<Vec<(&'static str, f32)>, WhisperError> {
        self.state.pcm_to_mel(samples, 1)?;
        let (_, probabilities) = self.state.lang_detect(0, 1)?;
        let codes = (0..).map(whisper_rs::get_lang_str);
        Ok(codes.zip(probabilities).filter_map(|(code, probability)| Some((code?, probability))).collect())
    }

    fn transcribe(
        &mut self,
        samples: &[f32],
        task: DecodingTask,
        prompt: &str,
    ) -> Result<Vec<DecoderPass>, WhisperError> {
        let tokens =
            if prompt.is_empty() { Vec::new() } else { self.context.tokenize(prompt, prompt.len() + 1)? };
        let stop = &self.stop;
        let mut params = self.params.entry(task).or_insert_with(|| params(task, stop.clone())).clone();
        // The decoder is conditioned on the end of the prompt.
        let tokens = &tokens[tokens.len().saturating_sub(MAX_PROMPT)..];
        if !tokens.is_empty() {
            params.set_tokens(tokens);
        }
        params.set_audio_ctx(audio_context(samples.len()));
        params.set_max_tokens(max_tokens(samples.len()));
        self.state.full(params, samples)?;
        self.state.as_iter().map(|segment| self.pass(&segment)).collect()
    }

    /// With `single_segment`, a segment has all tokens of one run of the decoder.
    fn pass(&self, segment: &WhisperSegment<'_>) -> Result<DecoderPass, WhisperError> {
        let (end_of_text, first_time) = (self.context.token_eot(), self.context.token_beg());
        let mut tokens = Vec::new();
        let mut begin = None;
        for token in (0..segment.n_tokens()).filter_map(|index| segment.get_token(index)) {
            let data = token.token_data();
            // The segment's start is the start of the run plus the most likely time at its first token.
            let begin = *begin.get_or_insert_with(|| {
                segment.start_timestamp() * CENTISECOND - i64::from(data.tid - first_time) * TIME_STEP
            });
            let log_probability = data.plog;
            if data.id < end_of_text {
                let end = usize::try_from(data.t_dtw * CENTISECOND)
                    .ok()
                    .map(|end| end.saturating_sub(self.time_bias));
                tokens.push(Token::Text { bytes: token.to_bytes()?.to_vec(), log_probability, end });
            } else if data.id >= first_time {
                let time = begin + i64::from(data.id - first_time) * TIME_STEP;
                tokens.push(Token::Time { at: usize::try_from(time).unwrap_or(0), log_probability });
            }
        }
        Ok(DecoderPass { no_speech: segment.no_speech_probability(), tokens })
    }
}

fn params(
    (language, search, translate): DecodingTask,
    stop: Arc<Mutex<StopFlag>>,
) -> FullParams<'static, 'static> {
    let mut params = FullParams::new(match search {
        Search::Greedy => SamplingStrategy::Greedy { best_of: 1 },
        Search::Beam => SamplingStrategy::BeamSearch { beam_size: BEAMS, patience: -1.0 },
    });
    params.set_language(Some(language.code()));
    params.set_translate(translate);
    // ggml threads spin at barriers, so that two threads cost up to twice the CPU time: one per window.
    params.set_n_threads(1);
    params.set_temperature(0.0);
    params.set_temperature_inc(0.0);
    params.set_no_context(true);
    // Otherwise only the ends of segments are available, and audio is decoded twice.
    params.set_single_segment(true);
    params.set_suppress_nst(true);
    // whisper.cpp drops nothing: rejected text is counted, see `rejection`.
    params.set_logprob_thold(f32::NEG_INFINITY);
    params.set_print_progress(false);
    params.set_print_timestamps(false);
    // whisper-rs 0.16 stores a boxed callback but calls it as the given type; only for this boxed type are both the
    // same.
    let aborts: Box<dyn FnMut() -> bool> =
        Box::new(move || stop.lock().unwrap_or_else(PoisonError::into_inner).is_set());
    params.set_abort_callback_safe::<_, Box<dyn FnMut() -> bool>>(Some(aborts));
    params
}
