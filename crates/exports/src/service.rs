//! Reads what is exported, and formats it.

use std::collections::BTreeSet;
use std::sync::Arc;

use access::Links;
use audio_semantic_timeline::model::TimelineResponse;
use audio_semantic_timeline::{SemanticTimelines, annotations};
use audio_to_video_origin::VideoOrigins;
use http_kit::RequestContext;
use interchange::edit::{EditTimeline, csv, edl, fcp7, fcpxml, otio};
use interchange::frame_rate::FrameRate;
use interchange::loss::{Export, Loss};
use media_v2::MediaService;
use media_v2::store::{find_artifacts, find_assets};
use primitives::{Clock, Id, PageLimit, Scope};
use video_timeline::{ClipFilter, Paging, VideoTimeline};

use crate::edit::{self, StoredSequence};
use crate::error::Error;
use crate::model::{EditFormat, ExportFile, MediaReference, NotesFormat};
use crate::references::References;
use crate::shots;

/// Exports timelines, shot lists and analyses. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exports {
    media: MediaService,
    timeline: Arc<dyn VideoTimeline>,
    shot_lists: VideoOrigins,
    semantics: SemanticTimelines,
    links: Links,
    clock: Arc<dyn Clock>,
}

/// An edited timeline to export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The first sequence of a project.
    Project(Id),
    /// A sequence.
    Sequence(Id),
    /// A stored shot list.
    ShotList(Id),
}

impl Exports {
    /// Creates the service on the services that it reads.
    #[must_use]
    pub fn new(
        media: MediaService,
        timeline: Arc<dyn VideoTimeline>,
        shot_lists: VideoOrigins,
        semantics: SemanticTimelines,
        links: Links,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { media, timeline, shot_lists, semantics, links, clock }
    }

    /// Exports a sequence or a shot list. `base` is the service's URL for links.
    ///
    /// # Errors
    /// Errors of the services that are read, such as an unknown id.
    pub async fn edit(
        &self,
        context: &RequestContext,
        subject: &Subject,
        format: EditFormat,
        media: MediaReference,
        base: &str,
    ) -> Result<ExportFile, Error> {
        let references = References { links: &self.links, base, now: self.clock.now(), kind: media };
        // FCPXML's clips have their audio with them.
        let separate_audio = format != EditFormat::Fcpxml;
        let (timeline, warnings) = match subject {
            Subject::Project(id) => self.project(context, id, &references, separate_audio).await?,
            Subject::Sequence(id) => {
                let sequence = self.timeline.get_sequence(context, id).await?;
                self.sequence(context, sequence, &references, separate_audio).await?
            }
            Subject::ShotList(id) => self.shots(&context.scope, id, &references, separate_audio).await?,
        };
        let (extension, media_type) = format.file_type();
        let name = format!("{}.{extension}", timeline.name);
        let export = tokio::task::spawn_blocking(move || write(&timeline, format)).await?;
        Ok(file(name, media_type, export, warnings))
    }

    /// Exports the semantic timeline of an artifact. `fps` is the frame rate of marker lists; that of the recording, or
    /// 25, by default.
    ///
    /// # Errors
    /// Errors of the semantic timelines, such as an unknown id.
    pub async fn notes(
        &self,
        context: &RequestContext,
        artifact_id: &Id,
        format: NotesFormat,
        fps: Option<FrameRate>,
    ) -> Result<ExportFile, Error> {
        let response = self.semantics.get(&context.scope, artifact_id).await?;
        self.notes_of(context, response, format, fps).await
    }

    /// Exports the semantic timeline of a clip, cut to its window.
    ///
    /// # Errors
    /// Errors of the semantic timelines, such as an unknown clip.
    pub async fn clip_notes(
        &self,
        context: &RequestContext,
        clip_id: &Id,
        format: NotesFormat,
        fps: Option<FrameRate>,
    ) -> Result<ExportFile, Error> {
        let response = self.semantics.by_clip(context, clip_id).await?;
        self.notes_of(context, response, format, fps).await
    }

    async fn notes_of(
        &self,
        context: &RequestContext,
        response: TimelineResponse,
        format: NotesFormat,
        fps: Option<FrameRate>,
    ) -> Result<ExportFile, Error> {
        let references =
            References { links: &self.links, base: "", now: self.clock.now(), kind: MediaReference::Name };
        let asset = self.media.asset(&context.scope, &response.summary.asset_id).await?;
        let (mut media, _) = references.media(&context.scope, &[asset], &[]).await?;
        let media = media.swap_remove(0);
        let (extension, media_type) = format.file_type();
        let stem = media.name.rsplit_once('.').map_or(media.name.as_str(), |(stem, _)| stem);
        let name = format!("{stem}.{extension}");
        let rate = fps.or(media.rate).unwrap_or(FrameRate::PAL);
        let export = tokio::task::spawn_blocking(move || {
            let annotations = annotations(&response.summary, media);
            interchange::notes::format(&annotations, format, rate)
        });
        Ok(file(name, media_type, export.await?, Vec::new()))
    }

    /// The first sequence of a project; a format has one.
    async fn project(
        &self,
        context: &RequestContext,
        id: &Id,
        references: &References<'_>,
        separate_audio: bool,
    ) -> Result<(EditTimeline, Vec<Loss>), Error> {
        let project = self.timeline.get_project(context, id).await?;
        let paging = Paging { limit: PageLimit::MAX, cursor: None };
        let page = self.timeline.list_sequences(context, id, &paging).await?;
        let count = page.items.len();
        let Some(sequence) = page.items.into_iter().next() else {
            let empty = EditTimeline {
                name: project.title,
                rate: FrameRate::PAL,
                size: None,
                media: Vec::new(),
                tracks: Vec::new(),
                markers: Vec::new(),
            };
            return Ok((empty, Vec::new()));
        };
        let (timeline, mut warnings) = self.sequence(context, sequence, references, separate_audio).await?;
        if count > 1 {
            let place = format!("{} sequences after the first", count - 1);
            warnings.push(Loss { what: "sequence_omitted", place, time: None });
        }
        Ok((timeline, warnings))
    }

    async fn sequence(
        &self,
        context: &RequestContext,
        sequence: video_timeline::Sequence,
        references: &References<'_>,
        separate_audio: bool,
    ) -> Result<(EditTimeline, Vec<Loss>), Error> {
        let mut tracks = Vec::new();
        let mut paging = Some(Paging { limit: PageLimit::MAX, cursor: None });
        while let Some(page) = paging {
            let found = self.timeline.list_tracks(context, &sequence.id, &page).await?;
            paging = page.after(&found);
            tracks.extend(found.items.into_iter().map(|track| (track, Vec::new())));
        }
        let mut assets = BTreeSet::new();
        for (track, clips) in &mut tracks {
            let filter = ClipFilter::Track(track.id.clone());
            let mut paging = Some(Paging { limit: PageLimit::MAX, cursor: None });
            while let Some(page) = paging {
                let found = self.timeline.list_clips(context, &filter, &page).await?;
                paging = page.after(&found);
                assets.extend(found.items.iter().map(|clip| clip.asset_id.clone()));
                clips.extend(found.items);
            }
        }
        let assets = self.assets(&context.scope, assets).await?;
        let (media, indices) = references.media(&context.scope, &assets, &[]).await?;
        let stored = StoredSequence { sequence, tracks };
        Ok(edit::timeline(&stored, media, &indices, separate_audio))
    }

    async fn shots(
        &self,
        scope: &Scope,
        id: &Id,
        references: &References<'_>,
        separate_audio: bool,
    ) -> Result<(EditTimeline, Vec<Loss>), Error> {
        let list = self.shot_lists.find_shot_list(scope, id).await?;
        let unreadable =
            |source| audio_to_video_origin::Error::ShotListUnreadable { artifact_id: id.clone(), source };
        let shots = list.shots().map_err(unreadable)?;
        let assets = shots.iter().map(|shot| shot.source_asset_id.clone()).collect();
        let samples: BTreeSet<Id> = shots.iter().filter_map(shots::audio_artifact).collect();
        let assets = self.assets(scope, assets).await?;
        let artifacts = {
            let mut conn = self.media.pool().acquire().await?;
            find_artifacts(&mut conn, scope, &samples.into_iter().collect::<Vec<_>>()).await?
        };
        let (media, indices) = references.media(scope, &assets, &artifacts).await?;
        Ok(shots::timeline(id.as_str(), &shots, media, &indices, separate_audio))
    }

    async fn assets(&self, scope: &Scope, ids: BTreeSet<Id>) -> Result<Vec<media_v2::MediaAsset>, Error> {
        let mut conn = self.media.pool().acquire().await?;
        Ok(find_assets(&mut conn, scope, &ids.into_iter().collect::<Vec<_>>()).await?)
    }
}

fn write(timeline: &EditTimeline, format: EditFormat) -> Export {
    match format {
        EditFormat::Otio => otio::otio(timeline),
        EditFormat::Fcpxml => fcpxml::fcpxml(timeline),
        EditFormat::Fcp7xml => fcp7::fcp7xml(timeline),
        EditFormat::Edl => edl::edl(timeline),
        EditFormat::Csv => csv::csv(timeline),
    }
}

fn file(name: String, media_type: &'static str, export: Export, mut warnings: Vec<Loss>) -> ExportFile {
    warnings.extend(export.losses);
    ExportFile { name, media_type, content: export.content, warnings }
}
