//! Loading of the two networks.

use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::catalog::{self, ModelFile};
use crate::embedding::Embedder;
use crate::network::Network;
use crate::segmentation::Segmenter;
use crate::{FEATURES_VERSION, ModelError, VERSION};

/// The loaded segmentation and embedding networks. Shared between threads by reference.
///
/// # Examples
///
/// ```
/// use audio_speakers::{ModelError, SpeakerModels, catalog};
///
/// // An empty directory: the error names the first file of the catalogue, and how to get it.
/// let directory = tempfile::tempdir()?;
/// let error = SpeakerModels::check(directory.path()).unwrap_err();
/// assert_eq!(error, ModelError::Missing(directory.path().join(catalog::SEGMENTATION.file_name)));
/// assert!(error.to_string().contains("harkback models pull speakers"));
///
/// // Voices are stored under the version of the network that made them.
/// assert!(SpeakerModels::comparable_versions().contains(&SpeakerModels::embedding_version()));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct SpeakerModels {
    pub(crate) segmenter: Segmenter,
    pub(crate) embedder: Embedder,
    /// Number of threads of each [`Diarizer`](crate::Diarizer), at least one.
    pub(crate) threads: usize,
}

impl SpeakerModels {
    /// Loads both files of [`catalog::FILES`] from `directory` (33 MB) and checks their digests. Each
    /// [`Diarizer`](crate::Diarizer) has `threads` threads of its own (at least one), so that several run at the same
    /// time; results do not depend on their number.
    ///
    /// # Errors
    /// [`ModelError`] when a file is missing, unreadable, not the published one, or rejected by the runtime.
    pub fn load(directory: &Path, threads: usize) -> Result<Self, ModelError> {
        let network = |name, file: ModelFile| {
            let path = directory.join(file.file_name);
            Network::load(name, &path, read(&path, file)?)
        };
        Ok(Self {
            segmenter: Segmenter::new(network("segmentation", catalog::SEGMENTATION)?),
            embedder: Embedder::new(network("embedding", catalog::EMBEDDING)?),
            threads: threads.max(1),
        })
    }

    /// Checks that `directory` has both published files, by reading them.
    ///
    /// # Errors
    /// [`ModelError`] of the first file that is not usable.
    pub fn check(directory: &Path) -> Result<(), ModelError> {
        catalog::FILES.iter().try_for_each(|file| Self::check_file(&directory.join(file.file_name), *file))
    }

    /// Checks that the file at `path` is the published `file`, by reading it.
    ///
    /// # Errors
    /// [`ModelError`] when it is not.
    pub fn check_file(path: &Path, file: ModelFile) -> Result<(), ModelError> {
        read(path, file).map(drop)
    }

    /// Version of the algorithm and both networks: part of the cache keys of results. 1 to 64 characters of
    /// `[a-z0-9.-]`.
    #[must_use]
    pub fn version() -> String {
        let short = |file: ModelFile| &file.sha256[..8];
        format!("{VERSION}-{}-{}", short(catalog::SEGMENTATION), short(catalog::EMBEDDING))
    }

    /// Version of the features and the network of embeddings: embeddings are comparable only within one version.
    #[must_use]
    pub fn embedding_version() -> String {
        format!("{FEATURES_VERSION}-{}", catalog::EMBEDDING.sha256)
    }

    /// The versions whose embeddings are comparable with those of [`Self::embedding_version`]: itself, and the earlier
    /// name of the same features and network, which included the segmentation and the clustering.
    #[must_use]
    pub fn comparable_versions() -> [String; 2] {
        [Self::embedding_version(), "1-19d9ff8f-18bb22ac".to_owned()]
    }
}

fn read(path: &Path, file: ModelFile) -> Result<Vec<u8>, ModelError> {
    let unreadable =
        |error: &io::Error| ModelError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    let size = std::fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ModelError::Missing(path.to_owned()),
        _ => unreadable(&error),
    })?;
    // The size is checked first, so that a file of another size is not read into memory.
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rten::ThreadPool;

    use super::*;
    use crate::fbank::golden_signal;
    use crate::{Diarizer, SpeakerCount};

    /// The models in the directory of `HARKBACK_MODELS`, if it has them.
    #[expect(clippy::disallowed_methods, reason = "tests alone use the models")]
    fn models() -> Option<SpeakerModels> {
        let directory = PathBuf::from(std::env::var_os("HARKBACK_MODELS").unwrap_or_default());
        let models = SpeakerModels::load(&directory, 1);
        if let Err(error) = &models {
            eprintln!("skipped: HARKBACK_MODELS names no directory with the speaker models: {error}");
        }
        models.ok()
    }

    /// When this fails, the network or the features have changed: voices of the previous version are no longer
    /// comparable.
    #[test]
    fn embedding_version_depends_on_features_and_network() {
        let parts = (FEATURES_VERSION, catalog::EMBEDDING.sha256);
        assert_eq!(parts, (1, "18bb22ac9c3beb3b33fa57069518aa9c3c1c3c4cd3ab6ddc30e11d6baeed8742"));
        assert_eq!(SpeakerModels::embedding_version(), format!("1-{}", parts.1));
        let earlier = "1-19d9ff8f-18bb22ac".to_owned();
        assert_eq!(SpeakerModels::comparable_versions(), [SpeakerModels::embedding_version(), earlier]);
    }

    /// Values by `tools/speakers/golden.py` with onnxruntime.
    #[test]
    fn an_embedding_equals_that_of_another_runtime() {
        const GOLDEN: [f32; 8] = [0.02167, 0.05826, -0.00675, -0.04858, -0.20510, 0.00552, -0.09894, 0.03558];
        let Some(models) = models() else { return };
        let features = models.embedder.features(&golden_signal());
        let frames: Vec<usize> = (0..features.len()).collect();
        let pool = std::sync::Arc::new(ThreadPool::with_num_threads(1));
        let embedding = models.embedder.embed(&pool, &features, &frames).unwrap().unwrap();
        for (found, expected) in embedding.values().iter().zip(GOLDEN) {
            assert!((found - expected).abs() < 1e-3, "{found}, not {expected}");
        }
    }

    #[test]
    fn each_diarizer_has_threads_of_its_own() {
        let Some(models) = models() else { return };
        let diarizer = || Diarizer::new(&models, SpeakerCount::default());
        let (first, second) = (diarizer(), diarizer());
        assert!(!std::sync::Arc::ptr_eq(&first.pool, &second.pool));
    }
}
