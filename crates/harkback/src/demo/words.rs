//! The step that transcribes words, without the service.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context;
use audio_asr::ModelDirectory;
use audio_asr::catalog::MODELS;
use audio_semantic_timeline::model::Summary;
use tokio::process::Command;

use super::printer::Printer;
use super::{child, file_name};

/// Recording and model of the repository, for a demo without an installed model.
const DIGITS: (&str, &str) = ("fixtures/media/digits.wav", "fixtures/models/digits.bin");

/// Where speech models are, and which one is requested.
pub(super) struct Settings<'a> {
    /// Name or path of the requested model.
    pub(super) model: Option<&'a str>,
    pub(super) models: &'a ModelDirectory,
    /// The configuration file.
    pub(super) config: Option<&'a Path>,
}

impl Settings<'_> {
    /// Transcribes the recording, or spoken digits if no model for it is installed, and prints the words.
    pub(super) async fn print_words<W: Write>(
        &self,
        file: &Path,
        printer: &mut Printer<W>,
    ) -> anyhow::Result<()> {
        let (digits, digit_model) = DIGITS;
        let (spoken, model) = match self.speech_model().await? {
            Some(model) => (file, model),
            None if Path::new(digits).is_file() => (Path::new(digits), digit_model.to_owned()),
            None => {
                printer.step("No words", "harkback models pull tiny, then harkback demo FILE")?;
                return Ok(());
            }
        };
        let call = format!(
            "harkback analyze {} --whisper-model {}",
            file_name(spoken),
            file_name(Path::new(&model))
        );
        printer.step("Words, offline", &call)?;
        let summary = self.analyze(spoken, &model).await?;
        printer.text(&words(&summary))?;
        Ok(())
    }

    /// The requested model, or the first installed one that is intact, in the order of `harkback models list`.
    async fn speech_model(&self) -> anyhow::Result<Option<String>> {
        if let Some(model) = self.model.filter(|model| !model.is_empty()) {
            return Ok(Some(model.to_owned()));
        }
        let directory = self.models.clone();
        // The check hashes the file.
        tokio::task::spawn_blocking(move || first_intact(&directory)).await?
    }

    /// Runs `harkback analyze`.
    async fn analyze(&self, spoken: &Path, model: &str) -> anyhow::Result<Summary> {
        let mut command = child::command()?;
        command.args(self.arguments(spoken, model)).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let child =
            Command::from(command).kill_on_drop(true).spawn().context("harkback cannot be started")?;
        let output = child.wait_with_output().await?;
        anyhow::ensure!(output.status.success(), "harkback analyze failed ({})", output.status);
        serde_json::from_slice(&output.stdout).context("the output of harkback analyze is not a timeline")
    }

    fn arguments(&self, spoken: &Path, model: &str) -> Vec<OsString> {
        let mut arguments: Vec<&OsStr> = Vec::new();
        if let Some(config) = self.config {
            arguments.extend([OsStr::new("--config"), config.as_os_str()]);
        }
        arguments.extend(
            ["analyze", "--json", "--backend", "whisper_aubio", "--fallback", "error", "--model-dir"]
                .map(OsStr::new),
        );
        arguments.push(self.models.path().as_os_str());
        arguments.extend(["--whisper-model", model, "--"].map(OsStr::new));
        arguments.push(spoken.as_os_str());
        arguments.into_iter().map(OsStr::to_owned).collect()
    }
}

fn first_intact(directory: &ModelDirectory) -> anyhow::Result<Option<String>> {
    let models = directory.present();
    let mut models = models.with_context(|| format!("{} cannot be read", directory.path().display()))?;
    // Published ones first; the sort is stable.
    models.sort_by_key(|model| {
        MODELS.iter().position(|published| published.name == model.name).unwrap_or(MODELS.len())
    });
    Ok(models.into_iter().find(|model| model.check().is_ok()).map(|model| model.requested))
}

/// All transcribed words in one line, then the version of the backend.
fn words(summary: &Summary) -> String {
    let words: Vec<&str> = summary.events.iter().filter_map(|event| event.transcription.as_deref()).collect();
    format!("“{}”\nby {}", words.join(" "), summary.meta.run.backend_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn analysis_is_called_with_the_configured_models() {
        let models = ModelDirectory::new("/models".into());
        let config = Some(Path::new("/harkback.toml"));
        let settings = Settings { model: None, models: &models, config };
        let arguments = settings.arguments(Path::new("-talk.wav"), "tiny");
        let arguments: Vec<&str> = arguments.iter().map(|argument| argument.to_str().unwrap()).collect();
        assert_eq!(
            arguments.join(" "),
            "--config /harkback.toml analyze --json --backend whisper_aubio --fallback error \
             --model-dir /models --whisper-model tiny -- -talk.wav"
        );
    }

    #[tokio::test]
    async fn first_intact_model_is_used_unless_one_is_requested() {
        let directory = tempfile::tempdir().unwrap();
        let models = ModelDirectory::new(directory.path().to_owned());
        let model =
            async |model| Settings { model, models: &models, config: None }.speech_model().await.unwrap();
        assert_eq!(model(None).await, None);
        let digits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(DIGITS.1);
        std::fs::copy(digits, directory.path().join("ggml-digits.bin")).unwrap();
        std::fs::write(directory.path().join("ggml-tiny.bin"), b"truncated").unwrap();
        assert_eq!(model(None).await.as_deref(), Some("digits"));
        assert_eq!(model(Some("")).await.as_deref(), Some("digits"));
        assert_eq!(model(Some("base")).await.as_deref(), Some("base"));
    }
}
