//! Command `harkback models pull speakers`: installs the two networks of speaker diarization.

use std::path::{Path, PathBuf};

use anyhow::Context;
use audio_speakers::SpeakerModels;
use audio_speakers::catalog::{FILES, ModelFile};

use crate::pull::{self, RemoteFile};

/// No files are published yet: the digests are those of the files that the script writes.
const NO_SOURCE: &str = "no export of the speaker models is published yet: make the files with \
                         tools/speakers/export.py and give their directory, or a mirror's address, as --from";

/// Copies or downloads both files from `from`, a directory or a base URL; returns their paths. An installed file with
/// the published digest is not fetched again.
pub(crate) fn pull(directory: &Path, from: Option<&str>, is_shown: bool) -> anyhow::Result<Vec<PathBuf>> {
    let path = |file: ModelFile| directory.join(file.file_name);
    let missing: Vec<ModelFile> =
        FILES.into_iter().filter(|file| SpeakerModels::check_file(&path(*file), *file).is_err()).collect();
    if !missing.is_empty() {
        let from = from.context(NO_SOURCE)?;
        missing.into_iter().try_for_each(|file| fetch(&path(file), file, from, is_shown))?;
    }
    Ok(paths(directory).to_vec())
}

fn fetch(path: &Path, file: ModelFile, from: &str, is_shown: bool) -> anyhow::Result<()> {
    let check = |path: &Path| SpeakerModels::check_file(path, file).map_err(anyhow::Error::from);
    if from.contains("://") {
        let url = format!("{}/{}", from.trim_end_matches('/'), file.file_name);
        return RemoteFile { url, label: file.file_name, path, most_bytes: file.size, check: &check }
            .fetch(is_shown);
    }
    pull::copy(&Path::new(from).join(file.file_name), path, &check)
}

/// Paths of both files, installed or not.
pub(crate) fn paths(directory: &Path) -> [PathBuf; 2] {
    FILES.map(|file| directory.join(file.file_name))
}

/// Checks that both files are in `directory`, with the published digests.
pub(crate) fn check(directory: &Path) -> anyhow::Result<()> {
    Ok(SpeakerModels::check(directory)?)
}

/// Whether one of the files is in `directory`, regardless of its content.
pub(crate) fn is_any_present(directory: &Path) -> bool {
    FILES.iter().any(|file| directory.join(file.file_name).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pull_of_speakers_without_a_source_explains_how_to_get_them() {
        let directory = tempfile::tempdir().unwrap();
        let error = pull(directory.path(), None, false).unwrap_err().to_string();
        assert!(error.contains("export.py") && error.contains("--from"), "{error}");
    }

    #[test]
    fn speaker_model_with_another_digest_is_deleted() {
        let (directory, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for file in FILES {
            let bytes = vec![7; usize::try_from(file.size).unwrap()];
            std::fs::write(mirror.path().join(file.file_name), bytes).unwrap();
        }
        let from = mirror.path().to_str().unwrap();
        let error = format!("{:#}", pull(directory.path(), Some(from), false).unwrap_err());
        assert!(error.contains("SHA-256") && error.contains(FILES[0].sha256), "{error}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        assert!(!is_any_present(directory.path()) && check(directory.path()).is_err());
    }

    #[test]
    fn paths_of_speakers_are_both_files() {
        let expected = ["/m/speaker-segmentation.onnx", "/m/speaker-embedding.onnx"].map(PathBuf::from);
        assert_eq!(paths(Path::new("/m")), expected);
    }

    #[test]
    fn error_names_a_missing_directory() {
        let directory = tempfile::tempdir().unwrap();
        let from = directory.path().join("nowhere");
        let error = format!("{:#}", pull(directory.path(), from.to_str(), false).unwrap_err());
        assert!(error.contains("nowhere") && error.contains(FILES[0].file_name), "{error}");
    }
}
