//! Command `harkback formats`: lists the formats that this installation reads, and their decoders.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use media_decode::{Ffmpeg, FileFormat, NATIVE_DECODER};
use serde::Serialize;

use crate::cli::FormatsArguments;
use crate::flags::AnalysisFlags;
use crate::{app, config};

/// A format, and its decoders.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    title: &'static str,
    /// Decoder of its container and usual codecs; `None` if no installed one reads it.
    decoder: Option<String>,
    /// Decoder of other codecs in it.
    other_codecs: Option<String>,
}

pub(crate) fn run(arguments: &FormatsArguments, file: Option<&Path>) -> anyhow::Result<()> {
    let settings = config::load_analysis(file, &AnalysisFlags::default())?;
    let decoders = app::decoders(&settings);
    let ffmpeg = decoders.ffmpeg().and_then(|ffmpeg| Installed::find(ffmpeg).ok());
    let media = FileFormat::ALL.iter().copied().filter(|format| format.is_media());
    let rows: Vec<Row> = media.map(|format| Row::new(format, ffmpeg.as_ref())).collect();
    let mut out = std::io::stdout();
    if arguments.json {
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?);
    }
    writeln!(out, "{:<11}{:<52}decoder", "format", "")?;
    for row in &rows {
        let decoder = row.decoder.as_deref().unwrap_or("none");
        let other = row.other_codecs.as_ref().map(|other| format!("; other codecs: {other}"));
        writeln!(out, "{:<11}{:<52}{decoder}{}", row.name, row.title, other.unwrap_or_default())?;
    }
    if ffmpeg.is_none() {
        writeln!(out, "\nffmpeg is not installed: formats without a decoder need it")?;
    }
    Ok(())
}

/// The installed ffmpeg: its name and demuxers.
struct Installed {
    name: String,
    demuxers: BTreeSet<String>,
}

impl Installed {
    fn find(ffmpeg: &Ffmpeg) -> anyhow::Result<Self> {
        Ok(Self { name: format!("ffmpeg {}", ffmpeg.release()?), demuxers: ffmpeg.demuxers()? })
    }
}

impl Row {
    fn new(format: FileFormat, ffmpeg: Option<&Installed>) -> Self {
        let demuxer = format.ffmpeg_demuxer();
        let ffmpeg = ffmpeg
            .filter(|ffmpeg| demuxer.is_some_and(|demuxer| ffmpeg.demuxers.contains(demuxer)))
            .map(|ffmpeg| ffmpeg.name.clone());
        let (decoder, other_codecs) =
            if format.is_native() { (Some(NATIVE_DECODER.to_owned()), ffmpeg) } else { (ffmpeg, None) };
        Self { name: format.name(), title: format.title(), decoder, other_codecs }
    }
}
