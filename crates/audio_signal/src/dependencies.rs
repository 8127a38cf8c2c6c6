use crate::{SignalError, SpeechDetector};

/// Versions of the libraries used by an analysis, as `name version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependencies {
    /// Library for onsets and the pulse.
    pub aubio: &'static str,
    /// Model for speech detection, with the first digits of its weights' hash.
    pub vad: &'static str,
    /// Library for demuxing and decoding.
    pub decoder: &'static str,
}

const AUBIO: &str = "aubio-rs 0.2.0";

/// The versions in this build.
///
/// # Errors
/// [`SignalError::Model`] when the bundled speech model cannot be used.
pub fn dependencies() -> Result<Dependencies, SignalError> {
    Ok(Dependencies { aubio: AUBIO, vad: SpeechDetector::version()?, decoder: media_decode::NATIVE_DECODER })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let lock = include_str!("../../../Cargo.lock");
        for dependency in [AUBIO, media_decode::NATIVE_DECODER] {
            let (name, version) = dependency.split_once(' ').unwrap();
            assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"")), "{dependency}");
        }
    }
}
