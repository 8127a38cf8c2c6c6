//! The SQL of listings: a statement for each order.

use media_time::MediaTime;
use media_v2::ArtifactKind;
use primitives::{Id, InvalidPage, KeysetCursor, Page, PageParams, Scope};
use sqlx::PgConnection;

use super::store::{Row, SampleFilter, after_id, plan_with_values, samples, select};
use super::{LibrarySample, SampleKey, SampleSort};
use crate::Error;

/// A page of samples in an order. Must run in a transaction.
///
/// # Errors
/// [`Error::Page`] for a cursor of another order; database errors.
pub(crate) async fn list_samples(
    conn: &mut PgConnection,
    scope: &Scope,
    filter: &SampleFilter,
    sort: SampleSort,
    page: &PageParams<SampleKey>,
) -> Result<Page<LibrarySample>, Error> {
    plan_with_values(conn).await?;
    let rows = match sort {
        SampleSort::Newest => newest(conn, scope, filter, page).await?,
        SampleSort::Score => by_score(conn, scope, filter, page).await?,
        SampleSort::Bpm => by_bpm(conn, scope, filter, page).await?,
        SampleSort::Duration => by_duration(conn, scope, filter, page).await?,
        SampleSort::Brightness => by_brightness(conn, scope, filter, page).await?,
        SampleSort::Energy => by_energy(conn, scope, filter, page).await?,
    };
    Ok(Page::from_rows(samples(rows)?, page.limit, |sample| cursor(sample, sort)))
}

async fn newest(
    conn: &mut PgConnection,
    scope: &Scope,
    filter: &SampleFilter,
    page: &PageParams<SampleKey>,
) -> Result<Vec<Row>, Error> {
    let after = position(page, |key| if let SampleKey::Newest(time) = key { Some(time) } else { None })?;
    let rows = select!(
        "newest_samples",
        "",
        "NULL::double precision",
        "samples s",
        scope,
        filter,
        "AND ($17::timestamptz IS NULL OR (s.created_at, s.artifact_id) < ($17, $18))
             ORDER BY s.created_at DESC, s.artifact_id DESC LIMIT $19",
        after,
        after_id(page),
        page.limit.with_next_row(),
    );
    Ok(rows.fetch_all(conn).await?)
}

/// The position after which a page begins, of the order that `of` reads.
fn position<T>(
    page: &PageParams<SampleKey>,
    of: impl Fn(SampleKey) -> Option<T>,
) -> Result<Option<T>, InvalidPage> {
    page.after.as_ref().map(|after| of(after.key).ok_or(InvalidPage::Cursor)).transpose()
}

async fn by_score(
    conn: &mut PgConnection,
    scope: &Scope,
    filter: &SampleFilter,
    page: &PageParams<SampleKey>,
) -> Result<Vec<Row>, Error> {
    let after = position(page, |key| if let SampleKey::Score(score) = key { Some(score) } else { None })?;
    let rows = select!(
        "samples_by_score",
        "",
        "NULL::double precision",
        "samples s",
        scope,
        filter,
        "AND s.score IS NOT NULL
               AND ($17::double precision IS NULL OR (s.score, s.artifact_id) < ($17, $18))
             ORDER BY s.score DESC, s.artifact_id DESC LIMIT $19",
        after,
        after_id(page),
        page.limit.with_next_row(),
    );
    Ok(rows.fetch_all(conn).await?)
}

async fn by_bpm(
    conn: &mut PgConnection,
    scope: &Scope,
    filter: &SampleFilter,
    page: &PageParams<SampleKey>,
) -> Result<Vec<Row>, Error> {
    let after = position(page, |key| if let SampleKey::Bpm(bpm) = key { Some(bpm) } else { None })?;
    let rows = select!(
        "samples_by_bpm",
        "",
        "NULL::double precision",
        "samples s",
        scope,
        filter,
        "AND s.bpm IS NOT NULL
               AND ($17::double precision IS NULL OR (s.bpm, s.artifact_id) > ($17, $18))
             ORDER BY s.bpm, s.artifact_id LIMIT $19",
        after,
        after_id(page),
        page.limit.with_next_row(),
    );
    Ok(rows.fetch_all(conn).await?)
}

async fn by_duration(
    conn: &mut PgConnection,
    scope: &Scope,
    filter: &SampleFilter,
    page: &PageParams<SampleKey>,
) -> Result<Vec<Row>, Error> {
    let after =
        position(page, |key| if let SampleKey::Duration(micros) = key { Some(micros) } else { None })?;
    let rows = select!(
        "samples_by_duration",
        "",
        "NULL::double precision",
        "samples s",
        scope,
        filter,
        "AND s.duration_us IS NOT NULL
               AND ($17::bigint IS NULL OR (s.duration_us, s.artifact_id) > ($17, $18))
             ORDER BY s.duration_us, s.artifact_id LIMIT $19",
        after,
        after_id(page),
        page.limit.with_next_row(),
    );
    Ok(rows.fetch_all(conn).await?)
}

async fn by_brightness(
    conn: &mut PgConnection,
    scope: &Scope,
    filter: &SampleFilter,
    page: &PageParams<SampleKey>,
) -> Result<Vec<Row>, Error> {
    let after = position(page, |key| if let SampleKey::Brightness(hz) = key { Some(hz) } else { None })?;
    let rows = select!(
        "samples_by_brightness",
        "",
        "NULL::double precision",
        "samples s",
        scope,
        filter,
        "AND s.brightness_hz IS NOT NULL
               AND ($17::double precision IS NULL OR (s.brightness_hz, s.artifact_id) > ($17, $18))
             ORDER BY s.brightness_hz, s.artifact_id LIMIT $19",
        after,
        after_id(page),
        page.limit.with_next_row(),
    );
    Ok(rows.fetch_all(conn).await?)
}

async fn by_energy(
    conn: &mut PgConnection,
    scope: &Scope,
    filter: &SampleFilter,
    page: &PageParams<SampleKey>,
) -> Result<Vec<Row>, Error> {
    let after = position(page, |key| if let SampleKey::Energy(energy) = key { Some(energy) } else { None })?;
    let rows = select!(
        "samples_by_energy",
        "",
        "NULL::double precision",
        "samples s",
        scope,
        filter,
        "AND s.energy IS NOT NULL
               AND ($17::double precision IS NULL OR (s.energy, s.artifact_id) < ($17, $18))
             ORDER BY s.energy DESC, s.artifact_id DESC LIMIT $19",
        after,
        after_id(page),
        page.limit.with_next_row(),
    );
    Ok(rows.fetch_all(conn).await?)
}

fn cursor(sample: &LibrarySample, sort: SampleSort) -> KeysetCursor<SampleKey> {
    let key = match sort {
        SampleSort::Newest => SampleKey::Newest(sample.created_at),
        SampleSort::Score => SampleKey::Score(sample.score.unwrap_or_default()),
        SampleSort::Bpm => SampleKey::Bpm(sample.bpm.unwrap_or_default()),
        SampleSort::Duration => {
            SampleKey::Duration(sample.duration.map(MediaTime::as_micros).unwrap_or_default())
        }
        SampleSort::Brightness => SampleKey::Brightness(sample.brightness_hz.unwrap_or_default()),
        SampleSort::Energy => SampleKey::Energy(sample.energy.unwrap_or_default()),
    };
    KeysetCursor { key, id: sample.artifact_id.clone() }
}
