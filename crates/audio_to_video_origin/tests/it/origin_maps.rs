use audio_to_video_origin::{ClipOffset, Error, Origin, store};
use media_time::{AssetTime, MediaTime};
use primitives::{Id, PageParams};
use serde_json::json;
use sqlx::PgConnection;
use test_kit::{scope, window_ms};

use crate::support::{asset, at, database, map, sound};

/// The origin and the chain of each artifact.
async fn resolve(conn: &mut PgConnection, ids: &[&Id]) -> Vec<Option<(Origin, Vec<Id>)>> {
    let ids: Vec<Id> = ids.iter().map(|id| (*id).clone()).collect();
    let found = store::resolve_origins(conn, &scope("t1"), &ids).await.unwrap();
    found.into_iter().map(|found| found.map(|found| (found.origin, found.chain))).collect()
}

#[tokio::test]
async fn origin_maps_are_stored_replaced_and_isolated_by_tenant() {
    let (_database, mut conn) = database().await;
    let conn = &mut *conn;
    let film = asset(conn, None).await;
    let hit = sound(conn, &film, &[], json!({})).await;
    let other = sound(conn, &film, &[], json!({})).await;
    let mut chopped = map(&hit, &film, window_ms(1_000, 2_000));
    let piece = |offset, duration| ClipOffset {
        offset: MediaTime::from_micros(offset),
        duration: MediaTime::from_micros(duration),
    };
    chopped.clip_offsets = Some(vec![piece(500_000, 1), piece(0, 250_001)]);
    let maps = [chopped.clone(), map(&other, &film, window_ms(1_500, 1_600))];
    store::insert_origin_maps(conn, &scope("t1"), at(1), &maps).await.unwrap();

    let found = store::find_origin_map(conn, &scope("t1"), &hit).await.unwrap().unwrap();
    assert_eq!((found.clip_offsets, found.created_at), (chopped.clip_offsets, at(1)));
    assert_eq!(store::find_origin_map(conn, &scope("t2"), &hit).await.unwrap(), None);

    let put =
        store::put_origin_map(conn, &scope("t1"), at(2), &map(&hit, &film, window_ms(0, 5))).await.unwrap();
    assert_eq!(
        (put.source_end, put.created_at),
        (AssetTime::from_millis(5), at(1)),
        "since when it is mapped"
    );
    assert_eq!(store::find_origin_map(conn, &scope("t1"), &hit).await.unwrap(), Some(put));

    let bad =
        store::insert_origin_maps(conn, &scope("t1"), at(1), &[map(&hit, &film, window_ms(5, 5))]).await;
    assert!(matches!(bad, Err(Error::Invalid(errors)) if errors[0].pointer == "/source_end_ms"));
    let foreign =
        store::insert_origin_maps(conn, &scope("t2"), at(1), &[map(&hit, &film, window_ms(0, 5))]).await;
    assert!(matches!(foreign, Err(Error::Database(_))), "the foreign key is the owner's");
}

#[tokio::test]
async fn origin_maps_of_a_recording_are_paged() {
    let (_database, mut conn) = database().await;
    let conn = &mut *conn;
    let film = asset(conn, None).await;
    let elsewhere = asset(conn, None).await;
    let mut hits = Vec::new();
    for minute in 0..5 {
        let hit = sound(conn, &film, &[], json!({})).await;
        let source = if minute == 2 { &elsewhere } else { &film };
        let maps = [map(&hit, source, window_ms(0, 100))];
        store::insert_origin_maps(conn, &scope("t1"), at(minute / 2), &maps).await.unwrap();
        hits.push(hit);
    }
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let params = PageParams::new(Some(3), cursor.as_deref()).unwrap();
        let page = store::list_by_asset(conn, &scope("t1"), &film, &params).await.unwrap();
        listed.extend(page.items.into_iter().map(|map| map.audio_artifact_id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(listed, [&hits[4], &hits[3], &hits[1], &hits[0]].map(Clone::clone), "newest first");
}

#[tokio::test]
async fn origin_chains_lead_to_a_map() {
    let (_database, mut conn) = database().await;
    let conn = &mut *conn;
    let film = asset(conn, None).await;
    let impulse = sound(conn, &film, &[], json!({})).await;
    let hit = sound(conn, &film, &[], json!({})).await;
    let maps = [map(&hit, &film, window_ms(10_000, 10_500))];
    store::insert_origin_maps(conn, &scope("t1"), at(1), &maps).await.unwrap();
    let fx = sound(conn, &film, &[&impulse, &hit], json!({})).await;
    let norm = sound(conn, &film, &[&fx], json!({"upstream_window_ms": [100, 300]})).await;
    let deeper = sound(conn, &film, &[&norm], json!({"upstream_window_ms": [50, 200]})).await;
    let unknown: Id = "unknown".parse().unwrap();

    let found = resolve(conn, &[&deeper, &unknown, &hit, &impulse, &norm, &deeper]).await;
    let origin =
        |start, end| Origin { asset_id: film.clone(), window: window_ms(start, end), clip_offsets: None };
    let chain = |ids: &[&Id]| -> Vec<Id> { ids.iter().map(|id| (*id).clone()).collect() };
    let deep = Some((origin(10_150, 10_300), chain(&[&deeper, &norm, &fx, &hit])));
    let normed = Some((origin(10_100, 10_300), chain(&[&norm, &fx, &hit])));
    let own = Some((origin(10_000, 10_500), chain(&[&hit])));
    assert_eq!(found, [deep.clone(), None, own, None, normed, deep]);

    let foreign = store::resolve_origins(conn, &scope("t2"), &[hit, norm]).await.unwrap();
    assert_eq!(foreign, [None, None]);
    assert_eq!(store::resolve_origins(conn, &scope("t1"), &[]).await.unwrap(), []);
}

/// The service creates no cycles, because artifacts never change. A restored or edited database may have one.
#[tokio::test]
async fn origin_chain_rejects_cycles_and_excessive_length() {
    let (_database, mut conn) = database().await;
    let conn = &mut *conn;
    let film = asset(conn, None).await;
    let first = sound(conn, &film, &[], json!({})).await;
    let second = sound(conn, &film, &[&first], json!({})).await;
    let edge = format!("INSERT INTO artifact_upstreams VALUES ('t1', 'dev', '{first}', 0, '{second}')");
    sqlx::query(sqlx::AssertSqlSafe(edge)).execute(&mut *conn).await.unwrap();
    let refused = store::resolve_origins(conn, &scope("t1"), std::slice::from_ref(&second)).await;
    assert!(matches!(refused, Err(Error::OriginCycle(id)) if id == second));

    let maps = [map(&first, &film, window_ms(0, 10))];
    store::insert_origin_maps(conn, &scope("t1"), at(1), &maps).await.unwrap();
    assert_eq!(resolve(conn, &[&second]).await[0].as_ref().unwrap().1, [second.clone(), first]);

    let mut top = second;
    for _ in 0..62 {
        top = sound(conn, &film, &[&top], json!({})).await;
    }
    assert_eq!(resolve(conn, &[&top]).await[0].as_ref().unwrap().1.len(), 64);
    let too_deep = sound(conn, &film, &[&top], json!({})).await;
    for asked in [vec![too_deep.clone()], vec![too_deep.clone(), top.clone()], vec![top, too_deep]] {
        let refused = store::resolve_origins(conn, &scope("t1"), &asked).await;
        assert!(matches!(refused, Err(Error::OriginTooDeep(_))), "{asked:?}: {refused:?}");
    }
}

#[tokio::test]
async fn mapped_asset_cannot_be_deleted() {
    let (_database, mut conn) = database().await;
    let conn = &mut *conn;
    let film = asset(conn, None).await;
    let pictures = asset(conn, None).await;
    let hit = sound(conn, &film, &[], json!({})).await;
    store::put_origin_map(conn, &scope("t1"), at(1), &map(&hit, &pictures, window_ms(0, 10))).await.unwrap();
    let delete = format!("DELETE FROM media_assets WHERE id = '{pictures}'");
    let refused = sqlx::query(sqlx::AssertSqlSafe(delete)).execute(&mut *conn).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().constraint(), Some("origin_maps_asset"));
}
