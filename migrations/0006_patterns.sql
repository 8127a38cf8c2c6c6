-- audio_pattern_engine: patterns by the hash of their request, for calls that name one by its id.
-- A pattern is kept as it was answered: later rules or templates make other patterns, under other ids.
CREATE TABLE audio_patterns (
    tenant_id  text        NOT NULL,
    env        text        NOT NULL,
    -- `pattern_<sha256>`: the same request, also at the same time, is the same row.
    id         text        NOT NULL,
    created_at timestamptz NOT NULL,
    timeline   jsonb       NOT NULL,
    PRIMARY KEY (tenant_id, env, id),
    CONSTRAINT audio_patterns_timeline CHECK (coalesce(timeline ->> 'pattern_id' = id, false))
);
