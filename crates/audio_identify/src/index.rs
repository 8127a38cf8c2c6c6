//! Fills the index: with each analysis, and in batches with what was registered before.

use std::ops::ControlFlow;

use audio_fingerprint::{Fingerprinter, Landmark, RATE};
use audio_semantic_timeline::{AnalysedRecording, AnalysisCompanion};
use audio_signal::{Control, SignalError, read_mono};
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use media_decode::MediaInput;
use media_time::MediaTime;
use media_v2::MediaService;
use primitives::{Clock, Id, Scope};
use scheduling::WorkError;
use sqlx::PgConnection;

use crate::Error;
use crate::recording::AudioSource;
use crate::store::{self, AssetToIndex, IndexedSource};

/// Number of assets of a batch.
const BATCH: i64 = 100;
/// Longest description of a failure that is stored, in bytes.
const MAX_FAILURE: usize = 500;

/// Indexes analysed recordings, in the transaction of their timeline.
#[derive(Clone, Copy, Debug)]
pub struct AnalysisIndex;

#[async_trait::async_trait]
impl AnalysisCompanion for AnalysisIndex {
    async fn prepare(&self, conn: &mut PgConnection, scope: &Scope) -> sqlx::Result<()> {
        store::insert_owner(conn, scope).await
    }

    async fn register(
        &self,
        conn: &mut PgConnection,
        scope: &Scope,
        now: DateTime<Utc>,
        analysed: AnalysedRecording<'_>,
    ) -> sqlx::Result<()> {
        let AnalysedRecording { asset_id, duration, landmarks } = analysed;
        let source = IndexedSource { asset_id, duration, landmarks };
        store::replace_source(conn, scope, now, source, false).await.map(drop)
    }
}

/// Which recordings are indexed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexOptions {
    /// Only those of this tenant.
    pub tenant_id: Option<Id>,
    /// Only those of this environment.
    pub env: Option<Id>,
    /// Also those that are in the index.
    pub rebuild: bool,
}

/// A recording up to which the indexing has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedRecording(AssetToIndex);

/// The result of a batch.
#[derive(Debug, Default)]
pub struct FingerprintBatch {
    /// The last recording of the batch; `None` after the last batch.
    pub last: Option<IndexedRecording>,
    /// Number of recordings that were indexed.
    pub indexed: u64,
    /// Total duration of these.
    pub duration: MediaTime,
    /// Recordings that were skipped, with the reason.
    pub skipped: Vec<(Scope, Id, Error)>,
}

/// Indexes the recordings among the next 100 assets without current landmarks, in order of owner and id; `media.probes()` at
/// once. Each is written in a transaction of its own, so that an interrupted run continues where it was, and services may
/// run meanwhile.
///
/// # Errors
/// Errors that concern more than one recording.
pub async fn index_recordings(
    media: &MediaService,
    clock: &dyn Clock,
    options: &IndexOptions,
    after: Option<&IndexedRecording>,
) -> Result<FingerprintBatch, Error> {
    let assets = {
        let mut conn = media.pool().acquire().await?;
        let of = (options.tenant_id.as_ref(), options.env.as_ref());
        store::assets_to_index(&mut conn, of, after.map(|after| &after.0), options.rebuild, BATCH).await?
    };
    let last = assets.last().cloned().map(IndexedRecording);
    let mut batch = FingerprintBatch { last, ..FingerprintBatch::default() };
    let index = assets.into_iter().map(async |asset| {
        let indexed = index_recording(media, clock, &asset, options.rebuild).await;
        (asset, indexed)
    });
    let mut indexed = futures::stream::iter(index).buffered(media.probes().max(1));
    while let Some((AssetToIndex { scope, asset_id }, indexed)) = indexed.next().await {
        match indexed {
            Ok(Some(duration)) => {
                batch.indexed += 1;
                batch.duration += duration;
            }
            // Indexed by an analysis meanwhile, or removed.
            Ok(None) => {}
            Err(error) if error.concerns_all() => return Err(error),
            Err(error) => batch.skipped.push((scope, asset_id, error)),
        }
    }
    Ok(batch)
}

/// Decodes and indexes a recording; its duration, or `None` if it was indexed or removed meanwhile.
async fn index_recording(
    media: &MediaService,
    clock: &dyn Clock,
    asset: &AssetToIndex,
    rebuild: bool,
) -> Result<Option<MediaTime>, Error> {
    let AssetToIndex { scope, asset_id } = asset;
    let made = landmarks_of(media, scope, asset_id).await;
    store::insert_owner(&mut *media.pool().acquire().await?, scope).await?;
    let mut transaction = media.pool().begin().await?;
    let now = clock.now();
    let indexed = match &made {
        Ok((landmarks, duration)) => {
            let source = IndexedSource { asset_id, duration: *duration, landmarks };
            let is_new = store::replace_source(&mut transaction, scope, now, source, rebuild).await?;
            is_new.then_some(*duration)
        }
        Err(error) if error.is_about_media() => {
            let mut failure = error.to_string();
            failure.truncate(failure.floor_char_boundary(MAX_FAILURE));
            store::insert_failure(&mut transaction, scope, now, asset_id, &failure, rebuild).await?;
            None
        }
        Err(_) => None,
    };
    transaction.commit().await?;
    made.map(|_| indexed)
}

/// The landmarks of an asset and the duration of its audio.
async fn landmarks_of(
    media: &MediaService,
    scope: &Scope,
    asset_id: &Id,
) -> Result<(Vec<Landmark>, MediaTime), Error> {
    let input = AudioSource::asset(media, scope, asset_id).await?.open(media).await?;
    let made = tokio::task::spawn_blocking(move || landmarks(&input)).await;
    Ok(made.map_err(|source| WorkError::Broken { queue: "fingerprints", source })??)
}

fn landmarks(input: &MediaInput) -> Result<(Vec<Landmark>, MediaTime), SignalError> {
    let (mut fingerprinter, mut samples) = (Fingerprinter::new(), 0);
    read_mono(input.decoder()?, &Control::none(), |block| {
        fingerprinter.push(block);
        samples += block.len() as u64;
        Ok::<_, SignalError>(ControlFlow::Continue(()))
    })?;
    Ok((fingerprinter.finish(), MediaTime::from_frames(samples, RATE)))
}
