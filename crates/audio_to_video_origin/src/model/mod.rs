//! Request and response types.

mod origin_map;
mod pattern;
mod request;
mod shot;

pub use origin_map::{ClipOffset, NewOriginMap, OriginMap, PutOriginMap, ResolvedOriginMap};
pub use pattern::PatternOrId;
pub use request::{Alignment, AudioClip, AudioSequence, AudioTrack, ShotListRequest};
pub use shot::{PatternShot, ShotListMeta, ShotListResult, VideoShot};
