use super::sliding;
use super::texture::{FRAMES_PER_SECOND, Texture};

/// Frames this far below the loudest within a second, in dB, are ignored ...
const INAUDIBLE_DB: f32 = 30.0;
/// ... and get full weight when this much louder than that.
const MASKING_RANGE_DB: f32 = 15.0;

/// Weight of each frame relative to the loudest within a second, 0 to 1: pauses are no evidence for the kind of audio
/// around them.
pub(crate) fn salience(textures: &[Texture]) -> Vec<f32> {
    let levels: Vec<f32> = textures.iter().map(|texture| texture.level_db).collect();
    let loudest = sliding::maxima(&levels, FRAMES_PER_SECOND as usize);
    let above = |(level, loudest): (&f32, f32)| (level - loudest + INAUDIBLE_DB) / MASKING_RANGE_DB;
    levels.iter().zip(loudest).map(|pair| above(pair).clamp(0.0, 1.0)).collect()
}
