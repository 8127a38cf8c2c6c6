use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use audio_identify::{Aligner, Conformer, Error, SourceSearch};
use audio_to_video_origin::VideoOrigins;
use bytes::Bytes;
use media_time::MediaTime;
use media_v2::{AssetKind, NewAsset};
use primitives::{Id, Scope};
use scheduling::WorkQueue;
use serde_json::json;
use test_kit::{Api, TestMedia};
use video_timeline::TimelineService;

use crate::music::{RATE, wav};

/// A search that finds what the test wants.
#[derive(Clone, Debug, Default)]
pub(crate) struct GivenSources(Arc<Mutex<Vec<Id>>>);

impl GivenSources {
    pub(crate) fn set(&self, ids: &[&Id]) {
        *self.0.lock().unwrap() = ids.iter().map(|id| (*id).clone()).collect();
    }
}

#[async_trait]
impl SourceSearch for GivenSources {
    async fn sources_of(&self, _scope: &Scope, _asset_id: &Id) -> Result<Vec<Id>, Error> {
        Ok(self.0.lock().unwrap().clone())
    }
}

/// The routers of alignments, edit lists, timelines and shot lists, with their own database.
pub(crate) struct Comparisons {
    pub(crate) media: TestMedia,
    pub(crate) api: Api,
    pub(crate) found: GivenSources,
}

impl Comparisons {
    pub(crate) async fn new() -> Self {
        let media = TestMedia::new().await;
        let queue = WorkQueue::new("analysis", 1, 4);
        let timeline = TimelineService::new(media.pool(), media.clock.clone());
        let aligner = Aligner::new(media.service.clone(), Arc::new(timeline.clone()), queue.clone());
        let lists = WorkQueue::new("shot_lists", 1, 4);
        let shot_lists = VideoOrigins::new(media.service.clone(), lists, media.clock.clone());
        let found = GivenSources::default();
        let search = Arc::new(found.clone());
        let conformer = Conformer::new(media.service.clone(), shot_lists.clone(), search, queue);
        let router = audio_identify::align_router(aligner)
            .merge(audio_identify::conform_router(conformer))
            .merge(video_timeline::router(timeline))
            .merge(audio_to_video_origin::router(shot_lists));
        let (router, _) = router.split_for_parts();
        Self { media, api: Api::new(router), found }
    }

    /// An asset with these samples, as 16-bit WAVE.
    pub(crate) async fn recording(&self, name: &str, samples: &[f32]) -> Id {
        let mut writer = self.media.service.blobs().writer().await.unwrap();
        writer.write(Bytes::from(wav(samples))).await.unwrap();
        let blob = writer.finish().await.unwrap();
        let asset = NewAsset {
            kind: Some(AssetKind::Audio),
            source_uri: blob.id.uri(),
            content_sha256: Some(blob.id.to_hex()),
            size_bytes: Some(blob.size_bytes),
            duration: Some(MediaTime::from_samples(samples.len() as i64, RATE as u32)),
            ..described(name)
        };
        self.media.insert_asset("t1", asset).await
    }

    /// An asset of this duration without bytes.
    pub(crate) async fn declared(&self, name: &str, duration: MediaTime) -> Id {
        let asset = NewAsset { duration: Some(duration), ..described(name) };
        self.media.insert_asset("t1", asset).await
    }
}

/// An asset of mono audio without bytes.
fn described(name: &str) -> NewAsset {
    NewAsset {
        kind: Some(AssetKind::Audio),
        source_uri: format!("mem:{name}"),
        audio_channels: Some(1),
        sample_rate: Some(RATE as u32),
        codec_info: Some("wave: pcm_s16le".to_owned()),
        meta: json!({"file_name": name}).as_object().unwrap().clone(),
        ..NewAsset::default()
    }
}
