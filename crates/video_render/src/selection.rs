//! What a request renders: an asset's window, a timeline's, or a shot list.

use audio_to_video_origin::VideoOrigins;
use http_kit::RequestContext;
use media_time::{AssetTime, TimelineTime, Window};
use media_v2::MediaService;
use video_timeline::VideoTimeline;

use crate::captions::CaptionReader;
use crate::composition::{Composition, RenderRange};
use crate::film::{self, Film, MAX_SHOTS};
use crate::model::BurnedCaptions;
use crate::target::RenderTarget;
use crate::tools::Tools;
use crate::{Error, Profile, RenderRequest};

/// Most clips that one call of ffmpeg composes; each is an input of it.
const MAX_LAYERS: usize = 64;

/// Reads the targets of requests: the services and parameters that this needs.
#[derive(Clone, Copy)]
pub(crate) struct TargetReader<'a> {
    pub(crate) media: &'a MediaService,
    pub(crate) timeline: &'a dyn VideoTimeline,
    pub(crate) shot_lists: &'a VideoOrigins,
    pub(crate) tools: &'a Tools,
    pub(crate) context: &'a RequestContext,
    pub(crate) profile: &'a Profile,
}

impl TargetReader<'_> {
    /// The target of a request.
    ///
    /// # Errors
    /// [`Error::NoSubject`], [`Error::NoWindow`], and those of reading the asset, the timeline, the shot list or the captions.
    pub(crate) async fn read(self, request: &RenderRequest) -> Result<RenderTarget, Error> {
        let limits = request.captions.as_ref().map(BurnedCaptions::limits).transpose()?;
        let target = self.read_without_captions(request).await?;
        let Some((captions, limits)) = request.captions.as_ref().zip(limits) else { return Ok(target) };
        let reader =
            CaptionReader { media: self.media, tools: self.tools, scope: &self.context.scope, limits };
        let captions = reader.read(&captions.artifact_id, &target, self.profile).await?;
        Ok(target.with_captions(captions))
    }

    async fn read_without_captions(self, request: &RenderRequest) -> Result<RenderTarget, Error> {
        let Self { media, timeline, shot_lists, context, profile, .. } = self;
        let (fit, sequence_id) = (request.fit, request.sequence_id.as_ref());
        match (&request.asset_id, &request.project_id, &request.shot_list_artifact_id) {
            (Some(asset_id), None, None) if sequence_id.is_none() && request.audio.is_none() => {
                let window = request.window()?;
                let window = Window::starting_at(AssetTime::at(window.start()), window.duration());
                RenderTarget::of_asset(&media.asset(&context.scope, asset_id).await?, window, fit)
            }
            (None, Some(project_id), None) if request.audio.is_none() => {
                let window = request.window()?;
                let window = Window::starting_at(TimelineTime::at(window.start()), window.duration());
                let range = RenderRange { project_id, sequence_id, fit, window };
                of_timeline(media, Composition::load(timeline, media, context, range, profile).await?).await
            }
            (None, None, Some(id)) if sequence_id.is_none() && request.start.or(request.end).is_none() => {
                let list = shot_lists.find_shot_list(&context.scope, id).await?;
                let request = film::ShotListFilm { id, audio: request.audio, fit, profile };
                of_film(film::of_shot_list(media, &context.scope, list, request).await?)
            }
            _ => Err(Error::NoSubject),
        }
    }
}

/// A timeline of few clips is rendered by one call of ffmpeg, one of more by pieces.
async fn of_timeline(media: &MediaService, composition: Composition) -> Result<RenderTarget, Error> {
    let count = composition.layers.len();
    if count > MAX_SHOTS {
        return Err(Error::TooManyShots { count, limit: MAX_SHOTS });
    }
    match count <= MAX_LAYERS {
        true => Ok(RenderTarget::Timeline(Box::new(composition))),
        false => of_film(Film::of_timeline(media, composition).await?),
    }
}

fn of_film(film: Film) -> Result<RenderTarget, Error> {
    film.check()?;
    Ok(RenderTarget::Film(Box::new(film)))
}

impl RenderRequest {
    /// The window, which renders of assets and timelines require.
    fn window(&self) -> Result<Window, Error> {
        let (start, end) = self.start.zip(self.end).ok_or(Error::NoWindow)?;
        Window::new(start, end)
            .map_err(|window| Error::InvalidWindow { start: window.start, end: window.end })
    }
}
