-- Removal of assets with all that derives from them, and figures of what an owner has.
--
-- This migration adds columns, indexes and tables, and sets one new column of semantic timelines, which are few beside
-- samples. The previous version of the program runs beside this one: it writes rows without sizes, and removes nothing.

-- What one removal removes, between the statements of its transaction: the rows are deleted before it commits, so that the
-- table is empty for all others. A table, because the ids of a large removal need not pass through the program, and each
-- statement is one for any number of rows. Unlogged: nothing in it outlives its transaction.
CREATE UNLOGGED TABLE removals (
    tenant_id  text    NOT NULL,
    env        text    NOT NULL,
    removal_id text    NOT NULL,
    -- An asset, else an artifact.
    is_asset   boolean NOT NULL,
    id         text    NOT NULL,
    PRIMARY KEY (tenant_id, env, removal_id, is_asset, id)
);

-- `harkback gc` refuses a store with blobs beside a database without any asset: it would be another installation's. Once
-- assets can be removed, a database may have none although the store is its own: then it has this row.
CREATE TABLE assets_removed (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only)
);

-- Tables that refer to assets or artifacts, by these: a removal finds their rows, and so does Postgres when it checks their
-- foreign keys.
CREATE INDEX renders_artifact ON renders (tenant_id, env, artifact_id);
CREATE INDEX renders_asset_id ON renders (tenant_id, env, render_asset_id);
CREATE INDEX renders_parent_id ON renders (tenant_id, env, parent_asset_id);
CREATE INDEX pattern_renders_artifact_id ON pattern_renders (tenant_id, env, artifact_id);
CREATE INDEX pattern_renders_asset_id ON pattern_renders (tenant_id, env, asset_id);
CREATE INDEX origin_snippets_of_source ON origin_snippets (tenant_id, env, source_asset_id, clip_id);
CREATE INDEX origin_snippets_of_video ON origin_snippets (tenant_id, env, video_artifact_id)
    WHERE video_artifact_id IS NOT NULL;
CREATE INDEX sample_runs_of_asset ON sample_runs (tenant_id, env, asset_id);

-- The samples of a pattern, by which it is found.
CREATE FUNCTION pattern_samples(timeline jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT coalesce(array_agg(DISTINCT clip ->> 'artifact_id'), '{}')
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(timeline -> 'clips') = 'array' THEN timeline -> 'clips' ELSE '[]' END)
        AS clip
    WHERE clip ->> 'artifact_id' IS NOT NULL
$$;
CREATE INDEX audio_patterns_samples ON audio_patterns USING gin (pattern_samples(timeline));

-- Is an artifact a measurement that this service made? It is made again on request, so it does not keep its asset from
-- being removed; what callers registered or corrected does.
CREATE FUNCTION is_own_measurement(kind text, meta jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT kind IN ('audio_semantic_timeline', 'asr_transcript', 'audio_hit', 'audio_loop', 'audio_phrase')
        AND coalesce(meta ->> 'backend_version' ~ '^(signal|whisper_aubio|samples|audio_semantic_stub)_v[0-9]', false)
        AND NOT coalesce(starts_with(meta ->> 'cache_key', 'registered/'), false)
        AND meta ->> 'backend_type' IS DISTINCT FROM 'corrected'
$$;

-- Figures of an owner come from indexes alone: each has the columns that are summed.
ALTER TABLE artifacts
    -- Size of the bytes at `uri`; null for rows of before, for bytes that are not ours, and where an asset has the same URI.
    ADD COLUMN size_bytes bigint CHECK (size_bytes >= 0),
    -- Duration of audio that a semantic timeline of this service measured; null for other rows.
    ADD COLUMN analysed_us bigint CHECK (analysed_us >= 0);

-- Of a timeline that was measured: neither the stub's nor a registered nor a corrected one.
CREATE FUNCTION analysed_us(kind text, meta jsonb) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$
    SELECT CASE WHEN kind = 'audio_semantic_timeline'
            AND meta ->> 'backend_version' ~ '^(signal|whisper_aubio)_v[0-9]'
            AND NOT starts_with(meta ->> 'cache_key', 'registered/')
            AND meta ->> 'backend_type' IS DISTINCT FROM 'corrected'
            AND library_number(meta -> 'duration_ms') BETWEEN 0 AND 2592000000
        THEN (1000 * library_number(meta -> 'duration_ms'))::bigint END
$$;

-- A trigger, so that timelines of the previous version of the program are counted, too.
CREATE FUNCTION measure_artifact() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    NEW.analysed_us := analysed_us(NEW.kind, NEW.meta);
    RETURN NEW;
END
$$;
CREATE TRIGGER artifacts_measure BEFORE INSERT ON artifacts
    FOR EACH ROW WHEN (NEW.kind = 'audio_semantic_timeline') EXECUTE FUNCTION measure_artifact();
UPDATE artifacts SET analysed_us = analysed_us(kind, meta)
WHERE kind = 'audio_semantic_timeline' AND analysed_us(kind, meta) IS NOT NULL;

CREATE INDEX artifacts_analysed ON artifacts (tenant_id, env) INCLUDE (analysed_us) WHERE analysed_us IS NOT NULL;
-- In place of the indexes of the same first columns.
CREATE INDEX media_assets_stored ON media_assets (tenant_id, env, source_uri) INCLUDE (kind, size_bytes);
CREATE INDEX artifacts_stored ON artifacts (tenant_id, env, uri) INCLUDE (kind, size_bytes);
DROP INDEX media_assets_source_uri;
DROP INDEX artifacts_uri;
