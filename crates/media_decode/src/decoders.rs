use crate::ffmpeg::Ffmpeg;
use crate::native::{Opened, PacketStream};
use crate::sniff::sniff;
use crate::{DecodeError, Decoder, DecoderKind, FileFormat, Source};

/// The decoders of an installation. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Decoders {
    ffmpeg: Option<Ffmpeg>,
    prefers_ffmpeg: bool,
}

impl Decoders {
    /// Decoders of this process only, without ffmpeg.
    #[must_use]
    pub const fn native() -> Self {
        Self { ffmpeg: None, prefers_ffmpeg: false }
    }

    /// Decoders of this process, and `ffmpeg` for all other formats and codecs.
    #[must_use]
    pub const fn with_ffmpeg(ffmpeg: Ffmpeg) -> Self {
        Self { ffmpeg: Some(ffmpeg), prefers_ffmpeg: false }
    }

    /// The same decoders, with ffmpeg preferred for every format that it reads.
    #[must_use]
    pub fn preferring_ffmpeg(self) -> Self {
        Self { prefers_ffmpeg: self.ffmpeg.is_some(), ..self }
    }

    /// The configured ffmpeg, if any.
    #[must_use]
    pub const fn ffmpeg(&self) -> Option<&Ffmpeg> {
        self.ffmpeg.as_ref()
    }

    /// Opens a recording and decodes the first packet of the audio stream `audio_stream` (an index among the audio
    /// streams), or of the default one when it is `None`. Blocking.
    ///
    /// # Errors
    /// [`DecodeError::Unrecognised`], [`DecodeError::NoAudioStream`] and the other errors of a recording;
    /// [`DecodeError::FfmpegUnavailable`] when only ffmpeg decodes it and cannot be run; [`DecodeError::Io`].
    pub fn open(
        &self,
        mut source: Box<dyn Source>,
        audio_stream: Option<usize>,
    ) -> Result<Decoder, DecodeError> {
        let format = recognise(&mut *source)?;
        if !format.is_native() || self.prefers_ffmpeg {
            return self.open_with_ffmpeg(&*source, format, audio_stream, format.name());
        }
        // The demuxer takes the source; ffmpeg needs the file if the stream is not decoded here.
        let file = source.reopen()?;
        match PacketStream::open(source, format, audio_stream) {
            // Symphonia's demuxer rejects the codec by its header.
            Err(DecodeError::Unsupported(what)) => self.open_with_ffmpeg(&*file, format, audio_stream, &what),
            opened => match opened? {
                Opened::Native { index, stream, presentation } => {
                    Ok(Decoder::new(DecoderKind::Native, index, stream, presentation))
                }
                Opened::NeedsFfmpeg { index, what } => {
                    self.open_with_ffmpeg(&*file, format, Some(index), &what)
                }
            },
        }
    }

    fn open_with_ffmpeg(
        &self,
        source: &dyn Source,
        format: FileFormat,
        audio_stream: Option<usize>,
        what: &str,
    ) -> Result<Decoder, DecodeError> {
        let ffmpeg = self.require_ffmpeg(what)?;
        let (index, stream, presentation) = ffmpeg.decode(source, format, audio_stream)?;
        let kind = DecoderKind::Ffmpeg(ffmpeg.release()?.to_owned());
        Ok(Decoder::new(kind, index, Box::new(stream), presentation))
    }

    pub(crate) fn require_ffmpeg(&self, what: &str) -> Result<&Ffmpeg, DecodeError> {
        self.ffmpeg.as_ref().ok_or_else(|| DecodeError::FfmpegUnavailable {
            what: what.to_owned(),
            reason: "none is configured".to_owned(),
        })
    }
}

impl Decoder {
    /// Opens a recording and decodes its first packet, in this process only. The format is detected from the
    /// content, not from names or extensions.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use media_decode::Decoder;
    ///
    /// # /// A WAVE file of mono samples, 16 bit.
    /// # fn wav(rate: u32, samples: &[i16]) -> Vec<u8> {
    /// #     let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    /// #     let [length, rate, bytes_a_second] = [data.len() as u32, rate, 2 * rate].map(u32::to_le_bytes);
    /// #     let riff = (36 + data.len() as u32).to_le_bytes();
    /// #     let format = b"WAVEfmt \x10\0\0\0\x01\0\x01\0";
    /// #     [b"RIFF".as_slice(), &riff, format, &rate, &bytes_a_second, b"\x02\0\x10\0data", &length, &data].concat()
    /// # }
    /// let mut decoder = Decoder::open(Cursor::new(wav(8_000, &[16_384; 12_000])))?;
    /// assert_eq!((decoder.format().rate, decoder.format().channels()), (8_000, 1));
    /// let mut frames = 0;
    /// while let Some(block) = decoder.next_block()? {
    ///     assert_eq!(block.start, frames);
    ///     assert!(block.samples.iter().all(|sample| *sample == 0.5));
    ///     frames += block.frames() as u64;
    /// }
    /// assert_eq!(frames, 12_000);
    /// # Ok::<(), media_decode::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// [`DecodeError::FfmpegUnavailable`] for formats and codecs that are not decoded in this process;
    /// [`DecodeError::NoAudioStream`] and the other errors of a recording; [`DecodeError::Io`] when the source fails.
    pub fn open(source: impl Source + 'static) -> Result<Self, DecodeError> {
        Decoders::native().open(Box::new(source), None)
    }
}

/// Detects the format of a media file.
///
/// # Errors
/// [`DecodeError::Unrecognised`] for files that are not media.
fn recognise(source: &mut dyn Source) -> Result<FileFormat, DecodeError> {
    let format = sniff(source)?;
    source.rewind()?;
    match format {
        Some(format) if format.ffmpeg_demuxer().is_some() => Ok(format),
        Some(format) if format.is_media() => Err(DecodeError::Unsupported(format!(
            "the format {}, which no free decoder reads",
            format.name()
        ))),
        Some(format) => Err(DecodeError::Unrecognised(format!("it is a file of type {}", format.name()))),
        None => Err(DecodeError::Unrecognised("no known container was found".to_owned())),
    }
}
