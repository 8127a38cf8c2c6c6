-- The library: samples and spoken words of all recordings of an owner, in tables made for questions.
--
-- Both tables are indexes: every row derives from an artifact and goes with it (ON DELETE CASCADE), and `harkback index`
-- makes them again. This migration adds only; it reads no existing rows, so it takes no time on a large database, and the
-- previous version of the program runs beside it. What was stored before is indexed by `harkback index samples` and
-- `harkback index words`.

-- A number of meta, which callers register too: null for other values and for numbers that are out of range.
CREATE FUNCTION library_number(value jsonb) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT CASE WHEN jsonb_typeof(value) = 'number'
        THEN CASE WHEN abs(value::numeric) < 1e15 THEN value::double precision END END
$$;

-- A text of meta of at most 64 characters: longer ones do not fit in an index.
CREATE FUNCTION library_word(value jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT CASE WHEN jsonb_typeof(value) = 'string' AND char_length(value #>> '{}') BETWEEN 1 AND 64
        THEN value #>> '{}' END
$$;

-- Lower case without accents: compatibility decomposition (NFKD), combining marks dropped. The extension `unaccent` is
-- not needed. The marks are those of Latin, Greek and Cyrillic, Hebrew points and Arabic vowels; marks without which words
-- of a script would change, such as Indic vowel signs, are kept. Databases of other encodings cannot decompose: the body is
-- chosen here, because a body that asks for the encoding is not immutable, and is not inlined.
DO $do$
BEGIN
    IF getdatabaseencoding() = 'UTF8' THEN
        CREATE FUNCTION folded(given text) RETURNS text
            LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
        $$
            SELECT CASE WHEN given ~ '^[a-z0-9]*$' THEN given
                ELSE lower(regexp_replace(normalize(given, NFKD),
                    '[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]',
                    '', 'g'))
            END
        $$;
    ELSE
        CREATE FUNCTION folded(given text) RETURNS text
            LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
        $$
            SELECT lower(given)
        $$;
    END IF;
END
$do$;

-- A folded token of spoken words. A window has at most 1 152 of them (`MAX_WORD_TOKENS` of each word), in up to four places
-- of lexemes each, and a `tsvector` is limited to 1 MB; a character may have four bytes, or decompose into eighteen.
CREATE FUNCTION folded_token(token text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT left(folded(token), 50)
$$;

-- A lexeme that rows of one owner have, so that a search in a GIN index, which cannot contain other columns without an
-- extension, skips rows of other owners. Only a filter: the statements compare the columns as well.
CREATE FUNCTION library_owner(tenant_id text, env text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT '@' || left(md5(tenant_id || '|' || env), 12)
$$;

-- Where the samples of one owner and kind begin on the first axis of the descriptors: each owner and kind has an interval
-- of its own, so that a search for neighbours (GiST) does not pass through samples of others.
CREATE FUNCTION library_cell(tenant_id text, env text, kind text) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT 512.0::double precision * ('x' || left(md5(tenant_id || '|' || env || '|' || kind), 6))::bit(24)::integer
$$;

-- The searched values of a hit, loop or phrase, from the meta of its artifact: only those of its kind, so that a condition
-- on a value implies the kind. `similarity` is the descriptor by which
-- similar samples are found, as point in units of which one is a clear difference; null if a value is missing:
--   hits:    octaves of duration; crest factor (peak over mean level) in 6 dB: how percussive the sound is
--   loops:   semitones of tempo (6 %); half octaves of length in bars
--   phrases: half octaves of duration; quarter octaves of words per second
CREATE FUNCTION sample_values(
    kind text, meta jsonb, start_us bigint, end_us bigint,
    OUT duration_us bigint, OUT score double precision, OUT bpm double precision, OUT bars integer, OUT role text,
    OUT role_confidence double precision, OUT key text, OUT peak_db double precision, OUT energy double precision,
    OUT brightness_hz double precision, OUT transcript text, OUT similarity point
) LANGUAGE plpgsql STABLE PARALLEL SAFE AS
$$
DECLARE
    event  jsonb := CASE WHEN jsonb_typeof(meta -> 'event') = 'object' THEN meta -> 'event' ELSE '{}' END;
    length_ms double precision;
    x double precision;
    y double precision;
BEGIN
    duration_us := end_us - start_us;
    score := library_number(meta -> 'score');
    energy := library_number(event -> 'energy');
    length_ms := greatest(coalesce(library_number(event -> 'duration_ms'), duration_us / 1000.0), 1);
    CASE kind
    WHEN 'audio_hit' THEN
        role := library_word(event -> 'role');
        role_confidence := library_number(event -> 'role_confidence');
        peak_db := library_number(event -> 'peak_db');
        brightness_hz := library_number(event -> 'brightness_hz');
        IF energy > 0 THEN
            x := ln(length_ms) / ln(2.0);
            y := (peak_db - 10 * log(energy)) / 6;
        END IF;
    WHEN 'audio_loop' THEN
        key := library_word(event -> 'key');
        bpm := library_number(event -> 'bpm');
        IF library_number(event -> 'loop_bars') BETWEEN 1 AND 1000 THEN
            bars := library_number(event -> 'loop_bars');
        END IF;
        IF bpm > 0 THEN
            x := 12 * ln(bpm) / ln(2.0);
            y := 2 * ln(bars) / ln(2.0);
        END IF;
    WHEN 'audio_phrase' THEN
        IF jsonb_typeof(event -> 'transcript') = 'string' THEN
            transcript := left(event ->> 'transcript', 10000);
        END IF;
        IF transcript ~ '\S' THEN
            x := 2 * ln(length_ms) / ln(2.0);
            y := 4 * ln(cardinality(regexp_split_to_array(btrim(transcript), '\s+')) / length_ms * 1000) / ln(2.0);
        END IF;
    ELSE
        NULL;
    END CASE;
    IF x IS NOT NULL AND y IS NOT NULL THEN
        -- Within the interval of the owner, less the distance that separates it from the next.
        similarity := point(least(greatest(x, -100), 100), least(greatest(y, -100), 100));
    END IF;
END
$$;

CREATE TABLE samples (
    tenant_id       text        NOT NULL,
    env             text        NOT NULL,
    artifact_id     text        NOT NULL,
    asset_id        text        NOT NULL,
    kind            text        NOT NULL,
    created_at      timestamptz NOT NULL,
    start_us        bigint,
    end_us          bigint,
    duration_us     bigint,
    -- 0 to 1 from our detectors; callers may have registered other values. Columns that are not measured are null.
    score           double precision,
    bpm             double precision,
    bars            integer,
    role            text,
    role_confidence double precision,
    key             text,
    peak_db         double precision,
    energy          double precision,
    brightness_hz   double precision,
    transcript      text,
    -- Words of the transcript, folded, and the lexeme of the owner.
    words           tsvector,
    -- sample_values.similarity, moved into the interval of the owner and kind.
    descriptor      point,
    PRIMARY KEY (tenant_id, env, artifact_id),
    CONSTRAINT samples_artifact FOREIGN KEY (tenant_id, env, artifact_id) REFERENCES artifacts ON DELETE CASCADE
);

-- One index for each order, and one for each filter with the default order.
CREATE INDEX samples_newest ON samples (tenant_id, env, created_at DESC, artifact_id DESC);
CREATE INDEX samples_kind_newest ON samples (tenant_id, env, kind, created_at DESC, artifact_id DESC);
CREATE INDEX samples_asset ON samples (tenant_id, env, asset_id, created_at DESC, artifact_id DESC);
CREATE INDEX samples_role ON samples (tenant_id, env, role, created_at DESC, artifact_id DESC) WHERE role IS NOT NULL;
CREATE INDEX samples_key ON samples (tenant_id, env, key, created_at DESC, artifact_id DESC) WHERE key IS NOT NULL;
CREATE INDEX samples_score ON samples (tenant_id, env, score DESC, artifact_id DESC) WHERE score IS NOT NULL;
CREATE INDEX samples_kind_score ON samples (tenant_id, env, kind, score DESC, artifact_id DESC) WHERE score IS NOT NULL;
CREATE INDEX samples_bpm ON samples (tenant_id, env, bpm, artifact_id) INCLUDE (bars) WHERE bpm IS NOT NULL;
CREATE INDEX samples_duration ON samples (tenant_id, env, duration_us, artifact_id) WHERE duration_us IS NOT NULL;
CREATE INDEX samples_kind_duration ON samples (tenant_id, env, kind, duration_us, artifact_id)
    WHERE duration_us IS NOT NULL;
CREATE INDEX samples_role_score ON samples (tenant_id, env, role, score DESC, artifact_id DESC)
    WHERE role IS NOT NULL AND score IS NOT NULL;
CREATE INDEX samples_words ON samples USING gin (words) WHERE words IS NOT NULL;
CREATE INDEX samples_descriptor ON samples USING gist (descriptor) WHERE descriptor IS NOT NULL;

-- The row of a hit, loop or phrase; none for other artifacts.
CREATE FUNCTION sample_row(a artifacts) RETURNS SETOF samples
    LANGUAGE sql STABLE PARALLEL SAFE AS
$$
    SELECT a.tenant_id, a.env, a.id, a.parent_asset_id, a.kind, a.created_at, a.start_us, a.end_us, v.duration_us, v.score,
           v.bpm, v.bars, v.role, v.role_confidence, v.key, v.peak_db, v.energy, v.brightness_hz, v.transcript,
           to_tsvector('simple', folded(v.transcript)) || quote_literal(library_owner(a.tenant_id, a.env))::tsvector,
           v.similarity + point(library_cell(a.tenant_id, a.env, a.kind), 0)
    FROM sample_values(a.kind, a.meta, a.start_us, a.end_us) v
    WHERE a.kind IN ('audio_hit', 'audio_loop', 'audio_phrase')
$$;

-- Rows are written by a trigger, in the statement and transaction of the artifacts: those of callers and of the previous
-- version of the program are indexed too, and no write path can omit it. One statement for any number of rows.
CREATE FUNCTION index_samples() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO samples SELECT made.* FROM added a CROSS JOIN LATERAL sample_row(ROW(a.*)::artifacts) made
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER artifacts_samples AFTER INSERT ON artifacts
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION index_samples();

-- Languages whose words this Postgres can stem; which ones depends on its version.
CREATE FUNCTION spoken_languages(OUT language text, OUT dictionary regdictionary) RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE AS
$$
    SELECT l.language, d.oid::regdictionary
    FROM (VALUES ('ar', 'arabic'), ('ca', 'catalan'), ('da', 'danish'), ('de', 'german'), ('el', 'greek'), ('en', 'english'),
        ('es', 'spanish'), ('eu', 'basque'), ('fi', 'finnish'), ('fr', 'french'), ('hi', 'hindi'), ('hu', 'hungarian'),
        ('hy', 'armenian'), ('id', 'indonesian'), ('it', 'italian'), ('lt', 'lithuanian'), ('ne', 'nepali'),
        ('nl', 'dutch'), ('no', 'norwegian'), ('pt', 'portuguese'), ('ro', 'romanian'), ('ru', 'russian'),
        ('sr', 'serbian'), ('sv', 'swedish'), ('ta', 'tamil'), ('tr', 'turkish'), ('yi', 'yiddish')
    ) AS l (language, name)
    JOIN pg_catalog.pg_ts_dict d
        ON d.dictname = l.name || '_stem' AND d.dictnamespace = 'pg_catalog'::regnamespace
$$;

-- The lexemes of a window's tokens, at their positions. For each own token: `=word` (folded), `=word next` with the token
-- after it, and `en:stem` where the language is known and the word no stop word. For the tokens after the window, into
-- which a phrase may continue: `~word` and `~word next`. A search for a phrase is one for its pairs, which begins with `=`:
-- it is found in the window where it begins, and only there, and GIN answers it without reading the rows.
CREATE FUNCTION spoken_lexemes(owner text, language text, tokens text[], own integer) RETURNS tsvector
    LANGUAGE sql STABLE PARALLEL SAFE AS
$$
    WITH numbered AS (
        SELECT t.position, t.token, t.mark || folded_token(t.token) AS word, folded_token(t.next) AS next
        FROM (
            SELECT u.position, u.token, CASE WHEN u.position <= own THEN '=' ELSE '~' END AS mark,
                   tokens[u.position + 1] AS next
            FROM unnest(tokens) WITH ORDINALITY AS u (token, position)
        ) t
    ), lexemes AS (
        SELECT n.position, n.word AS lexeme FROM numbered n
        UNION ALL
        SELECT n.position, n.word || ' ' || n.next FROM numbered n WHERE n.next IS NOT NULL
        UNION ALL
        SELECT n.position, d.language || ':' || folded_token(stem)
        FROM spoken_languages() d CROSS JOIN numbered n CROSS JOIN LATERAL unnest(ts_lexize(d.dictionary, n.token)) AS stem
        WHERE d.language = spoken_lexemes.language AND n.position <= own
    )
    SELECT string_agg(
        '''' || replace(replace(l.lexeme, '\', '\\'), '''', '''''') || ''':' || l.position, ' '
    )::tsvector || quote_literal(owner)::tsvector
    FROM lexemes l
$$;

-- Windows of consecutive words: a sentence or the words between two pauses, at most 64 words. Rows of the newest timeline
-- with words of each audio stream of a recording; they are written in the transaction that stores the timeline.
CREATE TABLE spoken_windows (
    tenant_id    text     NOT NULL,
    env          text     NOT NULL,
    -- Ascending in the order of writing: the newest windows are searched first.
    id           bigint   GENERATED ALWAYS AS IDENTITY,
    asset_id     text     NOT NULL,
    timeline_id  text     NOT NULL,
    -- Null for the default audio stream.
    audio_stream integer,
    start_us     bigint   NOT NULL,
    end_us       bigint   NOT NULL,
    language     text,
    speaker_id   text,
    -- The words as transcribed, of the window (`own_words`) and the first ones after it, with their times.
    words        text[]    NOT NULL,
    starts_ms    bigint[]  NOT NULL,
    ends_ms      bigint[]  NOT NULL,
    own_words    integer   NOT NULL,
    -- Index in `words`, from 0, of the token at each position of `lexemes`.
    token_words  integer[] NOT NULL,
    lexemes      tsvector  NOT NULL,
    PRIMARY KEY (tenant_id, env, id),
    CONSTRAINT spoken_windows_timeline FOREIGN KEY (tenant_id, env, timeline_id) REFERENCES artifacts ON DELETE CASCADE,
    CONSTRAINT spoken_windows_times CHECK (start_us >= 0 AND end_us >= start_us),
    CONSTRAINT spoken_windows_words CHECK (
        own_words BETWEEN 1 AND cardinality(words)
        AND cardinality(starts_ms) = cardinality(words) AND cardinality(ends_ms) = cardinality(words)
    )
);
-- Wide columns are stored apart from the row: a search reads the rows of all windows that match, but only those of a page
-- in full.
ALTER TABLE spoken_windows SET (toast_tuple_target = 128);
ALTER TABLE spoken_windows
    ALTER COLUMN words SET STORAGE EXTERNAL, ALTER COLUMN starts_ms SET STORAGE EXTERNAL,
    ALTER COLUMN ends_ms SET STORAGE EXTERNAL, ALTER COLUMN token_words SET STORAGE EXTERNAL,
    ALTER COLUMN lexemes SET STORAGE EXTERNAL;
CREATE INDEX spoken_windows_lexemes ON spoken_windows USING gin (lexemes);
CREATE INDEX spoken_windows_asset ON spoken_windows (tenant_id, env, asset_id, start_us);
CREATE INDEX spoken_windows_of_timeline ON spoken_windows (tenant_id, env, timeline_id);
-- Which languages the words of an owner have: a search stems its words in these.
CREATE INDEX spoken_windows_language ON spoken_windows (tenant_id, env, language) WHERE language IS NOT NULL;
