//! Detects and cuts the requested samples: from a recording's bytes to the blobs of its samples.

use std::sync::Arc;

use blob_store::{BlobId, BlobStore};
use media_decode::{AudioFormat, DecodeError, MediaInput};
use scheduling::WorkQueue;
use tokio::sync::mpsc;

use crate::Error;
use crate::cut::{self, Cut, Piece, Slice};
use crate::extract::extract;
use crate::phrases::SpokenWord;
use crate::plan::{Found, Plan, wanted};
use crate::task::DetectorJob;

/// Capacity of the channel to the store, in pieces; bounds the memory of samples together with the slices being cut.
const PIECES: usize = 16;

/// The output of all tasks on a recording.
#[derive(Debug)]
pub(crate) struct JobOutput {
    pub(crate) format: AudioFormat,
    /// One result for each task, in the order of the tasks.
    pub(crate) parts: Vec<Result<DetectorOutput, Error>>,
}

/// The output of one detector.
#[derive(Debug)]
pub(crate) struct DetectorOutput {
    pub(crate) cuts: Vec<StoredSlice>,
    pub(crate) filtered: u64,
    pub(crate) cut_off: u64,
}

/// A stored slice with its detection.
#[derive(Debug)]
pub(crate) struct StoredSlice {
    pub(crate) found: Found,
    pub(crate) slice: Slice,
    pub(crate) blob: BlobId,
}

/// Output of the worker thread.
struct WorkerOutput {
    format: AudioFormat,
    plans: Vec<Result<Plan, Error>>,
    /// Slices of all plans, in order.
    slices: Vec<Slice>,
}

/// Runs `tasks` in the queue; each has the words that it needs (empty except for phrases).
///
/// # Errors
/// Errors that concern all tasks: of the recording, the store or the queue.
pub(crate) async fn make(
    queue: &WorkQueue,
    blobs: &BlobStore,
    recording: MediaInput,
    tasks: Arc<Vec<(DetectorJob, Vec<SpokenWord>)>>,
) -> Result<JobOutput, Error> {
    let (sender, receiver) = mpsc::channel(PIECES);
    let work =
        queue.run(move |cancellation| work(&recording, &tasks, &|| cancellation.is_cancelled(), &sender));
    let (worked, kept) = tokio::join!(work, crate::keep::keep(blobs, receiver));
    // A failure of the store stops the work, so it is reported first.
    let mut kept = kept?;
    let WorkerOutput { format, plans, slices } = worked??;
    let mut slices = slices.into_iter().enumerate();
    let mut part = |plan: Plan| {
        let mut cuts = Vec::with_capacity(plan.found.len());
        for (found, (index, slice)) in plan.found.into_iter().zip(&mut slices) {
            let blob = kept.remove(&index).ok_or(Error::Cut(cut::CutError::Abandoned))?;
            cuts.push(StoredSlice { found, slice, blob });
        }
        Ok(DetectorOutput { cuts, filtered: plan.filtered, cut_off: plan.cut_off })
    };
    let parts = plans.into_iter().map(|plan| plan.and_then(&mut part)).collect();
    Ok(JobOutput { format, parts })
}

fn work(
    recording: &MediaInput,
    tasks: &[(DetectorJob, Vec<SpokenWord>)],
    cancelled: &dyn Fn() -> bool,
    sender: &mpsc::Sender<Piece>,
) -> Result<WorkerOutput, Error> {
    let features = extract(recording, wanted(tasks.iter().map(|(task, _)| task)), cancelled)?;
    let plans: Vec<Result<Plan, Error>> =
        tasks.iter().map(|(task, words)| Plan::new(task, &features, words)).collect();
    if cancelled() {
        return Err(DecodeError::Cancelled.into());
    }
    let found = plans.iter().flatten().flat_map(|plan| &plan.found);
    let cuts: Vec<Cut> = found.map(|found| found.cut(&features.format)).collect();
    let slices = cut::cut(recording, &cuts, cancelled, &mut |piece| sender.blocking_send(piece).is_ok())?;
    Ok(WorkerOutput { format: features.format, plans, slices })
}
