use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use blob_store::BlobStore;
use db::testing::TestDatabase;
use http_kit::RequestContext;
use media_decode::{Decoders, Ffmpeg};
use media_time::{MediaTime, Window};
use media_v2::{Content, Description, MediaAsset, MediaConfig, MediaService, SourcePolicy};
use primitives::{ManualClock, Scope};
use tempfile::TempDir;
use video_render::{Profile, RenderConfig, Rendered, Renderer};
use video_timeline::TimelineService;

/// A renderer with its own database, blobs and directory of sources.
pub(crate) struct World {
    pub(crate) media: MediaService,
    pub(crate) timeline: TimelineService,
    pub(crate) renderer: Renderer,
    pub(crate) directory: TempDir,
    pub(crate) database: TestDatabase,
    /// Fake ffmpeg programs, if the test uses them.
    pub(crate) scripts: Option<TempDir>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(RenderConfig::default()).await
    }

    pub(crate) async fn with(config: RenderConfig) -> Self {
        let database = TestDatabase::create().await;
        let directory = tempfile::tempdir().unwrap();
        let sources = directory.path().join("sources");
        std::fs::create_dir(&sources).unwrap();
        let blobs = BlobStore::open_directory(&directory.path().join("blobs")).unwrap();
        let program = |name: &str| {
            let found = Command::new("/bin/sh").args(["-c", &format!("command -v {name}")]).output().unwrap();
            PathBuf::from(String::from_utf8(found.stdout).unwrap().trim())
        };
        let decoders = Decoders::with_ffmpeg(Ffmpeg::new(program("ffmpeg"), program("ffprobe")));
        let sources = SourcePolicy::new([sources]).unwrap();
        let media_config = MediaConfig { sources, decoders, ..MediaConfig::default() };
        let clock = Arc::new(ManualClock::new("2026-01-02T03:04:05Z".parse().unwrap()));
        let media = MediaService::new(database.pool.clone(), blobs, clock.clone(), media_config);
        let timeline = TimelineService::new(database.pool.clone(), clock.clone());
        let renderer = Renderer::new(media.clone(), Arc::new(timeline.clone()), config, clock);
        Self { media, timeline, renderer, directory, database, scripts: None }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("sources").join(name)
    }

    /// Registers the file of that name among the sources.
    pub(crate) async fn register(&self, name: &str) -> MediaAsset {
        let uri = format!("file://{}", self.path(name).display());
        self.media
            .register_source(&context("t1"), uri, Description::default(), primitives::AccessLevel::Admin)
            .await
            .unwrap()
    }

    /// Makes a source with ffmpeg and registers it.
    pub(crate) async fn make(&self, name: &str, arguments: &[&str]) -> MediaAsset {
        ffmpeg(arguments, &self.path(name));
        self.register(name).await
    }

    /// Renders a window of an asset as tenant `t1`.
    pub(crate) async fn render(&self, asset: &MediaAsset, window: Window, profile: &str) -> Rendered {
        let profile = Profile::named(profile).unwrap();
        self.renderer.render_window(&context("t1"), asset, window, profile).await.unwrap()
    }

    /// The bytes of the rendered file.
    pub(crate) async fn bytes(&self, rendered: &Rendered) -> Vec<u8> {
        let owner = context("t1").scope;
        let content = Content {
            tenant_id: &owner.tenant_id,
            env: &owner.env,
            uri: &rendered.uri,
            sha256: None,
            size_bytes: None,
            media_type: "video/mp4",
            file_name: None,
            decoder: None,
            file: None,
        };
        let mut reader = self.media.open_source(content).await.unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
        bytes
    }

    /// Copies the rendered file to a path that ffmpeg can read.
    pub(crate) async fn copy(&self, rendered: &Rendered) -> PathBuf {
        let path = self.directory.path().join(rendered.artifact_id.as_str());
        std::fs::write(&path, self.bytes(rendered).await).unwrap();
        path
    }
}

pub(crate) fn context(tenant: &str) -> RequestContext {
    RequestContext {
        scope: Scope { tenant_id: tenant.parse().unwrap(), env: "dev".parse().unwrap() },
        user_id: None,
        request_id: "req_test".to_owned(),
    }
}

/// The window from `start` to `end`, in microseconds.
pub(crate) fn window(start: i64, end: i64) -> Window {
    Window::new(MediaTime::from_micros(start), MediaTime::from_micros(end)).unwrap()
}

/// The window from `start` to `end`, in milliseconds.
pub(crate) fn window_ms(start: i64, end: i64) -> Window {
    window(1_000 * start, 1_000 * end)
}

/// Writes a shell script that replaces ffmpeg: `$here` is its directory, `$output` its output file.
pub(crate) fn script(directory: &Path, body: &str) -> PathBuf {
    let path = directory.join("ffmpeg");
    let text = format!(
        "#!/bin/sh\nhere={}\nif [ \"$1\" = -version ]; then echo ffmpeg version 0; exit; fi\n\
         for output; do :; done\n{body}\n",
        directory.display()
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

pub(crate) fn ffmpeg(arguments: &[&str], output: &Path) {
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments)
        .arg(output)
        .status()
        .unwrap();
    assert!(status.success(), "ffmpeg {arguments:?}");
}

/// Runs ffmpeg on `input` and returns its standard output.
pub(crate) fn decode(input: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(input)
        .args(arguments)
        .arg("-")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    output.stdout
}

/// The ffprobe report of `entries`, as comma-separated lines.
pub(crate) fn probe(input: &Path, options: &[&str], entries: &str) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", entries, "-of", "csv=p=0"])
        .args(options)
        .arg(input)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end_matches(',').to_owned()).filter(|line| !line.is_empty()).collect()
}
