//! Renders a prepared film: its pieces, its audio, and both joined.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blob_store::{ScratchDirectory, ScratchFile};
use media_decode::MediaInput;
use media_time::MediaTime;
use media_v2::{MediaError, MediaService};
use scheduling::{Cancellation, WorkError, WorkProgress};

use crate::film::join;
use crate::film::sound::{DecodedSounds, tempo_arguments};
use crate::film::{Film, PreparedFilm, Sound, SoundSource, disk};
use crate::plan::Argument;
use crate::profile::{FrameRate, Profile};
use crate::run::{self, RenderLimits};
use crate::tools::Tools;
use crate::{Error, Plan};

/// The fraction of the work that the pieces and the audio are; the rest is joining them.
const PIECES: f64 = 0.85;
const AUDIO: f64 = 0.10;

/// Renders films: the services and parameters that this needs.
pub(crate) struct FilmRun<'a> {
    pub(crate) media: &'a MediaService,
    pub(crate) tools: &'a Tools,
    pub(crate) profile: &'static Profile,
    pub(crate) limits: RenderLimits,
}

impl FilmRun<'_> {
    /// Fails unless the disk has room.
    ///
    /// # Errors
    /// [`Error::NoRoom`]; errors of the store.
    pub(crate) async fn check_disk(&self, film: &Film) -> Result<(), Error> {
        let free = self.media.blobs().free_scratch_bytes().await.map_err(MediaError::from)?;
        disk::check(disk::needed_bytes(film, self.profile), free)
    }

    /// Renders the film into `file`, and returns its plan.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(
        &self,
        film: &Film,
        prepared: PreparedFilm,
        file: &ScratchFile,
    ) -> Result<Plan, Error> {
        let directory = self.media.blobs().scratch_directory().await.map_err(MediaError::from)?;
        let rate = film.composition.rate;
        let pieces = self.pieces(&prepared, rate, &directory).await?;
        let audio = directory.path().join("audio.f32");
        let (gain_db, silent) = self.audio(film, &directory, &audio).await?;
        let list = directory.path().join("pieces.ffconcat");
        let text = join::list(&prepared.order, &prepared.frames, rate, |index| &pieces[index]);
        tokio::fs::write(&list, text).await.map_err(MediaError::from)?;
        let mut plan = prepared.plan;
        plan.warnings.extend(silent);
        if gain_db < 0.0 {
            let at = plan
                .arguments
                .iter()
                .position(|argument| matches!(argument, Argument::Text(text) if text == "-c:v"));
            let volume = ["-af".to_owned(), format!("volume={gain_db}dB")].map(Argument::Text);
            plan.arguments.splice(at.unwrap_or(0)..at.unwrap_or(0), volume);
        }
        let joining = |position: MediaTime| {
            let done = fraction(position, film.composition.window.duration());
            WorkProgress::current().report("joining", PIECES + AUDIO + (1.0 - PIECES - AUDIO) * done);
        };
        let sources = [list, audio];
        run::run(&self.tools.ffmpeg, &plan.arguments, &sources, file.path(), self.limits, &joining).await?;
        Ok(plan)
    }

    /// Renders all pieces; the path of each.
    async fn pieces(
        &self,
        prepared: &PreparedFilm,
        rate: FrameRate,
        directory: &ScratchDirectory,
    ) -> Result<Vec<PathBuf>, Error> {
        let all: i64 = prepared.calls.iter().map(|call| call.frames).sum();
        let (mut pieces, mut before) = (Vec::with_capacity(prepared.frames.len()), 0);
        for (number, call) in prepared.calls.iter().enumerate() {
            let name =
                |piece: &str| directory.path().join(format!("call{number}-{piece}.{}", self.profile.muxer()));
            let rendering = |position: MediaTime| {
                let frames = before + rate.frames_before(position);
                WorkProgress::current().report("rendering", PIECES * frames as f64 / all.max(1) as f64);
            };
            let output = name("%05d");
            run::run(&self.tools.ffmpeg, &call.arguments, &prepared.paths, &output, self.limits, &rendering)
                .await?;
            for piece in 0..call.pieces {
                let path = name(&format!("{piece:05}"));
                if !tokio::fs::try_exists(&path).await.map_err(MediaError::from)? {
                    return Err(Error::BadOutput(format!("piece {piece} of call {number} is missing")));
                }
                pieces.push(path);
            }
            before += call.frames;
        }
        Ok(pieces)
    }

    /// Mixes the audio into `out`; its gain in dB, and a warning for each silent source.
    async fn audio(
        &self,
        film: &Film,
        directory: &ScratchDirectory,
        out: &Path,
    ) -> Result<(f64, Vec<String>), Error> {
        let mut inputs = Vec::with_capacity(film.sources.len());
        for source in &film.sources {
            inputs.push(self.open(source).await?);
        }
        let sounds: Arc<[Sound]> = film.sounds.clone().into();
        let clips = directory.path().join("clips.f32");
        let (sounds_of_work, watched) = (sounds.clone(), WorkProgress::current());
        let decoded = blocking(move |cancelled| {
            let file = File::options().read(true).write(true).create_new(true).open(clips)?;
            let done = |done: f64| watched.report("decoding", PIECES + 0.5 * AUDIO * done);
            DecodedSounds::decode(&sounds_of_work, &inputs, file, cancelled, &done)
        });
        let decoded = self.stretched(&sounds, decoded.await?, directory).await?;
        let silent = decoded.silent.iter().map(|(index, reason)| {
            let id = film.sources[*index].id();
            format!("{id} is silent: {reason}")
        });
        let silent = silent.collect();
        let (length, out, watched) =
            (film.composition.window.duration(), out.to_owned(), WorkProgress::current());
        let gain_db = blocking(move |cancelled| {
            let done = |done: f64| watched.report("mixing", PIECES + AUDIO * (0.5 + 0.5 * done));
            decoded.mix(length, &out, cancelled, &done)
        });
        Ok((gain_db.await?, silent))
    }

    async fn open(&self, source: &SoundSource) -> Result<Option<MediaInput>, Error> {
        let opened = match source {
            // An asset that is known to have no audio.
            SoundSource::Asset(asset) if asset.audio_channels == Some(0) => return Ok(None),
            SoundSource::Asset(asset) => self.media.open_recording(asset.content()).await?,
            SoundSource::Artifact(artifact) => self.media.open_recording(artifact.content()).await?,
        };
        Ok(Some(opened))
    }

    /// Replaces sounds of other speeds by ones of the right length.
    async fn stretched(
        &self,
        sounds: &[Sound],
        mut decoded: DecodedSounds,
        directory: &ScratchDirectory,
    ) -> Result<DecodedSounds, Error> {
        let [before, after] = ["before.f32", "after.f32"].map(|name| directory.path().join(name));
        for (index, sound) in sounds.iter().enumerate().filter(|(_, sound)| sound.speed != 1.0) {
            let path = before.clone();
            let written =
                blocking(move |_| decoded.write_sound(index, &path).map(|has_audio| (decoded, has_audio)));
            let has_audio;
            (decoded, has_audio) = written.await?;
            if !has_audio {
                continue;
            }
            let arguments = tempo_arguments(sound.speed, sound.duration());
            let sources = [before.clone()];
            run::run(&self.tools.ffmpeg, &arguments, &sources, &after, self.limits, &|_| {}).await?;
            let path = after.clone();
            decoded = blocking(move |_| decoded.replace_sound(index, &path).map(|()| decoded)).await?;
        }
        Ok(decoded)
    }
}

/// Runs work on a blocking thread. It is cancelled when its caller stops waiting.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, audio_mix::MixError> + Send + 'static,
) -> Result<T, Error> {
    let (cancellation, cancel_on_drop) = Cancellation::with_guard();
    let done = tokio::task::spawn_blocking(move || work(&|| cancellation.is_cancelled())).await;
    drop(cancel_on_drop);
    Ok(done.map_err(|source| WorkError::Broken { queue: "render", source })??)
}

fn fraction(position: MediaTime, whole: MediaTime) -> f64 {
    position.as_secs_f64() / whole.as_secs_f64().max(1e-6)
}

impl SoundSource {
    fn id(&self) -> &primitives::Id {
        match self {
            Self::Asset(asset) => &asset.id,
            Self::Artifact(artifact) => &artifact.id,
        }
    }
}
