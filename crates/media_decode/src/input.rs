use std::fmt;

use crate::{DecodeError, Decoder, Decoders, Probe, Source};

/// A recording and how it is decoded: everything that passes over it start from.
pub struct MediaInput {
    source: Box<dyn Source>,
    decoders: Decoders,
    audio_stream: Option<usize>,
}

impl MediaInput {
    /// A recording to be decoded by `decoders`.
    #[must_use]
    pub fn new(source: impl Source + 'static, decoders: Decoders) -> Self {
        Self { source: Box::new(source), decoders, audio_stream: None }
    }

    /// Uses the audio stream of that index among the audio streams, instead of the default one.
    #[must_use]
    pub fn with_audio_stream(self, index: Option<usize>) -> Self {
        Self { audio_stream: index, ..self }
    }

    /// Has ffmpeg decode it, even where this process could.
    #[must_use]
    pub fn by_ffmpeg(self) -> Self {
        Self { decoders: self.decoders.preferring_ffmpeg(), ..self }
    }

    /// A decoder by ffmpeg, even where this process could decode it.
    ///
    /// # Errors
    /// As [`Decoders::open`].
    pub fn decoder_of_ffmpeg(&self) -> Result<Decoder, DecodeError> {
        self.decoders.clone().preferring_ffmpeg().open(self.source.reopen()?, self.audio_stream)
    }

    /// A decoder from the beginning on; each has a position of its own. Blocking.
    ///
    /// # Errors
    /// As [`Decoders::open`].
    pub fn decoder(&self) -> Result<Decoder, DecodeError> {
        self.decoders.open(self.source.reopen()?, self.audio_stream)
    }

    /// The same recording again, with a source of its own.
    ///
    /// # Errors
    /// When the source cannot be opened again.
    pub fn reopen(&self) -> Result<Self, DecodeError> {
        let (source, decoders) = (self.source.reopen()?, self.decoders.clone());
        Ok(Self { source, decoders, audio_stream: self.audio_stream })
    }

    /// What is in it. Blocking.
    ///
    /// # Errors
    /// As [`Decoders::probe`].
    pub fn probe(&self, cancelled: &dyn Fn() -> bool) -> Result<Probe, DecodeError> {
        self.decoders.probe(self.source.reopen()?, self.audio_stream, cancelled)
    }

    /// What decodes it.
    #[must_use]
    pub const fn decoders(&self) -> &Decoders {
        &self.decoders
    }
}

/// To be decoded in this process.
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
