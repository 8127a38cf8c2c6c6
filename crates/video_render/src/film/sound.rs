//! Mixes the audio of a film.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::ops::Range;
use std::path::Path;

use audio_mix::{ClipStore, MixError, MixProgress, PlacedClip, RATE, gain_to_ceiling, mix};
use audio_signal::TruePeakMeter;
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
    /// Decodes the needed windows of each source once, into `file`. Sources that are `None` are silent. Blocking.
    ///
    /// # Errors
    /// See [`MixError`]; a source without audio is no error.
    pub(crate) fn decode(
        sounds: &[Sound],
        inputs: &[Option<MediaInput>],
        file: File,
        cancelled: &dyn Fn() -> bool,
        done: &dyn Fn(f64),
    ) -> Result<Self, MixError> {
        let mut store = ClipStore::new(file);
        let mut windows: Vec<Vec<Range<u64>>> = vec![Vec::new(); inputs.len()];
        for sound in sounds {
            windows[sound.source].push(source_frames(sound));
        }
        let (mut silent, mut indices) = (Vec::new(), vec![None; inputs.len()]);
        for (source, (input, windows)) in inputs.iter().zip(windows).enumerate() {
            let Some(input) = input else { continue };
            match store.add(input, windows, cancelled) {
                Ok(index) => indices[source] = Some(index),
                Err(MixError::Decode(error)) if error.is_about_media() => {
                    silent.push((source, error.to_string()));
                }
                Err(error) => return Err(error),
            }
            done((source + 1) as f64 / inputs.len() as f64);
        }
        let placed = sounds.iter().map(|sound| Some(placed(sound, indices[sound.source]?))).collect();
        Ok(Self { store, placed, silent })
    }

    /// Writes the source frames of sound `index` to `path`; `false` if its source is silent. Blocking.
    pub(crate) fn write_sound(&self, index: usize, path: &Path) -> Result<bool, MixError> {
        let Some(clip) = &self.placed[index] else { return Ok(false) };
        let mut out = BufWriter::new(File::create(path)?);
        self.store.write_frames(clip.source, clip.source_start..clip.source_start + clip.frames, &mut out)?;
        out.flush()?;
        Ok(true)
    }

    /// Plays the frames in `path` instead of the source of sound `index`. Blocking.
    pub(crate) fn replace_sound(&mut self, index: usize, path: &Path) -> Result<(), MixError> {
        let before = self.store.frames();
        let source = self.store.add_frames(BufReader::new(File::open(path)?))?;
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
        let frames = frames(length);
        let placed: Vec<PlacedClip> = self.placed.iter().flatten().copied().collect();
        let mut meter = TruePeakMeter::new();
        let mut writer = BufWriter::new(File::create(path)?);
        let mixed = |at: u64| done(at as f64 / frames.max(1) as f64);
        let progress = MixProgress { done: &mixed, cancelled };
        mix(&self.store, &placed, frames, &progress, &mut |samples| {
            meter.push(samples);
            let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            writer.write_all(&bytes)
        })?;
        writer.flush()?;
        Ok(gain_to_ceiling(meter.finish()))
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
        1.0 => frames(sound.window.duration()),
        _ => 2 * frames(sound.window.duration()) + frames(sound.duration()),
    };
    sounds.iter().map(of_sound).sum::<u64>() + frames(length)
}

/// The frames of the source that play. Sounds that follow each other in the film have neither gap nor overlap.
fn source_frames(sound: &Sound) -> Range<u64> {
    let start = frames(sound.window.start().since_zero());
    let begins = sound.start.since_zero();
    let count = match sound.speed {
        1.0 => frames(begins + sound.duration()) - frames(begins),
        _ => frames(sound.window.duration()),
    };
    start..start + count
}

fn placed(sound: &Sound, source: usize) -> PlacedClip {
    let window = source_frames(sound);
    PlacedClip {
        source,
        source_start: window.start,
        start: frames(sound.start.since_zero()),
        frames: window.end - window.start,
        gain: 10_f64.powf(sound.gain_db / 20.0) as f32,
    }
}

/// The nearest frame to an instant, not below 0.
fn frames(time: MediaTime) -> u64 {
    u64::try_from(time.to_samples(RATE)).unwrap_or(0)
}
