use std::fmt;

use crate::{DecodeError, Decoder, Decoders, Probe, Source};

/// A recording and the decoders for it; each pass over the recording opens a decoder from it.
pub struct MediaInput {
    source: Box<dyn Source>,
    decoders: Decoders,
    audio_stream: Option<usize>,
}

impl MediaInput {
    /// A recording that `decoders` decode.
    #[must_use]
    pub fn new(source: impl Source + 'static, decoders: Decoders) -> Self {
        Self { source: Box::new(source), decoders, audio_stream: None }
    }

    /// Selects the audio stream by its index among the audio streams; `None` selects the default one.
    #[must_use]
    pub fn with_audio_stream(self, index: Option<usize>) -> Self {
        Self { audio_stream: index, ..self }
    }

    /// Decodes with ffmpeg, even where this process could decode.
    #[must_use]
    pub fn preferring_ffmpeg(self) -> Self {
        Self { decoders: self.decoders.preferring_ffmpeg(), ..self }
    }

    /// Opens a decoder by ffmpeg, even where this process could decode.
    ///
    /// # Errors
    /// As [`Decoders::open`].
    pub fn ffmpeg_decoder(&self) -> Result<Decoder, DecodeError> {
        self.decoders.clone().preferring_ffmpeg().open(self.source.reopen()?, self.audio_stream)
    }

    /// Opens a decoder at the beginning; each decoder has its own position. Blocking.
    ///
    /// # Errors
    /// As [`Decoders::open`].
    pub fn decoder(&self) -> Result<Decoder, DecodeError> {
        self.decoders.open(self.source.reopen()?, self.audio_stream)
    }

    /// The same recording with a newly opened source.
    ///
    /// # Errors
    /// When the source cannot be opened again.
    pub fn reopen(&self) -> Result<Self, DecodeError> {
        let (source, decoders) = (self.source.reopen()?, self.decoders.clone());
        Ok(Self { source, decoders, audio_stream: self.audio_stream })
    }

    /// Probes the recording. Blocking.
    ///
    /// # Errors
    /// As [`Decoders::probe`].
    pub fn probe(&self, cancelled: &dyn Fn() -> bool) -> Result<Probe, DecodeError> {
        self.decoders.probe(self.source.reopen()?, self.audio_stream, cancelled)
    }

    /// The decoders of this recording.
    #[must_use]
    pub const fn decoders(&self) -> &Decoders {
        &self.decoders
    }
}

/// A recording that is decoded in this process only.
impl<S: Source + 'static> From<S> for MediaInput {
    fn from(source: S) -> Self {
        Self::new(source, Decoders::native())
    }
}

impl fmt::Debug for MediaInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaInput")
            .field("decoders", &self.decoders)
            .field("audio_stream", &self.audio_stream)
            .finish_non_exhaustive()
    }
}
