use std::path::Path;
use std::sync::Arc;

use audio_asr::{ModelDirectory, ModelError, Models};
use test_kit::files::corpus;

use crate::{digits_model, models};

fn in_directory(directory: &Path) -> Models {
    Models::new(ModelDirectory::new(directory.to_owned()), 2, 1)
}

#[test]
fn missing_model_error_has_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let missing = in_directory(directory.path()).open("tiny.en").unwrap_err();
    assert!(matches!(missing, ModelError::Missing { .. }));
    let text = missing.to_string();
    assert!(text.contains("harkback models pull tiny.en") && text.contains("ggml-tiny.en.bin"), "{text}");
    let own = in_directory(directory.path()).open("my-own").unwrap_err().to_string();
    assert!(own.contains("ggml-my-own.bin") && own.contains("harkback models list"), "{own}");
}

#[test]
fn missing_model_error_has_the_requested_name() {
    let directory = tempfile::tempdir().unwrap();
    let missing = |asked: &str| in_directory(directory.path()).open(asked).unwrap_err().to_string();
    let path = directory.path().join("m.bin");
    let message = missing(path.to_str().unwrap());
    assert!(message.contains(&format!("`{}` not found; ", path.display())), "{message}");
    // A file in the working directory, in which names are not looked up.
    let message = missing("Cargo.toml");
    assert!(message.contains("ggml-Cargo.toml.bin; ") && message.contains("`./Cargo.toml`"), "{message}");
}

#[test]
fn truncated_models_are_distinguished_from_other_files() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("ggml-tiny.bin");
    let reason = || {
        let error = in_directory(directory.path()).open("tiny").unwrap_err();
        assert!(matches!(error, ModelError::Invalid { .. }), "{error:?}");
        error.to_string()
    };
    std::fs::create_dir(&place).unwrap();
    assert!(reason().contains("it is not a file"));
    std::fs::remove_dir(&place).unwrap();
    std::fs::write(&place, b"version https://git-lfs.github.com/spec/v1").unwrap();
    assert!(reason().contains("it is not a ggml Whisper model"));
    let whole = std::fs::read(digits_model()).unwrap();
    std::fs::write(&place, &whole[..whole.len() / 2]).unwrap();
    assert!(reason().contains("it is cut off"));
}

/// Only users other than `root` lack the permission to read a file; a link to itself cannot be followed by anyone.
#[test]
fn unreadable_model_error_has_the_reason() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("ggml-tiny.bin");
    let reason = || {
        let error = in_directory(directory.path()).open("tiny").unwrap_err();
        assert!(matches!(error, ModelError::Unreadable { .. }), "{error:?}");
        error.to_string()
    };
    symlink(&place, &place).unwrap();
    assert!(reason().contains("symbolic links"));
    std::fs::remove_file(&place).unwrap();
    std::fs::copy(digits_model(), &place).unwrap();
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&place).is_err() {
        assert!(reason().contains("ermission denied"));
    }
}

#[test]
fn model_without_weights_is_rejected() {
    let Some(path) = corpus("../models/for-tests-ggml-tiny.en.bin") else { return };
    let error = models(1).open(path.to_str().unwrap()).unwrap_err().to_string();
    assert!(error.contains("no weights"), "{error}");
}

#[test]
fn a_model_is_loaded_once_until_its_file_changes() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("ggml-own.bin");
    std::fs::copy(digits_model(), &place).unwrap();
    let models = in_directory(directory.path());
    let first = models.open("own").unwrap();
    assert_eq!(first.version(), format!("own-{}", &first.sha256()[..8]));
    assert!(Arc::ptr_eq(&first, &models.open("own").unwrap()));

    // Another file replaces it: the last weight differs slightly.
    let mut bytes = std::fs::read(&place).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(directory.path().join("new"), &bytes).unwrap();
    std::fs::rename(directory.path().join("new"), &place).unwrap();
    let second = models.open("own").unwrap();
    assert_ne!(first.version(), second.version());

    std::fs::remove_file(&place).unwrap();
    assert!(matches!(models.open("own"), Err(ModelError::Missing { .. })));
}

#[test]
fn least_recently_used_models_are_unloaded() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        std::fs::copy(digits_model(), directory.path().join(format!("ggml-{name}.bin"))).unwrap();
    }
    let models = in_directory(directory.path());
    let open = |name| Arc::downgrade(&models.open(name).unwrap());
    let (a, b) = (open("a"), open("b"));
    open("a");
    open("c");
    assert!(a.upgrade().is_some() && b.upgrade().is_none(), "the least recently used went");
    let names: Vec<_> = models.directory().present().unwrap().into_iter().map(|model| model.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn published_models_are_checked_by_their_sha1() {
    let directory = tempfile::tempdir().unwrap();
    let models = in_directory(directory.path());
    std::fs::copy(digits_model(), directory.path().join("ggml-tiny.en.bin")).unwrap();
    let error = models.directory().locate("tiny.en").check().unwrap_err().to_string();
    assert!(error.contains("SHA-1") && error.contains("models pull tiny.en"), "{error}");
    let (header, sha256) = models.directory().locate(&digits_model()).check().unwrap();
    assert!(header.is_english_only());
    assert_eq!(sha256, models.open(&digits_model()).unwrap().sha256());
}
