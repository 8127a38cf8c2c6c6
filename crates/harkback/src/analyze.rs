//! Command `harkback analyze FILE…`: the analysis without a service, a database or a network.

mod format;
mod layout;
mod params;
mod progress;
mod recording;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Once;

use anyhow::Context;
use audio_semantic_timeline::backend::Selection;
use audio_semantic_timeline::{EffectiveParams, analyze_recording};
use audio_signal::Control;
pub(crate) use format::AnalysisFormat;
use http_kit::RequestContext;
use layout::{OutputLayout, PlannedOutput};
use media_decode::Decoders;
use primitives::Scope;
use recording::Analysis;
pub(crate) use recording::RecordingFile;

use crate::capacity::Capacity;
use crate::cli::AnalyzeArguments;
use crate::progress_lines::ProgressLines;
use crate::{app, config, is_broken_pipe, log};

/// Analyses the files one after the other. A failure is printed, and the others are still done.
///
/// # Errors
/// What fails for all: arguments, outputs that cannot be written, a backend that cannot run; and closed standard output.
pub(crate) fn analyze(arguments: &AnalyzeArguments, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let settings = config::load_analysis(config, &arguments.analysis)?;
    let layout = OutputLayout::new(arguments)?;
    let mut failures = Failures::default();
    let mut files = Vec::new();
    for file in &arguments.files {
        files.extend(failures.report(RecordingFile::open(file, settings.max_upload_bytes))?);
    }
    if files.is_empty() {
        return Ok(failures.exit_code());
    }
    // Checked before the work, so that an unwritable path fails early.
    let outputs = layout.outputs(&files)?;
    let params = params::params(arguments)?;
    let selection = app::backends(&settings, &Capacity::of_command(&settings))?.select_for(&params)?;
    let analyzer = Analyzer { decoders: app::decoders(&settings), params, selection, note: Once::new() };
    for (file, outputs) in files.iter().zip(&outputs) {
        let analysis = analyzer.analysis(file).with_context(|| file.label());
        let Some(analysis) = failures.report(analysis)? else { continue };
        for output in outputs {
            failures.report(analyzer.write(&analysis, output))?;
        }
    }
    Ok(failures.exit_code())
}

/// Counts failures.
#[derive(Debug, Default)]
struct Failures(usize);

impl Failures {
    /// Prints an error, and passes on a value. Closed standard output ends the run.
    fn report<T>(&mut self, result: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_broken_pipe(&error) => Err(error),
            Err(error) => {
                log::print_fatal(&error);
                self.0 += 1;
                Ok(None)
            }
        }
    }

    fn exit_code(&self) -> ExitCode {
        if self.0 == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// What the analyses of a run share.
struct Analyzer {
    decoders: Decoders,
    params: EffectiveParams,
    selection: Selection,
    /// Whether the fallback was printed.
    note: Once,
}

impl Analyzer {
    fn analysis<'a>(&self, file: &'a RecordingFile) -> anyhow::Result<Analysis<'a>> {
        let (recording, probe) = file.recording(&self.decoders, self.params.audio_stream)?;
        let asset_id = file.content_id()?;
        let bar = progress::progress_bar();
        let lines = ProgressLines::unless_terminal(&file.label());
        // Printed once something is decoded: before, it would hide the reason why nothing can be decoded.
        let print_fallback =
            || self.note.call_once(|| bar.suspend(|| progress::print_fallback(&self.selection)));
        let show = |progress| {
            print_fallback();
            progress::show(&bar, lines.as_ref(), progress);
        };
        let control = Control { progress: &show, cancelled: &|| false };
        let summary =
            analyze_recording(&context()?, asset_id, recording, &self.params, &self.selection, &control);
        bar.finish_and_clear();
        let summary = summary?;
        print_fallback();
        Ok(Analysis::new(file, summary, probe))
    }

    /// Writes one output of an analysis, and prints what its format cannot hold.
    fn write(&self, analysis: &Analysis<'_>, output: &PlannedOutput) -> anyhow::Result<()> {
        let label = || format!("{}: {}", analysis.file.label(), output.format.name());
        let export = output.format.export(analysis, &self.decoders).with_context(label)?;
        match &output.file {
            Some(file) => file.write(&export.content)?,
            None => print(&export.content)?,
        }
        progress::print_losses(&analysis.file.label(), output.format, &export.losses);
        Ok(())
    }
}

/// Writes to standard output, with all that is buffered.
fn print(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// The command line has no tenants; the cache key of the summary contains this fixed scope.
fn context() -> anyhow::Result<RequestContext> {
    let scope = Scope { tenant_id: "local".parse()?, env: "cli".parse()? };
    Ok(RequestContext { scope, user_id: None, request_id: String::new() })
}
