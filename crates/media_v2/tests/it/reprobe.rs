//! Reprobing of assets of an older prober.

use media_v2::{AssetDecoder, MediaError};
use primitives::Id;
use serde_json::json;
use test_kit::scope;

use crate::support::TestState;

impl TestState {
    /// An uploaded recording with the row of an older version.
    async fn old_asset(&self, kind: &str) -> Id {
        let id = self.asset().await;
        sqlx::query(
            "UPDATE media_assets SET kind = $2, duration_us = 7, fps = 25, codec_info = 'wrong', prober_version = 1,
             audio_streams = NULL
             WHERE id = $1",
        )
        .bind(&id)
        .bind(kind)
        .execute(self.media.service.pool())
        .await
        .unwrap();
        id.parse().unwrap()
    }

    /// The stored row, without reprobing: kind, duration in µs, codecs, prober version, decoder.
    async fn row(&self, id: &Id) -> (String, Option<i64>, Option<String>, i32, Option<String>) {
        let query =
            "SELECT kind, duration_us, codec_info, prober_version, decoder FROM media_assets WHERE id = $1";
        sqlx::query_as(query).bind(id.as_str()).fetch_one(self.media.service.pool()).await.unwrap()
    }
}

#[tokio::test]
async fn reading_an_outdated_asset_probes_it_again() {
    let state = TestState::new().await;
    for (stored, renewed) in [("other", "audio"), ("video", "audio"), ("image", "audio"), ("audio", "audio")]
    {
        let id = state.old_asset(stored).await;
        let asset = state.api.get(&format!("/media-v2/assets/{id}")).await.ok()["asset"].clone();
        assert_eq!((&asset["kind"], &asset["duration_ms"]), (&json!(renewed), &json!(100)), "{stored}");
        assert_eq!((&asset["fps"], &asset["codec_info"]), (&json!(null), &json!("wave: pcm_s16le")));
        assert_eq!(
            asset["audio_streams"][0]["codec"], "pcm_s16le",
            "the row of an older version has no list"
        );
        let codecs = Some("wave: pcm_s16le".to_owned());
        assert_eq!(
            state.row(&id).await,
            (renewed.to_owned(), Some(100_000), codecs, media_decode::PROBER_VERSION, None)
        );
    }
}

#[tokio::test]
async fn start_timecode_is_stored_and_added_to_assets_of_older_probers() {
    let state = TestState::new().await;
    let mut bext = [b"bext".as_slice(), &602_u32.to_le_bytes(), &[0; 602]].concat();
    bext[8 + 338..8 + 346].copy_from_slice(&288_000_000_u64.to_le_bytes());
    let bytes = [test_kit::wav(8_000, 1, &[0; 800]), bext].concat();
    let made = state.upload(&bytes, &[]).await.created();
    let ten_hours =
        json!({"count": 288_000_000, "rate_numerator": 8_000, "rate_denominator": 1, "drop_frame": false});
    assert_eq!(made["start_timecode"], ten_hours);

    let id: Id = made["id"].as_str().unwrap().parse().unwrap();
    sqlx::query("UPDATE media_assets SET start_timecode = NULL, prober_version = 2 WHERE id = $1")
        .bind(id.as_str())
        .execute(state.media.service.pool())
        .await
        .unwrap();
    let assets = state.media.service.assets(&scope("t1"), &[id]).await.unwrap();
    assert_eq!(serde_json::to_value(assets[0].start_timecode).unwrap(), ten_hours);
    assert!(!assets[0].is_outdated());
}

#[tokio::test]
async fn decoder_set_by_an_analysis_is_kept() {
    let state = TestState::new().await;
    let id = state.old_asset("audio").await;
    state.media.service.set_decoder(&scope("t1"), &id, AssetDecoder::Ffmpeg).await.unwrap();
    let asset = state.media.service.asset(&scope("t1"), &id).await.unwrap();
    assert_eq!((asset.decoder, asset.is_outdated()), (Some(AssetDecoder::Ffmpeg), false));
    assert_eq!(state.media.service.reprobe(&asset).await.unwrap(), asset, "nothing else changed");
}

#[tokio::test]
async fn asset_with_missing_bytes_is_unchanged() {
    let state = TestState::new().await;
    let id = state.old_asset("video").await;
    sqlx::query("UPDATE media_assets SET source_uri = 'blob://sha256/' || repeat('0', 64) WHERE id = $1")
        .bind(id.as_str())
        .execute(state.media.service.pool())
        .await
        .unwrap();
    let asset = state.media.service.recording(&scope("t1"), &id).await.unwrap();
    assert!(asset.is_outdated());
    assert!(matches!(state.media.service.reprobe(&asset).await, Err(MediaError::ContentMissing(_))));
    assert_eq!(state.row(&id).await, ("video".to_owned(), Some(7), Some("wrong".to_owned()), 1, None));
}

/// These tests have no ffmpeg.
#[tokio::test]
async fn file_that_needs_a_missing_ffmpeg_stays_outdated() {
    let state = TestState::new().await;
    let made = state.upload(b"RIFF\x04\0\0\0AVI LIST", &[]).await.created();
    let id: Id = made["id"].as_str().unwrap().parse().unwrap();
    let (kind, _, _, version, decoder) = state.row(&id).await;
    assert_eq!((kind.as_str(), version, decoder.as_deref()), ("video", 0, Some("ffmpeg")));
    let asset = state.media.service.asset(&scope("t1"), &id).await.unwrap();
    assert!(asset.is_outdated());
    let error = state.media.service.decoder_mark(&asset).await.unwrap_err();
    assert_eq!(http_kit::Problem::from(error).code(), "decoder_unavailable");

    // The properties of an earlier version are kept until then.
    sqlx::query("UPDATE media_assets SET duration_us = 5, decoder = NULL, prober_version = 1 WHERE id = $1")
        .bind(id.as_str())
        .execute(state.media.service.pool())
        .await
        .unwrap();
    let asset = state.media.service.asset(&scope("t1"), &id).await.unwrap();
    assert_eq!((asset.decoder, asset.prober_version), (Some(AssetDecoder::Ffmpeg), 0));
    assert_eq!(state.row(&id).await.1, Some(5));
}

#[tokio::test]
async fn peaks_are_cached_per_decoder() {
    let state = TestState::new().await;
    let id: Id = state.asset().await.parse().unwrap();
    let path = format!("/media-v2/assets/{id}/waveform");
    let count = async || -> i64 {
        let query = "SELECT count(*) FROM waveforms";
        sqlx::query_scalar(query).fetch_one(state.media.service.pool()).await.unwrap()
    };
    let first = state.api.get(&path).await;
    assert_eq!((first.status, count().await), (200, 1));
    state.media.service.set_decoder(&scope("t1"), &id, AssetDecoder::Decode2).await.unwrap();
    assert_eq!(state.api.get(&path).await.body, first.body);
    assert_eq!(count().await, 2);
    state.media.service.set_decoder(&scope("t1"), &id, AssetDecoder::Ffmpeg).await.unwrap();
    let refused = state.api.get(&path).await;
    assert_eq!(refused.status, 503, "there is no ffmpeg to decode with");
}

#[tokio::test]
async fn decoded_wrongly_ignores_other_audio_streams() {
    let database = db::testing::TestDatabase::create().await;
    for (decoder, version, expected) in [
        ("ffmpeg", "signal_v4", true),
        ("ffmpeg", "signal_v4+ffmpeg-5.1", false),
        ("ffmpeg", "signal_v4+audio_stream=1", false),
        ("decode2", "whisper_aubio_v5+audio_stream=0", false),
        ("decode2", "samples_v1", true),
    ] {
        let query =
            sqlx::query_scalar::<_, bool>("SELECT decoded_wrongly($1, $2)").bind(decoder).bind(version);
        assert_eq!(query.fetch_one(&database.pool).await.unwrap(), expected, "{decoder} {version}");
    }
}
