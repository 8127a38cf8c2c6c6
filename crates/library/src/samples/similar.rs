//! The SQL of similar samples.

use media_v2::ArtifactKind;
use primitives::{Id, InvalidPage, KeysetCursor, Page, PageParams, Scope};
use sqlx::PgConnection;

use super::store::{Row, SampleFilter, after_id, parse_kind, samples, select};
use super::{LibrarySample, SampleKey};
use crate::Error;

/// The values by which a sample is compared with others, in the interval of its owner and kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Descriptor {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// The kind and the descriptor of a sample; `None` for artifacts that are no samples, a null descriptor for a sample
/// without the measured values.
///
/// # Errors
/// [`sqlx::Error::Decode`] for an unknown kind; database errors.
pub(crate) async fn find_descriptor(
    conn: &mut PgConnection,
    scope: &Scope,
    artifact_id: &Id,
) -> sqlx::Result<Option<(ArtifactKind, Option<Descriptor>)>> {
    let row = sqlx::query!(
        r#"-- library::find_descriptor
        SELECT kind, descriptor[0] AS x, descriptor[1] AS y FROM samples
        WHERE tenant_id = $1 AND env = $2 AND artifact_id = $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        artifact_id.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let kind = parse_kind(&row.kind)?;
    Ok(Some((kind, row.x.zip(row.y).map(|(x, y)| Descriptor { x, y }))))
}

/// The first `limit` of the `nearest` samples to `asked` that match the filter, which has a kind, by ascending distance.
/// The index returns samples by distance, in the interval of the owner and kind. Samples as far as the last of the `nearest`
/// are among them, at most ten times as many in all: a million equal ones are not read. Must run in a transaction, after
/// [`plan_with_values`](super::store::plan_with_values).
///
/// # Errors
/// [`Error::Page`] for a cursor of another order; database errors.
pub(crate) async fn nearest_samples(
    conn: &mut PgConnection,
    scope: &Scope,
    filter: &SampleFilter,
    (artifact_id, asked): (&Id, Descriptor),
    page: &PageParams<SampleKey>,
    nearest: i64,
) -> Result<Vec<LibrarySample>, Error> {
    // The planner underestimates the interval, and would read and sort all of it.
    sqlx::query!("-- library::nearest_samples\nSET LOCAL enable_bitmapscan = off")
        .execute(&mut *conn)
        .await?;
    let rows = select!(
        "nearest_samples",
        "WITH nearest AS MATERIALIZED (
                 SELECT near.artifact_id, near.distance
                 FROM (
                     SELECT s.artifact_id, s.descriptor <-> point($17, $18) AS distance
                     FROM samples s
                     WHERE s.tenant_id = $1 AND s.env = $2 AND s.kind = $3
                       AND s.descriptor <@ box(point($17 - 256, -256), point($17 + 256, 256))
                     ORDER BY s.descriptor <-> point($17, $18) LIMIT 10 * $23
                 ) near
                 ORDER BY near.distance FETCH FIRST ($23) ROWS WITH TIES
             )",
        "n.distance",
        "nearest n JOIN samples s ON s.tenant_id = $1 AND s.env = $2 AND s.artifact_id = n.artifact_id",
        scope,
        filter,
        "AND n.artifact_id <> $19
               AND ($20::double precision IS NULL OR (n.distance, n.artifact_id) > ($20, $21))
             ORDER BY n.distance, n.artifact_id LIMIT $22",
        asked.x,
        asked.y,
        artifact_id.as_str(),
        after_distance(page)?,
        after_id(page),
        page.limit.with_next_row(),
        nearest,
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!("-- library::nearest_samples\nSET LOCAL enable_bitmapscan TO DEFAULT").execute(conn).await?;
    samples(rows)
}

/// The first samples that match the filter, by ascending distance from `asked`: all that match are read and sorted. Must
/// run in a transaction, after [`plan_with_values`](super::store::plan_with_values).
///
/// # Errors
/// [`Error::Page`] for a cursor of another order; database errors.
pub(crate) async fn similar_samples(
    conn: &mut PgConnection,
    scope: &Scope,
    filter: &SampleFilter,
    (artifact_id, asked): (&Id, Descriptor),
    page: &PageParams<SampleKey>,
) -> Result<Vec<LibrarySample>, Error> {
    let rows = select!(
        "similar_samples",
        "",
        "s.descriptor <-> point($17, $18)",
        "samples s",
        scope,
        filter,
        "AND s.artifact_id <> $19 AND s.descriptor IS NOT NULL
               AND ($20::double precision IS NULL
                   OR (s.descriptor <-> point($17, $18), s.artifact_id) > ($20, $21))
             ORDER BY (s.descriptor <-> point($17, $18)) + 0, s.artifact_id LIMIT $22",
        asked.x,
        asked.y,
        artifact_id.as_str(),
        after_distance(page)?,
        after_id(page),
        page.limit.with_next_row(),
    );
    samples(rows.fetch_all(conn).await?)
}

fn after_distance(page: &PageParams<SampleKey>) -> Result<Option<f64>, Error> {
    match page.after.as_ref().map(|after| after.key) {
        None => Ok(None),
        Some(SampleKey::Distance(distance)) => Ok(Some(distance)),
        Some(_) => Err(InvalidPage::Cursor.into()),
    }
}

/// A page of similar samples, which were read with [`PageLimit::with_next_row`](primitives::PageLimit::with_next_row).
pub(crate) fn similar_page(samples: Vec<LibrarySample>, page: &PageParams<SampleKey>) -> Page<LibrarySample> {
    Page::from_rows(samples, page.limit, |sample| KeysetCursor {
        key: SampleKey::Distance(sample.distance.unwrap_or_default()),
        id: sample.artifact_id.clone(),
    })
}
