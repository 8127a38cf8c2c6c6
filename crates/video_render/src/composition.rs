//! A window of a timeline: the clips in it and their times.

use std::collections::{BTreeMap, BTreeSet};

use http_kit::RequestContext;
use media_time::{AssetTime, LocalTime, MediaTime, TimelineTime, Window};
use media_v2::{MediaAsset, MediaError, MediaService};
use primitives::{Id, PageLimit};
use video_timeline::{Clip, ClipFilter, Entity, Paging, Sequence, TrackKind, VideoTimeline};

use crate::canvas::Canvas;
use crate::captions::{Captions, PlayedWindow};
use crate::profile::{Fit, FrameRate};
use crate::window::check_window;
use crate::{Error, Profile, Rate, truncation};

/// Speeds at which clips can be rendered.
const SPEEDS: std::ops::RangeInclusive<f64> = 0.25..=4.0;

/// The part of a timeline that is rendered.
#[derive(Clone, Debug)]
pub(crate) struct Composition {
    pub(crate) subject: Subject,
    /// The window of the timeline.
    pub(crate) window: Window<TimelineTime>,
    pub(crate) rate: FrameRate,
    pub(crate) fit: Fit,
    /// The clips in the window, the lowest layer first.
    pub(crate) layers: Vec<Layer>,
    /// The captions on the picture.
    pub(crate) captions: Option<Captions>,
}

/// The timeline of a composition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A sequence of a project.
    Sequence {
        /// The project.
        project_id: Id,
        /// The sequence.
        sequence_id: Id,
    },
    /// A stored shot list.
    ShotList(Id),
}

impl Subject {
    /// What the subject is called in meta and keys, and its ids.
    pub(crate) fn ids(&self) -> Vec<(&'static str, &Id)> {
        match self {
            Self::Sequence { project_id, sequence_id } => {
                vec![("project_id", project_id), ("sequence_id", sequence_id)]
            }
            Self::ShotList(id) => vec![("shot_list_artifact_id", id)],
        }
    }
}

/// One clip that plays in the window.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) clip: Clip,
    pub(crate) asset: MediaAsset,
    /// Whether the clip's video is used; true on video tracks. Its audio is always used.
    pub(crate) is_visible: bool,
    /// Where in the asset the clip stops playing and holds its last frame; `None` if it plays until its end.
    pub(crate) held_from: Option<AssetTime>,
}

impl Layer {
    /// The window of a clip on the timeline.
    fn extent(clip: &Clip) -> Window<TimelineTime> {
        Window::starting_at(clip.timeline_start, clip.duration_on_timeline())
    }

    /// The part of `window` in which the clip plays, relative to the start of the window.
    pub(crate) fn play_window(&self, window: Window<TimelineTime>) -> Option<Window<LocalTime>> {
        Some(Self::extent(&self.clip).intersect(window)?.relative_to(window.start()))
    }

    /// The window of the asset that the clip plays during `span`, which is relative to the start of `window`.
    pub(crate) fn source_of(
        &self,
        window: Window<TimelineTime>,
        span: Window<LocalTime>,
    ) -> Window<AssetTime> {
        let [start, end] =
            [span.start(), span.end()].map(|at| self.clip.in_source(at.with_zero_at(window.start())));
        Window::starting_at(start, end - start)
    }

    /// Rejects a clip that plays its asset beyond the end in `window`: the last frame would freeze, and audio end.
    fn check(&self, window: Window<TimelineTime>) -> Result<(), Error> {
        let Some((span, duration)) = self.play_window(window).zip(self.asset.duration) else {
            return Ok(());
        };
        let end = self.source_of(window, span).end();
        if end > AssetTime::at(duration + truncation::SLACK) {
            Err(self.outside(end, duration))
        } else {
            Ok(())
        }
    }

    /// Rejects a clip that plays `window` of its asset, if the file ends before it.
    pub(crate) fn check_probed(
        &self,
        duration: Option<MediaTime>,
        window: Window<AssetTime>,
    ) -> Result<(), Error> {
        match duration.filter(|duration| AssetTime::at(*duration) <= window.start()) {
            Some(duration) => Err(self.outside(window.end(), duration)),
            None => Ok(()),
        }
    }

    /// The error for a clip that plays its asset until `end`, although the asset lasts only for `duration`.
    pub(crate) fn outside(&self, end: AssetTime, duration: MediaTime) -> Error {
        let (clip_id, asset_id) = (self.clip.id.clone(), self.asset.id.clone());
        Error::ClipOutside { clip_id, asset_id, end: end.since_zero(), duration }
    }

    /// The frames `[first, end)` of the render in which the clip is visible: those that begin while it plays.
    pub(crate) fn visible_frames(&self, window: Window<TimelineTime>, rate: FrameRate) -> Option<(i64, i64)> {
        let span = self.play_window(window).filter(|_| self.is_visible && self.clip.opacity > 0.0)?;
        let (first, end) =
            (rate.frames_before(span.start().since_zero()), rate.frames_before(span.end().since_zero()));
        (first < end).then_some((first, end))
    }
}

/// The sequence and window to render.
pub(crate) struct RenderRange<'a> {
    pub(crate) project_id: &'a Id,
    /// The sequence; the project's first one when `None`.
    pub(crate) sequence_id: Option<&'a Id>,
    pub(crate) fit: Fit,
    pub(crate) window: Window<TimelineTime>,
}

impl Composition {
    /// Reads the clips of the window from a timeline.
    ///
    /// # Errors
    /// Errors of the timeline client; [`Error::EmptyProject`], [`Error::WindowOutside`] beyond the last clip,
    /// [`Error::ClipOutside`], [`Error::UnsupportedClip`]; [`MediaError::AssetsNotFound`].
    pub(crate) async fn load(
        timeline: &dyn VideoTimeline,
        media: &MediaService,
        context: &RequestContext,
        range: RenderRange<'_>,
        profile: &Profile,
    ) -> Result<Self, Error> {
        let window = range.window;
        check_window(window)?;
        timeline.get_project(context, range.project_id).await?;
        let sequence = sequence(timeline, context, &range).await?;
        let (tracks, clips) = clips(timeline, context, &sequence.id).await?;
        let end = clips.iter().map(|clip| Layer::extent(clip).end()).max().unwrap_or_default();
        if window.end() > end {
            let (subject, duration) = (range.project_id.clone(), end.since_zero());
            return Err(Error::WindowOutside { end: window.end().since_zero(), subject, duration });
        }
        let used: Vec<Clip> =
            clips.into_iter().filter(|clip| Layer::extent(clip).intersect(window).is_some()).collect();
        check(&used)?;
        let mut layers = layers(media, context, &tracks, used, window).await?;
        layers.sort_by_key(|layer| tracks.get(&layer.clip.track_id).map(|track| track.z_order));
        let subject = Subject::Sequence { project_id: range.project_id.clone(), sequence_id: sequence.id };
        let rate = rate_of(profile, sequence.fps, &layers);
        Ok(Self { subject, window, rate, fit: range.fit, layers, captions: None })
    }

    /// The start and end of the window.
    pub(crate) fn bounds(&self) -> (MediaTime, MediaTime) {
        (self.window.start().since_zero(), self.window.end().since_zero())
    }

    /// The canvas of the composition in a profile.
    pub(crate) const fn canvas<'a>(&self, profile: &'a Profile) -> Canvas<'a> {
        Canvas { profile, fit: self.fit }
    }

    /// Where the clips of an asset play.
    pub(crate) fn played(&self, asset_id: &Id) -> Vec<PlayedWindow> {
        let layers = self.layers.iter().filter(|layer| layer.asset.id == *asset_id);
        let played = |layer: &Layer| {
            let span = layer.play_window(self.window)?;
            let source = layer.source_of(self.window, span);
            Some(PlayedWindow { source, start: span.start(), speed: layer.clip.speed })
        };
        layers.filter_map(played).collect()
    }

    /// Number of frames of the render, at least 1.
    pub(crate) fn frames(&self) -> i64 {
        self.rate.frames_before(self.window.duration()).max(1)
    }
}

/// The frame rate of a composition: that of the profile, else `fps` of the timeline, else of the lowest visible clip.
pub(crate) fn rate_of(profile: &Profile, fps: Option<f64>, layers: &[Layer]) -> FrameRate {
    match profile.rate {
        Rate::Fixed(rate) => FrameRate::whole(rate),
        Rate::Source => {
            let of_clips = layers.iter().filter(|layer| layer.is_visible).find_map(|layer| layer.asset.fps);
            fps.or(of_clips).map_or(FrameRate::CANVAS, FrameRate::near)
        }
    }
}

/// The stacking order of a track, 0 at the bottom, and its kind.
struct StackedTrack {
    z_order: usize,
    kind: TrackKind,
}

async fn sequence(
    timeline: &dyn VideoTimeline,
    context: &RequestContext,
    range: &RenderRange<'_>,
) -> Result<Sequence, Error> {
    let mut paging = Some(Paging { limit: PageLimit::MAX, cursor: None });
    while let Some(page) = paging {
        let found = timeline.list_sequences(context, range.project_id, &page).await?;
        paging = page.after(&found);
        let mut sequences = found.items.into_iter();
        let wanted = sequences.find(|sequence| range.sequence_id.is_none_or(|id| *id == sequence.id));
        if let Some(sequence) = wanted {
            return Ok(sequence);
        }
    }
    match range.sequence_id {
        Some(id) => {
            Err(video_timeline::Error::NotFound { kind: Entity::Sequence, id: id.to_string() }.into())
        }
        None => Err(Error::EmptyProject(range.project_id.clone())),
    }
}

/// The tracks of a sequence by id, and its clips.
async fn clips(
    timeline: &dyn VideoTimeline,
    context: &RequestContext,
    sequence_id: &Id,
) -> Result<(BTreeMap<Id, StackedTrack>, Vec<Clip>), Error> {
    let (mut tracks, mut clips) = (BTreeMap::new(), Vec::new());
    let mut paging = Some(Paging { limit: PageLimit::MAX, cursor: None });
    while let Some(page) = paging {
        let found = timeline.list_tracks(context, sequence_id, &page).await?;
        paging = page.after(&found);
        for track in found.items {
            let z_order = tracks.len();
            tracks.insert(track.id, StackedTrack { z_order, kind: track.kind });
        }
    }
    let filter = ClipFilter::Sequence(sequence_id.clone());
    let mut paging = Some(Paging { limit: PageLimit::MAX, cursor: None });
    while let Some(page) = paging {
        let found = timeline.list_clips(context, &filter, &page).await?;
        paging = page.after(&found);
        clips.extend(found.items);
    }
    Ok((tracks, clips))
}

fn check(used: &[Clip]) -> Result<(), Error> {
    match used.iter().find(|clip| !SPEEDS.contains(&clip.speed)) {
        Some(clip) => Err(Error::UnsupportedClip {
            clip_id: clip.id.clone(),
            detail: format!("its speed is {}, but only speeds from 0.25 to 4 can be rendered", clip.speed),
        }),
        None => Ok(()),
    }
}

async fn layers(
    media: &MediaService,
    context: &RequestContext,
    tracks: &BTreeMap<Id, StackedTrack>,
    used: Vec<Clip>,
    window: Window<TimelineTime>,
) -> Result<Vec<Layer>, Error> {
    let ids: Vec<Id> =
        used.iter().map(|clip| clip.asset_id.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let mut conn = media.pool().acquire().await?;
    let found = media_v2::store::find_assets(&mut conn, &context.scope, &ids).await?;
    let assets: BTreeMap<Id, MediaAsset> = found.into_iter().map(|asset| (asset.id.clone(), asset)).collect();
    let layer = |clip: Clip| {
        let asset = assets.get(&clip.asset_id).cloned();
        let asset = asset.ok_or_else(|| MediaError::asset_not_found(&clip.asset_id))?;
        let is_visible = tracks.get(&clip.track_id).is_some_and(|track| track.kind == TrackKind::Video);
        let layer = Layer { clip, asset, is_visible, held_from: None };
        layer.check(window).map(|()| layer)
    };
    used.into_iter().map(layer).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use media_time::{Instant, MediaTime};
    use serde_json::json;

    use super::*;

    pub(crate) fn ms<T: Instant>(millis: i64) -> T {
        T::at(MediaTime::from_millis(millis))
    }

    /// A clip that plays `[in, in + length)` from `start` on, in ms.
    pub(crate) fn layer(in_ms: i64, start: i64, length: i64) -> Layer {
        let clip = json!({
            "id": "clip_1", "track_id": "track_1", "asset_id": "asset_1", "artifact_id": null, "in_ms": in_ms,
            "out_ms": in_ms + length, "start_ms_on_timeline": start, "speed": 1, "volume_db": -6,
            "opacity": 1, "meta": {}
        });
        let asset = json!({
            "id": "asset_1", "tenant_id": "t1", "env": "dev", "user_id": null, "kind": "video",
            "source_uri": "blob://x", "duration_ms": null, "fps": 25, "audio_channels": 2, "sample_rate": 48_000,
            "codec_info": null, "size_bytes": null, "content_sha256": null, "tags": [], "source_ref": null,
            "created_at": "2026-01-02T03:04:05Z", "meta": {}
        });
        let (clip, asset) = (serde_json::from_value(clip).unwrap(), serde_json::from_value(asset).unwrap());
        Layer { clip, asset, is_visible: true, held_from: None }
    }

    #[test]
    fn layer_is_visible_in_the_frames_that_begin_while_it_plays() {
        let window = Window::new(ms(1_000), ms(2_000)).unwrap();
        let rate = FrameRate::whole(25);
        // In ms of the window: frames begin at 0, 40, 80, …
        for (start, length, frames) in [
            (0, 5_000, Some((0, 25))),
            (1_040, 40, Some((1, 2))),
            (1_041, 39, None),
            (1_041, 40, Some((2, 3))),
            (1_999, 500, None),
            (2_000, 500, None),
        ] {
            assert_eq!(layer(0, start, length).visible_frames(window, rate), frames, "{start} {length}");
        }
        let silent = Layer { is_visible: false, ..layer(0, 0, 5_000) };
        assert_eq!(silent.visible_frames(window, rate), None);
    }

    #[test]
    fn slow_and_fast_layers_map_time_to_their_sources() {
        let window = Window::new(ms(1_000), ms(2_000)).unwrap();
        for (speed, span, source) in [(0.5, (0, 1_000), (7_300, 7_800)), (2.0, (0, 100), (8_200, 8_400))] {
            let mut layer = layer(7_000, 400, 1_400);
            layer.clip.speed = speed;
            let found = layer.play_window(window).unwrap();
            assert_eq!((found.start(), found.end()), (ms(span.0), ms(span.1)), "{speed}");
            let found = layer.source_of(window, found);
            assert_eq!((found.start(), found.end()), (ms(source.0), ms(source.1)), "{speed}");
        }
    }

    #[test]
    fn clip_may_exceed_its_asset_outside_the_window() {
        let mut layer = layer(5_000, 0, 4_000);
        layer.asset.duration = Some(ms(6_166));
        let within = |start, end| layer.check(Window::new(ms(start), ms(end)).unwrap()).is_ok();
        assert!(within(0, 1_166) && within(0, 1_216) && within(4_000, 9_000));
        assert!(!within(0, 1_217) && !within(2_000, 2_100));
    }

    #[test]
    fn layer_maps_its_window_to_the_source() {
        let window = Window::new(ms(1_000), ms(2_000)).unwrap();
        let layer = layer(7_000, 400, 1_000);
        let span = layer.play_window(window).unwrap();
        assert_eq!((span.start(), span.end()), (ms(0), ms(400)));
        let source = layer.source_of(window, span);
        assert_eq!((source.start(), source.end()), (ms(7_600), ms(8_000)));
    }
}
