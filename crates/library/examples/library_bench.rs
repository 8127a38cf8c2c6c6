//! Latency of listings of samples and of searches: `library_bench DATABASE_URL ROWS` makes ROWS samples and ROWS windows of
//! words of one owner, and a tenth of each of another, in an empty database; prints p50, p99 and maximum of each question.
//! `make library` runs it on a throwaway Postgres.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what it is for")]

use std::error::Error;
use std::time::{Duration, Instant};

use library::{Library, SampleKind, SampleQuery, SampleRole, SampleSort, SearchQuery};
use primitives::{Id, Scope};
use sqlx::PgPool;

type Failure = Box<dyn Error>;

/// Rows that are made in one statement.
const BATCH: i64 = 20_000;
/// Times that each question is asked.
const ROUNDS: usize = 40;

/// Recordings of both owners; half of them have the tag `common`, one in a thousand `rare`.
const RECORDINGS: &str = "
    INSERT INTO media_assets (tenant_id, env, id, kind, source_uri, tags, created_at, meta)
    SELECT owner.tenant, 'dev', 'asset_' || lpad(n::text, 8, '0'), CASE WHEN n % 3 = 0 THEN 'video' ELSE 'audio' END,
           'mem:' || n, CASE WHEN n % 1000 = 0 THEN ARRAY ['rare', 'common'] WHEN n % 2 = 0 THEN ARRAY ['common']
           ELSE '{}' END, timestamptz '2026-01-01' + n * interval '1 minute', '{}'
    FROM generate_series(0, 19999) n CROSS JOIN (VALUES ('t1'), ('t2')) AS owner (tenant)";

/// Hits (seven of ten), loops and phrases, by number.
const SAMPLES: &str = "
    INSERT INTO artifacts (tenant_id, env, id, parent_asset_id, kind, uri, start_us, end_us, created_at, meta)
    SELECT CASE WHEN n % 11 = 0 THEN 't2' ELSE 't1' END, 'dev', 'artifact_' || lpad(n::text, 10, '0'),
           'asset_' || lpad((n * 7919 % 20000)::text, 8, '0'), k.kind, 'mem:' || n, n % 3600 * 1000000,
           n % 3600 * 1000000 + k.length_us, timestamptz '2026-02-01' + n * interval '1 second',
           jsonb_build_object('pipeline_hash', 'a', 'backend_version', 'samples_v4',
               'score', round(random()::numeric, 4), 'event', CASE k.kind
               WHEN 'audio_hit' THEN jsonb_build_object('peak_db', round((-40 * random())::numeric, 2),
                   'energy', round((0.00001 + random() * 0.1)::numeric, 6), 'duration_ms', k.length_us / 1000,
                   'brightness_hz', round((100 * exp(ln(100) * random()))::numeric, 1),
                   'role', (ARRAY ['kick', 'snare', 'hat', 'tom', 'clap', 'other'])[1 + n % 6])
               WHEN 'audio_loop' THEN jsonb_build_object('bpm', round((60 + random() * 120)::numeric, 2),
                   'energy', round((0.001 + random() * 0.1)::numeric, 6), 'loop_bars', (ARRAY [1, 2, 4])[1 + n % 3],
                   'key', (ARRAY ['C major', 'A minor'])[1 + n % 2])
               ELSE jsonb_build_object('transcript', 'word' || n % 5000 || ' word' || n % 70 || ' and more') END)
    FROM generate_series($1::bigint, $2::bigint) n
    CROSS JOIN LATERAL (
        SELECT CASE WHEN n % 10 < 7 THEN 'audio_hit' WHEN n % 10 = 7 THEN 'audio_loop' ELSE 'audio_phrase' END AS kind,
               (20000 + random() ^ 2 * 4000000)::bigint AS length_us
    ) k";

/// A timeline for each recording.
const TIMELINES: &str = "
    INSERT INTO artifacts (tenant_id, env, id, parent_asset_id, kind, uri, created_at, meta)
    SELECT m.tenant_id, m.env, 'timeline_' || m.id, m.id, 'audio_semantic_timeline', 'mem:' || m.id, now(),
           jsonb_build_object('pipeline_hash', 'a', 'backend_version', 'v', 'model_used', 'm', 'cache_key', m.id,
               'duration_ms', 1)
    FROM media_assets m";

/// Windows of 8 to 31 words, whose frequencies fall with the fourth power of their number.
const WINDOWS: &str = "
    INSERT INTO spoken_windows (tenant_id, env, asset_id, timeline_id, start_us, end_us, language, words, starts_ms,
        ends_ms, own_words, token_words, lexemes)
    SELECT o.tenant, 'dev', o.asset, 'timeline_' || o.asset, n * 1000, n * 1000 + 500, 'en', w.words, w.times, w.times,
           o.own, w.numbers, spoken_lexemes(library_owner(o.tenant, 'dev'), 'en', w.words, o.own)
    FROM generate_series($1::bigint, $2::bigint) n
    CROSS JOIN LATERAL (
        SELECT CASE WHEN n % 11 = 0 THEN 't2' ELSE 't1' END AS tenant, (8 + n % 24)::integer AS own,
               'asset_' || lpad((n / 500 % 20000)::text, 8, '0') AS asset
    ) o
    CROSS JOIN LATERAL (
        SELECT array_agg(substr(md5((random() ^ 4 * 20000)::integer::text), 1, 7)) AS words,
               array_agg(g * 200) AS times, array_agg((g - 1)::integer) AS numbers
        FROM generate_series(1::bigint, o.own + 8 + 0 * n) g
    ) w";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, rows] = arguments.as_slice() else {
        return Err("give a database URL and a number of rows".into());
    };
    let (pool, rows) = (PgPool::connect(url).await?, rows.parse::<i64>()?);
    db::migrate(&pool).await?;
    make_rows(&pool, rows).await?;
    let library = Library::new(pool.clone());
    print_samples(&library, &pool).await?;
    print_searches(&library).await
}

async fn make_rows(pool: &PgPool, rows: i64) -> Result<(), Failure> {
    let start = Instant::now();
    // Without statistics, the rows that foreign keys refer to are looked up by plans for empty tables.
    for statement in [RECORDINGS, "ANALYZE", TIMELINES, "ANALYZE"] {
        sqlx::query(statement).execute(pool).await?;
    }
    // The other owner's tenth is among these numbers.
    let made = rows * 11 / 10;
    for (name, statement) in [("samples", SAMPLES), ("windows", WINDOWS)] {
        for first in (0..made).step_by(usize::try_from(BATCH)?) {
            let end = made.min(first + BATCH);
            sqlx::query(statement).bind(first).bind(end - 1).execute(pool).await?;
            eprintln!("{end} of {made} {name}, {:.0} s", start.elapsed().as_secs_f64());
        }
    }
    sqlx::query("VACUUM ANALYZE").execute(pool).await?;
    println!("made {rows} samples and windows in {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}

async fn print_samples(library: &Library, pool: &PgPool) -> Result<(), Failure> {
    let id: String = sqlx::query_scalar(
        "SELECT artifact_id FROM samples WHERE tenant_id = 't1' AND kind = 'audio_hit' LIMIT 1",
    )
    .fetch_one(pool)
    .await?;
    let id: Option<Id> = Some(id.parse()?);
    let query = SampleQuery::default;
    let text = |text: &str| Some(text.to_owned());
    let questions = [
        ("newest", query()),
        ("by score", SampleQuery { sort: SampleSort::Score, ..query() }),
        (
            "hits by duration",
            SampleQuery { kind: Some(SampleKind::AudioHit), sort: SampleSort::Duration, ..query() },
        ),
        (
            "snares of a score",
            SampleQuery { role: Some(SampleRole::Snare), min_score: Some(0.99), ..query() },
        ),
        (
            "kicks by brightness",
            SampleQuery { role: Some(SampleRole::Kick), sort: SampleSort::Brightness, ..query() },
        ),
        (
            "bright hits by energy",
            SampleQuery { brightness_min: Some(9_800.0), sort: SampleSort::Energy, ..query() },
        ),
        (
            "loops by energy",
            SampleQuery { kind: Some(SampleKind::AudioLoop), sort: SampleSort::Energy, ..query() },
        ),
        ("loops of a tempo", SampleQuery { bpm_min: Some(120.0), bpm_max: Some(120.2), ..query() }),
        ("loops of a key and length", SampleQuery { key: text("A minor"), bars: Some(4), ..query() }),
        ("a rare tag, by score", SampleQuery { tag: text("rare"), sort: SampleSort::Score, ..query() }),
        ("a common tag, by score", SampleQuery { tag: text("common"), sort: SampleSort::Score, ..query() }),
        ("phrases with a word", SampleQuery { text: text("word4321"), ..query() }),
        (
            "phrases with a common word",
            SampleQuery { text: text("word42"), sort: SampleSort::Score, ..query() },
        ),
        ("similar hits", SampleQuery { similar_to: id.clone(), ..query() }),
        (
            "similar hits of a score",
            SampleQuery { similar_to: id.clone(), min_score: Some(0.999), ..query() },
        ),
        ("similar hits of a rare tag", SampleQuery { similar_to: id, tag: text("rare"), ..query() }),
    ];
    println!("\nsamples{:34}p50 ms  p99 ms  max ms", "");
    let (context, mut all) = (context()?, Vec::new());
    for (name, query) in questions {
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let start = Instant::now();
            library.samples(&context, query.clone()).await?;
            times.push(start.elapsed());
        }
        print_times(name, &mut times);
        all.append(&mut times);
    }
    print_times("all", &mut all);
    Ok(())
}

async fn print_searches(library: &Library) -> Result<(), Failure> {
    // The words of the numbers 0, 1, 100 and 5 000 in `WINDOWS`.
    let questions = [
        ("the most common word", "cfcd208"),
        ("the second word", "c4ca423"),
        ("word 100", "f899139"),
        ("word 5 000", "a35fe7f"),
        ("two common words", "cfcd208 c4ca423"),
        ("a phrase of common words", "\"cfcd208 c4ca423\""),
        ("a common and a rare word", "cfcd208 a35fe7f"),
        ("a prefix", "a35f*"),
        ("an absent word", "hark"),
    ];
    println!("\nsearches{:33}p50 ms  p99 ms  max ms", "");
    let (context, mut all) = (context()?, Vec::new());
    for (name, q) in questions {
        let query = SearchQuery { q: q.to_owned(), kind: None, asset_id: None, limit: None, cursor: None };
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let start = Instant::now();
            library.search(&context, &query).await?;
            times.push(start.elapsed());
        }
        print_times(name, &mut times);
        all.append(&mut times);
    }
    print_times("all", &mut all);
    Ok(())
}

fn context() -> Result<http_kit::RequestContext, Failure> {
    let scope = Scope { tenant_id: "t1".parse()?, env: "dev".parse()? };
    Ok(http_kit::RequestContext { scope, user_id: None, request_id: "req_bench".to_owned() })
}

fn print_times(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |permille: usize| {
        let index = (times.len() * permille / 1_000).min(times.len().saturating_sub(1));
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    };
    println!("  {name:38}{:7.1}{:8.1}{:8.1}", at(500), at(990), at(1_000));
}
