//! Aligns recordings: decodes them one after the other, and compares each with the reference.

use std::sync::Arc;

use audio_fingerprint::{AlignedPart, Match, MemoryIndex, align, link};
use http_kit::RequestContext;
use media_time::MediaTime;
use media_time::limits::LENGTH_TOLERANCE;
use media_v2::{MediaAsset, MediaService};
use primitives::Id;
use scheduling::{WorkProgress, WorkQueue};
use video_timeline::VideoTimeline;

use super::model::{AlignRequest, AlignedSequence, RecordingAlignment};
use super::sequence::{PlacedRecording, sequence};
use crate::comparison::{
    Cancellable, Cancelled, HeldSlot, OpenRecording, check_disk, check_length, landmarks, matches,
};
use crate::recording::{DecodedAudio, asset_to_compare, check_known};
use crate::{Error, MAX_QUERY};

/// Share of decoding, and of decoding and searching, in the work on a recording.
const DECODING: f64 = 0.6;
const SEARCHING: f64 = 0.8;
/// Joined matches that are compared by samples, the longest ones: audio of repeats has many.
const MAX_LINKS: usize = 512;

/// Aligns recordings of one event. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Aligner {
    media: MediaService,
    timeline: Arc<dyn VideoTimeline>,
    queue: WorkQueue,
}

/// The decoded reference, and its landmarks.
struct Reference {
    audio: DecodedAudio,
    index: MemoryIndex,
}

/// A recording, compared with the reference.
struct Compared {
    parts: Vec<AlignedPart>,
    duration: MediaTime,
}

impl Aligner {
    /// Creates the service on the services that it uses. `queue` bounds how many alignments run concurrently.
    #[must_use]
    pub fn new(media: MediaService, timeline: Arc<dyn VideoTimeline>, queue: WorkQueue) -> Self {
        Self { media, timeline, queue }
    }

    /// Aligns recordings to a reference, in the order of the request, and creates a sequence of the related ones if
    /// requested. Of the decoded samples, those of the reference and of one other recording are in temporary files at a
    /// time.
    ///
    /// # Errors
    /// [`Error::Invalid`]; unknown assets, recordings without audio or longer than six hours; an unknown project;
    /// [`Error::NoRoom`]; errors of the stores.
    pub async fn align(
        &self,
        context: &RequestContext,
        request: AlignRequest,
    ) -> Result<Vec<RecordingAlignment>, Error> {
        request.check()?;
        let ids: Vec<Id> =
            std::iter::once(&request.reference_asset_id).chain(&request.asset_ids).cloned().collect();
        check_known(&self.media, &context.scope, &ids).await?;
        let reference = self.asset(context, &request.reference_asset_id).await?;
        let mut assets = Vec::with_capacity(request.asset_ids.len());
        for id in &request.asset_ids {
            assets.push(self.asset(context, id).await?);
        }
        if let Some(project_id) = request.sequence.as_ref().and_then(|new| new.project_id.as_ref()) {
            self.timeline.get_project(context, project_id).await?;
        }
        let (duration, mut compared) = self.compare(reference.clone(), assets.clone()).await?;
        let reference_length = length(&reference, duration);
        for (other, asset) in compared.iter_mut().zip(&assets) {
            other.cut_to(reference_length, length(asset, other.duration));
        }
        let result = request.asset_ids.iter().zip(&compared);
        let mut alignments: Vec<RecordingAlignment> =
            result.map(|(id, compared)| RecordingAlignment::new(id.clone(), &compared.parts)).collect();
        // Without a related recording, there is nothing to synchronise.
        let is_related = alignments.iter().any(|alignment| !alignment.unrelated);
        if let Some(new) = request.sequence.filter(|_| is_related) {
            let reference = PlacedRecording { asset: reference, duration, parts: Vec::new() };
            let others = assets.into_iter().zip(compared).map(|(asset, compared)| PlacedRecording {
                asset,
                duration: compared.duration,
                parts: compared.parts,
            });
            let timeline = sequence(&reference, &others.collect::<Vec<_>>(), new);
            let created = self.create(context, timeline).await?;
            for alignment in alignments.iter_mut().filter(|alignment| !alignment.unrelated) {
                alignment.sequence = Some(created.clone());
            }
        }
        Ok(alignments)
    }

    /// A recording that can be aligned.
    async fn asset(&self, context: &RequestContext, id: &Id) -> Result<MediaAsset, Error> {
        let asset = asset_to_compare(&self.media, &context.scope, id).await?;
        check_length(&asset, MAX_QUERY)?;
        Ok(asset)
    }

    /// The parts of each recording that are in the reference, and the duration of the reference.
    async fn compare(
        &self,
        reference: MediaAsset,
        assets: Vec<MediaAsset>,
    ) -> Result<(MediaTime, Vec<Compared>), Error> {
        let slot = HeldSlot::acquire(&self.queue).await?;
        let longest = assets.iter().filter_map(|asset| asset.duration).max().unwrap_or_default();
        check_disk(&self.media, longest + reference.duration.unwrap_or_default()).await?;
        let mut progress = WorkProgress::current().split(1 + assets.len()).into_iter();
        let mut next_progress = || progress.next().unwrap_or_default();
        let (own, recording) = (next_progress(), OpenRecording::open(&self.media, reference).await?);
        let mut reference = slot.run(move |cancelled| Reference::decode(recording, cancelled, &own)).await?;
        let mut compared = Vec::with_capacity(assets.len());
        for asset in assets {
            let (own, recording) = (next_progress(), OpenRecording::open(&self.media, asset).await?);
            let (returned, found) = slot
                .run(move |cancelled| {
                    let found = reference.compare(recording, cancelled, &own)?;
                    Ok((reference, found))
                })
                .await?;
            reference = returned;
            compared.push(found);
        }
        Ok((reference.audio.duration(), compared))
    }

    async fn create(
        &self,
        context: &RequestContext,
        timeline: video_timeline::NewTimeline,
    ) -> Result<AlignedSequence, Error> {
        let made = self.timeline.create_timeline(context, timeline).await?;
        let further = made.further_tracks.iter().map(|track| track.clips.len());
        Ok(AlignedSequence {
            track_count: 1 + made.further_tracks.len(),
            clip_count: made.clips.len() + further.sum::<usize>(),
            export_href: format!("/video/sequences/{}/export", made.sequence.id),
            project_id: made.project.id,
            sequence_id: made.sequence.id,
        })
    }
}

impl Compared {
    /// Leaves out what is outside of recordings of these lengths.
    fn cut_to(&mut self, reference: MediaTime, own: MediaTime) {
        let parts = std::mem::take(&mut self.parts).into_iter();
        self.parts = parts.filter_map(|part| part.within(reference, own)).collect();
    }
}

/// The length that an asset is known to have, if its decoded audio is longer by a decoder's rounding; that of its audio
/// otherwise.
fn length(asset: &MediaAsset, decoded: MediaTime) -> MediaTime {
    let is_rounding = |declared: &MediaTime| *declared < decoded && decoded - *declared <= LENGTH_TOLERANCE;
    asset.duration.filter(is_rounding).unwrap_or(decoded)
}

impl Reference {
    fn decode(
        recording: OpenRecording,
        cancelled: Cancelled<'_>,
        progress: &WorkProgress,
    ) -> Result<Self, Error> {
        let decoding = |done: f64| progress.report("decoding", DECODING * done);
        let mut audio = recording.decode(MAX_QUERY, cancelled, &decoding)?;
        let mut index = MemoryIndex::new();
        index.add(0, &landmarks(&mut Cancellable::new(&mut audio, cancelled), |_| true)?);
        progress.complete();
        Ok(Self { audio, index })
    }

    fn compare(
        &mut self,
        recording: OpenRecording,
        cancelled: Cancelled<'_>,
        progress: &WorkProgress,
    ) -> Result<Compared, Error> {
        let decoding = |done: f64| progress.report("decoding", DECODING * done);
        let mut audio = recording.decode(MAX_QUERY, cancelled, &decoding)?;
        let duration = audio.duration();
        let searching = |done: f64| progress.report("searching", DECODING + (SEARCHING - DECODING) * done);
        let mut other = Cancellable::new(&mut audio, cancelled);
        let links = longest(link(matches(&mut other, &mut self.index, &searching)?));
        progress.report("aligning", SEARCHING);
        let parts = align(&mut Cancellable::new(&mut self.audio, cancelled), &mut other, &links)?;
        progress.complete();
        Ok(Compared { parts, duration })
    }
}

/// The longest joined matches.
fn longest(mut links: Vec<Match>) -> Vec<Match> {
    links.sort_by_key(|found| (-found.query.duration(), found.query.start(), found.source.start()));
    links.truncate(MAX_LINKS);
    links
}
