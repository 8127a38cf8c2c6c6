//! Measures one row: encodes a file, has it analysed, cut and rendered, and locates the results in the coded source.

use std::path::Path;

use e2e::Api;
use tokio::task::block_in_place;

use super::family::Row;
use super::ffmpeg::{Probe, decode_frames, decode_left};
use super::frames::VideoFrame;
use super::locate::locate;
use super::service::{self, Analysis, Hit};
use super::source::{FRAME_MS, RENDER_RATE, Source};

/// A snippet begins this long after a frame starts and ends as long before one starts: a frame with a larger error of
/// its PTS changes the first or last frame.
const FRAME_MARGIN_MS: f64 = 5.0;
const SNIPPET_FRAMES: u32 = 8;
const SNIPPET_MS: f64 = FRAME_MS * SNIPPET_FRAMES as f64 - 2.0 * FRAME_MARGIN_MS;
/// Minimum time between the start of a snippet and its hit.
const PADDING_MS: f64 = 100.0;
/// An instant just before the first burst.
const FIRST_HIT_MS: f64 = 250.0;

/// Results of a row. Lateness is the delay of the presented relative to the expected instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measurement {
    pub(crate) ffmpeg: Option<FfmpegAnswer>,
    pub(crate) analysis: Option<Analysis>,
    /// Lateness of the worst hit, in samples.
    pub(crate) hit_lateness: Option<f64>,
    pub(crate) snippets: Vec<SnippetMeasurement>,
    /// Error that ended the measurement early.
    pub(crate) error: Option<String>,
}

/// Answers of ffmpeg and ffprobe to the same questions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FfmpegAnswer {
    pub(crate) duration_ms: Option<f64>,
    /// By its timestamps, in ms; `None` when its output lacks the source's audio.
    pub(crate) audio_lateness_ms: Option<f64>,
    pub(crate) video_lateness_ms: Option<f64>,
}

/// A rendered snippet, compared with its expected content.
#[derive(Clone, Debug)]
pub(crate) struct SnippetMeasurement {
    pub(crate) profile: &'static str,
    /// Lateness of the audio in ms; `None` when the snippet lacks the source's audio.
    pub(crate) audio_lateness_ms: Option<f64>,
    /// First and last frame; `None` without video.
    pub(crate) frames: Option<FirstAndLast>,
}

/// First and last frame number of a snippet, read and expected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstAndLast {
    /// Frame numbers that were read; `None` for a frame that is not the source's.
    pub(crate) read: [Option<u32>; 2],
    pub(crate) coded: [u32; 2],
}

/// A row under measurement, with its files.
#[derive(Clone, Copy)]
pub(crate) struct Bench<'a> {
    pub(crate) api: &'a Api,
    pub(crate) row: &'a Row,
    pub(crate) source: &'a Source,
    pub(crate) video: &'a Path,
    /// Directory for the files of this row.
    pub(crate) folder: &'a Path,
}

impl Bench<'_> {
    /// Measures as much as possible, rendering with each of `profiles`.
    pub(crate) async fn measure(&self, profiles: &[&'static str]) -> Measurement {
        let mut measurement = Measurement::default();
        let result = self.fill(&mut measurement, profiles).await;
        measurement.error = result.err();
        measurement
    }

    async fn fill(&self, measurement: &mut Measurement, profiles: &[&'static str]) -> Result<(), String> {
        let file = block_in_place(|| self.row.encode(&self.source.wav, self.video, self.folder))?;
        measurement.ffmpeg = Some(block_in_place(|| self.ffmpeg_answer(&file)));
        let asset = service::upload(self.api, &file).await?;
        measurement.analysis = Some(service::analyze(self.api, &asset).await?);
        let mut hits = service::hits(self.api, &asset).await?;
        // Before the first burst, hits are artefacts of the container's first packets.
        let known = FIRST_HIT_MS..self.row.known_until_ms();
        hits.retain(|hit| known.contains(&(hit.start_ms - self.row.lateness_ms().0)));
        let (Some(first), Some(last)) = (hits.first(), hits.last()) else { return Err("no hits".to_owned()) };
        let middle = &hits[hits.len() / 2];
        for hit in [first, middle, last] {
            let lateness = self.hit_lateness(hit).await?;
            if measurement.hit_lateness.is_none_or(|worst| worst.abs() < lateness.abs()) {
                measurement.hit_lateness = Some(lateness);
            }
        }
        for profile in profiles {
            measurement.snippets.push(self.snippet(middle, profile).await?);
        }
        Ok(())
    }

    fn ffmpeg_answer(&self, file: &Path) -> FfmpegAnswer {
        let rate = self.row.codec.layout.rate;
        let probe = Probe::new(file);
        let (audio_start, video_start) = probe.starts_ms();
        let (late_audio, late_video) = self.row.lateness_ms();
        let middle = self.source.left.len() / 2;
        let excerpt = &self.source.left[middle..middle + rate as usize / 3];
        let decoded = decode_left(file, rate).unwrap_or_default();
        let found = locate(excerpt, &decoded, middle as f64, rate);
        let lateness =
            |found: f64| (found - middle as f64) * 1_000.0 / f64::from(rate) + audio_start - late_audio;
        FfmpegAnswer {
            duration_ms: probe.duration_ms,
            audio_lateness_ms: found.map(lateness),
            video_lateness_ms: video_start.map(|start| start - late_video),
        }
    }

    /// Lateness of the start that the hit's slice declares, in samples.
    async fn hit_lateness(&self, hit: &Hit) -> Result<f64, String> {
        let rate = self.row.codec.layout.rate;
        let file = self.folder.join("hit.wav");
        service::download(self.api, &hit.artifact, &file).await?;
        let claimed = (hit.start_ms - self.row.lateness_ms().0) * f64::from(rate) / 1_000.0;
        let slice = block_in_place(|| decode_left(&file, rate))?;
        let found = block_in_place(|| locate(&slice, &self.source.left, claimed, rate));
        found
            .map(|found| claimed - found)
            .ok_or_else(|| format!("the hit at {} ms is not in the source", hit.start_ms))
    }

    async fn snippet(&self, hit: &Hit, profile: &'static str) -> Result<SnippetMeasurement, String> {
        let (late_audio, late_video) = self.row.lateness_ms();
        let first_frame = ((hit.start_ms - PADDING_MS - late_video) / FRAME_MS).floor() - 1.0;
        let start_ms = first_frame * FRAME_MS + late_video + FRAME_MARGIN_MS;
        let rendered = service::render(self.api, hit, hit.start_ms - start_ms, SNIPPET_MS, profile).await?;
        let file = self.folder.join("snippet.mp4");
        service::download(self.api, &rendered.artifact, &file).await?;
        block_in_place(|| {
            let per_ms = f64::from(RENDER_RATE) / 1_000.0;
            let claimed = (rendered.start_ms - late_audio) * per_ms;
            let audio = decode_left(&file, RENDER_RATE)?;
            let found = locate(&audio, &self.source.left_of_render, claimed, RENDER_RATE);
            let frames = self.row.has_video().then(|| FirstAndLast::read(&file, first_frame as u32));
            let audio_lateness_ms = found.map(|found| (claimed - found) / per_ms);
            Ok(SnippetMeasurement { profile, audio_lateness_ms, frames: frames.transpose()? })
        })
    }
}

impl FirstAndLast {
    /// Reads the frames of a snippet whose first frame should be number `first`.
    fn read(file: &Path, first: u32) -> Result<Self, String> {
        let frames = decode_frames(file)?;
        let read = [frames.first(), frames.last()].map(|frame| frame.and_then(VideoFrame::number));
        Ok(Self { read, coded: [first, first + SNIPPET_FRAMES - 1] })
    }
}
