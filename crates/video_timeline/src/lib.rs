//! Timelines: projects contain sequences, sequences contain tracks, tracks contain clips.
//!
//! A [`Clip`] plays the window `[in_point, out_point)` of an asset from `timeline_start` at its speed. Times are exact
//! to the microsecond.
//!
//! Other engines use only the [`VideoTimeline`] trait:
//! - [`TimelineService`] is the local implementation, on Postgres;
//! - [`HttpTimeline`] calls a remote one over the routes of [`router`].

mod catalogue;
mod client;
pub mod codes;
mod error;
mod http_client;
mod local;
mod model;
mod page;
mod routes;
mod service;
mod shot_lists;
mod store;

pub use catalogue::MediaCatalogue;
pub use client::{ClipFilter, MAX_ARTIFACTS, TimelineCompanion, VideoTimeline};
pub use error::{Entity, Error};
pub use http_client::{HttpTimeline, HttpTimelineConfig};
pub use model::{
    Clip, CreatedTimeline, FurtherTrack, MAX_CLIPS, MAX_FURTHER_TRACKS, Meta, NewClip, NewFurtherTrack,
    NewProject, NewSequence, NewShotListTimeline, NewTimeline, NewTrack, Project, ProjectTarget, Sequence,
    ShotListTimeline, Track, TrackKind,
};
pub use page::Paging;
pub use routes::{BODY_LIMITS, router};
pub use service::TimelineService;
pub use shot_lists::ShotListTimelines;
