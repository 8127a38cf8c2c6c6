//! Films: compositions of any number of clips, rendered by pieces.
//!
//! A piece is a run of frames in which the same layers are visible. Equal pieces are rendered once. Batches of pieces are
//! rendered by one call of ffmpeg each, encoded as files that begin with a keyframe; the files are then joined without
//! encoding them again, each with its exact duration, to the mixed audio.

mod batch;
mod disk;
mod join;
mod packets;
mod pieces;
mod prepare;
mod render;
mod shots;
mod sound;

use media_time::{AssetTime, LocalTime, MediaTime, Window};
use media_v2::{Artifact, MediaAsset};
use primitives::Id;
use serde_json::{Value, json};

use crate::Error;
use crate::composition::{Composition, Subject};
use crate::target::identity;

pub(crate) use self::prepare::PreparedFilm;
pub(crate) use self::render::FilmRun;
pub(crate) use self::shots::{ShotListFilm, of_shot_list};

/// Most clips of one film.
pub(crate) const MAX_SHOTS: usize = 10_000;
/// Most clips that are visible, or audible, at one instant.
pub(crate) const MAX_OVERLAPPING: usize = 64;
/// Longest film.
pub(crate) const MAX_LENGTH: MediaTime = MediaTime::from_millis(6 * 3_600_000);

/// A composition to render by pieces, and its audio.
#[derive(Clone, Debug)]
pub(crate) struct Film {
    pub(crate) composition: Composition,
    /// Recordings and samples of the audio.
    pub(crate) sources: Vec<SoundSource>,
    pub(crate) sounds: Vec<Sound>,
    /// What could not be used, for the caller.
    pub(crate) warnings: Vec<String>,
}

/// What a sound is taken from.
#[derive(Clone, Debug)]
pub(crate) enum SoundSource {
    /// The audio of a recording.
    Asset(MediaAsset),
    /// A sample.
    Artifact(Artifact),
}

/// A sound in the film.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sound {
    /// Index of its source.
    pub(crate) source: usize,
    /// The window of the source that plays.
    pub(crate) window: Window<AssetTime>,
    /// When it starts in the film.
    pub(crate) start: LocalTime,
    /// Source time per film time.
    pub(crate) speed: f64,
    /// Gain in dB.
    pub(crate) gain_db: f64,
}

impl Sound {
    /// Duration in the film.
    pub(crate) fn duration(&self) -> MediaTime {
        match self.speed {
            1.0 => self.window.duration(),
            speed => MediaTime::from_secs_f64(self.window.duration().as_secs_f64() / speed),
        }
    }
}

impl Film {
    /// Checks the length of the film.
    ///
    /// # Errors
    /// [`Error::FilmTooLong`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let length = self.composition.window.duration();
        if length > MAX_LENGTH { Err(Error::FilmTooLong { length, limit: MAX_LENGTH }) } else { Ok(()) }
    }

    /// The film of a timeline: the audio is that of every clip.
    pub(crate) fn of_timeline(composition: Composition) -> Self {
        let mut sources: Vec<MediaAsset> = Vec::new();
        let mut sounds = Vec::new();
        for layer in &composition.layers {
            let Some(span) = layer.play_window(composition.window) else { continue };
            let source = sources.iter().position(|asset| asset.id == layer.asset.id).unwrap_or_else(|| {
                sources.push(layer.asset.clone());
                sources.len() - 1
            });
            sounds.push(Sound {
                source,
                window: layer.source_of(composition.window, span),
                start: span.start(),
                speed: layer.clip.speed,
                gain_db: layer.clip.volume_db.clamp(-200.0, 60.0),
            });
        }
        let sources = sources.into_iter().map(SoundSource::Asset).collect();
        Self { composition, sources, sounds, warnings: Vec::new() }
    }

    /// Everything that determines the audio.
    pub(crate) fn identity_of_audio(&self) -> Value {
        let sources: Vec<Value> = self
            .sources
            .iter()
            .map(|source| match source {
                SoundSource::Asset(asset) => identity(asset),
                SoundSource::Artifact(artifact) => match &artifact.content_sha256 {
                    Some(hash) => json!({ "sha256": hash }),
                    None => json!({ "artifact_id": artifact.id }),
                },
            })
            .collect();
        let sounds: Vec<Value> = self
            .sounds
            .iter()
            .map(|sound| {
                let window = (sound.window.start().as_micros(), sound.window.end().as_micros());
                json!([sound.source, window, sound.start.as_micros(), sound.speed, sound.gain_db])
            })
            .collect();
        json!({ "version": audio_mix::BACKEND_VERSION, "sources": sources, "sounds": sounds })
    }

    /// The artifacts that the film is made of: the shot list and its samples.
    pub(crate) fn upstream(&self) -> Vec<Id> {
        let list = match &self.composition.subject {
            Subject::ShotList(id) => Some(id.clone()),
            Subject::Sequence { .. } => None,
        };
        let samples = self.sources.iter().filter_map(|source| match source {
            SoundSource::Artifact(artifact) => Some(artifact.id.clone()),
            SoundSource::Asset(_) => None,
        });
        list.into_iter().chain(samples).collect()
    }
}
