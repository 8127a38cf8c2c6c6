//! Conforms an edit: finds and decodes its sources, and makes the shot list.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use audio_fingerprint::{HashFilter, MemoryIndex, RATE, Samples, Shot, Variation, conform, link};
use audio_to_video_origin::{NewShotList, ShotList, VideoOrigins, VideoShot};
use media_time::{MediaTime, Window};
use media_v2::{MediaAsset, MediaError, MediaService};
use primitives::{Id, Scope};
use scheduling::{WorkProgress, WorkQueue, begin_heavy_work};

use super::model::ConformRequest;
use super::shots::{ShotSource, VERSION, bounded, bridged, video_shots};
use super::{MAX_EDIT, MAX_SOURCES, MAX_SOURCES_LENGTH};
use crate::Error;
use crate::comparison::{
    Cancellable, Cancelled, HeldSlot, OpenRecording, check_disk, check_length, landmarks, matches,
    short_matches,
};
use crate::recording::{DecodedAudio, DecodedSources, asset_to_compare, check_known};

/// Samples whose level is measured together: 1 s.
const LEVEL_BLOCK: usize = RATE as usize;
/// Windows of unknown stretches that are searched for short shots: 1 h 40 min of them.
const MAX_SHORT_WINDOWS: usize = 8_000;
/// Lowest level that is reported, in dBFS.
const LOWEST_DBFS: f64 = -120.0;
/// Share of decoding in the work on all recordings, and of searching in what follows.
const DECODING: f64 = 0.7;
const SEARCHING: f64 = 0.85;

/// Finds the recordings of an owner in which the audio of an asset occurs.
#[async_trait]
pub trait SourceSearch: Send + Sync + Debug {
    /// Ids of the recordings, without the asset itself, the one with most in common first.
    ///
    /// # Errors
    /// Errors of the search.
    async fn sources_of(&self, scope: &Scope, asset_id: &Id) -> Result<Vec<Id>, Error>;
}

/// Makes the edit lists of finished edits. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Conformer {
    media: MediaService,
    shot_lists: VideoOrigins,
    search: Arc<dyn SourceSearch>,
    queue: WorkQueue,
}

/// The decoded edit, and its decoded sources with the landmarks that can match.
struct Material {
    edit: DecodedAudio,
    filter: HashFilter,
    index: MemoryIndex,
    sources: DecodedSources,
    /// Length of the sources together.
    sources_length: MediaTime,
}

impl Conformer {
    /// Creates the service on the services that it uses. `queue` bounds how many edits are conformed concurrently.
    #[must_use]
    pub fn new(
        media: MediaService,
        shot_lists: VideoOrigins,
        search: Arc<dyn SourceSearch>,
        queue: WorkQueue,
    ) -> Self {
        Self { media, shot_lists, search, queue }
    }

    /// Makes the shot list of an edit, or returns the stored one with the same shots.
    ///
    /// # Errors
    /// [`Error::Invalid`]; unknown assets, or assets without audio; [`Error::RecordingTooLong`],
    /// [`Error::SourcesTooLong`], [`Error::NoRoom`]; errors of the search and of the stores.
    pub async fn conform(&self, scope: &Scope, request: ConformRequest) -> Result<ShotList, Error> {
        request.check()?;
        let ids: Vec<Id> =
            std::iter::once(&request.asset_id).chain(request.sources.iter().flatten()).cloned().collect();
        check_known(&self.media, scope, &ids).await?;
        let edit = asset_to_compare(&self.media, scope, &request.asset_id).await?;
        check_length(&edit, MAX_EDIT)?;
        let mut progress = WorkProgress::current();
        let is_named = request.sources.is_some();
        let mut sources = match request.sources {
            Some(ids) => {
                let mut assets = Vec::with_capacity(ids.len());
                for id in &ids {
                    assets.push(asset_to_compare(&self.media, scope, id).await?);
                }
                let length = total(&assets);
                if length > MAX_SOURCES_LENGTH {
                    return Err(Error::SourcesTooLong { length });
                }
                assets
            }
            None => {
                begin_heavy_work()?;
                let mut halves = progress.split(2).into_iter();
                let searching = halves.next().unwrap_or_default();
                progress = halves.next().unwrap_or_default();
                let found = searching.watch(self.search.sources_of(scope, &edit.id)).await?;
                searching.complete();
                let found = found.into_iter().filter(|id| *id != edit.id).take(MAX_SOURCES).collect();
                within(self.remaining(scope, found).await?, MAX_SOURCES_LENGTH)
            }
        };
        // Of equal matches, the one of the first source wins: the shots do not depend on the order of the request.
        sources.sort_by(|a, b| a.id.cmp(&b.id));
        let shots = self.shots(edit, sources, is_named, progress).await?;
        let new = NewShotList {
            shots,
            backend_version: VERSION.to_owned(),
            seed: None,
            upstream_artifact_ids: Vec::new(),
        };
        Ok(self.shot_lists.keep_shots(scope, new).await?)
    }

    /// The found sources, without those that were deleted since the search.
    async fn remaining(&self, scope: &Scope, ids: Vec<Id>) -> Result<Vec<MediaAsset>, Error> {
        let mut assets = Vec::new();
        for id in ids {
            match asset_to_compare(&self.media, scope, &id).await {
                Err(Error::Media(MediaError::AssetsNotFound(_))) => {}
                asset => assets.push(asset?),
            }
        }
        Ok(assets)
    }

    /// Decodes the edit and its sources one after the other, and finds the shots. A source that cannot be decoded is an
    /// error if the request names it, and left out if a search found it.
    async fn shots(
        &self,
        edit: MediaAsset,
        sources: Vec<MediaAsset>,
        is_named: bool,
        progress: WorkProgress,
    ) -> Result<Vec<VideoShot>, Error> {
        let slot = HeldSlot::acquire(&self.queue).await?;
        check_disk(&self.media, total(&sources) + edit.duration.unwrap_or_default()).await?;
        let share = DECODING / (1 + sources.len()) as f64;
        let edit_source = ShotSource { asset_id: edit.id.clone(), duration: edit.duration };
        let recording = OpenRecording::open(&self.media, edit).await?;
        let own = progress.clone();
        let mut material = slot
            .run(move |cancelled| {
                Material::of_edit(recording, cancelled, &|done| own.report("decoding", share * done))
            })
            .await?;
        let mut known = BTreeMap::new();
        for (number, asset) in (1_i64..).zip(sources) {
            let source = ShotSource { asset_id: asset.id.clone(), duration: asset.duration };
            let opened = OpenRecording::open(&self.media, asset).await;
            let own = progress.clone();
            let added;
            (material, added) = slot
                .run(move |cancelled| {
                    let report = |done: f64| own.report("decoding", share * (number as f64 + done));
                    let added =
                        opened.and_then(|recording| material.add(number, recording, cancelled, &report));
                    Ok((material, added))
                })
                .await?;
            match added {
                Err(error) if is_named || error.concerns_all() => return Err(error),
                Err(error) => tracing::warn!(%error, "a found source was left out"),
                Ok(()) => drop(known.insert(number, source)),
            }
        }
        slot.run(move |cancelled| {
            let (shots, levels) = material.shots(cancelled, &progress)?;
            Ok(video_shots(&shots, &levels, &edit_source, &known))
        })
        .await
    }
}

/// The length of recordings together, as far as it is known.
fn total(assets: &[MediaAsset]) -> MediaTime {
    assets.iter().filter_map(|asset| asset.duration).fold(MediaTime::ZERO, |sum, length| sum + length)
}

/// The first recordings whose length together is at most `limit`.
fn within(assets: Vec<MediaAsset>, limit: MediaTime) -> Vec<MediaAsset> {
    let mut length = MediaTime::ZERO;
    let fits = |asset: &MediaAsset| {
        length += asset.duration.unwrap_or_default();
        length <= limit
    };
    assets.into_iter().take_while(fits).collect()
}

impl Material {
    fn of_edit(
        recording: OpenRecording,
        cancelled: Cancelled<'_>,
        progress: &dyn Fn(f64),
    ) -> Result<Self, Error> {
        let mut edit = recording.decode(MAX_EDIT, cancelled, progress)?;
        let mut filter = HashFilter::new();
        filter.add_recording(&mut Cancellable::new(&mut edit, cancelled), Variation::None)?;
        let (index, sources) = (MemoryIndex::new(), DecodedSources::default());
        Ok(Self { edit, filter, index, sources, sources_length: MediaTime::ZERO })
    }

    /// Adds a source with this number; none after an error.
    fn add(
        &mut self,
        number: i64,
        recording: OpenRecording,
        cancelled: Cancelled<'_>,
        progress: &dyn Fn(f64),
    ) -> Result<(), Error> {
        let mut audio = recording.decode(MAX_SOURCES_LENGTH, cancelled, progress)?;
        // Declared durations may be missing or wrong.
        let length = self.sources_length + audio.duration();
        if length > MAX_SOURCES_LENGTH {
            return Err(Error::SourcesTooLong { length });
        }
        let keep = |hash| self.filter.contains(hash);
        let landmarks = landmarks(&mut Cancellable::new(&mut audio, cancelled), keep)?;
        self.sources_length = length;
        self.index.add(number, &landmarks);
        self.sources.0.insert(number, audio);
        Ok(())
    }

    /// The shots of the edit, and the level of each in dBFS.
    fn shots(
        &mut self,
        cancelled: Cancelled<'_>,
        progress: &WorkProgress,
    ) -> Result<(Vec<Shot>, Vec<f64>), Error> {
        let length = self.edit.duration();
        let mut edit = Cancellable::new(&mut self.edit, cancelled);
        let searching = |done: f64| progress.report("searching", DECODING + (SEARCHING - DECODING) * done);
        let mut found = matches(&mut edit, &mut self.index, &searching)?;
        progress.report("conforming", SEARCHING);
        let mut sources = Cancellable::new(&mut self.sources, cancelled);
        let mut shots = conform(&mut edit, &mut sources, &bounded(link(found.clone()), length))?;
        // Shots that are too short to be found in blocks are within unknown stretches.
        let (mut short, mut windows) = (Vec::new(), MAX_SHORT_WINDOWS);
        for unknown in shots.iter().filter(|shot| shot.origin.is_none()) {
            let index = &mut self.index;
            short.extend(short_matches(&mut edit, unknown.edit, index, &mut sources, &mut windows)?);
        }
        if !short.is_empty() {
            found.extend(short);
            shots = conform(&mut edit, &mut sources, &bounded(link(found), length))?;
        }
        let shots = bridged(shots);
        let levels = shots.iter().map(|shot| level_dbfs(&mut edit, shot.edit));
        let levels = levels.collect::<Result<Vec<f64>, Error>>()?;
        progress.complete();
        Ok((shots, levels))
    }
}

/// The level of a window, in dBFS: of the mean power, where a full-scale square wave has 0.
fn level_dbfs<S: Samples<Error = Error>>(audio: &mut S, window: Window) -> Result<f64, Error> {
    let (start, end) = (window.start().to_samples(RATE), window.end().to_samples(RATE));
    let (mut block, mut position, mut energy) = (vec![0.0; LEVEL_BLOCK], start, 0.0);
    while position < end {
        // At most `LEVEL_BLOCK`.
        let count = (end - position).min(LEVEL_BLOCK as i64) as usize;
        audio.read(position, &mut block[..count])?;
        energy += block[..count].iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>();
        position += count as i64;
    }
    let power = energy / (end - start).max(1) as f64;
    Ok((10.0 * power.log10()).max(LOWEST_DBFS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples in memory.
    struct Tone(Vec<f32>);

    impl Samples for Tone {
        type Error = Error;

        fn len(&self) -> u64 {
            self.0.len() as u64
        }

        fn read(&mut self, start: i64, out: &mut [f32]) -> Result<(), Error> {
            out.copy_from_slice(&self.0[start as usize..start as usize + out.len()]);
            Ok(())
        }
    }

    #[test]
    fn level_is_that_of_the_window() {
        let mut audio = Tone([vec![0.0; 16_000], vec![-0.5; 40_000]].concat());
        let level = |audio: &mut Tone, start, end| {
            let times = [start, end].map(MediaTime::from_millis);
            level_dbfs(audio, Window::new(times[0], times[1]).unwrap()).unwrap()
        };
        assert_eq!(level(&mut audio, 0, 1_000), LOWEST_DBFS);
        assert!((level(&mut audio, 1_000, 3_500) + 6.0206).abs() < 1e-3);
        assert!((level(&mut audio, 0, 2_000) + 9.0309).abs() < 1e-3);
    }
}
