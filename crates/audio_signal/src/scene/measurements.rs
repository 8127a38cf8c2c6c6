use std::ops::Range;

use media_time::MediaTime;

use super::SceneKind;
use super::texture::Texture;

/// Number of level cells in a frame.
pub(crate) const CELLS_PER_FRAME: usize = 4;

/// Measurements of a recording from the streaming part of the analysis, from which its scenes are decided.
pub(crate) struct SceneMeasurements {
    /// Levels of 8 ms in dBFS.
    pub(crate) cells: Vec<f32>,
    /// Textures of 32 ms.
    pub(crate) textures: Vec<Texture>,
    /// The speech probability of each texture's frame.
    pub(crate) voice: Vec<f32>,
    /// Exact duration of the recording.
    pub(crate) duration: MediaTime,
}

/// A range of cells of one kind.
pub(crate) struct CellSegment {
    pub(crate) kind: SceneKind,
    pub(crate) cells: Range<usize>,
    /// Mean probability of the kind over its frames.
    pub(crate) probability: f32,
    pub(crate) background_music: bool,
    pub(crate) sung: bool,
}
