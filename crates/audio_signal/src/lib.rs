//! What a recording sounds like, found in one streaming pass: its exact length, its loudness, where there is
//! speech, music or silence, and its beats. A pure library: it reads what it is given and touches nothing else.

mod analysis;
mod params;
mod rhythm;
mod scene;

pub use analysis::{ALGORITHM_VERSION, Analysis, Control, Progress, version};
pub use params::{AnalysisParams, Thresholds};
pub use rhythm::{Beat, Onset, Rhythm, RhythmAnalyzer, Tempo, TempoCandidate};
pub use scene::{SceneKind, Segment};
