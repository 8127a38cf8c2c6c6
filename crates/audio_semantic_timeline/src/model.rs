//! Request, response and stored types.

mod calls;
mod run;
mod timeline;

pub use calls::{AnalyzeMeta, AnalyzeRequest, AnalyzeResponse, Clamped, TimelineResponse};
pub use run::{BackendInfo, Dependencies, Dependency, RunMeta, TempoCandidate};
pub use timeline::{
    AudioEvent, BeatEvent, EventKind, EventMeta, LoudnessWindow, SliceMeta, Summary, SummaryMeta, Word,
};
