use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt as _;
use indicatif::ProgressBar;
use reqwest::Body;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::cli::UploadArguments;

/// Size of the pieces in which a file is read, in bytes.
const PIECE: usize = 256 << 10;

/// A file to upload.
#[derive(Debug)]
pub(super) struct UploadFile {
    path: PathBuf,
    name: String,
    length_bytes: u64,
    modified: SystemTime,
    /// The header `Upload-Metadata`.
    metadata: String,
}

impl UploadFile {
    /// # Errors
    /// When the file cannot be read, or is not a file.
    pub(super) fn open(path: &Path, arguments: &UploadArguments) -> anyhow::Result<Self> {
        let path = path.canonicalize()?;
        let meta = path.metadata()?;
        anyhow::ensure!(meta.is_file(), "is not a regular file");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let metadata = metadata(&name, arguments)?;
        Ok(Self { path, name, length_bytes: meta.len(), modified: meta.modified()?, metadata })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    pub(super) fn metadata(&self) -> &str {
        &self.metadata
    }

    /// An `Idempotency-Key` for this path, size, time of change and description: the same command finds the upload that
    /// an earlier run has begun.
    pub(super) fn key(&self, attempt: u32) -> String {
        let modified = self.modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let digest = Sha256::new()
            .chain_update(self.path.as_os_str().as_encoded_bytes())
            .chain_update([0])
            .chain_update(self.length_bytes.to_be_bytes())
            .chain_update(modified.as_nanos().to_be_bytes())
            .chain_update(&self.metadata)
            .finalize();
        format!("upload-{}-{attempt}", hex::encode(&digest[..16]))
    }

    /// The bytes of a request, counted by `bar` as they are read.
    ///
    /// # Errors
    /// When the file has changed, or cannot be read.
    pub(super) async fn body(&self, offset: u64, length: u64, bar: &ProgressBar) -> anyhow::Result<Body> {
        let mut file = tokio::fs::File::open(&self.path).await?;
        let meta = file.metadata().await?;
        let is_same = meta.len() == self.length_bytes && meta.modified()? == self.modified;
        anyhow::ensure!(is_same, "the file has changed while it was uploaded");
        file.seek(SeekFrom::Start(offset)).await.context("the file cannot be read")?;
        let bar = bar.clone();
        let pieces = ReaderStream::with_capacity(file.take(length), PIECE)
            .inspect_ok(move |piece| bar.inc(piece.len() as u64));
        Ok(Body::wrap_stream(pieces))
    }
}

/// The header `Upload-Metadata`: keys with values in base64.
fn metadata(name: &str, arguments: &UploadArguments) -> anyhow::Result<String> {
    let tags = serde_json::to_string(&arguments.tags)?;
    let pairs = [
        Some(("filename", name)),
        arguments.kind.map(|kind| ("kind", kind.as_str())),
        (!arguments.tags.is_empty()).then_some(("tags", tags.as_str())),
        arguments.source_ref.as_deref().map(|text| ("source_ref", text)),
    ];
    let pairs = pairs.into_iter().flatten().map(|(key, value)| format!("{key} {}", STANDARD.encode(value)));
    Ok(pairs.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn open(path: &Path, more: &[&str]) -> UploadFile {
        let arguments = ["harkback", "upload", path.to_str().unwrap()];
        let parsed = Cli::try_parse_from([&arguments[..], more].concat()).unwrap();
        let Command::Upload(arguments) = parsed.command else { panic!("another command") };
        UploadFile::open(path, &arguments).unwrap()
    }

    #[test]
    fn key_is_that_of_the_file_and_its_description() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("talk.wav");
        std::fs::write(&path, "hark").unwrap();
        let file = open(&path, &[]);
        assert_eq!(file.key(1), open(&path, &[]).key(1));
        assert_ne!(file.key(1), file.key(2));
        assert_ne!(file.key(1), open(&path, &["--tag", "a"]).key(1));
        assert!(file.key(1).parse::<primitives::Id>().is_ok(), "{}", file.key(1));
        std::fs::write(&path, "hark back").unwrap();
        assert_ne!(file.key(1), open(&path, &[]).key(1));
    }

    #[test]
    fn metadata_has_the_description() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        std::fs::write(&path, "").unwrap();
        let more = ["--kind", "audio", "--tag", "b", "--tag", "c", "--source-ref", "d"];
        // `printf a | base64`, and so on.
        let expected = "filename YQ==,kind YXVkaW8=,tags WyJiIiwiYyJd,source_ref ZA==";
        assert_eq!(open(&path, &more).metadata(), expected);
    }
}
