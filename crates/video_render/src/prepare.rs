//! Prepares the plan of a render: opens and probes the sources, and builds the arguments.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use media_decode::{DecodeError, Decoders, Source as _};
use media_time::{AssetTime, FileTime, MediaTime, Window};
use media_v2::{AssetDecoder, MediaAsset, MediaError, MediaReader, MediaService};
use primitives::Id;
use scheduling::WorkError;

use crate::alignment::TimelineAlignment;
use crate::canvas::Canvas;
use crate::captions::Captions;
use crate::composition::Composition;
use crate::container::Container;
use crate::cut::SourceCut;
use crate::layers::{self, LayerInput};
use crate::packets::SourcePackets;
use crate::probed::{KnownSource, SourceKey};
use crate::run::path_of;
use crate::source::ProbedSource;
use crate::target::{AssetWindow, RenderTarget};
use crate::tools::Tools;
use crate::{Error, Plan, PlannedSource, Profile, Rate, arguments, container, truncation};

/// A plan, and the open files that it reads.
pub(crate) struct PreparedCall {
    pub(crate) plan: Plan,
    /// The path of each source of the plan.
    pub(crate) paths: Vec<PathBuf>,
    /// The script of the captions, the source behind the paths.
    pub(crate) script: Option<String>,
    /// The paths refer to these file handles, and are valid only while the handles are open.
    _files: Vec<MediaReader>,
}

/// An open file with its probed streams.
pub(crate) struct OpenedSource {
    pub(crate) file: MediaReader,
    pub(crate) source: ProbedSource,
    /// Whether the file is shorter than its container declares.
    pub(crate) is_truncated: bool,
}

/// Plans renders: the services and parameters that this needs.
#[derive(Clone, Copy)]
pub(crate) struct RenderPlanner<'a> {
    pub(crate) media: &'a MediaService,
    pub(crate) tools: &'a Tools,
    pub(crate) profile: &'static Profile,
    pub(crate) version: &'a str,
    pub(crate) from: DecodedFrom,
}

/// Where decoding begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodedFrom {
    /// At the keyframe that the window needs, as the file declares it.
    Keyframe,
    /// Further back: files may declare frames as keyframes from which decoding cannot begin.
    FurtherBack,
}

impl RenderPlanner<'_> {
    /// The plan of the render of `target`.
    ///
    /// # Errors
    /// Errors of opening and probing; [`Error::WindowOutside`] for a file that is shorter than its asset declares.
    pub(crate) async fn plan(self, target: &RenderTarget) -> Result<Plan, Error> {
        Ok(match target {
            RenderTarget::Asset(of) => self.asset(of).await?.plan,
            RenderTarget::Timeline(composition) => self.timeline(composition).await?.plan,
            RenderTarget::Film(film) => self.film(film).await?.plan,
        })
    }

    /// Opens and probes the source of a window, and plans its render.
    ///
    /// # Errors
    /// As [`RenderPlanner::plan`].
    pub(crate) async fn asset(self, of: &AssetWindow) -> Result<PreparedCall, Error> {
        let AssetWindow { asset, window, fit, captions } = of;
        let window = *window;
        let OpenedSource { file, source, is_truncated } = self.open(asset).await?;
        // The asset may have no duration, or a wrong one.
        if let Some(duration) = source.duration.filter(|duration| AssetTime::at(*duration) <= window.start())
        {
            return Err(Error::WindowOutside {
                end: window.end().since_zero(),
                subject: asset.id.clone(),
                duration,
            });
        }
        let path = path_of(&file);
        self.check_end(&path, &source, is_truncated, window).await?;
        let cut = self.cut(&path, &source, window).await?;
        let fps = match self.profile.rate {
            Rate::Fixed(rate) => Some(f64::from(rate)),
            Rate::Source => source.video.as_ref().and_then(|video| video.fps),
        };
        let canvas = Canvas { profile: self.profile, fit: *fit };
        let script = captions.as_ref().and_then(|captions| captions.script(self.profile));
        let arguments = arguments::of_window(&source, &cut, canvas, script.as_ref().map(|_| 1));
        let planned = vec![planned(asset, &source, cut.first_frame)];
        let mut plan = Plan::new(self.version, self.profile, window, fps, planned, arguments);
        plan.warnings.extend(captions.as_ref().and_then(Captions::warning));
        Ok(PreparedCall { plan, paths: vec![path], script, _files: vec![file] })
    }

    /// The same planner, whose windows are decoded from further back on.
    pub(crate) const fn further_back(self) -> Self {
        Self { from: DecodedFrom::FurtherBack, ..self }
    }

    /// Opens and probes the sources of a timeline, and plans its render.
    ///
    /// # Errors
    /// As [`RenderPlanner::plan`].
    pub(crate) async fn timeline(self, composition: &Composition) -> Result<PreparedCall, Error> {
        let mut opened: HashMap<Id, OpenedSource> = HashMap::new();
        let (mut inputs, mut paths, mut sources) = (Vec::new(), Vec::new(), Vec::new());
        for layer in &composition.layers {
            let asset = &layer.asset;
            if !opened.contains_key(&asset.id) {
                opened.insert(asset.id.clone(), self.open(asset).await?);
            }
            let Some(OpenedSource { file, source, is_truncated }) = opened.get(&asset.id) else { continue };
            let Some(span) = layer.play_window(composition.window) else { continue };
            let played = layer.source_of(composition.window, span);
            let audio = source.file_window(played);
            layer.check_probed(source.duration, played)?;
            let path = path_of(file);
            self.check_end(&path, source, *is_truncated, played).await?;
            let cut = match layers::visible_window(composition, layer) {
                Some(visible) => {
                    let cut = self.cut(&path, source, visible).await?;
                    layers::with_audio_from(cut, source, audio.start())
                }
                None => SourceCut::of_audio(source, audio),
            };
            sources.push(planned(asset, source, cut.first_frame));
            paths.push(path);
            inputs.push(LayerInput { layer, source: source.clone(), cut });
        }
        let captions = composition.captions.as_ref();
        let script = captions.and_then(|captions| captions.script(self.profile));
        let arguments =
            layers::of_composition(composition, &inputs, self.profile, script.as_ref().map(|_| paths.len()));
        let (window, fps) = (composition.window, Some(composition.rate.as_f64()));
        let mut plan = Plan::new(self.version, self.profile, window, fps, sources, arguments);
        plan.warnings.extend(captions.and_then(Captions::warning));
        let files = opened.into_values().map(|opened| opened.file).collect();
        Ok(PreparedCall { plan, paths, script, _files: files })
    }

    /// Opens a source, and probes it unless that was done before.
    pub(crate) async fn open(self, asset: &MediaAsset) -> Result<OpenedSource, Error> {
        // Opening checks that the bytes are those of the asset's hash.
        let file = self.media.open_source(asset.content()).await?;
        let key = SourceKey::of(asset);
        if let Some(KnownSource { source, is_truncated }) =
            key.as_ref().and_then(|key| self.tools.probed.get(key))
        {
            return Ok(OpenedSource { file, source, is_truncated });
        }
        let opened = self.probe(asset, file).await?;
        if let Some(key) = key {
            let source = opened.source.clone();
            self.tools.probed.insert(key, KnownSource { source, is_truncated: opened.is_truncated });
        }
        Ok(opened)
    }

    async fn probe(self, asset: &MediaAsset, file: MediaReader) -> Result<OpenedSource, Error> {
        let decoders = match asset.decoder {
            Some(AssetDecoder::Ffmpeg) => self.media.decoders().clone().preferring_ffmpeg(),
            Some(AssetDecoder::Decode2) | None => self.media.decoders().clone(),
        };
        let opened = tokio::task::spawn_blocking(move || inspect(file, decoders)).await;
        let opened = opened.map_err(|source| WorkError::Broken { queue: "render", source })?;
        let InspectedFile { file, container, is_truncated, alignment } = opened.map_err(MediaError::from)?;
        let container = container.ok_or_else(|| Error::UnsupportedContainer(asset.id.clone()))?;
        let path = path_of(&file);
        let audio_index = alignment.map(|alignment| alignment.audio_index);
        let mut source = self.tools.prober.probe(&path, container, audio_index).await?;
        match (&alignment, source.audio.as_ref()) {
            (Some(alignment), Some(audio)) => {
                let first =
                    self.tools.prober.first_unit_start(&path, container, audio, alignment.unit).await?;
                source.align(alignment, first);
            }
            _ => source.align_to_video(),
        }
        if source.video.is_none() && source.audio.is_none() {
            return Err(Error::UndecodableMedia("it has neither video nor audio".to_owned()));
        }
        let video = source.video.as_mut().filter(|video| video.format.needs_optional_components());
        if let Some(video) = video {
            video.format = video.format.with(self.tools.components().await?)?;
        }
        Ok(OpenedSource { file, source, is_truncated })
    }

    /// Rejects a window that extends beyond the end of a truncated file: ffmpeg would freeze the
    /// last frame and append silence. Some containers do not reveal a truncation, so audio without video is always
    /// checked; in a complete file with both, either stream may end before the other.
    pub(crate) async fn check_end(
        self,
        path: &Path,
        source: &ProbedSource,
        is_truncated: bool,
        window: Window<AssetTime>,
    ) -> Result<(), Error> {
        const AROUND: MediaTime = MediaTime::from_millis(1_000);
        let video = source.video.as_ref().map(|video| ("video", video.info));
        let audio = source.audio.as_ref().map(|audio| ("audio", audio.info));
        if !is_truncated && video.is_some() {
            return Ok(());
        }
        for (what, info) in video.into_iter().chain(audio) {
            let end = source.file_window(window).end();
            let end = info.end.map_or(end, |of_track| end.min(of_track));
            let from = (end - AROUND).max(source.start.min(FileTime::ZERO));
            let packets = self.tools.prober.packets(path, source, info, from, end + AROUND).await?;
            if !truncation::reaches(&packets, end, is_truncated, source.end()) {
                let end = window.end();
                let detail =
                    format!("the file is truncated: its {what} ends before the end of the window at {end}");
                return Err(Error::UndecodableMedia(detail));
            }
        }
        Ok(())
    }

    /// The cut of a window of the asset.
    async fn cut(
        self,
        path: &Path,
        source: &ProbedSource,
        window: Window<AssetTime>,
    ) -> Result<SourceCut, Error> {
        let window = source.file_window(window);
        let Some(video) = &source.video else { return Ok(SourceCut::of_audio(source, window)) };
        let cut = SourcePackets::unread(&self.tools.prober, path, source, video).cut(window).await?;
        Ok(match self.from {
            DecodedFrom::Keyframe => cut,
            DecodedFrom::FurtherBack => cut.further_back(source),
        })
    }
}

/// Properties of a file that are read before ffprobe runs.
struct InspectedFile {
    file: MediaReader,
    container: Option<Container>,
    is_truncated: bool,
    /// `None` when the file has no audio that can be decoded.
    alignment: Option<TimelineAlignment>,
}

/// Reads the container, truncation and alignment of a file. Blocking.
fn inspect(mut file: MediaReader, decoders: Decoders) -> io::Result<InspectedFile> {
    let container = container::sniff(&mut file)?;
    let is_truncated = match container {
        Some(container) => truncation::is_truncated(&mut file, container)?,
        None => false,
    };
    let alignment = match decoders.open(file.reopen()?, None) {
        Ok(decoder) => Some(TimelineAlignment::of(&decoder)),
        Err(DecodeError::Io(error)) => return Err(error),
        // The video may still be rendered.
        Err(_) => None,
    };
    Ok(InspectedFile { file, container, is_truncated, alignment })
}

/// The source of a plan; `first_frame` in the file's own time.
pub(crate) fn planned(
    asset: &MediaAsset,
    source: &ProbedSource,
    first_frame: Option<FileTime>,
) -> PlannedSource {
    PlannedSource {
        asset_id: asset.id.clone(),
        content_sha256: asset.content_sha256.clone(),
        demuxer: source.container.demuxer.to_owned(),
        first_frame: first_frame.map(|first| source.asset_time(first)),
    }
}
