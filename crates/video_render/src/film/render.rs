//! Renders a prepared film: its audio, its pieces, and both joined.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blob_store::{ScratchDirectory, ScratchFile};
use confined_process::ToolError;
use media_decode::MediaInput;
use media_time::MediaTime;
use media_v2::{MediaError, MediaService};
use scheduling::{Cancellation, WorkError, WorkProgress};

use crate::captions::script;
use crate::film::join;
use crate::film::sound::{DecodedSounds, tempo_arguments};
use crate::film::{Film, PreparedFilm, Sound, SoundSource, disk};
use crate::profile::{FrameRate, Profile};
use crate::run::{self, RenderLimits};
use crate::tools::Tools;
use crate::{Error, Plan};

/// The fraction of the work that the audio and the pieces are; the rest is joining them.
const AUDIO: f64 = 0.10;
const PIECES: f64 = 0.85;

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
    /// See [`Error`]; [`Error::TimedOut`] when all calls together take longer than the limit of a render.
    pub(crate) async fn run(
        &self,
        film: &Film,
        prepared: PreparedFilm,
        file: &ScratchFile,
    ) -> Result<Plan, Error> {
        let limit = self.limits.time;
        let done = tokio::time::timeout(limit, self.run_unlimited(film, prepared, file)).await;
        let program = || self.tools.ffmpeg.display().to_string();
        done.unwrap_or_else(|_| Err(ToolError::TimedOut { program: program(), limit }.into()))
    }

    async fn run_unlimited(
        &self,
        film: &Film,
        prepared: PreparedFilm,
        file: &ScratchFile,
    ) -> Result<Plan, Error> {
        let directory = self.media.blobs().scratch_directory().await.map_err(MediaError::from)?;
        let directory = Arc::new(directory);
        let rate = film.composition.rate;
        // First, because a source that cannot be read is then found early.
        let audio = directory.path().join("audio.f32");
        let (gain_db, silent) = self.audio(film, &directory, &audio).await?;
        let pieces = self.pieces(&prepared, rate, &directory).await?;
        let list = directory.path().join("pieces.ffconcat");
        let text = join::list(&prepared.order, &prepared.frames, rate, |index| &pieces[index]);
        tokio::fs::write(&list, text).await.map_err(MediaError::from)?;
        let mut plan = prepared.plan;
        plan.warnings.extend(silent);
        plan.arguments = join::arguments(self.profile, rate, gain_db);
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
                WorkProgress::current()
                    .report("rendering", AUDIO + PIECES * frames as f64 / all.max(1) as f64);
            };
            let (paths, _script) =
                script::with_script(&prepared.paths, call.script.as_deref()).map_err(MediaError::from)?;
            let (ffmpeg, output) = (&self.tools.ffmpeg, name("%05d"));
            let frames = run::run(ffmpeg, &call.arguments, &paths, &output, self.limits, &rendering).await?;
            // The files are divided by frame numbers: with one missing, later pieces would show other frames.
            if frames != call.frames {
                let detail = format!(
                    "a source is damaged inside the film: {frames} of {} frames can be decoded",
                    call.frames
                );
                return Err(Error::UndecodableMedia(detail));
            }
            pieces.extend((0..call.pieces).map(|piece| name(&format!("{piece:05}"))));
            before += call.frames;
        }
        Ok(pieces)
    }

    /// Mixes the audio into `out`; its gain in dB, and a warning for each silent source.
    async fn audio(
        &self,
        film: &Film,
        directory: &Arc<ScratchDirectory>,
        out: &Path,
    ) -> Result<(f64, Vec<String>), Error> {
        let mut inputs = Vec::with_capacity(film.sources.len());
        for source in &film.sources {
            inputs.push(self.open(source).await?);
        }
        let sounds: Arc<[Sound]> = film.sounds.clone().into();
        let clips = directory.path().join("clips.f32");
        let (sounds_of_work, watched) = (sounds.clone(), WorkProgress::current());
        let decoded = blocking(directory, move |cancelled| {
            let file = File::options().read(true).write(true).create_new(true).open(clips)?;
            let done = |done: f64| watched.report("decoding", 0.5 * AUDIO * done);
            DecodedSounds::decode(&sounds_of_work, inputs, file, cancelled, &done)
        });
        let decoded = self.stretched(&sounds, decoded.await?, directory).await?;
        let silent = decoded
            .silent
            .iter()
            .map(|(index, reason)| format!("{} is silent: {reason}", film.sources[*index].id()));
        let silent = silent.collect();
        let (length, out, watched) =
            (film.composition.window.duration(), out.to_owned(), WorkProgress::current());
        let gain_db = blocking(directory, move |cancelled| {
            let done = |done: f64| watched.report("mixing", AUDIO * (0.5 + 0.5 * done));
            decoded.mix(length, &out, cancelled, &done)
        });
        Ok((gain_db.await?, silent))
    }

    /// Opens a source of sounds; the reason if it is silent.
    async fn open(&self, source: &SoundSource) -> Result<Result<MediaInput, String>, Error> {
        Ok(match source {
            SoundSource::Asset { asset, .. } if asset.audio_channels == Some(0) => {
                Err("it has no audio".to_owned())
            }
            SoundSource::Asset { asset, .. } => Ok(self.media.open_recording(asset.content()).await?),
            SoundSource::Artifact(artifact) => Ok(self.media.open_recording(artifact.content()).await?),
        })
    }

    /// Replaces sounds of other speeds by ones of the right length.
    async fn stretched(
        &self,
        sounds: &[Sound],
        mut decoded: DecodedSounds,
        directory: &Arc<ScratchDirectory>,
    ) -> Result<DecodedSounds, Error> {
        let [before, after] = ["before.f32", "after.f32"].map(|name| directory.path().join(name));
        for (index, sound) in sounds.iter().enumerate().filter(|(_, sound)| sound.speed != 1.0) {
            let path = before.clone();
            let written = blocking(directory, move |cancelled| {
                decoded.write_sound(index, &path, cancelled).map(|has_audio| (decoded, has_audio))
            });
            let has_audio;
            (decoded, has_audio) = written.await?;
            if !has_audio {
                continue;
            }
            let arguments = tempo_arguments(sound.speed, sound.duration());
            let sources = [before.clone()];
            run::run(&self.tools.ffmpeg, &arguments, &sources, &after, self.limits, &|_| {}).await?;
            let path = after.clone();
            let replaced = blocking(directory, move |cancelled| {
                decoded.replace_sound(index, &path, cancelled).map(|()| decoded)
            });
            decoded = replaced.await?;
        }
        Ok(decoded)
    }
}

/// Runs work that uses `directory` on a blocking thread. It is cancelled when its caller stops waiting, and keeps the
/// directory until it has stopped.
async fn blocking<T: Send + 'static>(
    directory: &Arc<ScratchDirectory>,
    work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, audio_mix::MixError> + Send + 'static,
) -> Result<T, Error> {
    let (cancellation, cancel_on_drop) = Cancellation::with_guard();
    let directory = directory.clone();
    let done = tokio::task::spawn_blocking(move || {
        let done = work(&|| cancellation.is_cancelled());
        drop(directory);
        done
    });
    let done = done.await;
    drop(cancel_on_drop);
    Ok(done.map_err(|source| WorkError::Broken { queue: "render", source })??)
}

fn fraction(position: MediaTime, whole: MediaTime) -> f64 {
    position.as_secs_f64() / whole.as_secs_f64().max(1e-6)
}
