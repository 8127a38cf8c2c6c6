//! Where `harkback analyze` writes: checked before the work.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::format::AnalysisFormat;
use super::recording::{RecordingFile, is_standard_input, stem};
use crate::cli::AnalyzeArguments;
use crate::output::Output;
use crate::plot::PlotFormat;

/// Outputs that cannot be written together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum LayoutError {
    /// Two outputs of the run have one name.
    #[error(
        "{} and {} would both be written as {}; rename one, or use another directory for it",
        .first.display(), .second.display(), .output.display()
    )]
    SameName { first: PathBuf, second: PathBuf, output: PathBuf },
    /// Two outputs of the run are one file, under different names or by different options.
    #[error("two outputs would be written to {}; give each a file of its own", .output.display())]
    SameFile { output: PathBuf },
    /// Several outputs for standard output.
    #[error("{outputs} outputs need a directory; give one with -o")]
    DirectoryNeeded { outputs: usize },
    /// An option that names one file, for several.
    #[error("{option} is for one output; use --format and -o for several")]
    OneOutput { option: &'static str },
    /// Standard input more than once.
    #[error("standard input can be read only once; give `-` once")]
    StandardInputRepeated,
}

/// The outputs of a run.
#[derive(Debug)]
pub(crate) struct OutputLayout<'a> {
    /// The recordings as given, also those that cannot be opened.
    recordings: &'a [PathBuf],
    /// In order, each once.
    formats: Vec<AnalysisFormat>,
    target: LayoutTarget<'a>,
    plot: Option<(&'a Path, PlotFormat)>,
}

#[derive(Debug, PartialEq, Eq)]
enum LayoutTarget<'a> {
    StandardOutput,
    /// The file of `--out`.
    File(&'a Path),
    /// The directory of `-o`.
    Directory(&'a Path),
}

/// An output of one recording.
#[derive(Debug)]
pub(crate) struct PlannedOutput {
    pub(crate) format: AnalysisFormat,
    /// `None` for standard output.
    pub(crate) file: Option<Output>,
}

impl<'a> OutputLayout<'a> {
    /// Chooses the formats and their targets.
    ///
    /// # Errors
    /// A [`LayoutError`], or an unknown format of the file of `--plot`.
    pub(crate) fn new(arguments: &'a AnalyzeArguments) -> anyhow::Result<Self> {
        let files = &arguments.files;
        if files.iter().filter(|file| is_standard_input(file)).count() > 1 {
            return Err(LayoutError::StandardInputRepeated.into());
        }
        let mut formats = Vec::new();
        for format in &arguments.format {
            if !formats.contains(format) {
                formats.push(*format);
            }
        }
        let is_timeline = formats.is_empty();
        if is_timeline {
            formats.push(if arguments.json { AnalysisFormat::Json } else { AnalysisFormat::Text });
        }
        let outputs = files.len() * formats.len();
        let plot = arguments.plot.as_deref();
        for (option, is_given, count) in
            [("--out", arguments.out.is_some(), outputs), ("--plot", plot.is_some(), files.len())]
        {
            if is_given && count > 1 {
                return Err(LayoutError::OneOutput { option }.into());
            }
        }
        let directory = arguments.out_dir.as_deref().filter(|directory| !is_standard_input(directory));
        let target = match (arguments.out.as_deref(), directory) {
            (Some(file), _) => LayoutTarget::File(file),
            (None, Some(directory)) => LayoutTarget::Directory(directory),
            // Readable timelines follow each other.
            (None, None) if is_timeline || outputs == 1 => LayoutTarget::StandardOutput,
            (None, None) => return Err(LayoutError::DirectoryNeeded { outputs }.into()),
        };
        let plot = plot.map(|file| anyhow::Ok((file, PlotFormat::of(file)?))).transpose()?;
        let layout = Self { recordings: files, formats, target, plot };
        layout.check_names(files)?;
        Ok(layout)
    }

    /// Checks that every output of the run has its own name.
    fn check_names(&self, files: &[PathBuf]) -> Result<(), LayoutError> {
        let LayoutTarget::Directory(directory) = self.target else { return Ok(()) };
        let mut writers: BTreeMap<OsString, &Path> = BTreeMap::new();
        for (file, format) in
            files.iter().flat_map(|file| self.formats.iter().map(move |format| (file, *format)))
        {
            let name = self.file_name(file, format);
            let output = directory.join(&name);
            if let Some(first) = writers.insert(name, file) {
                return Err(LayoutError::SameName {
                    first: first.to_path_buf(),
                    second: file.clone(),
                    output,
                });
            }
        }
        Ok(())
    }

    /// `<stem>.<extension>`; where formats of the run share the extension, `<stem>.<format>.<extension>`.
    fn file_name(&self, file: &Path, format: AnalysisFormat) -> OsString {
        let extension = format.extension();
        let is_shared = self.formats.iter().any(|other| *other != format && other.extension() == extension);
        let mut name = stem(file).to_os_string();
        if is_shared && format.name() != extension {
            name.push(".");
            name.push(format.name());
        }
        name.push(".");
        name.push(extension);
        name
    }

    /// The outputs of each file, checked without writing any; the directory of `-o` is created.
    ///
    /// # Errors
    /// When one cannot be written, is a recording, or is the same file as another one.
    pub(crate) fn outputs(&self, files: &[RecordingFile]) -> anyhow::Result<Vec<Vec<PlannedOutput>>> {
        if let LayoutTarget::Directory(directory) = self.target {
            fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        }
        let recordings = self.recordings.iter().filter(|file| !is_standard_input(file));
        let recordings: Vec<&Path> = recordings.map(PathBuf::as_path).collect();
        let outputs = files.iter().map(|file| self.outputs_of(file, &recordings));
        let outputs: Vec<Vec<PlannedOutput>> = outputs.collect::<anyhow::Result<_>>()?;
        check_files(outputs.iter().flatten().filter_map(|output| output.file.as_ref()))?;
        Ok(outputs)
    }

    fn outputs_of(&self, file: &RecordingFile, recordings: &[&Path]) -> anyhow::Result<Vec<PlannedOutput>> {
        let mut outputs = Vec::new();
        for format in &self.formats {
            let path = match self.target {
                LayoutTarget::StandardOutput => None,
                LayoutTarget::File(path) => Some(path.to_path_buf()),
                LayoutTarget::Directory(directory) => {
                    Some(directory.join(self.file_name(file.given(), *format)))
                }
            };
            let output = path.map(|path| Output::new(&path, recordings)).transpose()?;
            outputs.push(PlannedOutput { format: *format, file: output });
        }
        if let Some((path, format)) = self.plot {
            let output = Output::new(path, recordings)?;
            outputs.insert(0, PlannedOutput { format: AnalysisFormat::Plot(format), file: Some(output) });
        }
        Ok(outputs)
    }
}

/// Checks that no two outputs are one file: the second would replace the first.
fn check_files<'a>(outputs: impl Iterator<Item = &'a Output>) -> Result<(), LayoutError> {
    let mut files = BTreeSet::new();
    for output in outputs {
        if output.identity().is_some_and(|file| !files.insert(file)) {
            return Err(LayoutError::SameFile { output: output.path().to_path_buf() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn arguments(line: &[&str]) -> AnalyzeArguments {
        match Cli::try_parse_from([&["harkback", "analyze"], line].concat()).unwrap().command {
            Command::Analyze(arguments) => arguments,
            other => panic!("{other:?}"),
        }
    }

    fn refused(line: &[&str]) -> LayoutError {
        OutputLayout::new(&arguments(line)).unwrap_err().downcast().unwrap()
    }

    #[test]
    fn outputs_have_the_stem_and_the_extension() {
        let names = |formats: &str| {
            let arguments = arguments(&["a/talk.mp4", "--format", formats, "-o", "out"]);
            let layout = OutputLayout::new(&arguments).unwrap();
            let names = layout.formats.iter().map(|format| layout.file_name(&arguments.files[0], *format));
            names.map(|name| name.into_string().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(names("srt,otio,audacity,midi,srt"), ["talk.srt", "talk.otio", "talk.txt", "talk.mid"]);
        assert_eq!(names("json,chapters"), ["talk.json", "talk.chapters.json"], "one extension");
        assert_eq!(names("markers-csv,audition-csv"), ["talk.markers-csv.csv", "talk.audition-csv.csv"]);
        assert_eq!(names("txt,audacity,text"), ["talk.txt", "talk.audacity.txt", "talk.text.txt"]);
    }

    #[test]
    fn outputs_with_the_same_name_are_refused_before_the_work() {
        let error = refused(&["a/talk.mp4", "b/talk.wav", "--format", "srt,vtt", "-o", "out"]);
        let expected = LayoutError::SameName {
            first: "a/talk.mp4".into(),
            second: "b/talk.wav".into(),
            output: "out/talk.srt".into(),
        };
        assert_eq!(error, expected);
        let error = refused(&["talk.wav", "talk.chapters.wav", "--format", "json,chapters", "-o", "out"]);
        assert!(
            matches!(error, LayoutError::SameName { output, .. } if output == Path::new("out/talk.chapters.json"))
        );
    }

    #[test]
    fn outputs_replace_neither_each_other_nor_a_recording() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        for name in ["a.wav", "b.srt"] {
            fs::write(path(name), b"RIFF").unwrap();
        }
        symlink("new.svg", path("link.svg")).unwrap();
        let error = |line: &[&str]| {
            let arguments = arguments(line);
            let files = arguments.files.iter().filter_map(|file| RecordingFile::open(file, 0).ok());
            let outputs = OutputLayout::new(&arguments).unwrap().outputs(&files.collect::<Vec<_>>());
            outputs.map_or_else(|error| format!("{error:#}"), |_| String::new())
        };
        let (a, b, new, link) = (path("a.wav"), path("b.srt"), path("new.svg"), path("link.svg"));
        let with_plot = |plot: &str| error(&[&a, "--format", "svg", "--out", &new, "--plot", plot]);
        assert!(with_plot(&new).contains("two outputs"));
        assert!(with_plot(&link).contains("two outputs"));
        assert_eq!(with_plot(&path("other.svg")), "");
        let base = path("");
        let message = error(&[&a, &b, "--format", "srt", "-o", &base]);
        assert!(message.contains("b.srt: it is the recording itself"), "{message}");
        assert_eq!(fs::read(&b).unwrap(), b"RIFF");
    }

    #[test]
    fn several_outputs_need_a_directory() {
        for line in [
            &["a.wav", "b.wav", "--format", "srt"][..],
            &["a.wav", "--format", "srt,vtt"],
            &["a.wav", "--format", "srt,vtt", "-o", "-"],
        ] {
            assert_eq!(refused(line), LayoutError::DirectoryNeeded { outputs: 2 }, "{line:?}");
        }
        for line in [
            &["a.wav"][..],
            &["a.wav", "b.wav"],
            &["-", "--format", "srt"],
            &["a.wav", "--format", "srt", "-o", "-"],
        ] {
            let arguments = arguments(line);
            assert_eq!(
                OutputLayout::new(&arguments).unwrap().target,
                LayoutTarget::StandardOutput,
                "{line:?}"
            );
        }
        assert_eq!(refused(&["a.wav", "b.wav", "--out", "x"]), LayoutError::OneOutput { option: "--out" });
        assert_eq!(
            refused(&["a.wav", "b.wav", "--plot", "x.svg"]),
            LayoutError::OneOutput { option: "--plot" }
        );
        assert_eq!(refused(&["-", "-"]), LayoutError::StandardInputRepeated);
    }
}
