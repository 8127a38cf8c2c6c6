//! The audio of assets and artifacts as mono samples at 16 kHz, of which fingerprints are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt as _;

use audio_fingerprint::{RATE, Samples, Sources};
use audio_signal::{Control, Progress, read_mono};
use media_decode::{DecodeError, MediaInput};
use media_time::MediaTime;
use media_v2::{Artifact, AssetKind, Content, MediaAsset, MediaError, MediaService};
use primitives::{Id, Scope};

use crate::Error;

/// Samples that are written to a scratch file together.
const WRITTEN_TOGETHER: usize = 1 << 16;

/// An asset or artifact with audio.
#[derive(Clone, Debug)]
pub(crate) enum AudioSource {
    Asset(MediaAsset),
    Artifact(Artifact),
}

impl AudioSource {
    /// An asset of this owner.
    ///
    /// # Errors
    /// [`DecodeError::NoAudioStream`], [`DecodeError::Unrecognised`] for assets that are known to have no audio; errors
    /// of the media store.
    pub(crate) async fn asset(media: &MediaService, scope: &Scope, id: &Id) -> Result<Self, Error> {
        Ok(Self::Asset(asset_with_audio(media, scope, id).await?))
    }

    /// An artifact of this owner. Whether it has audio is known when it is decoded.
    ///
    /// # Errors
    /// Errors of the media store.
    pub(crate) async fn artifact(media: &MediaService, scope: &Scope, id: &Id) -> Result<Self, Error> {
        Ok(Self::Artifact(media.artifact(scope, id).await?))
    }

    pub(crate) fn content(&self) -> Content<'_> {
        match self {
            Self::Asset(asset) => asset.content(),
            Self::Artifact(artifact) => artifact.content(),
        }
    }

    /// Opens it for decoding on a worker thread.
    ///
    /// # Errors
    /// Errors of the media store.
    pub(crate) async fn open(&self, media: &MediaService) -> Result<MediaInput, Error> {
        Ok(media.open_recording(self.content()).await?)
    }
}

/// An asset of this owner with audio.
///
/// # Errors
/// [`DecodeError::NoAudioStream`], [`DecodeError::Unrecognised`] for assets that are known to have no audio; errors of the
/// media store.
pub(crate) async fn asset_with_audio(
    media: &MediaService,
    scope: &Scope,
    id: &Id,
) -> Result<MediaAsset, Error> {
    let asset = media.recording(scope, id).await?;
    if asset.audio_channels == Some(0) {
        let container = asset.codec_info.clone().unwrap_or_else(|| asset.kind.to_string());
        return Err(DecodeError::NoAudioStream { container }.into());
    }
    if asset.kind == AssetKind::Other && asset.codec_info.is_none() {
        return Err(DecodeError::Unrecognised("no media container".to_owned()).into());
    }
    Ok(asset)
}

/// Checks that this owner has all recordings of a request.
///
/// # Errors
/// [`MediaError::AssetsNotFound`] with the ids of all others; errors of the database.
pub(crate) async fn check_known(media: &MediaService, scope: &Scope, ids: &[Id]) -> Result<(), Error> {
    let found = {
        let mut conn = media.pool().acquire().await?;
        media_v2::store::find_assets(&mut conn, scope, ids).await?
    };
    let found: BTreeSet<&Id> = found.iter().map(|asset| &asset.id).collect();
    let missing: Vec<String> = ids.iter().filter(|id| !found.contains(id)).map(Id::to_string).collect();
    if missing.is_empty() { Ok(()) } else { Err(MediaError::AssetsNotFound(missing).into()) }
}

/// As [`asset_with_audio`], for one of several recordings of a request: errors name it.
///
/// # Errors
/// As [`asset_with_audio`].
pub(crate) async fn asset_to_compare(
    media: &MediaService,
    scope: &Scope,
    id: &Id,
) -> Result<MediaAsset, Error> {
    asset_with_audio(media, scope, id).await.map_err(|error| match error {
        // Names the asset itself.
        error @ Error::Media(_) => error,
        error => error.of_recording(id),
    })
}

/// An empty file without a name in the staging directory.
///
/// # Errors
/// When it cannot be created.
pub(crate) async fn scratch_file(media: &MediaService) -> Result<File, Error> {
    // The name is removed when `named` is dropped; the file remains while it is open.
    let named = media.blobs().scratch().await?;
    File::options().read(true).write(true).open(named.path()).map_err(Error::Scratch)
}

/// A decoded part of a recording in a scratch file: read anywhere, without memory that grows with its length.
pub(crate) struct DecodedAudio {
    file: File,
    samples: u64,
}

impl DecodedAudio {
    /// Decodes the samples `window` of a recording into `file`; fewer if it ends before. Blocking.
    ///
    /// # Errors
    /// Errors of the recording and of the file; [`DecodeError::Cancelled`].
    pub(crate) fn decode(
        input: &MediaInput,
        file: File,
        window: Range<u64>,
        cancelled: &dyn Fn() -> bool,
        progress: &dyn Fn(f64),
    ) -> Result<Self, Error> {
        let mut audio = Self { file, samples: 0 };
        // Position of the next block, and samples of the window that are not written yet.
        let (mut position, mut pending) = (0_u64, Vec::new());
        let report = |done: Progress| progress(done.fraction());
        let control = Control { progress: &report, cancelled };
        read_mono(input.decoder()?, &control, |block| {
            let end = position + block.len() as u64;
            // Both are within `block`.
            let first = window.start.clamp(position, end) - position;
            let last = window.end.clamp(position, end) - position;
            if first < last {
                pending.extend_from_slice(&block[first as usize..last as usize]);
            }
            position = end;
            if pending.len() >= WRITTEN_TOGETHER {
                audio.append(&pending)?;
                pending.clear();
            }
            let is_complete = position >= window.end;
            Ok::<_, Error>(if is_complete { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        audio.append(&pending)?;
        Ok(audio)
    }

    fn append(&mut self, samples: &[f32]) -> Result<(), Error> {
        let bytes: &[u8] = bytemuck::must_cast_slice(samples);
        self.file.write_all_at(bytes, self.samples * size_of::<f32>() as u64).map_err(Error::Scratch)?;
        self.samples += samples.len() as u64;
        Ok(())
    }

    /// Its length.
    pub(crate) fn duration(&self) -> MediaTime {
        MediaTime::from_frames(self.samples, RATE)
    }
}

impl Samples for DecodedAudio {
    type Error = Error;

    fn len(&self) -> u64 {
        self.samples
    }

    fn read(&mut self, start: i64, out: &mut [f32]) -> Result<(), Error> {
        out.fill(0.0);
        let end = start.saturating_add(out.len() as i64).min(self.samples.cast_signed());
        let first = start.max(0);
        if first >= end {
            return Ok(());
        }
        // Both are within `out`.
        let part = &mut out[(first - start) as usize..(end - start) as usize];
        let at = first.cast_unsigned() * size_of::<f32>() as u64;
        self.file.read_exact_at(bytemuck::must_cast_slice_mut(part), at).map_err(Error::Scratch)
    }
}

/// Decoded recordings by the number of their source in the index.
#[derive(Default)]
pub(crate) struct DecodedSources(pub(crate) BTreeMap<i64, DecodedAudio>);

impl Sources for DecodedSources {
    type Error = Error;

    /// A source that was not decoded is silent.
    fn read(&mut self, source: i64, start: i64, out: &mut [f32]) -> Result<(), Error> {
        match self.0.get_mut(&source) {
            Some(audio) => audio.read(start, out),
            None => {
                out.fill(0.0);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A WAVE file of mono samples at 16 kHz, 16 bit.
    fn wav(samples: &[i16]) -> Vec<u8> {
        let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let [length, rate, bytes_a_second] = [data.len() as u32, RATE, 2 * RATE].map(u32::to_le_bytes);
        let riff = (36 + data.len() as u32).to_le_bytes();
        let format = b"WAVEfmt \x10\0\0\0\x01\0\x01\0";
        [b"RIFF".as_slice(), &riff, format, &rate, &bytes_a_second, b"\x02\0\x10\0data", &length, &data]
            .concat()
    }

    #[test]
    fn decoded_audio_is_read_anywhere_and_zero_outside() {
        let samples: Vec<i16> = (0..40_000).map(|n| (n % 3_000) as i16).collect();
        let input = MediaInput::from(Cursor::new(wav(&samples)));
        let file = tempfile::tempfile().unwrap();
        let mut audio = DecodedAudio::decode(&input, file, 100..30_000, &|| false, &|_| {}).unwrap();
        assert_eq!((audio.len(), audio.duration()), (29_900, MediaTime::from_frames(29_900, RATE)));
        // The converter keeps the rate, up to its filter.
        let mut part = [1.0; 64];
        audio.read(-32, &mut part).unwrap();
        assert!(part[..32].iter().all(|sample| *sample == 0.0) && part[60] > 0.0, "{part:?}");
        audio.read(29_900 - 10, &mut part).unwrap();
        assert!(part[10..].iter().all(|sample| *sample == 0.0));
    }

    #[test]
    fn decoding_stops_when_it_is_cancelled() {
        let input = MediaInput::from(Cursor::new(wav(&[1; 16_000])));
        let file = tempfile::tempfile().unwrap();
        let cancelled = DecodedAudio::decode(&input, file, 0..16_000, &|| true, &|_| {});
        assert!(matches!(cancelled, Err(Error::Decode(DecodeError::Cancelled))));
    }
}
