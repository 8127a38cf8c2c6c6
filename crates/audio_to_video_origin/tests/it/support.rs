use audio_to_video_origin::NewOriginMap;
use chrono::{DateTime, TimeDelta, Utc};
use db::testing::TestDatabase;
use http_kit::{Id, Scope};
use media_time::{MediaTime, Window};
use media_v2::{ArtifactKind, Meta, NewArtifact, NewAsset, store};
use serde_json::{Value, json};
use sqlx::PgConnection;

pub(crate) fn scope(tenant: &str) -> Scope {
    Scope { tenant_id: tenant.parse().unwrap(), env: "dev".parse().unwrap() }
}

pub(crate) fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
}

pub(crate) fn ms(start: i64, end: i64) -> Window {
    Window::new(MediaTime::from_millis(start), MediaTime::from_millis(end)).unwrap()
}

pub(crate) async fn database() -> (TestDatabase, sqlx::pool::PoolConnection<sqlx::Postgres>) {
    let database = TestDatabase::create().await;
    let conn = database.pool.acquire().await.unwrap();
    (database, conn)
}

/// Registers a recording of `t1`'s, in milliseconds.
pub(crate) async fn asset(conn: &mut PgConnection, duration_ms: Option<i64>) -> Id {
    let duration_ms = duration_ms.map(MediaTime::from_millis);
    let new = NewAsset { source_uri: "mem:film".into(), duration_ms, ..NewAsset::default() };
    store::insert_asset(conn, &scope("t1"), at(0), new).await.unwrap().id
}

/// Registers a sound of `t1`'s, made of `upstreams`.
pub(crate) async fn sound(conn: &mut PgConnection, asset: &Id, upstreams: &[&Id], meta: Value) -> Id {
    let mut new = NewArtifact::new(ArtifactKind::AudioHit, asset.clone(), "mem:hit".into(), "x", &json!({}));
    new.upstream_artifact_ids = upstreams.iter().map(|id| (*id).clone()).collect();
    let meta: Meta = meta.as_object().unwrap().clone();
    new.meta.extend(meta);
    store::insert_artifact(conn, &scope("t1"), at(0), new).await.unwrap().id
}

/// A map of `sound` to a window of `asset`.
pub(crate) fn map(sound: &Id, asset: &Id, window: Window) -> NewOriginMap {
    NewOriginMap::new(sound.clone(), asset.clone(), window)
}
