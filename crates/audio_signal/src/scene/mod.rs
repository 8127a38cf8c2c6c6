//! What a recording holds, when: speech, music, silence or something else.

mod segment;

pub use segment::{SceneKind, Segment};
