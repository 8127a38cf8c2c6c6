//! The landmarks of all files, as far as the recording can match them.

use std::fs::File;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use audio_fingerprint::{Fingerprinter, HashFilter, Landmark, MemoryIndex};
use audio_signal::{Control, read_mono};
use indicatif::ProgressBar;
use media_decode::{DecodeError, Decoders, MediaInput};

/// Maximum number of landmarks that are kept, of 16 bytes each: 1 GiB, 340 h of audio if all could match.
const MAX_LANDMARKS: usize = 1 << 26;

/// Files to read.
pub(super) struct Scan<'a> {
    pub(super) files: &'a [PathBuf],
    pub(super) decoders: &'a Decoders,
    /// The hashes of the recording to identify.
    pub(super) filter: &'a HashFilter,
    pub(super) bar: &'a ProgressBar,
}

/// What the files have.
pub(super) struct Scanned {
    /// Sources are the indices of files.
    pub(super) index: MemoryIndex,
    /// Number of files that were read.
    pub(super) searched: usize,
    /// Which files are no recordings.
    pub(super) notes: Vec<String>,
    /// Why recordings cannot be read.
    pub(super) errors: Vec<anyhow::Error>,
}

impl Scan<'_> {
    /// Reads all files on `threads` threads; the result is in order of the files.
    ///
    /// # Errors
    /// When there are too many landmarks. Files that cannot be read are in the result.
    pub(super) fn run(&self, threads: NonZeroUsize) -> anyhow::Result<Scanned> {
        let (next, kept) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || {
            let mut done = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(path) = self.files.get(index) else { return done };
                done.push((index, self.landmarks(path, &kept)));
                self.bar.inc(1);
            }
        };
        let count = threads.get().min(self.files.len());
        let mut results: Vec<(usize, anyhow::Result<Vec<Landmark>>)> = thread::scope(|scope| {
            let workers: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
            let joined = workers.into_iter().map(|worker| worker.join());
            joined.flat_map(|done| done.unwrap_or_else(|panic| resume_unwind(panic))).collect()
        });
        anyhow::ensure!(
            kept.load(Ordering::Relaxed) <= MAX_LANDMARKS,
            "too much of the directory resembles the recording; search the directories below it one by one"
        );
        results.sort_by_key(|(index, _)| *index);
        Ok(self.collect(results))
    }

    fn collect(&self, results: Vec<(usize, anyhow::Result<Vec<Landmark>>)>) -> Scanned {
        let mut scanned =
            Scanned { index: MemoryIndex::new(), searched: 0, notes: Vec::new(), errors: Vec::new() };
        for (index, result) in results {
            let label = || self.files.get(index).map(|path| path.display().to_string()).unwrap_or_default();
            match result {
                Ok(landmarks) => {
                    scanned.index.add(index as i64, &landmarks);
                    scanned.searched += 1;
                }
                Err(error) if is_no_recording(&error) => {
                    scanned.notes.push(format!("{}: skipped: {error}", label()));
                }
                Err(error) => scanned.errors.push(error.context(label())),
            }
        }
        scanned
    }

    /// The landmarks of a file that can match; `kept` counts those of all files.
    fn landmarks(&self, path: &Path, kept: &AtomicUsize) -> anyhow::Result<Vec<Landmark>> {
        let input = MediaInput::new(File::open(path)?, self.decoders.clone());
        let (mut fingerprinter, mut landmarks) = (Fingerprinter::new(), Vec::new());
        let mut keep = |found: Vec<Landmark>| {
            let before = landmarks.len();
            landmarks.extend(found.into_iter().filter(|landmark| self.filter.contains(landmark.hash)));
            let count = landmarks.len() - before;
            let total = kept.fetch_add(count, Ordering::Relaxed) + count;
            anyhow::ensure!(total <= MAX_LANDMARKS, "too many landmarks");
            Ok(())
        };
        read_mono(input.decoder()?, &Control::none(), |samples| {
            fingerprinter.push(samples);
            keep(fingerprinter.drain())?;
            anyhow::Ok(ControlFlow::Continue(()))
        })?;
        keep(fingerprinter.finish())?;
        Ok(landmarks)
    }
}

/// Whether the file is not media, or has no audio.
fn is_no_recording(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<DecodeError>();
    matches!(cause, Some(DecodeError::Unrecognised(_) | DecodeError::NoAudioStream { .. }))
}
