//! Films: compositions of any number of clips, rendered by pieces.
//!
//! A piece is a run of frames in which the same layers are visible. Equal pieces are rendered once. Batches of pieces are
//! rendered by one call of ffmpeg each, encoded as files that begin with a keyframe; the files are then joined without
//! encoding them again, each with its exact duration, to the mixed audio.

mod batch;
mod disk;
mod join;
pub(crate) mod pieces;
mod prepare;
mod render;
mod shots;
mod sound;

use std::collections::BTreeMap;

use media_time::{AssetTime, LocalTime, MediaTime, Window};
use media_v2::{Artifact, MediaAsset, MediaService};
use primitives::Id;
use serde_json::{Value, json};

use crate::Error;
use crate::captions::PlayedWindow;
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
    /// Where the audio of samples comes from: a recording, and its part that plays.
    pub(crate) of_samples: Vec<(Id, PlayedWindow)>,
    /// What could not be used, for the caller.
    pub(crate) warnings: Vec<String>,
}

/// What a sound is taken from.
#[derive(Clone, Debug)]
pub(crate) enum SoundSource {
    /// The audio of a recording.
    Asset {
        /// The recording.
        asset: MediaAsset,
        /// What of its decoder belongs into keys, see [`MediaService::decoder_mark`].
        decoder_mark: String,
    },
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

impl SoundSource {
    pub(crate) const fn id(&self) -> &Id {
        match self {
            Self::Asset { asset, .. } => &asset.id,
            Self::Artifact(artifact) => &artifact.id,
        }
    }
}

/// The sources of sounds, each once.
#[derive(Default)]
pub(crate) struct SoundSources {
    pub(crate) list: Vec<SoundSource>,
    indices: BTreeMap<Id, usize>,
}

impl SoundSources {
    /// The index of a recording.
    pub(crate) async fn asset(&mut self, media: &MediaService, asset: &MediaAsset) -> Result<usize, Error> {
        match self.indices.get(&asset.id) {
            Some(index) => Ok(*index),
            None => {
                let decoder_mark = media.decoder_mark(asset).await?;
                Ok(self.add(SoundSource::Asset { asset: asset.clone(), decoder_mark }))
            }
        }
    }

    /// The index of a sample.
    pub(crate) fn artifact(&mut self, artifact: &Artifact) -> usize {
        let known = self.indices.get(&artifact.id).copied();
        known.unwrap_or_else(|| self.add(SoundSource::Artifact(artifact.clone())))
    }

    fn add(&mut self, source: SoundSource) -> usize {
        self.indices.insert(source.id().clone(), self.list.len());
        self.list.push(source);
        self.list.len() - 1
    }
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
    /// Checks the length of the film, and how many sounds play at once.
    ///
    /// # Errors
    /// [`Error::FilmTooLong`], [`Error::TooManyOverlapping`].
    pub(crate) fn check(&self) -> Result<(), Error> {
        let length = self.composition.window.duration();
        if length > MAX_LENGTH {
            return Err(Error::FilmTooLong { length, limit: MAX_LENGTH });
        }
        // Sounds that end are counted before those that start at the same instant.
        let mut changes: Vec<(LocalTime, i64)> = self
            .sounds
            .iter()
            .flat_map(|sound| [(sound.start, 1), (sound.start + sound.duration(), -1)])
            .collect();
        changes.sort_unstable();
        let mut playing = 0;
        for (_, change) in changes {
            playing += change;
            if playing > MAX_OVERLAPPING as i64 {
                return Err(Error::TooManyOverlapping { limit: MAX_OVERLAPPING });
            }
        }
        Ok(())
    }

    /// The film of a timeline: the audio is that of every clip.
    ///
    /// # Errors
    /// [`MediaError`](media_v2::MediaError) when a recording needs a decoder that is not there.
    pub(crate) async fn of_timeline(media: &MediaService, composition: Composition) -> Result<Self, Error> {
        let (mut sources, mut sounds) = (SoundSources::default(), Vec::new());
        for layer in &composition.layers {
            let Some(span) = layer.play_window(composition.window) else { continue };
            let source = sources.asset(media, &layer.asset).await?;
            sounds.push(Sound {
                source,
                window: layer.source_of(composition.window, span),
                start: span.start(),
                speed: layer.clip.speed,
                gain_db: layer.clip.volume_db.clamp(-200.0, 60.0),
            });
        }
        let (of_samples, warnings) = (Vec::new(), Vec::new());
        Ok(Self { composition, sources: sources.list, sounds, of_samples, warnings })
    }

    /// Where the audio of an asset plays, also as part of a sample.
    pub(crate) fn played(&self, asset_id: &Id) -> Vec<PlayedWindow> {
        let played = |sound: &Sound| {
            let is_of_asset = matches!(&self.sources[sound.source], SoundSource::Asset { asset, .. } if asset.id == *asset_id);
            is_of_asset.then_some(PlayedWindow {
                source: sound.window,
                start: sound.start,
                speed: sound.speed,
            })
        };
        let of_samples = self.of_samples.iter().filter(|(id, _)| id == asset_id).map(|(_, window)| *window);
        self.sounds.iter().filter_map(played).chain(of_samples).collect()
    }

    /// Everything that determines the audio.
    pub(crate) fn identity_of_audio(&self) -> Value {
        let sources: Vec<Value> = self
            .sources
            .iter()
            .map(|source| match source {
                SoundSource::Asset { asset, decoder_mark } => {
                    let mut identity = identity(asset);
                    if !decoder_mark.is_empty() {
                        identity["decoder"] = json!(decoder_mark);
                    }
                    identity
                }
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
            SoundSource::Asset { .. } => None,
        });
        list.into_iter().chain(samples).collect()
    }
}
