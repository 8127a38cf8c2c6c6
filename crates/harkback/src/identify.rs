//! Command `harkback identify FILE --in DIR`: finds the places of a recording in a directory of media, without a service
//! or a database.
//!
//! Every file is decoded once for its landmarks, of which only those that can match are kept; the files of candidates are
//! decoded again for their samples, into temporary files. Memory is that of the kept landmarks, at most 1 GiB.

mod folder;
mod mono;
mod report;
mod scan;

use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use audio_fingerprint::{
    HashFilter, MIN_QUERY_SAMPLES, Match, RecordingError, RecordingSearch, Samples, Variation,
    identify_recording, link, measure,
};
use indicatif::ProgressBar;
use media_decode::{Decoders, MediaInput};

use self::folder::FolderListing;
use self::mono::{MonoFile, MonoFiles};
use self::report::{FileMatch, Report};
use self::scan::Scan;
use crate::analyze::RecordingFile;
use crate::cli::IdentifyArguments;
use crate::flags::AnalysisFlags;
use crate::{app, config, log};

/// Searches the directory and prints the matches. A file that cannot be read is reported, and the others are searched.
///
/// # Errors
/// When the recording or the directory cannot be read, or the recording has no audio to search for.
pub(crate) fn run(arguments: &IdentifyArguments, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    let settings = config::load_analysis(config, &AnalysisFlags::default())?;
    let decoders = app::decoders(&settings);
    let file = RecordingFile::open(&arguments.file, settings.max_upload_bytes)?;
    let mut query = mono_query(&file, &decoders).with_context(|| file.label())?;
    let variation = if arguments.changed { Variation::SpeedAndPitch } else { Variation::None };
    let mut filter = HashFilter::new();
    let blocks = filter.add_recording(&mut query, variation)?;
    anyhow::ensure!(blocks > 0, "{}: it is silent; give a recording with audio", file.label());

    let FolderListing { files, errors } = folder::list(&arguments.directory, file.path())?;
    errors.iter().for_each(log::print_fatal);
    let bar = ProgressBar::new(files.len() as u64);
    let scan = Scan { files: &files, decoders: &decoders, filter: &filter, bar: &bar };
    let mut scanned = scan.run(arguments.threads)?;
    bar.finish_and_clear();
    print_notes(&scanned.notes);
    scanned.errors.iter().for_each(log::print_fatal);
    let directory = arguments.directory.display();
    anyhow::ensure!(scanned.searched > 0, "{directory}: no recording in it can be searched");

    let search = RecordingSearch { variation, min_confidence: arguments.min_confidence };
    let mut sources = MonoFiles::new(&files, &decoders);
    let mut no_progress = |_: u64| ControlFlow::<()>::Continue(());
    let found = identify_recording(&mut query, &mut scanned.index, &mut sources, search, &mut no_progress);
    let matches = found.map_err(|error| match error {
        // With all of its causes, which the other one's message lacks.
        RecordingError::Samples(error) => error,
        error => anyhow::anyhow!("{error}"),
    })?;
    let report = Report {
        file: file.label(),
        searched: scanned.searched,
        skipped: files.len() - scanned.searched,
        matches: file_matches(&mut query, &mut sources, matches, &files)?,
    };
    report.print(arguments.json)?;
    let is_complete = errors.is_empty() && scanned.errors.is_empty();
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The samples of the recording to identify.
fn mono_query(file: &RecordingFile, decoders: &Decoders) -> anyhow::Result<MonoFile> {
    let query = MonoFile::decode(&MediaInput::new(File::open(file.path())?, decoders.clone()))?;
    let is_long = query.len() >= MIN_QUERY_SAMPLES as u64;
    anyhow::ensure!(is_long, "it is shorter than 0.3 s; give a longer recording");
    Ok(query)
}

/// The matches in files, joined and exact, in order of query time.
fn file_matches<'a>(
    query: &mut MonoFile,
    sources: &mut MonoFiles<'_>,
    matches: Vec<Match>,
    files: &'a [PathBuf],
) -> anyhow::Result<Vec<FileMatch<'a>>> {
    let mut file_matches = Vec::new();
    for found in link(matches) {
        let (found, gain_db) = measure(query, sources, found)?;
        if let Some(file) = usize::try_from(found.source_id).ok().and_then(|index| files.get(index)) {
            file_matches.push(FileMatch { file, found, gain_db });
        }
    }
    Ok(file_matches)
}

#[expect(clippy::print_stderr, reason = "the command line's own notes")]
fn print_notes(notes: &[String]) {
    for note in notes {
        eprintln!("note: {note}");
    }
}
