//! From a sound back to the pictures it was taken from.
//!
//! - [`OriginMap`]: from which window of which recording an artifact was taken; kept by [`store`];
//! - [`Origin`]: the same, found through the chain of what an artifact was made of;
//! - [`ShotList`]: for a sequence or a pattern of sounds, the windows of the recordings to show with it;
//! - [`VideoOrigins`] is the service, [`router`] its HTTP face.
//!
//! # Chains
//!
//! An artifact's origin is its own map. Without one it is that of the first of its upstream artifacts (in the order
//! in which its maker told them) that has an origin, found the same way; the others, an impulse response or a
//! carrier, lend their sound and not their place. [`store::resolve_origins`] follows any number of chains in one
//! statement. A chain has at most [`MAX_CHAIN`] artifacts, and a chain that comes back to itself is refused.
//!
//! A map is told in the time of the recording and ends the chain: maps are never added up. What composes is the way
//! to it. An artifact whose meta has `upstream_window_ms: [start, end]` is that part of what it was made of, told in
//! the upstream's own time, which starts at 0; without it, it is the whole. (`start_ms` and `end_ms` of an artifact
//! are told in the time of its parent asset, as everywhere, and take no part.) The upstream's own time runs through
//! the pieces of its origin, in their order; a part of them is again a list of pieces, and its window is the smallest
//! that holds them: [`Origin::part`]. So parts of parts compose, in whichever order they are taken together.
//!
//! Where no map is found, what the artifact's own row says is its origin: [`OwnFacts`].
//!
//! Chains end at artifacts. Nothing says that a whole *asset* was made of another one: a sound track that is to lead
//! to its video is registered as an artifact of the video, not as an asset of its own.

mod build;
mod error;
mod lookup;
mod model;
mod origin;
mod own;
mod plan;
mod resolve;
mod routes;
mod semantics;
mod service;
mod shot_list;
mod shots;
mod starts;
pub mod store;

use media_time::MediaTime;

pub use error::Error;
pub use model::{
    Alignment, AudioClip, AudioSequence, AudioTrack, ClipOffset, NewOriginMap, OriginMap, PatternOrId,
    PatternShot, PutOriginMap, ResolvedOriginMap, ShotListMeta, ShotListRequest, ShotListResult, VideoShot,
};
pub use origin::{Origin, ResolvedOrigin};
pub use own::{InvalidOwnOrigin, OwnFacts, OwnOrigin};
pub use resolve::MAX_CHAIN;
pub use routes::{BODY_LIMITS, router};
pub use service::VideoOrigins;
pub use shot_list::ShotList;

/// Names everything that changes a shot list and is not in the request.
pub const BACKEND_VERSION: &str = "audio_to_video_origin_v1";
/// The most clips of one shot list.
pub const MAX_CLIPS: usize = 100_000;
/// The most tracks of one shot list.
pub const MAX_TRACKS: usize = 10_000;
/// The longest shot list, in bytes of JSON.
pub const MAX_SHOT_LIST_BYTES: usize = 256 << 20;
/// No recording is longer: thirty days.
const LATEST: MediaTime = MediaTime::from_millis(30 * 24 * 3_600_000);
