//! Mixes the audio of a film.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;

use audio_mix::{
    ClipStore, MixError, MixProgress, PlacedClip, RATE, frame_at, gain_factor, windows, write_mix,
};
use media_decode::MediaInput;
use media_time::MediaTime;

use crate::arguments::{text, texts};
use crate::film::Sound;
use crate::layers::tempo;
use crate::plan::Argument;

/// Sounds whose sources have been decoded.
pub(crate) struct DecodedSounds {
    store: ClipStore,
    /// The sounds on the sample grid; `None` for a sound of a silent source.
    placed: Vec<Option<PlacedClip>>,
    /// The sources without audio that can be decoded, by index, with the reason.
    pub(crate) silent: Vec<(usize, String)>,
}

impl DecodedSounds {
    /// Decodes the needed windows of each source once, into `file`. A source may be silent, with the reason. Blocking.
    ///
    /// # Errors
    /// See [`MixError`]; a source without audio is no error.
    pub(crate) fn decode(
        sounds: &[Sound],
        inputs: Vec<Result<MediaInput, String>>,
        file: File,
        cancelled: &dyn Fn() -> bool,
        done: &dyn Fn(f64),
    ) -> Result<Self, MixError> {
        let (mut store, count) = (ClipStore::new(file), inputs.len());
        let clips: Vec<PlacedClip> = sounds.iter().map(placed).collect();
        let (mut silent, mut indices) = (Vec::new(), vec![None; count]);
        for ((source, input), windows) in inputs.into_iter().enumerate().zip(windows(&clips, count)) {
            match input.map(|input| store.add(&input, windows, cancelled)) {
                Ok(Ok(index)) => indices[source] = Some(index),
                Ok(Err(MixError::Decode(error))) if error.is_about_media() => {
                    silent.push((source, error.to_string()));
                }
                Ok(Err(error)) => return Err(error),
                Err(reason) => silent.push((source, reason)),
            }
            done((source + 1) as f64 / count as f64);
        }
        let in_store = |clip: PlacedClip| Some(PlacedClip { source: indices[clip.source]?, ..clip });
        Ok(Self { store, placed: clips.into_iter().map(in_store).collect(), silent })
    }

    /// Writes the source frames of sound `index` to `path`; `false` if its source is silent. Blocking.
    pub(crate) fn write_sound(
        &self,
        index: usize,
        path: &Path,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<bool, MixError> {
        let Some(clip) = &self.placed[index] else { return Ok(false) };
        let mut out = BufWriter::new(File::create(path)?);
        self.store.write_frames(clip.source, clip.source_frames(), &mut out, cancelled)?;
        out.flush()?;
        Ok(true)
    }

    /// Plays the frames in `path` instead of the source of sound `index`. Blocking.
    pub(crate) fn replace_sound(
        &mut self,
        index: usize,
        path: &Path,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<(), MixError> {
        let before = self.store.frames();
        let source = self.store.add_frames(BufReader::new(File::open(path)?), cancelled)?;
        let frames = self.store.frames() - before;
        if let Some(clip) = &mut self.placed[index] {
            (clip.source, clip.source_start, clip.frames) = (source, 0, frames);
        }
        Ok(())
    }

    /// Writes the mix of `length` as interleaved 32-bit floats to `path`, and returns the gain in dB that keeps it below
    /// the ceiling. Blocking.
    pub(crate) fn mix(
        &self,
        length: MediaTime,
        path: &Path,
        cancelled: &dyn Fn() -> bool,
        done: &dyn Fn(f64),
    ) -> Result<f64, MixError> {
        let frames = frame_at(length);
        let placed: Vec<PlacedClip> = self.placed.iter().flatten().copied().collect();
        let mixed = |at: u64| done(at as f64 / frames.max(1) as f64);
        let progress = MixProgress { done: &mixed, cancelled };
        write_mix(&self.store, &placed, frames, &progress, &mut BufWriter::new(File::create(path)?))
    }
}

/// The arguments that change the tempo of a sound and keep its pitch, for `length` of the film.
pub(crate) fn tempo_arguments(speed: f64, length: MediaTime) -> Vec<Argument> {
    let rate = RATE.to_string();
    let raw = ["-f", "f32le", "-ar", &rate, "-ac", "2"];
    let mut arguments: Vec<Argument> =
        texts(["-nostdin", "-hide_banner", "-v", "error", "-nostats", "-progress", "pipe:1", "-y"]).collect();
    arguments.extend(texts(["-protocol_whitelist", "file,pipe", "-format_whitelist", "f32le"]));
    arguments.extend(texts(raw));
    arguments.extend([text("-i"), Argument::Source(0), text("-af")]);
    arguments.push(text(tempo(speed, length).trim_start_matches(',')));
    arguments.extend(texts(raw));
    arguments.push(Argument::Output);
    arguments
}

/// Number of frames that are written to the disk at once, at most: windows, stretched sounds and the mix.
pub(crate) fn scratch_frames(sounds: &[Sound], length: MediaTime) -> u64 {
    let of_sound = |sound: &Sound| match sound.speed {
        1.0 => frame_at(sound.window.duration()),
        _ => 2 * frame_at(sound.window.duration()) + frame_at(sound.duration()),
    };
    sounds.iter().map(of_sound).sum::<u64>() + frame_at(length)
}

/// A sound on the sample grid, with the index of its source among the inputs. Sounds that follow each other in the film have
/// neither gap nor overlap.
fn placed(sound: &Sound) -> PlacedClip {
    let begins = sound.start.since_zero();
    let frames = match sound.speed {
        1.0 => frame_at(begins + sound.duration()) - frame_at(begins),
        _ => frame_at(sound.window.duration()),
    };
    PlacedClip {
        source: sound.source,
        source_start: frame_at(sound.window.start().since_zero()),
        start: frame_at(begins),
        frames,
        gain: gain_factor(sound.gain_db),
    }
}
