//! Maps audio artifacts back to the video frames they were recorded with.
//!
//! - [`OriginMap`]: the window of the recording that an artifact was taken from; stored by [`store`];
//! - [`Origin`]: the same, found by following the chain of upstream artifacts;
//! - [`ShotList`]: the windows of the recordings to show with a sequence or pattern of audio clips;
//! - [`NewShotList`]: the shots of another engine, which [`VideoOrigins::keep_shots`] stores as a shot list;
//! - [`VideoOrigins`] is the service, [`router`] its HTTP interface.
//!
//! # Chains
//!
//! An artifact's origin is its own map. Without one, it is the origin of the first of its upstream artifacts (in the
//! order in which they were registered) that has one, found the same way; the others, such as an impulse response or a
//! carrier, contribute audio but no origin. [`store::resolve_origins`] follows any number of chains in one statement. A
//! chain has at most [`MAX_CHAIN`] artifacts, and a cyclic chain is rejected.
//!
//! A map uses the time of the recording and ends the chain, so maps are never combined; only windows within upstream
//! artifacts are. An artifact whose meta has `upstream_window_ms: [start, end]` is that part of its upstream artifact,
//! in the upstream's own time, which starts at 0; without it, the artifact is the whole upstream. (`start_ms` and
//! `end_ms` of an artifact use the time of its parent asset, as everywhere, and are ignored here.) The upstream's own
//! time runs through the pieces of its origin in order; a part of them is again a list of pieces, and its window is the
//! smallest that contains them: [`Origin::part`]. Composition of parts is associative.
//!
//! When no map is found, the artifact's own row declares its origin: [`DeclaredFields`].
//!
//! Chains consist of artifacts only. No relation states that a whole *asset* was derived from another one: an audio
//! track that should lead to its video is registered as an artifact of the video, not as a separate asset.

mod build;
pub mod codes;
mod declared_origin;
mod error;
mod lookup;
mod model;
mod origin;
mod parts;
mod plan;
mod resolve;
mod routes;
mod semantics;
mod service;
mod shot_list;
mod shots;
mod starts;
pub mod store;

use media_v2::MAX_STORED_JSON_BYTES;

pub use declared_origin::{DeclaredFields, DeclaredOrigin, InvalidDeclaredOrigin};
pub use error::Error;
pub use model::{
    Alignment, AudioClip, AudioSequence, AudioTrack, ClipOffset, NewOriginMap, NewShotList, OriginMap,
    PatternOrId, PatternShot, PatternShotList, PutOriginMap, ResolvedOriginMap, ShotListMeta,
    ShotListRequest, ShotListResult, VideoShot, continues,
};
pub use origin::{MAX_CHAIN, Origin, ResolvedOrigin};
pub use routes::{BODY_LIMITS, router, shot_list_response};
pub use service::VideoOrigins;
pub use shot_list::ShotList;

/// Version of the algorithm: covers everything that affects a shot list and is not in the request.
pub const BACKEND_VERSION: &str = "audio_to_video_origin_v1";
/// Maximum number of clips of one shot list.
pub const MAX_CLIPS: usize = 100_000;
/// Maximum number of tracks of one shot list.
pub const MAX_TRACKS: usize = 10_000;
/// Maximum size of a shot list, in bytes of JSON.
pub const MAX_SHOT_LIST_BYTES: usize = MAX_STORED_JSON_BYTES as usize;
