//! Lookups: recordings, their semantic timelines, samples.

use std::collections::HashMap;

use audio_semantic_timeline::model::Summary;
use audio_semantic_timeline::store::{find_default_timelines, find_spoken_timelines, find_stream_timeline};
use audio_to_video_origin::VideoShot;
use futures::{StreamExt as _, TryStreamExt as _};
use media_time::MediaTime;
use media_v2::store::{find_artifacts, find_assets};
use media_v2::{MediaError, Meta};
use primitives::{Id, Scope};
use scheduling::{WorkError, WorkProgress, begin_heavy_work};

use crate::semantics::{Analysed, marks, marks_of_meta};
use crate::timeline::{self, KnownMedia};
use crate::{Edits, Error};

/// Number of semantic timelines that are read concurrently.
const PARALLEL_READS: usize = 4;
/// Reading more semantic timelines is heavy work.
const LIGHT_TIMELINES: usize = 8;
/// Share of reading them in the whole work; then shots are planned and stored.
const READING: f64 = 0.9;

impl Edits {
    /// The durations of recordings, where known.
    pub(crate) async fn durations(
        &self,
        scope: &Scope,
        ids: &[Id],
    ) -> Result<HashMap<Id, Option<MediaTime>>, Error> {
        let mut conn = self.media().pool().acquire().await?;
        let found = find_assets(&mut conn, scope, ids).await?;
        let durations: HashMap<Id, Option<MediaTime>> =
            found.into_iter().map(|asset| (asset.id, asset.duration)).collect();
        let missing = ids.iter().filter(|id| !durations.contains_key(*id)).map(Id::to_string);
        let missing: Vec<String> = missing.collect();
        if missing.is_empty() { Ok(durations) } else { Err(MediaError::AssetsNotFound(missing).into()) }
    }

    /// The semantic timelines of recordings, of their default audio streams, in their order.
    pub(crate) async fn timelines(&self, scope: &Scope, asset_ids: &[Id]) -> Result<Vec<Id>, Error> {
        let mut conn = self.media().pool().acquire().await?;
        let found = find_default_timelines(&mut conn, scope, asset_ids).await?;
        let without = asset_ids.iter().zip(&found).filter(|(_, found)| found.is_none());
        let without: Vec<String> = without.map(|(asset_id, _)| asset_id.to_string()).collect();
        if !without.is_empty() {
            return Err(Error::SemanticsRequired(without));
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// The semantic timelines in which words of recordings are searched, of their default audio streams, in their order:
    /// the newest ones with words, as the library has them; of a recording without words the newest one.
    pub(crate) async fn spoken_timelines(&self, scope: &Scope, asset_ids: &[Id]) -> Result<Vec<Id>, Error> {
        let spoken = {
            let mut conn = self.media().pool().acquire().await?;
            find_spoken_timelines(&mut conn, scope, asset_ids).await?
        };
        let silent = asset_ids.iter().zip(&spoken).filter(|(_, spoken)| spoken.is_none());
        let silent: Vec<Id> = silent.map(|(asset_id, _)| asset_id.clone()).collect();
        let mut others = self.timelines(scope, &silent).await?.into_iter();
        Ok(spoken.into_iter().filter_map(|spoken| spoken.or_else(|| others.next())).collect())
    }

    /// The newest semantic timeline of an audio stream.
    pub(crate) async fn timeline_of_stream(
        &self,
        scope: &Scope,
        asset_id: &Id,
        stream: u32,
    ) -> Result<Id, Error> {
        let mut conn = self.media().pool().acquire().await?;
        let found = find_stream_timeline(&mut conn, scope, asset_id, stream).await?;
        found.ok_or_else(|| Error::SemanticsRequired(vec![asset_id.to_string()]))
    }

    /// Reads a part of each semantic timeline, in their order.
    pub(crate) async fn read_all<T: Send + 'static>(
        &self,
        scope: &Scope,
        timelines: Vec<Id>,
        part: fn(&Summary) -> T,
    ) -> Result<Vec<Analysed<T>>, Error> {
        if timelines.len() > LIGHT_TIMELINES {
            begin_heavy_work()?;
        }
        let progress = WorkProgress::current().split(timelines.len());
        let reads = timelines.into_iter().zip(progress).map(async |(id, progress)| {
            let read = self.read(scope, id, part).await;
            progress.report("reading", READING);
            read
        });
        futures::stream::iter(reads).buffered(PARALLEL_READS).try_collect().await
    }

    /// Reads a part of a semantic timeline.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        scope: &Scope,
        artifact_id: Id,
        part: fn(&Summary) -> T,
    ) -> Result<Analysed<T>, Error> {
        let summary = self.semantics().get(scope, &artifact_id).await?.summary;
        let marks = marks(&summary.meta.run);
        let read = tokio::task::spawn_blocking(move || part(&summary)).await;
        let data = read.map_err(|source| WorkError::Broken { queue: "timeline", source })?;
        Ok(Analysed { artifact_id, marks, data })
    }

    /// Version, key and backend of semantic timelines, for the meta of shots.
    pub(crate) async fn marks(&self, scope: &Scope, timelines: &[Id]) -> Result<HashMap<Id, Meta>, Error> {
        let mut conn = self.media().pool().acquire().await?;
        let found = find_artifacts(&mut conn, scope, timelines).await?;
        Ok(found.into_iter().map(|timeline| (timeline.id, marks_of_meta(&timeline.meta))).collect())
    }

    /// The recordings and samples of shots that exist.
    pub(crate) async fn known(&self, scope: &Scope, shots: &[VideoShot]) -> Result<KnownMedia, Error> {
        let recordings: Vec<Id> = timeline::recordings(shots).into_iter().collect();
        let samples: Vec<Id> = timeline::samples(shots).into_iter().collect();
        let mut conn = self.media().pool().acquire().await?;
        let recordings = find_assets(&mut conn, scope, &recordings).await?;
        let samples = find_artifacts(&mut conn, scope, &samples).await?;
        Ok(KnownMedia {
            durations: recordings.into_iter().filter_map(|asset| Some((asset.id, asset.duration?))).collect(),
            samples: samples.into_iter().map(|sample| sample.id).collect(),
        })
    }
}
