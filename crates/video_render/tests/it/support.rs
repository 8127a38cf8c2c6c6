use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audio_to_video_origin::VideoOrigins;
use media_decode::{Decoders, Ffmpeg};
use media_time::{AssetTime, Window};
use media_v2::{Content, Description, MediaAsset, MediaConfig};
use scheduling::WorkQueue;
use tempfile::TempDir;
use test_kit::{TestMedia, context, program};
use video_render::{Profile, RenderConfig, Rendered, Renderer};
use video_timeline::TimelineService;

/// A renderer with its own media and timeline.
pub(crate) struct TestState {
    pub(crate) media: TestMedia,
    pub(crate) timeline: TimelineService,
    pub(crate) renderer: Renderer,
    pub(crate) shot_lists: VideoOrigins,
    /// Fake ffmpeg programs, if the test uses them.
    pub(crate) scripts: Option<TempDir>,
}

impl TestState {
    pub(crate) async fn new() -> Self {
        Self::with(RenderConfig::default()).await
    }

    pub(crate) async fn with(config: RenderConfig) -> Self {
        let decoders = Decoders::with_ffmpeg(Ffmpeg::new(program("ffmpeg"), program("ffprobe")));
        let media = TestMedia::with(MediaConfig { decoders, ..MediaConfig::default() }).await;
        let timeline = TimelineService::new(media.pool(), media.clock.clone());
        let client = Arc::new(timeline.clone());
        let queue = WorkQueue::new("shot_lists", 2, 8);
        let shot_lists = VideoOrigins::new(media.service.clone(), queue, media.clock.clone());
        let service = media.service.clone();
        let renderer = Renderer::new(service, client, shot_lists.clone(), config, media.clock.clone());
        Self { media, timeline, renderer, shot_lists, scripts: None }
    }

    /// Registers the file of that name among the sources.
    pub(crate) async fn register(&self, name: &str) -> MediaAsset {
        let (context, description) = (context("t1"), Description::default());
        let (uri, level) = (self.media.source_uri(name), primitives::AccessLevel::Admin);
        self.media.service.register_source(&context, uri, description, level).await.unwrap()
    }

    /// Makes a source with ffmpeg and registers it.
    pub(crate) async fn make(&self, name: &str, arguments: &[&str]) -> MediaAsset {
        ffmpeg(arguments, &self.media.source(name));
        self.register(name).await
    }

    /// Renders a window of an asset as tenant `t1`.
    pub(crate) async fn render(
        &self,
        asset: &MediaAsset,
        window: Window<AssetTime>,
        profile: &str,
    ) -> Rendered {
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
        self.media.read(content).await
    }

    /// Copies the rendered file to a path that ffmpeg can read.
    pub(crate) async fn copy(&self, rendered: &Rendered) -> PathBuf {
        let path = self.media.directory().join(rendered.artifact_id.as_str());
        std::fs::write(&path, self.bytes(rendered).await).unwrap();
        path
    }
}

/// The window from `start` to `end`, in microseconds.
pub(crate) fn window(start: i64, end: i64) -> Window<AssetTime> {
    Window::new(AssetTime::from_micros(start), AssetTime::from_micros(end)).unwrap()
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

/// A program like ffmpeg whose list of filters has none of libass.
pub(crate) fn program_without_libass(directory: &Path) -> PathBuf {
    let (path, real) = (directory.join("ffmpeg"), program("ffmpeg"));
    let real = real.display();
    let text = format!(
        "#!/bin/sh\ncase \"$*\" in *-filters) {real} \"$@\" | grep -v ' subtitles ';; *) exec {real} \"$@\";; esac\n"
    );
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

pub(crate) fn ffmpeg(arguments: &[&str], output: &Path) {
    test_kit::ffmpeg(&[arguments, &[output.to_str().unwrap()]].concat());
}

/// Runs ffmpeg on `input` and returns its standard output.
pub(crate) fn decode(input: &Path, arguments: &[&str]) -> Vec<u8> {
    test_kit::ffmpeg(&[&["-i", input.to_str().unwrap()], arguments, &["-"]].concat())
}

/// The ffprobe report of `entries`, as comma-separated lines.
pub(crate) fn probe(input: &Path, options: &[&str], entries: &str) -> Vec<String> {
    test_kit::ffprobe(&[&["-show_entries", entries], options, &[input.to_str().unwrap()]].concat())
}
