//! The SQL of the search.

use std::collections::HashSet;

use media_time::AssetTime;
use media_v2::AssetKind;
use primitives::{Id, Scope};
use sqlx::PgConnection;

use super::matches::MatchedWords;
use super::{Lexemes, Place, Query, SearchHit, SearchKey, TermTable};
use crate::samples::store::plan_with_values;

/// Number of windows that are ranked together: the newest ones that match, then the next, and so on.
pub(crate) const BLOCK: i64 = 200;
/// Maximum number of windows that are read in order for a block: common words may rarely be said together.
const READ: i64 = 20_000;

/// The lexemes of tokens, in their order: folded, and stemmed in the languages of the owner's words; with their frequencies
/// in the statistics of the index.
///
/// # Errors
/// Database errors.
pub(crate) async fn find_lexemes(
    conn: &mut PgConnection,
    scope: &Scope,
    tokens: &[String],
) -> sqlx::Result<Vec<Lexemes>> {
    sqlx::query_as!(
        Lexemes,
        r#"-- library::find_lexemes: one look-up in the index for each language
        WITH RECURSIVE spoken AS (
            SELECT min(w.language) AS language FROM spoken_windows w
            WHERE w.tenant_id = $1 AND w.env = $2 AND w.language IS NOT NULL
            UNION ALL
            SELECT (
                SELECT min(w.language) FROM spoken_windows w
                WHERE w.tenant_id = $1 AND w.env = $2 AND w.language > s.language
            )
            FROM spoken s WHERE s.language IS NOT NULL
        ), languages AS MATERIALIZED (
            SELECT d.language, d.dictionary FROM spoken s JOIN spoken_languages() d ON d.language = s.language
        ), common AS MATERIALIZED (
            SELECT e.lexeme, e.frequency
            FROM pg_stats p
            CROSS JOIN LATERAL unnest(p.most_common_elems::text::text[], p.most_common_elem_freqs)
                AS e (lexeme, frequency)
            WHERE p.schemaname = current_schema() AND p.tablename = 'spoken_windows' AND p.attname = 'lexemes'
        ), wanted AS MATERIALIZED (
            SELECT t.position, t.token, folded_token(t.token) AS folded
            FROM unnest($3::text[]) WITH ORDINALITY AS t (token, position)
        )
        SELECT t.folded AS "folded!",
               ARRAY (
                   SELECT l.language || ':' || folded_token(stem)
                   FROM languages l CROSS JOIN LATERAL unnest(ts_lexize(l.dictionary, t.token)) AS stem
               ) AS "stems!",
               (SELECT c.frequency FROM common c WHERE c.lexeme = '=' || t.folded) AS "frequency?"
        FROM wanted t
        ORDER BY t.position"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        tokens,
    )
    .fetch_all(conn)
    .await
}

/// Conditions and position of a search.
#[derive(Debug)]
pub(crate) struct SearchFilter<'a> {
    pub(crate) kind: Option<AssetKind>,
    pub(crate) asset_id: Option<&'a Id>,
    /// Sort key and id of the last window of the previous page.
    pub(crate) after: Option<(SearchKey, i64)>,
    pub(crate) range: BlockRange,
    /// `LIMIT` of the query.
    pub(crate) limit: i64,
}

/// The windows among which those of a block are searched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockRange {
    /// The newest window.
    pub(crate) newest: i64,
    /// The newest window that is older than the range; `None` if the range has all windows up to `newest`.
    pub(crate) older: Option<i64>,
}

/// The newest 20 000 windows up to `newest`, which are read in order for common words.
///
/// # Errors
/// Database errors.
pub(crate) async fn common_range(
    conn: &mut PgConnection,
    scope: &Scope,
    newest: i64,
) -> sqlx::Result<BlockRange> {
    sqlx::query_as!(
        BlockRange,
        r#"-- library::common_range
        SELECT coalesce(max(w.id), 0) AS "newest!",
               (
                   SELECT o.id FROM spoken_windows o
                   WHERE o.tenant_id = $1 AND o.env = $2 AND o.id <= $3 ORDER BY o.id DESC OFFSET $4 LIMIT 1
               ) AS "older?"
        FROM spoken_windows w WHERE w.tenant_id = $1 AND w.env = $2 AND w.id <= $3"#,
        scope.tenant_id.as_str(),
        scope.env.as_str(),
        newest,
        READ,
    )
    .fetch_one(conn)
    .await
}

/// A window that matches, and what the cursor of the next page needs.
#[derive(Debug)]
pub(crate) struct FoundWindow {
    pub(crate) id: i64,
    pub(crate) hit: SearchHit,
    /// The newest window of its block, or of the range in which common words are searched.
    pub(crate) newest: i64,
    /// The oldest window of its block.
    pub(crate) oldest: i64,
    /// Number of windows in its block.
    pub(crate) ranked: i64,
}

struct Row {
    id: i64,
    rank: f32,
    newest: i64,
    oldest: i64,
    ranked: i64,
    asset_id: Id,
    timeline_id: Id,
    audio_stream: Option<i32>,
    start_us: i64,
    end_us: i64,
    language: Option<String>,
    speaker_id: Option<String>,
    words: Vec<String>,
    starts_ms: Vec<i64>,
    ends_ms: Vec<i64>,
    own_words: i32,
    token_words: Vec<i32>,
    lexemes: Vec<String>,
    positions: Vec<i32>,
}

/// `query_as!` for [`Row`], with the function's name, the SQL before `SELECT`, the rank and counts, the table, the SQL
/// after the joins, and the arguments; `$1` and `$2` are the owner, `$3` the query of pairs, `$4` the lexemes and `$5` the
/// prefixes of matches.
macro_rules! select {
    (
        $name:literal, $with:literal, $counts:literal, $from:literal, $rest:literal, $scope:expr, $table:expr,
        $($argument:expr),+ $(,)?
    ) => {
        sqlx::query_as!(
            Row,
            "-- library::" + $name + "
             " + $with + "
             SELECT w.id, " + $counts + ", w.asset_id AS \"asset_id: Id\", w.timeline_id AS \"timeline_id: Id\",
                    w.audio_stream, w.start_us, w.end_us, w.language, w.speaker_id, w.words, w.starts_ms, w.ends_ms,
                    w.own_words, w.token_words, found.lexemes AS \"lexemes!\", found.positions AS \"positions!\"
             FROM " + $from + "
             CROSS JOIN LATERAL (
                 SELECT coalesce(array_agg(l.lexeme), '{}') AS lexemes,
                        coalesce(array_agg(p.position::integer), '{}') AS positions
                 FROM unnest(w.lexemes) AS l (lexeme, positions, weights)
                 CROSS JOIN LATERAL unnest(l.positions) AS p (position)
                 WHERE l.lexeme = ANY ($4::text[]) OR l.lexeme ^@ ANY ($5::text[])
             ) found
             " + $rest,
            $scope.tenant_id.as_str(),
            $scope.env.as_str(),
            $table.pairs,
            &$table.lexemes(false),
            &$table.lexemes(true),
            $($argument),+
        )
    };
}

/// The windows that match a search, by descending rank, of a block of [`BLOCK`]. Must run in a transaction.
///
/// Windows with common words are read in order until the block is full, or the range ends. Those of other words or of one
/// recording come from an index: the planner would read in order here, too, because it does not know the cost of comparing
/// lexemes. The index is asked for the newest 65 536 ids first (`near`); if they fill the block, its windows are the newest
/// of all, and otherwise all are read, which are few then.
///
/// # Errors
/// Database errors.
pub(crate) async fn search(
    conn: &mut PgConnection,
    scope: &Scope,
    query: &Query,
    table: &TermTable,
    filter: &SearchFilter<'_>,
) -> sqlx::Result<Vec<FoundWindow>> {
    plan_with_values(conn).await?;
    let rows = select!(
        "search_words",
        "WITH near AS MATERIALIZED (
                 SELECT w.id FROM spoken_windows w
                 WHERE NOT $14::boolean AND $6::text IS NULL AND w.tenant_id = $1 AND w.env = $2
                   AND w.lexemes @@ (quote_literal(library_owner($1, $2))::tsquery && $3::text::tsquery)
                   AND ($7::text IS NULL OR CASE WHEN $7 = (
                       SELECT m.kind FROM media_assets m
                       WHERE m.tenant_id = $1 AND m.env = $2 AND m.id = w.asset_id
                   ) THEN true END)
                   AND ($13::text IS NULL OR w.lexemes @@ $13::text::tsquery)
                   AND ARRAY [w.id / 4096] && ARRAY (
                       SELECT generate_series(newest.id / 4096 - 15, newest.id / 4096) FROM (
                           SELECT max(n.id) AS id FROM spoken_windows n
                           WHERE n.tenant_id = $1 AND n.env = $2 AND n.id <= $8
                       ) newest
                   )
                   AND w.id <= $8
                 ORDER BY w.id + 0 DESC LIMIT $9
             ), matching AS MATERIALIZED (
                 (SELECT w.id FROM spoken_windows w
                 WHERE $14 AND w.tenant_id = $1 AND w.env = $2
                   AND w.lexemes @@ (quote_literal(library_owner($1, $2))::tsquery && $3::text::tsquery)
                   AND ($6::text IS NULL OR w.asset_id = $6)
                   AND ($7::text IS NULL OR CASE WHEN $7 = (
                       SELECT m.kind FROM media_assets m
                       WHERE m.tenant_id = $1 AND m.env = $2 AND m.id = w.asset_id
                   ) THEN true END)
                   AND ($13::text IS NULL OR w.lexemes @@ $13::text::tsquery)
                   AND w.id <= $8 AND w.id > $15
                 ORDER BY w.id DESC LIMIT $9)
                 UNION ALL
                 SELECT near.id FROM near WHERE (SELECT count(*) FROM near) >= $9
                 UNION ALL
                 (SELECT w.id FROM spoken_windows w
                 WHERE NOT $14::boolean AND (SELECT count(*) FROM near) < $9 AND w.tenant_id = $1 AND w.env = $2
                   AND w.lexemes @@ (quote_literal(library_owner($1, $2))::tsquery && $3::text::tsquery)
                   AND ($6::text IS NULL OR w.asset_id = $6)
                   AND ($7::text IS NULL OR CASE WHEN $7 = (
                       SELECT m.kind FROM media_assets m
                       WHERE m.tenant_id = $1 AND m.env = $2 AND m.id = w.asset_id
                   ) THEN true END)
                   AND ($13::text IS NULL OR w.lexemes @@ $13::text::tsquery)
                   AND w.id <= $8
                 ORDER BY w.id + 0 DESC LIMIT $9)
             ), ranked AS (
                 SELECT w.id, ts_rank_cd(w.lexemes, $3::text::tsquery, 1) AS rank
                 FROM matching m JOIN spoken_windows w ON w.tenant_id = $1 AND w.env = $2 AND w.id = m.id
             ), page AS (
                 SELECT r.id, r.rank FROM ranked r
                 WHERE $10::real IS NULL OR (r.rank, r.id) < ($10, $11)
                 ORDER BY r.rank DESC, r.id DESC LIMIT $12
             )",
        "page.rank AS \"rank!\", CASE WHEN $14 THEN $8 ELSE (SELECT max(id) FROM matching) END AS \"newest!\",
                    (SELECT min(id) FROM matching) AS \"oldest!\",
                    (SELECT count(*) FROM matching) AS \"ranked!\"",
        "page JOIN spoken_windows w ON w.tenant_id = $1 AND w.env = $2 AND w.id = page.id",
        "ORDER BY page.rank DESC, page.id DESC",
        scope,
        table,
        filter.asset_id.map(Id::as_str),
        filter.kind.map(AssetKind::as_str),
        filter.range.newest,
        BLOCK,
        filter.after.map(|(key, _)| key.rank),
        filter.after.map_or(i64::MAX, |(_, id)| id),
        filter.limit,
        table.exact.as_deref(),
        table.is_common && filter.asset_id.is_none(),
        filter.range.older.unwrap_or_default(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| found_window(row, query, table)).collect())
}

/// The places where a query of one phrase is said in the default audio streams of recordings, in order of recording and
/// time; those of at most `limit` windows. Must run in a transaction. The order is of an expression, because the planner
/// would read the index of recordings, with all windows of the owner, in order.
///
/// # Errors
/// Database errors.
pub(crate) async fn find_places(
    conn: &mut PgConnection,
    scope: &Scope,
    query: &Query,
    table: &TermTable,
    limit: i64,
) -> sqlx::Result<Vec<Place>> {
    plan_with_values(conn).await?;
    let rows = select!(
        "find_places",
        "",
        "0::real AS \"rank!\", 0::bigint AS \"newest!\", 0::bigint AS \"oldest!\", 0::bigint AS \"ranked!\"",
        "spoken_windows w",
        "WHERE w.tenant_id = $1 AND w.env = $2 AND w.audio_stream IS NULL
               AND w.lexemes @@ (quote_literal(library_owner($1, $2))::tsquery && $3::text::tsquery)
               AND ($7::text IS NULL OR w.lexemes @@ $7::text::tsquery)
             ORDER BY w.asset_id || '', w.start_us, w.id LIMIT $6",
        scope,
        table,
        limit,
        table.exact.as_deref(),
    )
    .fetch_all(conn)
    .await?;
    let places = |row: Row| {
        let FoundWindow { hit, .. } = found_window(row, query, table);
        let (asset_id, timeline_artifact_id) = (hit.asset_id, hit.timeline_artifact_id);
        hit.matches.into_iter().map(move |found| Place {
            asset_id: asset_id.clone(),
            timeline_artifact_id: timeline_artifact_id.clone(),
            found,
        })
    };
    Ok(rows.into_iter().flat_map(places).collect())
}

fn found_window(row: Row, query: &Query, table: &TermTable) -> FoundWindow {
    let index = |value: i32| usize::try_from(value).unwrap_or_default();
    let token_words: Vec<usize> = row.token_words.iter().map(|word| index(*word)).collect();
    let mut found = HashSet::new();
    for (lexeme, position) in row.lexemes.iter().zip(&row.positions) {
        // Positions of lexemes begin at 1.
        let token = index(position - 1);
        found.extend(table.places(lexeme).map(|(term, place)| (token, term, place)));
    }
    let matched = MatchedWords {
        words: &row.words,
        starts_ms: &row.starts_ms,
        ends_ms: &row.ends_ms,
        own_words: index(row.own_words),
        token_words: &token_words,
        found,
    };
    let lengths: Vec<usize> = query.0.iter().map(|term| term.tokens.len()).collect();
    let ranges = matched.ranges(&lengths);
    let own = row.words.get(..matched.own_words).unwrap_or_default();
    let hit = SearchHit {
        rank: row.rank,
        text: own.join(" "),
        words: matched.spoken(&ranges),
        matches: ranges.iter().filter_map(|range| matched.found(range)).collect(),
        asset_id: row.asset_id,
        timeline_artifact_id: row.timeline_id,
        audio_stream: row.audio_stream.map(i32::cast_unsigned),
        start: AssetTime::from_micros(row.start_us),
        end: AssetTime::from_micros(row.end_us),
        language: row.language,
        speaker_id: row.speaker_id,
    };
    FoundWindow { id: row.id, hit, newest: row.newest, oldest: row.oldest, ranked: row.ranked }
}
