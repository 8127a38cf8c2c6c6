//! Wire types: what callers send and get.

mod origin_map;

pub use origin_map::{ClipOffset, NewOriginMap, OriginMap};
