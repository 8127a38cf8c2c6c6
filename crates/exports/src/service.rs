//! Reads what is exported, and formats it.

use std::sync::Arc;

use access::Links;
use audio_semantic_timeline::model::{Summary, TimelineResponse};
use audio_semantic_timeline::{SemanticTimelines, Transcript, annotations};
use audio_to_video_origin::VideoOrigins;
use http_kit::RequestContext;
use interchange::edit::{EditTimeline, Media, csv, edl, fcp7, fcpxml, otio};
use interchange::frame_rate::FrameRate;
use interchange::loss::{Export, Loss, LossKind, Losses};
use media_v2::MediaService;
use media_v2::store::{find_artifact, find_artifacts};
use primitives::{Clock, Id, PageLimit, Scope};
use scheduling::WorkQueue;
use video_timeline::{ClipFilter, Paging, VideoTimeline};

use crate::edit::{MAX_CLIPS, SequenceReader};
use crate::error::Error;
use crate::model::{AnalysisExport, AnalysisExportFormat, EditFormat, ExportFile, MediaReference};
use crate::references::References;
use crate::shots::{self, ReadShot};

/// Exports timelines, shot lists and analyses. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exports {
    media: MediaService,
    timeline: Arc<dyn VideoTimeline>,
    shot_lists: VideoOrigins,
    semantics: SemanticTimelines,
    links: Links,
    queue: WorkQueue,
    clock: Arc<dyn Clock>,
}

/// Makes the timeline of what was read, and lists what it loses; may take seconds. The argument is
/// [`EditTimeline::embedded_audio`].
type MakeTimeline = Box<dyn FnOnce(bool) -> (EditTimeline, Vec<Loss>) + Send>;

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
    /// Creates the service on the services that it reads. `queue` bounds how many exports are parsed and formatted at once.
    #[must_use]
    pub fn new(
        media: MediaService,
        timeline: Arc<dyn VideoTimeline>,
        shot_lists: VideoOrigins,
        semantics: SemanticTimelines,
        links: Links,
        queue: WorkQueue,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { media, timeline, shot_lists, semantics, links, queue, clock }
    }

    /// Exports a sequence or a shot list. `base` is the service's URL for links.
    ///
    /// # Errors
    /// Errors of the services that are read, such as an unknown id; [`Error::TooLarge`]; [`Error::Work`].
    pub async fn edit(
        &self,
        context: &RequestContext,
        subject: &Subject,
        format: EditFormat,
        media: MediaReference,
        base: &str,
    ) -> Result<ExportFile, Error> {
        let references = References { links: &self.links, base, now: self.clock.now(), kind: media };
        let make = match subject {
            Subject::Project(id) => self.project(context, id, &references).await?,
            Subject::Sequence(id) => {
                let sequence = self.timeline.get_sequence(context, id).await?;
                self.sequence(context, sequence, &references).await?
            }
            Subject::ShotList(id) => self.shots(&context.scope, id, &references).await?,
        };
        let formatted = self.queue.run_now(move |_| {
            let (timeline, warnings) = make(format == EditFormat::Fcpxml);
            let export = write(&timeline, format);
            (timeline.name, export, warnings)
        });
        let (name, export, warnings) = formatted.await?;
        let (extension, media_type) = format.file_type();
        Ok(file(format!("{name}.{extension}"), media_type, export, warnings))
    }

    /// Exports the semantic timeline of an artifact, or its words: of an analysis its newest correction, if it has one.
    ///
    /// # Errors
    /// Errors of the semantic timelines, such as an unknown id, or words of a timeline without any.
    pub async fn analysis(
        &self,
        context: &RequestContext,
        artifact_id: &Id,
        export: &AnalysisExport,
    ) -> Result<ExportFile, Error> {
        let response = self.semantics.get_in_force(&context.scope, artifact_id).await?;
        self.analysis_of(context, response, export).await
    }

    /// Exports the semantic timeline of a clip, or its words, cut to the clip's window.
    ///
    /// # Errors
    /// Errors of the semantic timelines, such as an unknown clip, or words of a timeline without any.
    pub async fn clip_analysis(
        &self,
        context: &RequestContext,
        clip_id: &Id,
        export: &AnalysisExport,
    ) -> Result<ExportFile, Error> {
        let response = self.semantics.by_clip(context, clip_id).await?;
        self.analysis_of(context, response, export).await
    }

    async fn analysis_of(
        &self,
        context: &RequestContext,
        response: TimelineResponse,
        export: &AnalysisExport,
    ) -> Result<ExportFile, Error> {
        let AnalysisExport { format, fps, limits } = *export;
        let references =
            References { links: &self.links, base: "", now: self.clock.now(), kind: MediaReference::Name };
        let mut losses = Losses::default();
        let media = self.recording(&context.scope, &references, &response.summary, &mut losses).await?;
        if response.summary.meta.clip.as_ref().is_some_and(|clip| clip.speed_change != 1.0) {
            // Times are those of the source.
            losses.count(LossKind::SpeedOmitted, "", 1, "clip");
        }
        let (extension, media_type) = format.file_type();
        let stem = media.name.rsplit_once('.').map_or(media.name.as_str(), |(stem, _)| stem);
        let name = format!("{stem}.{extension}");
        let rate = fps.or(media.rate).unwrap_or(FrameRate::PAL);
        let export = self.queue.run_now(move |_| -> Result<Export, Error> {
            match format {
                AnalysisExportFormat::Notes(format) => {
                    let annotations = annotations(&response.summary, media);
                    Ok(interchange::notes::format(&annotations, format, rate))
                }
                AnalysisExportFormat::Words(format) => {
                    let transcript = Transcript::of_transcribed(&response.summary)?;
                    let content = transcript.written(format, &limits)?.into_bytes();
                    Ok(Export { content, losses: Vec::new() })
                }
            }
        });
        Ok(file(name, media_type, export.await??, losses.finish()))
    }

    /// The medium whose time a timeline has: its artifact's, or that of the recording for a clip.
    async fn recording(
        &self,
        scope: &Scope,
        references: &References<'_>,
        summary: &Summary,
        losses: &mut Losses,
    ) -> Result<Media, Error> {
        if let (Some(id), None) = (&summary.artifact_id, &summary.meta.clip) {
            let artifact = {
                let mut conn = self.media.pool().acquire().await?;
                find_artifact(&mut conn, scope, id).await?
            };
            match artifact {
                Some(artifact) => return references.of_artifact(scope, &artifact).await,
                None => losses.add(LossKind::OriginUnknown, format!("artifact {id}")),
            }
        }
        let asset = self.media.asset(scope, &summary.asset_id).await?;
        references.of_asset(scope, &asset).await
    }

    /// The first sequence of a project; a format has one.
    async fn project(
        &self,
        context: &RequestContext,
        id: &Id,
        references: &References<'_>,
    ) -> Result<MakeTimeline, Error> {
        let project = self.timeline.get_project(context, id).await?;
        let paging = Paging { limit: PageLimit::MAX, cursor: None };
        let page = self.timeline.list_sequences(context, id, &paging).await?;
        let others = page.items.len().saturating_sub(1);
        let Some(sequence) = page.items.into_iter().next() else {
            return Ok(Box::new(move |embedded_audio| {
                let empty = EditTimeline {
                    name: project.title,
                    rate: FrameRate::PAL,
                    media: Vec::new(),
                    tracks: Vec::new(),
                    embedded_audio,
                };
                (empty, Vec::new())
            }));
        };
        let make = self.sequence(context, sequence, references).await?;
        Ok(Box::new(move |embedded_audio| {
            let (timeline, mut warnings) = make(embedded_audio);
            let mut losses = Losses::default();
            losses.count(LossKind::SequenceOmitted, "after the first", others, "sequence");
            warnings.extend(losses.finish());
            (timeline, warnings)
        }))
    }

    async fn sequence(
        &self,
        context: &RequestContext,
        sequence: video_timeline::Sequence,
        references: &References<'_>,
    ) -> Result<MakeTimeline, Error> {
        let mut reader = SequenceReader::default();
        let mut tracks = Some(Paging { limit: PageLimit::MAX, cursor: None });
        while let Some(page) = tracks {
            let found = self.timeline.list_tracks(context, &sequence.id, &page).await?;
            tracks = page.after(&found);
            for track in found.items {
                let filter = ClipFilter::Track(track.id.clone());
                reader.add_track(track)?;
                let mut clips = Some(Paging { limit: PageLimit::MAX, cursor: None });
                while let Some(page) = clips {
                    let found = self.timeline.list_clips(context, &filter, &page).await?;
                    clips = page.after(&found);
                    found.items.iter().try_for_each(|clip| reader.add_clip(clip))?;
                }
            }
        }
        let assets = self.media.assets(&context.scope, reader.assets()).await?;
        let (media, indices) = references.media(&context.scope, &assets, &[]).await?;
        Ok(Box::new(move |embedded_audio| reader.timeline(sequence, media, &indices, embedded_audio)))
    }

    async fn shots(
        &self,
        scope: &Scope,
        id: &Id,
        references: &References<'_>,
    ) -> Result<MakeTimeline, Error> {
        let list = self.shot_lists.find_shot_list(scope, id).await?;
        let artifact_id = id.clone();
        let read = self.queue.run_now(move |_| {
            let unreadable =
                |source| audio_to_video_origin::Error::ShotListUnreadable { artifact_id, source };
            let shots = list.shots().map_err(unreadable)?;
            if shots.len() > MAX_CLIPS {
                return Err(Error::TooLarge { limit: MAX_CLIPS, items: "clips" });
            }
            Ok((1..).zip(&shots).map(|(number, shot)| ReadShot::of(number, shot)).collect::<Vec<_>>())
        });
        let shots = read.await??;
        let (assets, samples) = shots::media_ids(&shots);
        let assets = self.media.assets(scope, &assets).await?;
        let artifacts = {
            let mut conn = self.media.pool().acquire().await?;
            find_artifacts(&mut conn, scope, &samples).await?
        };
        let (media, indices) = references.media(scope, &assets, &artifacts).await?;
        let name = id.to_string();
        Ok(Box::new(move |embedded_audio| shots::timeline(name, shots, media, &indices, embedded_audio)))
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
