//! The two networks, loaded.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rten::ThreadPool;
use sha2::{Digest, Sha256};

use crate::catalog::{self, ModelFile};
use crate::diarizer::Diarizer;
use crate::embedding::Embedder;
use crate::network::Network;
use crate::segmentation::Segmenter;
use crate::{ModelError, SpeakerError, VERSION, Voice};

/// Fewest ms of speech of one speaker, without overlap, that an enrolled voice is made of.
const ENROLMENT_MS: i64 = 3_000;
/// Share of the speech that the dominant speaker of an enrolment holds at least.
const DOMINANCE: f64 = 0.8;

/// The segmentation and the embedding network, ready to run. Shared between threads by reference.
pub struct SpeakerModels {
    pub(crate) segmenter: Segmenter,
    pub(crate) embedder: Embedder,
}

impl SpeakerModels {
    /// Loads both files of [`catalog::FILES`] from `directory` (33 MB) and checks their digests. Runs of the networks
    /// use up to `threads` threads (at least one); results do not depend on it.
    ///
    /// # Errors
    /// [`ModelError`] when a file is missing, unreadable, not the published one, or rejected by the runtime.
    pub fn load(directory: &Path, threads: usize) -> Result<Self, ModelError> {
        let pool = Arc::new(ThreadPool::with_num_threads(threads.max(1)));
        let network = |name, file: ModelFile| {
            let path = directory.join(file.file_name);
            Network::load(name, &path, read(&path, file)?, pool.clone())
        };
        Ok(Self {
            segmenter: Segmenter::new(network("segmentation", catalog::SEGMENTATION)?),
            embedder: Embedder::new(network("embedding", catalog::EMBEDDING)?),
        })
    }

    /// Are both files in `directory`, and are they the published ones? Reads them.
    ///
    /// # Errors
    /// [`ModelError`] of the first file that is not usable.
    pub fn check(directory: &Path) -> Result<(), ModelError> {
        catalog::FILES.iter().try_for_each(|file| Self::check_file(&directory.join(file.file_name), *file))
    }

    /// Is the file at `path` the published `file`? Reads it.
    ///
    /// # Errors
    /// [`ModelError`] when it is not.
    pub fn check_file(path: &Path, file: ModelFile) -> Result<(), ModelError> {
        read(path, file).map(drop)
    }

    /// Names the algorithm and both networks: part of the cache keys of results. 1 to 64 characters of `[a-z0-9.-]`.
    #[must_use]
    pub fn version() -> String {
        let short = |file: ModelFile| &file.sha256[..8];
        format!("{VERSION}-{}-{}", short(catalog::SEGMENTATION), short(catalog::EMBEDDING))
    }

    /// The voice of the one person who speaks in `samples` (16 kHz mono).
    ///
    /// # Errors
    /// [`SpeakerError::TooLittleSpeech`] below 3 s, [`SpeakerError::SeveralSpeakers`] when no speaker has four fifths of
    /// the speech, [`SpeakerError::Inference`] when a network fails, [`SpeakerError::Cancelled`].
    pub fn voice_of(&self, samples: &[f32], cancelled: &dyn Fn() -> bool) -> Result<Voice, SpeakerError> {
        let mut diarizer = Diarizer::for_enrolment(self);
        diarizer.push(samples)?;
        let found = diarizer.finish(cancelled)?;
        let too_little = |found_ms| SpeakerError::TooLittleSpeech { found_ms, needed_ms: ENROLMENT_MS };
        let total: i64 = found.voices().iter().map(|voice| voice.speech.as_micros()).sum();
        let speakers = found.voices().len();
        let voice = found.voices().iter().max_by_key(|voice| voice.speech).cloned().ok_or(too_little(0))?;
        if (voice.speech.as_micros() as f64) < DOMINANCE * total as f64 {
            return Err(SpeakerError::SeveralSpeakers(speakers));
        }
        let found_ms = voice.alone.as_millis_floor();
        if found_ms < ENROLMENT_MS { Err(too_little(found_ms)) } else { Ok(voice) }
    }
}

fn read(path: &Path, file: ModelFile) -> Result<Vec<u8>, ModelError> {
    let unreadable =
        |error: &io::Error| ModelError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    let size = std::fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ModelError::Missing(path.to_owned()),
        _ => unreadable(&error),
    })?;
    // The length first: a file of another size is not read into memory.
    let bytes = if size.len() == file.size {
        std::fs::read(path).map_err(|error| unreadable(&error))?
    } else {
        Vec::new()
    };
    let found = hex::encode(Sha256::digest(&bytes));
    if found == file.sha256 {
        return Ok(bytes);
    }
    let found =
        if bytes.is_empty() { format!("unknown ({} bytes, not {})", size.len(), file.size) } else { found };
    Err(ModelError::Digest { path: path.to_owned(), found, expected: file.sha256 })
}
