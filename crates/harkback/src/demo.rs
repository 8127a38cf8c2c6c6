//! Command `harkback demo`: starts a service of its own, calls it with a recording, prints the answers, and stops it.
//!
//! The steps are [`timeline`], [`samples`], [`film`] and [`words`]; [`service`] is the process that is called.

mod child;
mod film;
mod folders;
mod printer;
mod samples;
mod service;
mod signals;
mod timeline;
mod words;

use std::io::Stdout;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cli::DemoArguments;
use crate::config;
use crate::service_client::ServiceClient;
use folders::{DEMO_DIRECTORY, Folders};
use printer::Printer;
use reqwest::Method;
use service::Service;
use signals::Signals;

const PROGRAMS: [&str; 2] = ["ffmpeg", "ffprobe"];
/// Default recording, where the current directory is the repository.
const EXAMPLE: &str = "fixtures/media/talk_and_music.mp4";
/// Tenant and environment of all calls.
const TENANT: &str = "demo";
const ENV: &str = "dev";

pub(crate) fn run(arguments: &DemoArguments, config: Option<&Path>) -> anyhow::Result<ExitCode> {
    check_programs()?;
    let file = recording(arguments.file.as_deref())?;
    let models = arguments.place.directory(config)?;
    let words = words::Settings { model: arguments.whisper_model.as_deref(), models: &models, config };
    let folders = Folders::new()?;
    // On this thread alone: the kernel stops the service when the thread that started it ends.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(demonstrate(file, &words, &folders));
    // A check of models that was interrupted runs on its thread.
    runtime.shutdown_background();
    ended
}

fn check_programs() -> anyhow::Result<()> {
    let is_missing = |program: &&str| config::found_on_path(Path::new(program)) == Path::new(program);
    let missing: Vec<&str> = PROGRAMS.into_iter().filter(is_missing).collect();
    anyhow::ensure!(
        missing.is_empty(),
        "the demo needs {} (Debian: apt-get install ffmpeg)",
        missing.join(" and ")
    );
    Ok(())
}

/// The recording of the demo.
fn recording(file: Option<&Path>) -> anyhow::Result<&Path> {
    let example = Path::new(EXAMPLE);
    match file {
        Some(file) => anyhow::ensure!(file.is_file(), "there is no file {}", file.display()),
        None => {
            anyhow::ensure!(example.is_file(), "which recording? harkback demo FILE (audio or video)");
        }
    }
    Ok(file.unwrap_or(example))
}

/// Starts the service, runs the steps until a signal comes, and stops the service.
async fn demonstrate(
    file: &Path,
    words: &words::Settings<'_>,
    folders: &Folders,
) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let mut printer = Printer::stdout();
    printer.step("Start the service", "harkback serve, signal backend, its own Postgres")?;
    let mut service = Service::start(folders)?;
    let ended = tokio::select! {
        biased;
        status = signals.next() => Err(status),
        done = steps(&mut service, &mut printer, file, words, folders) => Ok(done),
    };
    let ended = ended.map(|done| done.map_err(|error| service.explain(error)));
    let stopped = service.stop(&mut signals).await;
    let files = match ended {
        Ok(done) => done?,
        Err(status) => return Ok(ExitCode::from(status)),
    };
    stopped?;
    for file in files {
        printer.text(&format!("to look at: {}", std::path::absolute(file)?.display()))?;
    }
    let kept = if Path::new(DEMO_DIRECTORY).is_dir() {
        format!("; what it keeps is in {DEMO_DIRECTORY}/")
    } else {
        String::new()
    };
    printer.text(&format!("stopped, its Postgres too{kept}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the paths of the rendered files.
async fn steps(
    service: &mut Service<'_>,
    printer: &mut Printer<Stdout>,
    file: &Path,
    words: &words::Settings<'_>,
    folders: &Folders,
) -> anyhow::Result<Vec<PathBuf>> {
    let url = service.ready().await?;
    printer.text(&format!(
        "{} is ready; data in {}/",
        url.as_str().trim_end_matches('/'),
        folders.shown_data()
    ))?;
    let mut demo = Demo { service: ServiceClient::local(url, TENANT, ENV)?, printer, file };
    let asset_id = demo.show_timelines().await?;
    let files = demo.show_samples(&asset_id).await?;
    words.print_words(file, demo.printer).await?;
    demo.printer.step("Stop the service", "")?;
    Ok(files)
}

/// A demo whose service is ready.
struct Demo<'a> {
    service: ServiceClient,
    printer: &'a mut Printer<Stdout>,
    file: &'a Path,
}

impl Demo<'_> {
    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.service.json(Method::GET, path).await.with_context(|| format!("GET {path}"))
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> anyhow::Result<T> {
        self.service.post(path, body).await.with_context(|| format!("POST {path}"))
    }

    /// The recording's name without its directory.
    fn file_name(&self) -> String {
        file_name(self.file)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demo_needs_a_recording_that_is_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("no.mp4");
        for path in [missing.as_path(), directory.path()] {
            let error = recording(Some(path)).unwrap_err().to_string();
            assert_eq!(error, format!("there is no file {}", path.display()));
        }
        let file = directory.path().join("talk.mp4");
        std::fs::write(&file, b"").unwrap();
        assert_eq!(recording(Some(&file)).unwrap(), file);
        // Tests run in the directory of the crate, which has no example.
        assert!(recording(None).unwrap_err().to_string().contains("harkback demo FILE"));
    }
}
