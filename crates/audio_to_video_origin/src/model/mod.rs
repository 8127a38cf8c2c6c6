//! Request and response types.

mod clip_offset;
mod origin_map;
mod pattern;
mod request;
mod shot;
mod shot_meta;

pub use clip_offset::ClipOffset;
pub use origin_map::{NewOriginMap, OriginMap, PutOriginMap, ResolvedOriginMap};
pub use pattern::PatternOrId;
pub use request::{Alignment, AudioClip, AudioSequence, AudioTrack, ShotListRequest};
pub use shot::{
    NewShotList, PatternShot, PatternShotList, ShotListMeta, ShotListResult, VideoShot, continues,
};
