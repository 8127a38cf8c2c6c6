//! Detects and cuts the requested samples: from a recording's bytes to the blobs of its samples.

use std::sync::Arc;

use audio_signal::{Control, Progress};
use blob_store::{BlobStore, StoredBlob};
use media_decode::{AudioFormat, DecodeError, MediaInput};
use primitives::Id;
use scheduling::{WorkProgress, WorkQueue};
use tokio::sync::mpsc;

use crate::Error;
use crate::cut::{self, Cut, Piece, Slice};
use crate::detector::Detection;
use crate::extract::extract;
use crate::job::DetectorJob;
use crate::phrases::SpokenWord;
use crate::plan::{SlicePlan, features_of};
use crate::slice_writer::write_slices;
use crate::source::SampleSource;

/// Capacity of the channel to the store, in pieces; bounds the memory of samples together with the slices being cut.
const PIECES: usize = 16;
/// Share of the first pass, which detects, in the whole work; the second one only copies samples.
const DETECTING: f64 = 0.7;

/// The output of all jobs on a recording.
#[derive(Debug)]
pub(crate) struct JobOutput {
    pub(crate) format: AudioFormat,
    /// One result for each job, in the order of the jobs.
    pub(crate) outputs: Vec<Result<DetectorOutput, Error>>,
}

/// The output of one detector.
#[derive(Debug)]
pub(crate) struct DetectorOutput {
    pub(crate) slices: Vec<StoredSlice>,
    pub(crate) filtered: u64,
    pub(crate) cut_off: u64,
}

/// A stored slice with its detection.
#[derive(Debug)]
pub(crate) struct StoredSlice {
    pub(crate) detection: Box<dyn Detection>,
    pub(crate) slice: Slice,
    pub(crate) blob: StoredBlob,
}

/// Input of the worker thread.
struct WorkerInput {
    recording: MediaInput,
    asset_id: Id,
    /// Index of the audio stream that `recording` decodes; `None` for the default one.
    audio_stream: Option<u32>,
}

/// Output of the worker thread.
struct WorkerOutput {
    format: AudioFormat,
    plans: Vec<Result<SlicePlan, Error>>,
    /// Slices of all plans, in order.
    slices: Vec<Slice>,
}

/// Runs `jobs` on `recording`, which is the audio of `source`, in the queue; each has the words that it needs (empty
/// except for phrases).
///
/// # Errors
/// Errors that concern all jobs: of the recording, the store or the queue.
pub(crate) async fn make(
    queue: &WorkQueue,
    blobs: &BlobStore,
    recording: MediaInput,
    source: &SampleSource,
    jobs: Arc<Vec<(DetectorJob, Vec<SpokenWord>)>>,
) -> Result<JobOutput, Error> {
    let (sender, receiver) = mpsc::channel(PIECES);
    let (asset_id, audio_stream) = (source.asset.id.clone(), source.audio_stream);
    let watched = WorkProgress::current();
    let work = queue.run(move |cancellation| {
        let input = WorkerInput { recording, asset_id, audio_stream };
        work(&input, &jobs, &watched, &|| cancellation.is_cancelled(), &sender)
    });
    let (worked, stored) = tokio::join!(work, write_slices(blobs, receiver));
    // A failure of the store stops the work, so it is reported first.
    let mut blobs = stored?;
    let WorkerOutput { format, plans, slices } = worked??;
    let mut slices = slices.into_iter().enumerate();
    let mut output = |plan: SlicePlan| {
        let mut stored = Vec::with_capacity(plan.detections.len());
        for (detection, (index, slice)) in plan.detections.into_iter().zip(&mut slices) {
            let blob = blobs.remove(&index).ok_or(Error::Cut(cut::CutError::Abandoned))?;
            stored.push(StoredSlice { detection, slice, blob });
        }
        Ok(DetectorOutput { slices: stored, filtered: plan.filtered, cut_off: plan.cut_off })
    };
    let outputs = plans.into_iter().map(|plan| plan.and_then(&mut output)).collect();
    Ok(JobOutput { format, outputs })
}

fn work(
    input: &WorkerInput,
    jobs: &[(DetectorJob, Vec<SpokenWord>)],
    watched: &WorkProgress,
    cancelled: &dyn Fn() -> bool,
    sender: &mpsc::Sender<Piece>,
) -> Result<WorkerOutput, Error> {
    let detecting = |progress: Progress| watched.report("detecting", DETECTING * progress.fraction());
    let control = Control { progress: &detecting, cancelled };
    let features = extract(&input.recording, features_of(jobs.iter().map(|(job, _)| job)), &control)?;
    let plans: Vec<Result<SlicePlan, Error>> =
        jobs.iter().map(|(job, words)| SlicePlan::new(job, &features, words)).collect();
    if cancelled() {
        return Err(DecodeError::Cancelled.into());
    }
    let cuts = cuts(input, &features.format, jobs, &plans);
    let cutting = |progress: Progress| {
        watched.report("cutting", DETECTING + (1.0 - DETECTING) * progress.fraction());
    };
    let control = Control { progress: &cutting, cancelled };
    let slices =
        cut::cut(&input.recording, &cuts, &control, &mut |piece| sender.blocking_send(piece).is_ok())?;
    Ok(WorkerOutput { format: features.format, plans, slices })
}

/// The cuts of all detections, in the order of `plans`; each plan is that of the job at its position.
fn cuts(
    input: &WorkerInput,
    format: &AudioFormat,
    jobs: &[(DetectorJob, Vec<SpokenWord>)],
    plans: &[Result<SlicePlan, Error>],
) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for ((job, _), plan) in jobs.iter().zip(plans) {
        let detector = job.detector.detector();
        let detections = plan.iter().flat_map(|plan| &plan.detections);
        cuts.extend(detections.map(|found| found.cut(format, detector, &input.asset_id, input.audio_stream)));
    }
    cuts
}
