//! Probes the headers, packets and first frames of a source with ffprobe.

use std::path::{Path, PathBuf};
use std::time::Duration;

use confined_process::{ProcessLimits, ToolError};
use media_time::FileTime;

use crate::alignment::AlignmentUnit;
use crate::container::Container;
use crate::frame_format::{FrameTags, MAX_PIXELS};
use crate::packet::Packet;
use crate::report::Report;
use crate::source::{AudioStream, ProbedSource, StreamInfo};
use crate::{Error, fault};

/// Longest run time of ffprobe.
const TIME_LIMIT: Duration = Duration::from_secs(120);
/// Most output of ffprobe in bytes: two hours of packets at 60 frames per second are 20 MB.
const MAX_OUTPUT: u64 = 64 << 20;
/// Resource limits of probing a file: headers, packets and at most a few frames.
pub(crate) const LIMITS: ProcessLimits = ProcessLimits { memory_bytes: 4 << 30 };
/// Runs ffprobe on media files.
#[derive(Clone, Debug)]
pub(crate) struct Prober {
    pub(crate) ffprobe: PathBuf,
}

/// Options that limit ffmpeg and ffprobe to one file and one demuxer.
pub(crate) fn confined(container: Container) -> [&'static str; 6] {
    ["-protocol_whitelist", "file,pipe", "-format_whitelist", container.demuxer, "-f", container.demuxer]
}

/// An interval of a file as ffprobe reads it. From a negative time on, ffprobe would seek to the first keyframe after it
/// instead of the last one before it: then it reads from the beginning, which is at most a minute earlier, because ffmpeg
/// counts from a negative time on only if the clock of a transport stream wraps within a minute.
fn interval(from: FileTime, until: FileTime) -> String {
    let [from, until] = [from, until].map(|time| time.since_zero().as_secs_f64());
    if from < 0.0 { format!("%{until:.6}") } else { format!("{from:.6}%{until:.6}") }
}

impl Prober {
    /// The streams of the file at `path`; `audio_index` selects the audio stream, `None` the default one.
    ///
    /// # Errors
    /// [`Error::UndecodableMedia`] for a file that ffprobe cannot read; [`Error::Tool`].
    pub(crate) async fn probe(
        &self,
        path: &Path,
        container: Container,
        audio_index: Option<usize>,
    ) -> Result<ProbedSource, Error> {
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

    /// Start of the first unit of an audio stream.
    ///
    /// # Errors
    /// As [`Prober::probe`].
    pub(crate) async fn first_unit_start(
        &self,
        path: &Path,
        container: Container,
        audio: &AudioStream,
        unit: AlignmentUnit,
    ) -> Result<Option<FileTime>, Error> {
        let info = audio.info;
        let stream = info.index.to_string();
        let (interval, entry) = match unit {
            AlignmentUnit::Packet(_) => ("%+#1", "packet=pts"),
            // The first frames may consist of encoder delay only.
            AlignmentUnit::Frame(_) => ("%+#32", "frame=pts,nb_samples"),
            AlignmentUnit::SharedClock => return Ok(None),
        };
        let options = [["-select_streams", &stream], ["-read_intervals", interval], ["-show_entries", entry]];
        let report: Report = self.run(path, container, options.as_flattened()).await?;
        let packet =
            report.packets.iter().find_map(|packet| packet.pts).map(|pts| info.time_base.instant(pts));
        Ok(packet.or_else(|| report.first_frame(info.time_base, audio.sample_rate)))
    }

    /// The packets of a stream from the keyframe at or before `from` until `until`, in decoding order.
    ///
    /// # Errors
    /// As [`Prober::probe`].
    pub(crate) async fn packets(
        &self,
        path: &Path,
        source: &ProbedSource,
        info: StreamInfo,
        from: FileTime,
        until: FileTime,
    ) -> Result<Vec<Packet>, Error> {
        let interval = interval(from, until);
        let stream = info.index.to_string();
        let options = [
            ["-select_streams", &stream],
            ["-read_intervals", &interval],
            ["-show_entries", "packet=pts,dts,duration,flags"],
        ];
        let report: Report = self.run(path, source.container, options.as_flattened()).await?;
        Ok(report.packets(source.container, info.time_base))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_times_are_read_from_the_beginning() {
        let ms = FileTime::from_millis;
        assert_eq!(interval(ms(1_500), ms(3_000)), "1.500000%3.000000");
        assert_eq!(interval(ms(0), ms(3_000)), "0.000000%3.000000");
        assert_eq!(interval(ms(-22_300), ms(-20_800)), "%-20.800000");
    }
}
