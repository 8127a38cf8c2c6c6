//! The service: conditions of listings and searches, and their pages.

use http_kit::RequestContext;
use media_v2::{ArtifactKind, MediaError};
use primitives::{Id, KeysetCursor, Page, PageLimit, PageParams, Scope};
use sqlx::{PgConnection, PgPool};

use crate::samples::{self, LibrarySample, SampleFilter, SampleKey, SampleQuery, SampleSort};
use crate::words::store::{BLOCK, BlockRange, FoundWindow, SearchFilter};
use crate::words::{self, Place, Query, SearchHit, SearchKey, SearchQuery, TermTable, term_table};
use crate::{Error, SampleKind, SampleRole};

/// Up to this number of recordings with a tag, samples are looked up by recording; beyond it, the tag is checked for each
/// sample.
const RARE_TAG: i64 = 500;
/// Number of nearest samples among which similar ones are searched first. A listing of which [`FEW`] or more are among them
/// ends after them.
const NEAREST: i64 = 2_000;
/// Conditions that fewer of the nearest samples meet are selective enough to sort all samples that meet them.
const FEW: PageLimit = match PageLimit::new(200) {
    Ok(limit) => limit,
    Err(_) => PageLimit::MAX,
};

/// Lists samples and searches words. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Library {
    pool: PgPool,
}

impl Library {
    /// A library over a migrated database.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// A page of samples: at most ten statements, of which three set how others are planned.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`], [`Error::Page`]; [`MediaError::ArtifactsNotFound`] for `similar_to`; database errors.
    pub async fn samples(
        &self,
        context: &RequestContext,
        query: SampleQuery,
    ) -> Result<Page<LibrarySample>, Error> {
        query.check()?;
        let scope = &context.scope;
        let page = PageParams::<SampleKey>::new(query.limit, query.cursor.as_deref())?;
        let (sort, similar_to) = (query.sort, query.similar_to.clone());
        let mut transaction = self.pool.begin().await?;
        let listed = match filter(&mut transaction, scope, query).await? {
            None => Page { items: Vec::new(), next_cursor: None },
            Some(filter) => match similar_to {
                Some(artifact_id) => similar(&mut transaction, scope, filter, &artifact_id, &page).await?,
                None => samples::listing::list_samples(&mut transaction, scope, &filter, sort, &page).await?,
            },
        };
        transaction.commit().await?;
        Ok(listed)
    }

    /// A page of the windows in which words are said: three statements, and one that sets how they are planned. Windows
    /// are ranked in blocks of 200, the newest first, so that the work does not grow with the number of matches; the page
    /// at the end of a block is shorter. Words that are all common are searched in 20 000 windows for a page, which may be
    /// empty before the last one.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`], [`Error::Page`]; database errors.
    pub async fn search(
        &self,
        context: &RequestContext,
        request: &SearchQuery,
    ) -> Result<Page<SearchHit>, Error> {
        let query = Query::parse(&request.q)?;
        let PageParams { limit, after } =
            PageParams::<SearchKey, i64>::new(request.limit, request.cursor.as_deref())?;
        let newest = after.as_ref().map_or(i64::MAX, |after| after.key.newest);
        let mut transaction = self.pool.begin().await?;
        let table = terms(&mut transaction, &context.scope, &query).await?;
        let range = if table.is_common && request.asset_id.is_none() {
            words::store::common_range(&mut transaction, &context.scope, newest).await?
        } else {
            BlockRange { newest, older: None }
        };
        let filter = SearchFilter {
            kind: request.kind,
            asset_id: request.asset_id.as_ref(),
            after: after.map(|after| (after.key, after.id)),
            range,
            limit: limit.with_next_row(),
        };
        let found = words::store::search(&mut transaction, &context.scope, &query, &table, &filter).await?;
        transaction.commit().await?;
        Ok(search_page(found, limit, range))
    }

    /// The places where a phrase is said in the default audio streams of all recordings, in order of recording and time; of
    /// at most `limit` windows.
    ///
    /// # Errors
    /// [`Error::InvalidQuery`]; database errors.
    pub async fn places(&self, scope: &Scope, phrase: &str, limit: i64) -> Result<Vec<Place>, Error> {
        let query = Query::phrase(phrase)?;
        let mut transaction = self.pool.begin().await?;
        let table = terms(&mut transaction, scope, &query).await?;
        let places = words::store::find_places(&mut transaction, scope, &query, &table, limit).await?;
        transaction.commit().await?;
        Ok(places)
    }
}

/// A page of a block, and the cursor of the next page: in this block, or at the start of the next one.
fn search_page(found: Vec<FoundWindow>, limit: PageLimit, range: BlockRange) -> Page<SearchHit> {
    let block = found.first().map(|window| (window.oldest, window.ranked));
    let cursor = |window: &FoundWindow| KeysetCursor {
        key: SearchKey { newest: window.newest, rank: window.hit.rank },
        id: window.id,
    };
    let Page { items, next_cursor } = Page::from_rows(found, limit, cursor);
    let older = block.filter(|(_, ranked)| *ranked >= BLOCK).map(|(oldest, _)| oldest - 1).or(range.older);
    let next_block = older.map(|newest| {
        let key = SearchKey { newest, rank: f32::INFINITY };
        KeysetCursor { key, id: i64::MAX }.encode()
    });
    Page {
        items: items.into_iter().map(|window| window.hit).collect(),
        next_cursor: next_cursor.or(next_block),
    }
}

async fn terms(conn: &mut PgConnection, scope: &Scope, query: &Query) -> Result<TermTable, Error> {
    let lexemes = words::store::find_lexemes(conn, scope, &query.tokens()).await?;
    Ok(term_table(query, &lexemes))
}

/// The conditions of a listing; `None` if no sample can meet them.
async fn filter(
    conn: &mut PgConnection,
    scope: &Scope,
    query: SampleQuery,
) -> Result<Option<SampleFilter>, Error> {
    let Some(kind) = kind(&query) else { return Ok(None) };
    let mut filter = SampleFilter {
        kind,
        asset_ids: query.asset_id.map(|id| vec![id.to_string()]),
        tag: query.tag,
        role: query.role.map(SampleRole::as_str),
        min_score: query.min_score,
        bpm_min: query.bpm_min,
        bpm_max: query.bpm_max,
        bars: query.bars.map(i32::from),
        key: query.key,
        text: query.text,
        brightness_min: query.brightness_min,
        brightness_max: query.brightness_max,
        energy_min: query.energy_min,
        energy_max: query.energy_max,
    };
    if let (Some(tag), None) = (&filter.tag, &filter.asset_ids) {
        let tagged = samples::store::tagged_assets(conn, scope, tag, RARE_TAG + 1).await?;
        if i64::try_from(tagged.len()).is_ok_and(|count| count <= RARE_TAG) {
            filter.asset_ids = Some(tagged);
            filter.tag = None;
        }
    }
    Ok(Some(filter))
}

/// The kind of samples that can meet the conditions: values imply the kind that has them. `None` if no kind can,
/// `Some(None)` if all can. An explicit kind lets the database use its indexes by kind.
fn kind(query: &SampleQuery) -> Option<Option<ArtifactKind>> {
    let is_loop = query.bpm_min.is_some()
        || query.bpm_max.is_some()
        || query.bars.is_some()
        || query.key.is_some()
        || query.sort == SampleSort::Bpm;
    let is_hit = query.role.is_some()
        || query.brightness_min.is_some()
        || query.brightness_max.is_some()
        || query.sort == SampleSort::Brightness;
    let implied = [
        (is_hit, SampleKind::AudioHit),
        (is_loop, SampleKind::AudioLoop),
        (query.text.is_some(), SampleKind::AudioPhrase),
    ];
    let mut kind = query.kind;
    for (_, implied) in implied.into_iter().filter(|(is_implied, _)| *is_implied) {
        if *kind.get_or_insert(implied) != implied {
            return None;
        }
    }
    Some(kind.map(SampleKind::artifact_kind))
}

/// A page of the samples of the same kind that are similar to `artifact_id`.
async fn similar(
    conn: &mut PgConnection,
    scope: &Scope,
    mut filter: SampleFilter,
    artifact_id: &Id,
    page: &PageParams<SampleKey>,
) -> Result<Page<LibrarySample>, Error> {
    let found = samples::similar::find_descriptor(conn, scope, artifact_id).await?;
    let (kind, descriptor) = found.ok_or_else(|| MediaError::artifact_not_found(artifact_id))?;
    let Some(descriptor) = descriptor else {
        let detail = "the sample has no measured values to compare";
        return Err(Error::InvalidQuery { parameter: "similar_to", detail });
    };
    if *filter.kind.get_or_insert(kind) != kind {
        return Ok(Page { items: Vec::new(), next_cursor: None });
    }
    samples::store::plan_with_values(conn).await?;
    let asked = (artifact_id, descriptor);
    let nearest = samples::similar::nearest_samples(conn, scope, &filter, asked, page, NEAREST).await?;
    let is_full = i64::try_from(nearest.len()).is_ok_and(|count| count >= page.limit.with_next_row());
    if is_full || !filter.has_conditions() {
        return Ok(samples::similar::similar_page(nearest, page));
    }
    // Independent of the page, so that all pages of a listing are read in the same way.
    let first = PageParams { limit: FEW, after: None };
    let matching = samples::similar::nearest_samples(conn, scope, &filter, asked, &first, NEAREST).await?;
    let is_few = matching.len() < FEW.get() as usize;
    let found = if is_few {
        samples::similar::similar_samples(conn, scope, &filter, asked, page).await?
    } else {
        nearest
    };
    Ok(samples::similar::similar_page(found, page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_on_values_imply_the_kind() {
        let query = SampleQuery::default;
        assert_eq!(kind(&query()), Some(None));
        let by_role = SampleQuery { role: Some(SampleRole::Kick), ..query() };
        assert_eq!(kind(&by_role), Some(Some(ArtifactKind::AudioHit)));
        let by_tempo = SampleQuery { sort: SampleSort::Bpm, ..query() };
        assert_eq!(kind(&by_tempo), Some(Some(ArtifactKind::AudioLoop)));
        let by_brightness = SampleQuery { brightness_max: Some(500.0), ..query() };
        assert_eq!(kind(&by_brightness), Some(Some(ArtifactKind::AudioHit)));
        assert_eq!(kind(&SampleQuery { bars: Some(2), ..by_brightness }), None);
        let by_energy = SampleQuery { sort: SampleSort::Energy, energy_min: Some(0.01), ..query() };
        assert_eq!(kind(&by_energy), Some(None), "hits and loops have energies");
        let text = Some("hark".to_owned());
        assert_eq!(kind(&SampleQuery { text: text.clone(), ..by_role.clone() }), None);
        let phrase = SampleQuery { text, kind: Some(SampleKind::AudioPhrase), ..query() };
        assert_eq!(kind(&phrase), Some(Some(ArtifactKind::AudioPhrase)));
        assert_eq!(kind(&SampleQuery { kind: Some(SampleKind::AudioLoop), ..by_role }), None);
    }
}
