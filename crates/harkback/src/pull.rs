//! Downloads of models: resumed after an interruption, checked, and renamed into place when complete.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use audio_asr::catalog::NamedModel;
use audio_asr::{LocatedModel, ModelDirectory};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode};

use crate::progress_lines::ProgressLines;

/// Timeout of resolving and connecting to the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Maximum time without a byte.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
const STYLE: &str = "{msg} {wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";

/// Downloads `model` from below `from`, unless it is installed already; returns its path.
pub(crate) fn pull(
    directory: &ModelDirectory,
    model: &'static NamedModel,
    from: &str,
    is_shown: bool,
) -> anyhow::Result<PathBuf> {
    let place = LocatedModel { published: Some(model), ..directory.locate(model.name) };
    if place.check().is_ok() {
        return Ok(place.path);
    }
    let check = |path: &Path| {
        let downloaded = LocatedModel { path: path.to_owned(), ..place.clone() };
        downloaded.check().map(drop).map_err(anyhow::Error::from)
    };
    let url = format!("{}/{}", from.trim_end_matches('/'), model.file_name());
    let file = RemoteFile {
        url,
        label: model.name,
        path: &place.path,
        most_bytes: most_bytes(model),
        check: &check,
    };
    file.fetch(is_shown)?;
    Ok(place.path)
}

/// A file to download.
pub(crate) struct RemoteFile<'a> {
    /// URL of the file.
    pub(crate) url: String,
    /// Label of the progress bar.
    pub(crate) label: &'static str,
    /// Path of the downloaded file.
    pub(crate) path: &'a Path,
    /// Maximum size in bytes; a longer answer is refused.
    pub(crate) most_bytes: u64,
    /// Checks that the file at a path is the published one.
    pub(crate) check: &'a dyn Fn(&Path) -> anyhow::Result<()>,
}

impl RemoteFile<'_> {
    /// Downloads the file, or the rest of it, and renames it into place once it is complete and checked.
    pub(crate) fn fetch(&self, is_shown: bool) -> anyhow::Result<()> {
        make_directory(self.path)?;
        let partial = partial(self.path);
        let bar = if is_shown { ProgressBar::no_length() } else { ProgressBar::hidden() };
        bar.set_style(ProgressStyle::with_template(STYLE).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(self.label);
        let lines = ProgressLines::unless_terminal(self.label);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let fetched = runtime.block_on(download(&self.url, &partial, self.most_bytes, &bar, lines.as_ref()));
        bar.finish_and_clear();
        let _lock = fetched.with_context(|| by_hand(&self.url, self.path))?;
        put_in_place(self.path, &partial, self.check)
    }
}

/// Creates the directory of a file where it does not exist.
fn make_directory(path: &Path) -> anyhow::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).with_context(|| format!("{} cannot be created", directory.display()))
}

/// Path of a file while it is incomplete.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Maximum size of a download: 5 % and 8 MiB more than the published size.
fn most_bytes(model: &NamedModel) -> u64 {
    (u64::from(model.size_mib) << 20) / 20 * 21 + (8 << 20)
}

fn by_hand(url: &str, path: &Path) -> String {
    format!("{url} could not be fetched (fetch it elsewhere and copy it to {})", path.display())
}

/// Opens `partial`, which is locked as long as the file is open.
fn open_locked(partial: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().append(true).create(true).open(partial)?;
    file.try_lock().context("the file is being fetched already")?;
    Ok(file)
}

/// Copies `source` to `path` by way of a locked incomplete file, and renames it into place once it is checked.
pub(crate) fn copy(
    source: &Path,
    path: &Path,
    check: &dyn Fn(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    make_directory(path)?;
    let partial = partial(path);
    let mut from = File::open(source).with_context(|| format!("{} cannot be copied", source.display()))?;
    let mut file = open_locked(&partial).with_context(|| path.display().to_string())?;
    file.set_len(0)?;
    std::io::copy(&mut from, &mut file).with_context(|| format!("{} cannot be copied", source.display()))?;
    file.sync_all()?;
    put_in_place(path, &partial, check)
}

/// Fetches the missing rest of `partial`. The returned file holds the lock that excludes other downloads.
async fn download(
    url: &str,
    partial: &Path,
    most_bytes: u64,
    bar: &ProgressBar,
    lines: Option<&ProgressLines>,
) -> anyhow::Result<File> {
    let mut file = open_locked(partial)?;
    let mut len = file.metadata()?.len();
    let mut response = request(url, len).await?;
    if response.status() == StatusCode::PARTIAL_CONTENT {
        anyhow::ensure!(goes_on_from(&response, len), "the server sent another range than requested");
    } else {
        file.set_len(0)?;
        len = 0;
    }
    bar.set_length(len + response.content_length().unwrap_or(0));
    bar.set_position(len);
    while let Some(chunk) = response.chunk().await? {
        len += chunk.len() as u64;
        anyhow::ensure!(len <= most_bytes, "the server sends more bytes than the model has");
        file.write_all(&chunk)?;
        bar.set_position(len);
        if let Some(lines) = lines {
            lines.set(len, bar.length().unwrap_or(0));
        }
    }
    file.sync_all()?;
    Ok(file)
}

/// Requests the bytes from `start` on, or the whole file if the server has none there.
async fn request(url: &str, start: u64) -> anyhow::Result<Response> {
    let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build()?;
    if start > 0 {
        let rest = client.get(url).header(RANGE, format!("bytes={start}-")).send().await?;
        if rest.status() != StatusCode::RANGE_NOT_SATISFIABLE {
            return Ok(rest.error_for_status()?);
        }
    }
    Ok(client.get(url).send().await?.error_for_status()?)
}

fn goes_on_from(response: &Response, start: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {start}-")))
}

/// Checks a complete file and renames it; one that fails the check is deleted.
fn put_in_place(
    path: &Path,
    partial: &Path,
    check: &dyn Fn(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if let Err(error) = check(partial) {
        std::fs::remove_file(partial)?;
        return Err(error).context("the downloaded file is not the published model");
    }
    std::fs::rename(partial, path)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    Ok(File::open(directory)?.sync_all()?)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::extract::State;
    use axum::http::HeaderMap;
    use axum::response::IntoResponse;
    use axum::routing::get;
    use sha1::Digest;

    use super::*;

    /// The digit model, as if it were published.
    fn published(bytes: &[u8]) -> &'static NamedModel {
        let sha1 = hex::encode(sha1::Sha1::digest(bytes)).leak();
        Box::leak(Box::new(NamedModel { name: "digits", size_mib: 5, sha1 }))
    }

    fn digits() -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/models/digits.bin");
        std::fs::read(path).unwrap()
    }

    #[derive(Clone)]
    struct Served {
        bytes: Vec<u8>,
        asked: Arc<Mutex<Vec<String>>>,
    }

    async fn serve_file(State(served): State<Served>, headers: HeaderMap) -> axum::response::Response {
        let range = headers.get("range").map(|range| range.to_str().unwrap().to_owned()).unwrap_or_default();
        served.asked.lock().unwrap().push(range.clone());
        let bytes = served.bytes;
        let start =
            range.strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')?.parse::<usize>().ok());
        match start {
            Some(start) if start >= bytes.len() => StatusCode::RANGE_NOT_SATISFIABLE.into_response(),
            Some(start) => {
                let content_range = format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
                let status = StatusCode::PARTIAL_CONTENT;
                (status, [("content-range", content_range)], bytes[start..].to_vec()).into_response()
            }
            None => bytes.into_response(),
        }
    }

    /// A server of one file; returns its address and the requested ranges.
    fn server(bytes: Vec<u8>) -> (String, Arc<Mutex<Vec<String>>>) {
        let served = Served { bytes, asked: Arc::default() };
        let asked = served.asked.clone();
        let router = axum::Router::new().route("/ggml-digits.bin", get(serve_file)).with_state(served);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await.unwrap();
            });
        });
        (format!("http://{address}"), asked)
    }

    fn fetch(directory: &Path, model: &'static NamedModel, from: &str) -> anyhow::Result<PathBuf> {
        pull(&ModelDirectory::new(directory.to_owned()), model, from, false)
    }

    #[test]
    fn pull_resumes_an_interrupted_download() {
        let bytes = digits();
        let (from, asked) = server(bytes.clone());
        let model = published(&bytes);
        let more = [&bytes[..], b"more than the server has"].concat();
        for (there, range) in [(&bytes[..0], ""), (&bytes[..1_000_000], "bytes=1000000-"), (&more[..], "")] {
            let directory = tempfile::tempdir().unwrap();
            let partial = directory.path().join("ggml-digits.bin.part");
            std::fs::write(&partial, there).unwrap();
            let path = fetch(directory.path(), model, &from).unwrap();
            assert!(std::fs::read(&path).unwrap() == bytes && !partial.exists());
            assert_eq!(asked.lock().unwrap().pop().as_deref(), Some(range));
            let asked_before = asked.lock().unwrap().len();
            fetch(directory.path(), model, &from).unwrap();
            assert_eq!(asked.lock().unwrap().len(), asked_before, "it is there already");
        }
    }

    #[test]
    fn pull_deletes_a_file_that_is_not_the_model() {
        let mut bytes = digits();
        let model = published(&bytes);
        *bytes.last_mut().unwrap() ^= 1;
        let (from, _) = server(bytes);
        let directory = tempfile::tempdir().unwrap();
        let error = format!("{:#}", fetch(directory.path(), model, &from).unwrap_err());
        assert!(error.contains("SHA-1"), "{error}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn pull_refuses_a_file_that_is_being_fetched() {
        let directory = tempfile::tempdir().unwrap();
        let [source, path] = ["source", "model"].map(|name| directory.path().join(name));
        std::fs::write(&source, b"new").unwrap();
        let held = open_locked(&partial(&path)).unwrap();
        let error = format!("{:#}", copy(&source, &path, &|_| Ok(())).unwrap_err());
        assert!(error.contains("being fetched already") && !path.exists(), "{error}");
        drop(held);
        copy(&source, &path, &|_| Ok(())).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn pull_refuses_more_bytes_than_published() {
        let (from, _) = server(vec![0; 20 << 20]);
        let directory = tempfile::tempdir().unwrap();
        let error = format!("{:#}", fetch(directory.path(), published(b""), &from).unwrap_err());
        assert!(error.contains("more bytes than the model has"), "{error}");
    }

    #[test]
    fn pull_without_a_network_suggests_copying_in_one_line() {
        let directory = tempfile::tempdir().unwrap();
        let error =
            format!("{:#}", fetch(directory.path(), published(b""), "http://127.0.0.1:1").unwrap_err());
        assert!(!error.contains('\n'), "{error}");
        assert!(error.contains("ggml-digits.bin") && error.contains("copy it to"), "{error}");
    }
}
