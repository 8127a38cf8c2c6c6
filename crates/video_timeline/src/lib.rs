//! Timelines: projects hold sequences, sequences hold tracks, tracks hold clips.
//!
//! A [`Clip`] plays the window `[in_ms, out_ms)` of an asset from `start_ms_on_timeline` on, at its
//! speed. Times are exact to the microsecond.
//!
//! Other engines see the [`VideoTimeline`] trait only:
//! - [`TimelineService`] is the implementation in this process, on Postgres;
//! - [`HttpTimeline`] talks to a remote one over the routes that [`router`] serves.

mod catalogue;
mod client;
mod error;
mod http_client;
mod local;
mod model;
mod page;
mod routes;
mod service;
mod store;

pub use catalogue::MediaCatalogue;
pub use client::{ClipFilter, MAX_ARTIFACTS, TimelineCompanion, VideoTimeline};
pub use error::{Entity, Error};
pub use http_client::{HttpTimeline, HttpTimelineConfig};
pub use model::{
    Clip, ClipPatch, CreatedTimeline, Meta, MoveClip, NewClip, NewClips, NewProject, NewSequence,
    NewTimeline, NewTrack, Project, ProjectPatch, ProjectTarget, Sequence, SequencePatch, SplitClip,
    SplitResult, Track, TrackKind, TrackPatch, TrimClip,
};
pub use page::Paging;
pub use routes::{BODY_LIMITS, router};
pub use service::TimelineService;
