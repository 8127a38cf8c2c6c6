//! Support for the tests: ffmpeg as the reference.

#![expect(clippy::expect_used, reason = "a failed step fails the test")]

use std::fs::File;
use std::path::Path;

use media_decode::{DecodeError, DecodeStats, Decoder, Decoders, Ffmpeg, Probe, Source};
use test_kit::{ffmpeg, program};

/// The decoders of this process, with the installed ffmpeg.
pub(crate) fn decoders() -> Decoders {
    Decoders::with_ffmpeg(Ffmpeg::new(program("ffmpeg"), program("ffprobe")))
}

/// Probes a file in this process only.
pub(crate) fn probe(source: impl Source + 'static) -> Result<Probe, DecodeError> {
    Decoders::native().probe(Box::new(source), None, &|| false)
}

/// A completely decoded recording, for comparisons.
#[derive(Debug)]
pub(crate) struct DecodedAudio {
    pub(crate) rate: u32,
    pub(crate) channels: usize,
    /// All samples, with interleaved channels.
    pub(crate) samples: Vec<f32>,
    pub(crate) stats: DecodeStats,
}

impl DecodedAudio {
    /// Decodes a file in this process only, and checks that its blocks are contiguous.
    pub(crate) fn decode(path: &Path) -> Result<Self, DecodeError> {
        Self::from_decoder(Decoder::open(File::open(path).expect("the recording"))?)
    }

    /// Decodes a file in this process or with ffmpeg.
    pub(crate) fn decode_anyhow(path: &Path) -> Result<Self, DecodeError> {
        Self::from_decoder(decoders().open(Box::new(File::open(path).expect("the recording")), None)?)
    }

    pub(crate) fn from_decoder(mut decoder: Decoder) -> Result<Self, DecodeError> {
        let (rate, channels) = (decoder.format().rate, decoder.format().channels());
        let mut samples = Vec::new();
        while let Some(block) = decoder.next_block()? {
            assert_eq!(block.start as usize * channels, samples.len(), "blocks follow each other");
            assert!(block.frames() > 0 && block.samples.len() % channels == 0);
            assert!(block.samples.iter().all(|sample| sample.is_finite()));
            samples.extend_from_slice(block.samples);
        }
        assert!(decoder.next_block()?.is_none(), "the end stays the end");
        Ok(Self { rate, channels, samples, stats: decoder.stats() })
    }

    /// The first audio stream decoded by ffmpeg, with the stream's own rate and channels.
    pub(crate) fn by_ffmpeg(path: &Path) -> Self {
        let path = path.to_str().expect("a printable path");
        let stream = ffprobe(path, "a:0", "stream=sample_rate,channels");
        let mut numbers = stream[0].split(',');
        let rate = numbers.next().and_then(|rate| rate.parse().ok()).expect("a rate");
        let channels = numbers.next().and_then(|count| count.parse().ok()).expect("a number of channels");
        let bytes = ffmpeg(&["-i", path, "-map", "a:0", "-f", "f32le", "-"]);
        let samples = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Self { rate, channels, samples, stats: DecodeStats::default() }
    }

    /// Samples of the first channel.
    pub(crate) fn first_channel(&self) -> impl Iterator<Item = f32> {
        self.samples.iter().step_by(self.channels).copied()
    }

    /// Start times of clicks in ms: samples louder than `threshold` after 300 ms of quiet.
    pub(crate) fn clicks(&self, threshold: f32) -> Vec<f64> {
        let quiet = self.rate as usize * 3 / 10;
        let mut last_loud: Option<usize> = None;
        let mut clicks = Vec::new();
        for (index, sample) in self.first_channel().enumerate() {
            if sample.abs() > threshold {
                if last_loud.is_none_or(|last| index - last > quiet) {
                    clicks.push(index as f64 * 1_000.0 / f64::from(self.rate));
                }
                last_loud = Some(index);
            }
        }
        clicks
    }
}

/// Rows of the ffprobe report of a stream, as CSV.
fn ffprobe(path: &str, stream: &str, entries: &str) -> Vec<String> {
    test_kit::ffprobe(&[
        "-select_streams",
        stream,
        "-show_entries",
        entries,
        "-read_intervals",
        "%+#64",
        path,
    ])
}

/// PTS of the first decoded frame of a stream by ffmpeg, in ms on the container's clock; `None` when there is no such
/// stream, zero when the container has no clock.
pub(crate) fn first_frame(path: &Path, stream: &str) -> Option<f64> {
    let path = path.to_str().expect("a printable path");
    let frames = ffprobe(path, stream, "frame=best_effort_timestamp_time");
    frames.first().map(|time| time.parse::<f64>().map_or(0.0, |seconds| seconds * 1_000.0))
}
