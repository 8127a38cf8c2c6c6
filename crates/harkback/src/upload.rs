//! Command `harkback upload`: sends files to a running service, and resumes interrupted uploads.

mod file;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use self::file::UploadFile;
use crate::cli::UploadArguments;
use crate::service_client::{Refused, ServiceClient};
use crate::{is_broken_pipe, log};

const STYLE: &str = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
/// Delay before an interrupted upload is resumed, and the maximum number of consecutive failures.
const PAUSE: Duration = Duration::from_secs(1);
const MAX_FAILURES: u32 = 60;
/// Range of the number of bytes of a request, and the time that one should take: less than the timeout of an answer.
const MIN_CHUNK: u64 = 1 << 20;
const MAX_CHUNK: u64 = 256 << 20;
const CHUNK_TIME: Duration = Duration::from_secs(15);
/// Maximum number of uploads of a file that have expired or were deleted.
const MAX_ATTEMPTS: u32 = 5;

pub(crate) fn run(arguments: &UploadArguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let service = ServiceClient::new(&arguments.service)?;
    let mut code = ExitCode::SUCCESS;
    for path in &arguments.files {
        let printed = runtime.block_on(async {
            let asset = upload(&service, arguments, path).await?;
            print(&service, &asset, path, arguments.json).await
        });
        match printed {
            Ok(()) => {}
            Err(error) if is_broken_pipe(&error) => return Err(error),
            Err(error) => {
                log::print_fatal(&error.context(path.display().to_string()));
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

async fn print(service: &ServiceClient, asset: &str, path: &Path, as_json: bool) -> anyhow::Result<()> {
    if !as_json {
        return Ok(writeln!(std::io::stdout(), "{asset}  {}", path.display())?);
    }
    let found: Value = service.json(Method::GET, &format!("/media-v2/assets/{asset}")).await?;
    Ok(writeln!(std::io::stdout(), "{}", found["asset"])?)
}

/// Uploads a file, or resumes its upload; returns the id of the asset.
pub(crate) async fn upload(
    service: &ServiceClient,
    arguments: &UploadArguments,
    path: &Path,
) -> anyhow::Result<String> {
    let file = UploadFile::open(path, arguments)?;
    let bar = ProgressBar::new(file.length_bytes());
    // The template is a constant that is known to be valid.
    if let Ok(style) = ProgressStyle::with_template(STYLE) {
        bar.set_style(style);
    }
    bar.set_message(file.name().to_owned());
    for attempt in 1..=MAX_ATTEMPTS {
        let sent = send(service, &file, attempt, &bar).await;
        match sent {
            Err(error) if attempt < MAX_ATTEMPTS && is_gone(&error) => {}
            sent => {
                bar.finish_and_clear();
                return sent;
            }
        }
    }
    anyhow::bail!("the upload expired {MAX_ATTEMPTS} times")
}

/// Whether the upload has expired or was deleted.
fn is_gone(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<Refused>();
    refused.is_some_and(|refused| matches!(refused.status, StatusCode::NOT_FOUND | StatusCode::GONE))
}

/// Whether a retry may succeed: no answer, a server error, or another request that writes the same upload.
fn is_passing(error: &anyhow::Error) -> bool {
    let is_passing_status = |refused: &Refused| {
        let status = refused.status;
        status.is_server_error() || matches!(status.as_u16(), 408 | 409 | 423 | 429)
    };
    error.downcast_ref::<reqwest::Error>().is_some()
        || error.downcast_ref::<Refused>().is_some_and(is_passing_status)
}

/// Sends all bytes that the service lacks, and waits for the asset.
async fn send(
    service: &ServiceClient,
    file: &UploadFile,
    attempt: u32,
    bar: &ProgressBar,
) -> anyhow::Result<String> {
    let mut failures = 0;
    let upload = loop {
        match create(service, file, attempt).await {
            Ok(upload) => break upload,
            Err(error) => wait_after(error, &mut failures).await?,
        }
    };
    let mut chunk_bytes = 8 * MIN_CHUNK;
    loop {
        let began = Instant::now();
        match step(service, file, &upload, chunk_bytes, bar).await {
            Ok(Some(asset)) => return Ok(asset),
            Ok(None) => {
                failures = 0;
                chunk_bytes = next_chunk(chunk_bytes, began.elapsed());
            }
            Err(error) => {
                chunk_bytes = MIN_CHUNK;
                wait_after(error, &mut failures).await?;
            }
        }
    }
}

/// Pauses after a failure that may pass, and returns any other.
async fn wait_after(error: anyhow::Error, failures: &mut u32) -> anyhow::Result<()> {
    if *failures >= MAX_FAILURES || !is_passing(&error) {
        return Err(error);
    }
    *failures += 1;
    tokio::time::sleep(PAUSE).await;
    Ok(())
}

/// The size of the next request, in bytes, after one of `chunk_bytes` took `elapsed`.
fn next_chunk(chunk_bytes: u64, elapsed: Duration) -> u64 {
    let next = if elapsed < CHUNK_TIME / 2 {
        chunk_bytes * 2
    } else if elapsed > CHUNK_TIME {
        chunk_bytes / 2
    } else {
        chunk_bytes
    };
    next.clamp(MIN_CHUNK, MAX_CHUNK)
}

/// Creates the upload, or finds it: the key is that of the file. Returns its path.
async fn create(service: &ServiceClient, file: &UploadFile, attempt: u32) -> anyhow::Result<String> {
    let request = service
        .request(Method::POST, "/media-v2/uploads")
        .header("tus-resumable", "1.0.0")
        .header("upload-length", file.length_bytes())
        .header("upload-metadata", file.metadata())
        .header("idempotency-key", file.key(attempt));
    let response = service.send(request).await?;
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    location.map(str::to_owned).ok_or_else(|| anyhow::anyhow!("the service gave the upload no address"))
}

/// Sends the next bytes that the service lacks. Returns the id of the asset once it exists.
async fn step(
    service: &ServiceClient,
    file: &UploadFile,
    upload: &str,
    chunk_bytes: u64,
    bar: &ProgressBar,
) -> anyhow::Result<Option<String>> {
    let state = service.send(service.request(Method::HEAD, upload)).await?;
    let text = |name: &str| state.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(asset) = text("harkback-asset-id") {
        return Ok(Some(asset.to_owned()));
    }
    let offset = text("upload-offset").and_then(|value| value.parse::<u64>().ok());
    let offset = offset.ok_or_else(|| anyhow::anyhow!("the service gave no offset of the upload"))?;
    bar.set_position(offset);
    if offset == file.length_bytes() {
        // Another request finishes it.
        tokio::time::sleep(PAUSE).await;
        return Ok(None);
    }
    let length = chunk_bytes.min(file.length_bytes().saturating_sub(offset));
    let request = service
        .request(Method::PATCH, upload)
        .header("tus-resumable", "1.0.0")
        .header("upload-offset", offset)
        .header("content-type", "application/offset+octet-stream")
        .header("content-length", length)
        .body(file.body(offset, length, bar).await?);
    let sent = service.send(request).await?;
    let asset = sent.headers().get("harkback-asset-id").and_then(|value| value.to_str().ok());
    Ok(asset.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_grow_on_a_fast_line_and_shrink_on_a_slow_one() {
        assert_eq!(next_chunk(8 << 20, Duration::from_secs(1)), 16 << 20);
        assert_eq!(next_chunk(8 << 20, Duration::from_secs(10)), 8 << 20);
        assert_eq!(next_chunk(8 << 20, Duration::from_secs(40)), 4 << 20);
        assert_eq!(next_chunk(MIN_CHUNK, Duration::from_secs(40)), MIN_CHUNK);
        assert_eq!(next_chunk(MAX_CHUNK, Duration::ZERO), MAX_CHUNK);
    }
}
