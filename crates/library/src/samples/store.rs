//! The SQL of samples: what all listings have in common.

use chrono::{DateTime, Utc};
use media_time::{AssetTime, MediaTime};
use media_v2::{ArtifactKind, UnknownKind};
use primitives::{Id, PageParams, Scope};
use sqlx::PgConnection;

use super::{LibrarySample, SampleKey};
use crate::Error;

/// The conditions of a listing. Those that are `None` hold for all samples.
#[derive(Debug, Default)]
pub(crate) struct SampleFilter {
    pub(crate) kind: Option<ArtifactKind>,
    pub(crate) asset_ids: Option<Vec<String>>,
    /// A tag of the recordings.
    pub(crate) tag: Option<String>,
    pub(crate) role: Option<&'static str>,
    pub(crate) min_score: Option<f64>,
    pub(crate) bpm_min: Option<f64>,
    pub(crate) bpm_max: Option<f64>,
    pub(crate) bars: Option<i32>,
    pub(crate) key: Option<String>,
    pub(crate) text: Option<String>,
    /// In Hz.
    pub(crate) brightness_min: Option<f64>,
    pub(crate) brightness_max: Option<f64>,
    /// Mean squares.
    pub(crate) energy_min: Option<f64>,
    pub(crate) energy_max: Option<f64>,
}

impl SampleFilter {
    /// Whether there is a condition other than the kind.
    pub(crate) const fn has_conditions(&self) -> bool {
        self.asset_ids.is_some()
            || self.tag.is_some()
            || self.role.is_some()
            || self.min_score.is_some()
            || self.bpm_min.is_some()
            || self.bpm_max.is_some()
            || self.bars.is_some()
            || self.key.is_some()
            || self.text.is_some()
            || self.brightness_min.is_some()
            || self.brightness_max.is_some()
            || self.energy_min.is_some()
            || self.energy_max.is_some()
    }
}

pub(super) struct Row {
    pub(super) artifact_id: Id,
    pub(super) asset_id: Id,
    pub(super) kind: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) start_us: Option<i64>,
    pub(super) end_us: Option<i64>,
    pub(super) duration_us: Option<i64>,
    pub(super) score: Option<f64>,
    pub(super) bpm: Option<f64>,
    pub(super) bars: Option<i32>,
    pub(super) role: Option<String>,
    pub(super) role_confidence: Option<f64>,
    pub(super) key: Option<String>,
    pub(super) peak_db: Option<f64>,
    pub(super) energy: Option<f64>,
    pub(super) brightness_hz: Option<f64>,
    pub(super) transcript: Option<String>,
    pub(super) distance: Option<f64>,
}

/// `query_as!` for [`Row`], with the function's name, the SQL before `SELECT`, the distance, the table as `s`, the filter, the SQL
/// after the filter, and the arguments from `$17` on.
macro_rules! select {
    (
        $name:literal, $with:literal, $distance:literal, $from:literal, $scope:expr, $filter:expr, $rest:literal,
        $($argument:expr),+ $(,)?
    ) => {
        sqlx::query_as!(
            Row,
            "-- library::" + $name + "
             " + $with + "
             SELECT s.artifact_id AS \"artifact_id!: Id\", s.asset_id AS \"asset_id!: Id\", s.kind AS \"kind!\",
                    s.created_at AS \"created_at!\",
                    s.start_us, s.end_us, s.duration_us, s.score, s.bpm, s.bars, s.role, s.role_confidence, s.key,
                    s.peak_db, s.energy, s.brightness_hz, s.transcript, " + $distance + " AS \"distance?\"
             FROM " + $from + "
             WHERE s.tenant_id = $1 AND s.env = $2
               AND ($3::text IS NULL OR s.kind = $3)
               AND ($4::text[] IS NULL OR s.asset_id = ANY ($4))
               AND ($5::text IS NULL OR (
                   SELECT m.tags @> ARRAY [$5] FROM media_assets m
                   WHERE m.tenant_id = $1 AND m.env = $2 AND m.id = s.asset_id
               ))
               AND ($6::text IS NULL OR s.role = $6)
               AND ($7::double precision IS NULL OR s.score >= $7)
               AND ($8::double precision IS NULL OR s.bpm >= $8)
               AND ($9::double precision IS NULL OR s.bpm <= $9)
               AND ($10::integer IS NULL OR s.bars = $10)
               AND ($11::text IS NULL OR s.key = $11)
               AND ($12::text IS NULL OR s.words @@ (
                   quote_literal(library_owner($1, $2))::tsquery && websearch_to_tsquery('simple', folded($12))
               ))
               AND ($13::double precision IS NULL OR s.brightness_hz >= $13)
               AND ($14::double precision IS NULL OR s.brightness_hz <= $14)
               AND ($15::double precision IS NULL OR s.energy >= $15)
               AND ($16::double precision IS NULL OR s.energy <= $16)
               " + $rest,
            $scope.tenant_id.as_str(),
            $scope.env.as_str(),
            $filter.kind.map(ArtifactKind::as_str),
            $filter.asset_ids.as_deref() as _,
            $filter.tag.as_deref(),
            $filter.role,
            $filter.min_score,
            $filter.bpm_min,
            $filter.bpm_max,
            $filter.bars,
            $filter.key.as_deref(),
            $filter.text.as_deref(),
            $filter.brightness_min,
            $filter.brightness_max,
            $filter.energy_min,
            $filter.energy_max,
            $($argument),+
        )
    };
}

pub(super) use select;

pub(super) fn samples(rows: Vec<Row>) -> Result<Vec<LibrarySample>, Error> {
    rows.into_iter().map(LibrarySample::try_from).collect()
}

pub(super) fn after_id(page: &PageParams<SampleKey>) -> &str {
    page.after.as_ref().map_or("", |after| after.id.as_str())
}

/// Plans the statements of this transaction for their values. A prepared statement would after some runs get one plan for
/// all values, which cannot choose an index for conditions that may be absent.
///
/// # Errors
/// Database errors.
pub(crate) async fn plan_with_values(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("-- library::plan_with_values\nSET LOCAL plan_cache_mode = force_custom_plan")
        .execute(conn)
        .await?;
    Ok(())
}

/// The recordings with a tag, at most `limit`.
///
/// # Errors
/// Database errors.
pub(crate) async fn tagged_assets(
    conn: &mut PgConnection,
    scope: &Scope,
    tag: &str,
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "-- library::tagged_assets
         SELECT id FROM media_assets WHERE tenant_id = $1 AND env = $2 AND tags @> ARRAY [$3::text] LIMIT $4",
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        tag,
        limit,
    )
    .fetch_all(conn)
    .await
}

pub(super) fn parse_kind(kind: &str) -> sqlx::Result<ArtifactKind> {
    kind.parse().map_err(|unknown: UnknownKind| sqlx::Error::Decode(unknown.into()))
}

impl TryFrom<Row> for LibrarySample {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            kind: parse_kind(&row.kind)?,
            artifact_id: row.artifact_id,
            asset_id: row.asset_id,
            created_at: row.created_at,
            start: row.start_us.map(AssetTime::from_micros),
            end: row.end_us.map(AssetTime::from_micros),
            duration: row.duration_us.map(MediaTime::from_micros),
            score: row.score,
            bpm: row.bpm,
            bars: row.bars,
            role: row.role,
            role_confidence: row.role_confidence,
            key: row.key,
            peak_db: row.peak_db,
            energy: row.energy,
            brightness_hz: row.brightness_hz,
            text: row.transcript,
            distance: row.distance,
        })
    }
}
