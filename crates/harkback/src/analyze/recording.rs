//! Recordings of `harkback analyze`: files, and standard input as a temporary file.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use audio_semantic_timeline::backend::Recording;
use audio_semantic_timeline::model::Summary;
use interchange::edit::{Media, SourceTimecode};
use interchange::frame_rate::FrameRate;
use media_decode::{Decoders, MediaInput, MediaKind, Probe};
use media_v2::AssetDecoder;
use primitives::Id;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::plot;

/// The argument that selects standard input.
const STANDARD_INPUT: &str = "-";
/// File name of standard input in outputs, and their stem.
const STANDARD_INPUT_NAME: &str = "stdin";

/// Whether `file` is standard input.
pub(crate) fn is_standard_input(file: &Path) -> bool {
    file == Path::new(STANDARD_INPUT)
}

/// The name of a file's outputs, without an extension.
pub(crate) fn stem(file: &Path) -> &OsStr {
    let stem = if is_standard_input(file) { None } else { file.file_stem() };
    stem.unwrap_or(OsStr::new(STANDARD_INPUT_NAME))
}

/// A recording that can be read.
#[derive(Debug)]
pub(crate) struct RecordingFile {
    given: PathBuf,
    /// The bytes of standard input, removed when dropped.
    spooled: Option<NamedTempFile>,
}

/// The timeline of a recording.
#[derive(Debug)]
pub(crate) struct Analysis<'a> {
    pub(crate) file: &'a RecordingFile,
    pub(crate) summary: Summary,
    /// `None` for a file that cannot be probed.
    pub(crate) probe: Option<Probe>,
    /// The drawing as SVG, once an output needs it.
    drawing: OnceCell<String>,
}

impl RecordingFile {
    /// Checks that `given` is a file that can be read, or copies standard input, of at most `max_bytes`, to a temporary
    /// file.
    pub(crate) fn open(given: &Path, max_bytes: u64) -> anyhow::Result<Self> {
        let spooled = if is_standard_input(given) {
            Some(spool(&mut io::stdin().lock(), max_bytes).context("standard input")?)
        } else {
            let file = File::open(given).with_context(|| given.display().to_string())?;
            anyhow::ensure!(file.metadata()?.is_file(), "{}: not a file", given.display());
            None
        };
        Ok(Self { given: given.to_path_buf(), spooled })
    }

    /// The path on the command line.
    pub(crate) fn given(&self) -> &Path {
        &self.given
    }

    /// The path of the bytes.
    pub(crate) fn path(&self) -> &Path {
        self.spooled.as_ref().map_or(&self.given, NamedTempFile::path)
    }

    /// The path as given, for messages.
    pub(crate) fn label(&self) -> String {
        if self.spooled.is_some() { "standard input".to_owned() } else { self.given.display().to_string() }
    }

    /// The name of the file, for outputs.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        if self.spooled.is_some() {
            return STANDARD_INPUT_NAME.into();
        }
        self.given.file_name().map_or_else(Cow::default, OsStr::to_string_lossy)
    }

    /// The recording for an analysis, and its probe. `audio_stream` is an index among the audio streams.
    pub(crate) fn recording(
        &self,
        decoders: &Decoders,
        audio_stream: Option<u32>,
    ) -> anyhow::Result<(Recording, Option<Probe>)> {
        let input = MediaInput::new(File::open(self.path())?, decoders.clone())
            .with_audio_stream(audio_stream.map(|index| index as usize));
        let probe = input.probe(&|| false).ok();
        let probed_duration = probe.as_ref().and_then(|probe| probe.duration);
        let decoder = probe.as_ref().and_then(AssetDecoder::of);
        Ok((Recording { input, probed_duration, decoder, include_landmarks: false }, probe))
    }

    /// Derives the asset id from the content, regardless of the file's name.
    pub(crate) fn content_id(&self) -> anyhow::Result<Id> {
        let mut file = File::open(self.path())?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(format!("sha256:{}", hex::encode(digest.finalize())).parse()?);
            }
            digest.update(&buffer[..read]);
        }
    }
}

impl<'a> Analysis<'a> {
    pub(crate) fn new(file: &'a RecordingFile, summary: Summary, probe: Option<Probe>) -> Self {
        Self { file, summary, probe, drawing: OnceCell::new() }
    }

    /// The drawing of the timeline as SVG. It is made once for all images, because it decodes the recording.
    pub(crate) fn drawing(&self, decoders: &Decoders) -> anyhow::Result<&str> {
        if let Some(svg) = self.drawing.get() {
            return Ok(svg);
        }
        let svg = plot::draw(self.file.path(), &self.file.name(), decoders, &self.summary)?;
        Ok(self.drawing.get_or_init(|| svg))
    }

    /// The recording as media of other programs' formats, identified by its name.
    pub(crate) fn media(&self) -> Media {
        let probe = self.probe.as_ref();
        let audio = probe.and_then(|probe| probe.audio.as_ref());
        let video =
            probe.filter(|probe| probe.kind == MediaKind::Video).and_then(|probe| probe.video.as_ref());
        let rate = video.and_then(|video| video.fps).and_then(FrameRate::from_f64);
        let timecode = probe.and_then(|probe| probe.source_timecode);
        let timecode =
            timecode.map(|found| SourceTimecode::of_count(found.count, found.rate, found.drop_frame, rate));
        Media {
            id: self.summary.asset_id.to_string(),
            name: self.file.name().into_owned(),
            url: None,
            duration: probe.and_then(|probe| probe.duration),
            rate,
            has_video: video.is_some(),
            start_timecode: timecode.or(probe.map(|_| SourceTimecode::ZERO)),
            audio_channels: match audio {
                Some(audio) => audio.channels.map(u32::from),
                None => probe.map(|_| 0),
            },
            sample_rate: audio.and_then(|audio| audio.rate),
        }
    }
}

/// Copies `input` to a temporary file.
fn spool(input: &mut impl Read, max_bytes: u64) -> anyhow::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    let copied = io::copy(&mut input.take(max_bytes.saturating_add(1)), file.as_file_mut())?;
    anyhow::ensure!(
        copied <= max_bytes,
        "more than {max_bytes} bytes; raise `max_upload_bytes` in the file of `--config`"
    );
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_is_spooled_up_to_its_limit() {
        let file = spool(&mut &b"12345"[..], 5).unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), b"12345");
        let error = spool(&mut &b"123456"[..], 5).unwrap_err();
        assert!(error.to_string().starts_with("more than 5 bytes"), "{error}");
    }

    #[test]
    fn stem_of_outputs_is_that_of_the_file() {
        for (file, expected) in [("a/talk.final.mp4", "talk.final"), ("talk", "talk"), ("-", "stdin")] {
            assert_eq!(stem(Path::new(file)), expected);
        }
    }
}
