//! Output formats of `harkback analyze`.

use audio_semantic_timeline::{Error, Transcript, TranscriptFormat, annotations};
use clap::ValueEnum;
use clap::builder::PossibleValue;
use interchange::captions::CaptionLimits;
use interchange::frame_rate::FrameRate;
use interchange::loss::Export;
use interchange::notes::{self, NotesFormat};
use media_decode::Decoders;

use super::recording::Analysis;
use crate::plot::PlotFormat;
use crate::text::{self, Layout};

/// A format of an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnalysisFormat {
    /// The timeline as JSON.
    Json,
    /// The timeline as readable text.
    Text,
    /// The words.
    Words(TranscriptFormat),
    /// Events, beats and words.
    Notes(NotesFormat),
    /// A drawing of the timeline.
    Plot(PlotFormat),
}

/// All formats, in the order of the help.
const ALL: [AnalysisFormat; 23] = [
    AnalysisFormat::Json,
    AnalysisFormat::Text,
    AnalysisFormat::Words(TranscriptFormat::Srt),
    AnalysisFormat::Words(TranscriptFormat::Vtt),
    AnalysisFormat::Words(TranscriptFormat::Ttml),
    AnalysisFormat::Words(TranscriptFormat::Ass),
    AnalysisFormat::Words(TranscriptFormat::Txt),
    AnalysisFormat::Words(TranscriptFormat::PodcastTranscript),
    AnalysisFormat::Words(TranscriptFormat::OpenaiJson),
    AnalysisFormat::Notes(NotesFormat::Otio),
    AnalysisFormat::Notes(NotesFormat::MarkersEdl),
    AnalysisFormat::Notes(NotesFormat::MarkersCsv),
    AnalysisFormat::Notes(NotesFormat::AuditionCsv),
    AnalysisFormat::Notes(NotesFormat::Audacity),
    AnalysisFormat::Notes(NotesFormat::Midi),
    AnalysisFormat::Notes(NotesFormat::Chapters),
    AnalysisFormat::Notes(NotesFormat::Ffmetadata),
    AnalysisFormat::Notes(NotesFormat::Jams),
    AnalysisFormat::Notes(NotesFormat::Rttm),
    AnalysisFormat::Notes(NotesFormat::Ctm),
    AnalysisFormat::Notes(NotesFormat::Textgrid),
    AnalysisFormat::Plot(PlotFormat::Svg),
    AnalysisFormat::Plot(PlotFormat::Png),
];

impl ValueEnum for AnalysisFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl AnalysisFormat {
    /// The name of the format on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
            Self::Words(format) => format.name(),
            Self::Notes(format) => format.name(),
            Self::Plot(format) => format.name(),
        }
    }

    /// Extension of a file in the format, without the dot.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "txt",
            Self::Words(format) => format.extension(),
            Self::Notes(format) => format.file_type().0,
            Self::Plot(format) => format.name(),
        }
    }

    /// Formats an analysis.
    ///
    /// # Errors
    /// When the analysis has no words that the format requires, or a drawing fails.
    pub(crate) fn export(self, analysis: &Analysis<'_>, decoders: &Decoders) -> anyhow::Result<Export> {
        let summary = &analysis.summary;
        let content = match self {
            Self::Json => {
                (serde_json::to_string_pretty(&summary.clone().with_derived())? + "\n").into_bytes()
            }
            Self::Text => {
                format!("{}\n{}", analysis.file.label(), text::timeline(summary, Layout::LIST)).into_bytes()
            }
            Self::Words(format) => words(analysis, format)?,
            Self::Notes(format) => {
                let media = analysis.media();
                let rate = media.rate.unwrap_or(FrameRate::PAL);
                return Ok(notes::format(&annotations(summary, media), format, rate));
            }
            Self::Plot(format) => format.bytes(analysis.drawing(decoders)?)?,
        };
        Ok(Export { content, losses: Vec::new() })
    }
}

fn words(analysis: &Analysis<'_>, format: TranscriptFormat) -> anyhow::Result<Vec<u8>> {
    let transcript = match Transcript::of_transcribed(&analysis.summary) {
        Ok(transcript) => transcript,
        Err(Error::WordsNotFound(_)) => anyhow::bail!(
            "there are no words, because no speech model was used; fetch one with `harkback models pull`"
        ),
        Err(error) => return Err(error.into()),
    };
    Ok(transcript.written(format, &CaptionLimits::DEFAULT)?.into_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn formats_of_the_command_line_have_distinct_names() {
        let names: BTreeSet<&str> = ALL.iter().map(|format| format.name()).collect();
        assert_eq!(names.len(), ALL.len());
        // `json` is the timeline, which includes the words.
        let words = TranscriptFormat::ALL.iter().filter(|format| **format != TranscriptFormat::Json);
        assert!(words.map(|format| format.name()).all(|name| names.contains(name)));
        assert!(NotesFormat::ALL.iter().all(|format| names.contains(format.name())));
    }
}
