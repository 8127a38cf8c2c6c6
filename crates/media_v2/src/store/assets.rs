use chrono::{DateTime, Utc};
use media_decode::PROBER_VERSION;
use media_time::MediaTime;
use primitives::{Id, Page, PageParams, Scope};
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection};

use super::BadRow;
use crate::{
    AssetDecoder, AssetKind, AudioStream, FileFingerprint, MediaAsset, MediaError, Meta, NewAsset,
    StartTimecode,
};

/// Filter of a list of assets; all conditions must match.
#[derive(Clone, Debug, Default)]
pub struct AssetFilter {
    /// Assets of this kind.
    pub kind: Option<AssetKind>,
    /// Assets with this tag.
    pub tag: Option<String>,
    /// Assets with this `source_ref`.
    pub source_ref: Option<String>,
}

pub(super) struct Row {
    pub(super) id: Id,
    pub(super) tenant_id: Id,
    pub(super) env: Id,
    pub(super) user_id: Option<Id>,
    pub(super) kind: String,
    pub(super) source_uri: String,
    pub(super) duration_us: Option<i64>,
    pub(super) fps: Option<f64>,
    pub(super) audio_channels: Option<i32>,
    pub(super) sample_rate: Option<i32>,
    pub(super) codec_info: Option<String>,
    pub(super) size_bytes: Option<i64>,
    pub(super) content_sha256: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) source_ref: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) meta: Json<Meta>,
    pub(super) prober_version: i32,
    pub(super) decoder: Option<String>,
    pub(super) source_modified_ns: Option<i64>,
    pub(super) source_inode: Option<i64>,
    pub(super) start_timecode: Option<Json<StartTimecode>>,
    pub(super) audio_streams: Option<Json<Vec<AudioStream>>>,
}

/// `query_as!` for [`Row`], with the name of the function and the SQL after the table's name.
macro_rules! select {
    ($name:literal, $rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            Row,
            "-- media_v2::" + $name + "
             SELECT id AS \"id: Id\", tenant_id AS \"tenant_id: Id\", env AS \"env: Id\",
                    user_id AS \"user_id: Id\", kind, source_uri, duration_us, fps, audio_channels,
                    sample_rate, codec_info, size_bytes, content_sha256, tags, source_ref, created_at,
                    meta AS \"meta: Json<Meta>\", prober_version, decoder, source_modified_ns,
                    source_inode, start_timecode AS \"start_timecode: Json<StartTimecode>\",
                    audio_streams AS \"audio_streams: Json<Vec<AudioStream>>\"
             FROM media_assets " + $rest,
            $($argument),+
        )
    };
}

pub(super) use select;

/// Inserts an asset created at `now`.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn insert_asset(
    conn: &mut PgConnection,
    scope: &Scope,
    now: DateTime<Utc>,
    new: NewAsset,
) -> Result<MediaAsset, MediaError> {
    let asset = MediaAsset {
        id: new.id.unwrap_or_else(|| Id::generate("asset")),
        tenant_id: scope.tenant_id.clone(),
        env: scope.env.clone(),
        user_id: new.user_id,
        kind: new.kind.unwrap_or(AssetKind::Other),
        source_uri: new.source_uri,
        duration: new.duration,
        fps: new.fps,
        start_timecode: new.start_timecode,
        audio_channels: new.audio_channels,
        sample_rate: new.sample_rate,
        codec_info: new.codec_info,
        audio_streams: new.audio_streams,
        size_bytes: new.size_bytes,
        content_sha256: new.content_sha256,
        tags: new.tags,
        source_ref: new.source_ref,
        created_at: now,
        meta: new.meta,
        prober_version: if new.is_incomplete { 0 } else { PROBER_VERSION },
        decoder: new.decoder,
        file_fingerprint: new.file_fingerprint,
    };
    sqlx::query!(
        "-- media_v2::insert_asset
         INSERT INTO media_assets (tenant_id, env, id, user_id, kind, source_uri, duration_us, fps,
             audio_channels, sample_rate, codec_info, size_bytes, content_sha256, tags, source_ref,
             created_at, meta, prober_version, decoder, source_modified_ns, source_inode,
             start_timecode, audio_streams)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
             $22, $23)",
        asset.tenant_id.as_str(),
        asset.env.as_str(),
        asset.id.as_str(),
        asset.user_id.as_ref().map(Id::as_str),
        asset.kind.as_str(),
        asset.source_uri,
        asset.duration.map(MediaTime::as_micros),
        asset.fps,
        asset.audio_channels.map(u32::cast_signed),
        asset.sample_rate.map(u32::cast_signed),
        asset.codec_info,
        asset.size_bytes.map(u64::cast_signed),
        asset.content_sha256,
        &asset.tags,
        asset.source_ref,
        asset.created_at,
        Json(&asset.meta) as _,
        asset.prober_version,
        asset.decoder.map(AssetDecoder::as_str),
        asset.file_fingerprint.map(|fingerprint| fingerprint.modified_ns),
        asset.file_fingerprint.map(|fingerprint| fingerprint.inode),
        asset.start_timecode.map(Json) as _,
        Json(&asset.audio_streams) as _,
    )
    .execute(conn)
    .await?;
    Ok(asset)
}

/// Finds an asset of this owner by its id.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn find_asset(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
) -> Result<Option<MediaAsset>, MediaError> {
    Ok(find_assets(conn, scope, std::slice::from_ref(id)).await?.pop())
}

/// The assets of `ids` that this owner has, ordered by id.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn find_assets(
    conn: &mut PgConnection,
    scope: &Scope,
    ids: &[Id],
) -> Result<Vec<MediaAsset>, MediaError> {
    let ids: Vec<String> = ids.iter().map(Id::to_string).collect();
    select!(
        "find_assets",
        "WHERE tenant_id = $1 AND env = $2 AND id = ANY ($3) ORDER BY id",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        &ids,
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|row| row.try_into().map_err(MediaError::from))
    .collect()
}

/// The ids of `ids` that this owner has no asset of, in the given order, each once.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn missing_assets(
    conn: &mut PgConnection,
    scope: &Scope,
    ids: &[Id],
) -> Result<Vec<String>, MediaError> {
    let ids: Vec<String> = ids.iter().map(Id::to_string).collect();
    Ok(sqlx::query_scalar!(
        "-- media_v2::missing_assets
         SELECT wanted.id AS \"id!\" FROM unnest($3::text[]) WITH ORDINALITY AS wanted (id, position)
         WHERE NOT EXISTS (
             SELECT FROM media_assets a WHERE a.tenant_id = $1 AND a.env = $2 AND a.id = wanted.id
         )
         GROUP BY wanted.id ORDER BY min(wanted.position)",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        &ids,
    )
    .fetch_all(conn)
    .await?)
}

/// A page of this owner's assets, newest first. With a condition, the statement is planned for its values, in a transaction.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn list_assets(
    conn: &mut PgConnection,
    scope: &Scope,
    filter: &AssetFilter,
    page: &PageParams,
) -> Result<Page<MediaAsset>, MediaError> {
    if filter.kind.is_none() && filter.tag.is_none() && filter.source_ref.is_none() {
        return assets_page(conn, scope, filter, page).await;
    }
    let mut transaction = conn.begin().await?;
    plan_with_values(&mut transaction).await?;
    let assets = assets_page(&mut transaction, scope, filter, page).await?;
    transaction.commit().await?;
    Ok(assets)
}

/// Plans the statements of this transaction for their values. A prepared statement would after some runs get one plan for
/// all values, which reads all rows in order where a condition that may be absent matches few of them.
pub(super) async fn plan_with_values(conn: &mut PgConnection) -> Result<(), MediaError> {
    sqlx::query!("-- media_v2::plan_with_values\nSET LOCAL plan_cache_mode = force_custom_plan")
        .execute(conn)
        .await?;
    Ok(())
}

async fn assets_page(
    conn: &mut PgConnection,
    scope: &Scope,
    filter: &AssetFilter,
    page: &PageParams,
) -> Result<Page<MediaAsset>, MediaError> {
    let rows = select!(
        "list_assets",
        "WHERE tenant_id = $1 AND env = $2
           AND ($3::text IS NULL OR kind = $3)
           AND ($4::text IS NULL OR tags @> ARRAY [$4])
           AND ($5::text IS NULL OR source_ref = $5)
           AND (created_at, id) < (coalesce($6::timestamptz, 'infinity'), $7)
         ORDER BY created_at DESC, id DESC LIMIT $8",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        filter.kind.map(AssetKind::as_str),
        filter.tag.as_deref(),
        filter.source_ref.as_deref(),
        page.after.as_ref().map(|after| after.key),
        page.after.as_ref().map_or("", |after| after.id.as_str()),
        page.limit.with_next_row(),
    )
    .fetch_all(conn)
    .await?;
    let assets = rows.into_iter().map(MediaAsset::try_from).collect::<Result<_, _>>()?;
    Ok(Page::from_rows(assets, page.limit, MediaAsset::cursor))
}

/// Updates the file fingerprint of an asset whose bytes still have the stored hash.
///
/// # Errors
/// [`MediaError::Database`].
pub(crate) async fn renew_fingerprint(
    conn: &mut PgConnection,
    scope: &Scope,
    id: &Id,
    fingerprint: FileFingerprint,
) -> Result<(), MediaError> {
    sqlx::query!(
        "-- media_v2::renew_fingerprint
         UPDATE media_assets SET source_modified_ns = $4, source_inode = $5
         WHERE tenant_id = $1 AND env = $2 AND id = $3",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        id.as_str(),
        fingerprint.modified_ns,
        fingerprint.inode,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether any asset or artifact of this owner has its bytes at `uri`.
///
/// # Errors
/// [`MediaError::Database`].
pub async fn owns_uri(conn: &mut PgConnection, scope: &Scope, uri: &str) -> Result<bool, MediaError> {
    Ok(sqlx::query_scalar!(
        "-- media_v2::owns_uri
         SELECT EXISTS (SELECT FROM media_assets WHERE tenant_id = $1 AND env = $2 AND source_uri = $3)
             OR EXISTS (SELECT FROM artifacts WHERE tenant_id = $1 AND env = $2 AND uri = $3) AS \"owns!\"",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        uri,
    )
    .fetch_one(conn)
    .await?)
}

impl TryFrom<Row> for MediaAsset {
    type Error = BadRow;

    fn try_from(row: Row) -> Result<Self, BadRow> {
        let bad = |column, value: &str| BadRow {
            table: "media_assets",
            id: row.id.to_string(),
            column,
            value: value.to_owned(),
        };
        let kind = row.kind.parse().map_err(|_| bad("kind", &row.kind))?;
        let decoder = row.decoder.as_deref().map(|word| word.parse().map_err(|_| bad("decoder", word)));
        let decoder = decoder.transpose()?;
        Ok(Self {
            id: row.id,
            tenant_id: row.tenant_id,
            env: row.env,
            user_id: row.user_id,
            kind,
            source_uri: row.source_uri,
            duration: row.duration_us.map(MediaTime::from_micros),
            fps: row.fps,
            start_timecode: row.start_timecode.map(|timecode| timecode.0),
            // A check constraint of the table excludes negative values.
            audio_channels: row.audio_channels.map(i32::cast_unsigned),
            sample_rate: row.sample_rate.map(i32::cast_unsigned),
            codec_info: row.codec_info,
            audio_streams: row.audio_streams.map(|streams| streams.0).unwrap_or_default(),
            size_bytes: row.size_bytes.map(i64::cast_unsigned),
            content_sha256: row.content_sha256,
            tags: row.tags,
            source_ref: row.source_ref,
            created_at: row.created_at,
            meta: row.meta.0,
            prober_version: row.prober_version,
            decoder,
            // Both or neither are set, by a check constraint of the table.
            file_fingerprint: row
                .source_modified_ns
                .zip(row.source_inode)
                .map(|(modified_ns, inode)| FileFingerprint { modified_ns, inode }),
        })
    }
}
