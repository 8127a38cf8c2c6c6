//! Recordings that are compared with one another: opened, decoded and searched, within limits.

use std::convert::Infallible;
use std::fs::File;
use std::sync::Arc;

use audio_fingerprint::{
    Fingerprinter, Landmark, MIN_CONFIDENCE, MIN_QUERY_SAMPLES, Match, MemoryIndex, Query, RATE, Samples,
    Sources, Variation, blocks, candidates, confirm, identify,
};
use media_decode::{DecodeError, MediaInput};
use media_time::{MediaTime, Window};
use media_v2::{MediaAsset, MediaError, MediaService};
use scheduling::{Cancellation, WorkError, WorkQueue, WorkSlot};

use crate::Error;
use crate::recording::{DecodedAudio, scratch_file};

/// Least confidence of matches by landmarks, which samples then confirm.
const MIN_MATCH_CONFIDENCE: f64 = 0.999;
/// Samples that are read together.
const READ_TOGETHER: usize = 1 << 16;
/// Length and distance of the windows in which short shots are searched, in samples: 1.5 s and half of it.
const SHORT_WINDOW: i64 = 24_000;
const SHORT_HOP: i64 = SHORT_WINDOW / 2;

/// Whether the caller has stopped waiting.
pub(crate) type Cancelled<'a> = &'a dyn Fn() -> bool;

/// A slot of a queue, held for several pieces of blocking work one after the other, between which recordings are opened.
pub(crate) struct HeldSlot(Arc<WorkSlot>);

impl HeldSlot {
    /// Waits for a slot.
    ///
    /// # Errors
    /// As [`WorkQueue::try_acquire`].
    pub(crate) async fn acquire(queue: &WorkQueue) -> Result<Self, Error> {
        Ok(Self(Arc::new(queue.try_acquire().await?)))
    }

    /// Runs `work` on a blocking thread. It is cancelled when the caller stops waiting, and keeps the slot until it has
    /// stopped.
    ///
    /// # Errors
    /// Those of `work`; [`WorkError::Broken`] when it panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Cancelled<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let slot = Arc::clone(&self.0);
        let (cancellation, cancel_on_drop) = Cancellation::with_guard();
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            span.in_scope(|| work(&|| cancellation.is_cancelled()))
        });
        let result = task.await;
        drop(cancel_on_drop);
        result.map_err(|source| WorkError::Broken { queue: "comparison", source })?
    }
}

/// A recording that is open for decoding, with a file for its samples.
pub(crate) struct OpenRecording {
    asset: MediaAsset,
    input: MediaInput,
    file: File,
}

impl OpenRecording {
    /// Opens an asset.
    ///
    /// # Errors
    /// Errors of the media store.
    pub(crate) async fn open(media: &MediaService, asset: MediaAsset) -> Result<Self, Error> {
        let input = media.open_recording(asset.content()).await;
        let input = input.map_err(|error| Error::from(error).of_recording(&asset.id))?;
        let file = scratch_file(media).await?;
        Ok(Self { asset, input, file })
    }

    /// Decodes the whole recording. Blocking.
    ///
    /// # Errors
    /// Errors of the recording; [`Error::RecordingTooLong`] beyond `limit`; [`DecodeError::Cancelled`].
    pub(crate) fn decode(
        self,
        limit: MediaTime,
        cancelled: Cancelled<'_>,
        progress: &dyn Fn(f64),
    ) -> Result<DecodedAudio, Error> {
        let Self { asset, input, file } = self;
        let samples = limit.to_samples(RATE).cast_unsigned();
        let decoded = DecodedAudio::decode(&input, file, 0..samples + 1, cancelled, progress);
        let audio = decoded.map_err(|error| match error {
            Error::Decode(DecodeError::Cancelled) => error,
            error => error.of_recording(&asset.id),
        })?;
        if audio.len() > samples {
            return Err(Error::RecordingTooLong { asset_id: asset.id, limit });
        }
        Ok(audio)
    }
}

/// Refuses a recording whose declared duration is longer than `limit`.
///
/// # Errors
/// [`Error::RecordingTooLong`].
pub(crate) fn check_length(asset: &MediaAsset, limit: MediaTime) -> Result<(), Error> {
    if asset.duration.is_some_and(|duration| duration > limit) {
        return Err(Error::RecordingTooLong { asset_id: asset.id.clone(), limit });
    }
    Ok(())
}

/// Fails unless the staging directory has room for the samples of recordings of this length.
///
/// # Errors
/// [`Error::NoRoom`].
pub(crate) async fn check_disk(media: &MediaService, length: MediaTime) -> Result<(), Error> {
    let samples = length.to_samples(RATE).max(0).cast_unsigned();
    let needed_bytes = samples.saturating_mul(size_of::<f32>() as u64);
    let free_bytes = media.blobs().free_scratch_bytes().await.map_err(MediaError::from)?;
    if needed_bytes > free_bytes { Err(Error::NoRoom { needed_bytes, free_bytes }) } else { Ok(()) }
}

/// Samples whose reading ends when the caller cancels.
pub(crate) struct Cancellable<'a, T> {
    inner: &'a mut T,
    cancelled: Cancelled<'a>,
}

impl<'a, T> Cancellable<'a, T> {
    pub(crate) fn new(inner: &'a mut T, cancelled: Cancelled<'a>) -> Self {
        Self { inner, cancelled }
    }

    fn check(&self) -> Result<(), Error> {
        if (self.cancelled)() { Err(DecodeError::Cancelled.into()) } else { Ok(()) }
    }
}

impl<T: Samples<Error = Error>> Samples for Cancellable<'_, T> {
    type Error = Error;

    fn len(&self) -> u64 {
        self.inner.len()
    }

    fn read(&mut self, start: i64, out: &mut [f32]) -> Result<(), Error> {
        self.check()?;
        self.inner.read(start, out)
    }
}

impl<T: Sources<Error = Error>> Sources for Cancellable<'_, T> {
    type Error = Error;

    fn read(&mut self, source: i64, start: i64, out: &mut [f32]) -> Result<(), Error> {
        self.check()?;
        self.inner.read(source, start, out)
    }
}

/// The landmarks of a decoded recording whose hashes `keep` accepts.
///
/// # Errors
/// When the samples cannot be read.
pub(crate) fn landmarks<S: Samples<Error = Error>>(
    audio: &mut S,
    keep: impl Fn(u32) -> bool,
) -> Result<Vec<Landmark>, Error> {
    let (mut fingerprinter, mut block) = (Fingerprinter::new(), vec![0.0; READ_TOGETHER]);
    let (mut landmarks, mut position) = (Vec::new(), 0);
    while position < audio.len() {
        let count = (audio.len() - position).min(READ_TOGETHER as u64);
        let samples = &mut block[..count as usize];
        audio.read(position.cast_signed(), samples)?;
        fingerprinter.push(samples);
        landmarks.extend(fingerprinter.drain().into_iter().filter(|landmark| keep(landmark.hash)));
        position += count;
    }
    landmarks.extend(fingerprinter.finish().into_iter().filter(|landmark| keep(landmark.hash)));
    Ok(landmarks)
}

/// The matches of all blocks of a recording in an index, with times of the recording; not confirmed. `progress` is called
/// with the completed fraction.
///
/// # Errors
/// When the samples cannot be read.
pub(crate) fn matches<S: Samples<Error = Error>>(
    recording: &mut S,
    index: &mut MemoryIndex,
    progress: &dyn Fn(f64),
) -> Result<Vec<Match>, Error> {
    let length = recording.len();
    let mut matches = Vec::new();
    for block in blocks(length) {
        let start = block.start.cast_signed();
        let mut samples = vec![0.0; (block.end - block.start) as usize];
        recording.read(start, &mut samples)?;
        let Ok(query) = Query::new(&samples) else { continue };
        let found = always(identify(&query, index, Variation::None, MIN_MATCH_CONFIDENCE));
        let start = MediaTime::from_samples(start, RATE);
        matches.extend(found.into_iter().map(|found| found.later(start)));
        progress(block.end as f64 / length as f64);
    }
    Ok(matches)
}

/// The matches of short windows of `stretch`, with times of the recording, confirmed by the samples of the sources. They
/// find short shots, for which the blocks of [`matches`] are no proof. `windows` is the number of windows that may still be
/// searched.
///
/// # Errors
/// As [`matches`].
pub(crate) fn short_matches<R: Samples<Error = Error>, S: Sources<Error = Error>>(
    recording: &mut R,
    stretch: Window,
    index: &mut MemoryIndex,
    sources: &mut S,
    windows: &mut usize,
) -> Result<Vec<Match>, Error> {
    let (mut start, end) = (stretch.start().to_samples(RATE), stretch.end().to_samples(RATE));
    let mut matches = Vec::new();
    while end - start >= MIN_QUERY_SAMPLES as i64 && *windows > 0 {
        *windows -= 1;
        let mut samples = vec![0.0; (end - start).min(SHORT_WINDOW) as usize];
        recording.read(start, &mut samples)?;
        if let Ok(query) = Query::new(&samples) {
            let candidates = always(candidates(&query, index, Variation::None));
            let found = confirm(&samples, candidates, sources, MIN_CONFIDENCE)?;
            let time = MediaTime::from_samples(start, RATE);
            matches.extend(found.into_iter().map(|found| found.later(time)));
        }
        start += SHORT_HOP;
    }
    Ok(matches)
}

/// What an index in memory finds: it cannot fail.
fn always(found: Result<Vec<Match>, Infallible>) -> Vec<Match> {
    found.unwrap_or_else(|never| match never {})
}
