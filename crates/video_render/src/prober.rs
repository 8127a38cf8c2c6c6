//! ffprobe: headers, packets and first frames of a source.

use std::path::{Path, PathBuf};
use std::time::Duration;

use confined_process::{Limits, ToolError};
use media_time::MediaTime;

use crate::alignment::First;
use crate::container::Container;
use crate::frame_format::FrameTags;
use crate::report::Report;
use crate::source::{AudioStream, Source, Track};
use crate::{Error, fault};

/// How long ffprobe may take, and how much it may write: two hours of packets at 60 frames a second are 20 MB.
const TIME_LIMIT: Duration = Duration::from_secs(120);
const MAX_OUTPUT: u64 = 64 << 20;
/// What looking at a file may use: headers and packets, no frames.
pub(crate) const LIMITS: Limits = Limits { memory_bytes: 4 << 30 };
/// The largest frame that is decoded, in pixels: 8K DCI. ffmpeg holds a dozen of them at once.
pub(crate) const MAX_PIXELS: u32 = 8_192 * 4_320;

/// Looks at media files.
#[derive(Clone, Debug)]
pub(crate) struct Prober {
    pub(crate) ffprobe: PathBuf,
}

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// When its picture is shown.
    pub(crate) shown: MediaTime,
    /// When it is decoded, never after it is shown.
    pub(crate) decoded: MediaTime,
    /// Until when its picture is shown, as far as the file tells; else when it begins to be.
    pub(crate) end: MediaTime,
    pub(crate) is_key: bool,
}

/// Options that hold ffmpeg and ffprobe to one file and one demuxer.
pub(crate) fn confined(container: Container) -> [&'static str; 6] {
    ["-protocol_whitelist", "file,pipe", "-format_whitelist", container.demuxer, "-f", container.demuxer]
}

impl Prober {
    /// What the file at `path` holds; `audio_index` is the audio stream that is used, else the default one.
    ///
    /// # Errors
    /// [`Error::UndecodableMedia`] for a file that ffprobe cannot read; [`Error::Tool`].
    pub(crate) async fn probe(
        &self,
        path: &Path,
        container: Container,
        audio_index: Option<usize>,
    ) -> Result<Source, Error> {
        const ENTRIES: &str = "format=start_time,duration:stream=index,codec_type,codec_name,width,height,\
            time_base,start_pts,duration_ts,avg_frame_rate,channels,channel_layout,sample_rate";
        let entries = format!(
            "{ENTRIES},{}:stream_disposition=attached_pic,default:stream_tags={}",
            FrameTags::STREAM_ENTRIES,
            FrameTags::TAG_ENTRIES
        );
        let report: Report = self.run(path, container, &["-show_entries", &entries]).await?;
        report.source(container, audio_index)
    }

    /// When the first unit of an audio stream begins in the file's own time.
    ///
    /// # Errors
    /// As [`Prober::probe`].
    pub(crate) async fn first(
        &self,
        path: &Path,
        container: Container,
        audio: &AudioStream,
        unit: First,
    ) -> Result<Option<MediaTime>, Error> {
        let track = audio.track;
        let stream = track.index.to_string();
        let (interval, entry) = match unit {
            First::Packet(_) => ("%+#1", "packet=pts"),
            // Whole frames may be encoder delay.
            First::Frame(_) => ("%+#32", "frame=pts,nb_samples"),
            First::Same => return Ok(None),
        };
        let options = [["-select_streams", &stream], ["-read_intervals", interval], ["-show_entries", entry]];
        let report: Report = self.run(path, container, options.as_flattened()).await?;
        let packet =
            report.packets.iter().find_map(|packet| packet.pts).map(|pts| track.time_base.instant(pts));
        Ok(packet.or_else(|| report.first_frame(track.time_base, audio.sample_rate)))
    }

    /// The packets of a track from the key packet at or before `from` until `until`, in order of decoding.
    ///
    /// # Errors
    /// As [`Prober::probe`].
    pub(crate) async fn packets(
        &self,
        path: &Path,
        source: &Source,
        track: Track,
        from: MediaTime,
        until: MediaTime,
    ) -> Result<Vec<Packet>, Error> {
        let interval = format!("{:.6}%{:.6}", from.as_secs_f64(), until.as_secs_f64());
        let stream = track.index.to_string();
        let options = [
            ["-select_streams", &stream],
            ["-read_intervals", &interval],
            ["-show_entries", "packet=pts,dts,duration,flags"],
        ];
        let report: Report = self.run(path, source.container, options.as_flattened()).await?;
        Ok(report.packets.iter().filter_map(|packet| packet.read(track.time_base)).collect())
    }

    async fn run(&self, path: &Path, container: Container, options: &[&str]) -> Result<Report, Error> {
        let max_pixels = MAX_PIXELS.to_string();
        let limits = ["-v", "error", "-max_pixels", &max_pixels];
        let arguments = limits.into_iter().chain(confined(container)).chain(options.iter().copied());
        let arguments = arguments.chain(["-of", "json=compact=1", "-i"]);
        let arguments = arguments.map(Path::new).chain([path]);
        let written =
            match confined_process::output(&self.ffprobe, arguments, LIMITS, TIME_LIMIT, MAX_OUTPUT).await {
                Err(ToolError::Failed { errors, status, .. }) if status.code().is_some() => {
                    tracing::debug!(errors, "ffprobe refused a file");
                    let detail = match fault::is_over_pixel_limit(&errors) {
                        true => format!("its frames have more than {MAX_PIXELS} pixels"),
                        false => "its container cannot be read".to_owned(),
                    };
                    return Err(Error::UndecodableMedia(detail));
                }
                written => written?,
            };
        serde_json::from_slice(&written).map_err(|source| Error::ProbeReport { source })
    }
}
