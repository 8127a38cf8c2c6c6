//! Finds and cuts what is asked for: everything between a recording's bytes and the blobs of its samples.

use std::sync::Arc;

use blob_store::{BlobId, BlobStore};
use http_kit::WorkQueue;
use media_decode::{AudioFormat, DecodeError, MediaInput};
use tokio::sync::mpsc;

use crate::Error;
use crate::cut::{self, Cut, Piece, Slice};
use crate::listen::listen;
use crate::phrases::SpokenWord;
use crate::plan::{Found, Plan, wanted};
use crate::task::Task;

/// Pieces on their way to the store: with those being cut, what of the samples is in memory.
const PIECES: usize = 16;

/// What was made of a recording.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) format: AudioFormat,
    /// Of each task, in their order.
    pub(crate) parts: Vec<Result<Part, Error>>,
}

/// What was made by one detector.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) cuts: Vec<Kept>,
    pub(crate) filtered: u64,
    pub(crate) cut_off: u64,
}

/// A slice that is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) found: Found,
    pub(crate) slice: Slice,
    pub(crate) blob: BlobId,
}

/// What the worker thread tells.
struct Worked {
    format: AudioFormat,
    plans: Vec<Result<Plan, Error>>,
    /// Of all plans, one after another.
    slices: Vec<Slice>,
}

/// Does `tasks`, each with the words that it needs (none but for phrases), in the queue.
///
/// # Errors
/// What all of them fail by: the recording, the store, the queue.
pub(crate) async fn make(
    queue: &WorkQueue,
    blobs: &BlobStore,
    recording: MediaInput,
    tasks: Arc<Vec<(Task, Vec<SpokenWord>)>>,
) -> Result<Made, Error> {
    let (sender, receiver) = mpsc::channel(PIECES);
    let work =
        queue.run(move |cancellation| work(&recording, &tasks, &|| cancellation.is_cancelled(), &sender));
    let (worked, kept) = tokio::join!(work, crate::keep::keep(blobs, receiver));
    // When storing fails, the work is stopped by it: the first is the reason.
    let mut kept = kept?;
    let Worked { format, plans, slices } = worked??;
    let mut slices = slices.into_iter().enumerate();
    let mut part = |plan: Plan| {
        let mut cuts = Vec::with_capacity(plan.found.len());
        for (found, (index, slice)) in plan.found.into_iter().zip(&mut slices) {
            let blob = kept.remove(&index).ok_or(Error::Cut(cut::CutError::Abandoned))?;
            cuts.push(Kept { found, slice, blob });
        }
        Ok(Part { cuts, filtered: plan.filtered, cut_off: plan.cut_off })
    };
    let parts = plans.into_iter().map(|plan| plan.and_then(&mut part)).collect();
    Ok(Made { format, parts })
}

fn work(
    recording: &MediaInput,
    tasks: &[(Task, Vec<SpokenWord>)],
    cancelled: &dyn Fn() -> bool,
    sender: &mpsc::Sender<Piece>,
) -> Result<Worked, Error> {
    let heard = listen(recording, wanted(tasks.iter().map(|(task, _)| task)), cancelled)?;
    let plans: Vec<Result<Plan, Error>> =
        tasks.iter().map(|(task, words)| Plan::new(task, &heard, words)).collect();
    if cancelled() {
        return Err(DecodeError::Cancelled.into());
    }
    let found = plans.iter().flatten().flat_map(|plan| &plan.found);
    let cuts: Vec<Cut> = found.map(|found| found.cut(&heard.format)).collect();
    let slices = cut::cut(recording, &cuts, cancelled, &mut |piece| sender.blocking_send(piece).is_ok())?;
    Ok(Worked { format: heard.format, plans, slices })
}
