-- media_v2: recordings (assets), what was made of them (artifacts), and which artifact was made of which.
--
-- Every key starts with the owner (tenant_id, env): a foreign key can then never point at another
-- owner's row, whatever the code above does. Instants and lengths on a media timeline are integer
-- microseconds (`_us`). Nothing here is ever updated or deleted by the service.

CREATE TABLE media_assets (
    tenant_id      text             NOT NULL,
    env            text             NOT NULL,
    id             text             NOT NULL,
    user_id        text,
    kind           text             NOT NULL,
    -- `blob://sha256/<hex>` for uploads, else where the caller keeps it.
    source_uri     text             NOT NULL,
    duration_us    bigint,
    fps            double precision,
    audio_channels integer,
    sample_rate    integer,
    codec_info     text,
    size_bytes     bigint,
    content_sha256 text,
    tags           text[]           NOT NULL,
    source_ref     text,
    created_at     timestamptz      NOT NULL,
    meta           jsonb            NOT NULL,
    PRIMARY KEY (tenant_id, env, id),
    CONSTRAINT media_assets_kind CHECK (kind IN ('video', 'audio', 'image', 'other')),
    CONSTRAINT media_assets_measures CHECK (
        duration_us >= 0 AND size_bytes >= 0 AND audio_channels >= 0 AND sample_rate > 0 AND fps > 0
    ),
    CONSTRAINT media_assets_sha256 CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT media_assets_meta_object CHECK (jsonb_typeof(meta) = 'object')
);

-- The listing: newest first, the cursor is (created_at, id).
CREATE INDEX media_assets_newest ON media_assets (tenant_id, env, created_at DESC, id DESC);
CREATE INDEX media_assets_source_ref ON media_assets (tenant_id, env, source_ref, created_at DESC, id DESC)
    WHERE source_ref IS NOT NULL;
CREATE INDEX media_assets_tags ON media_assets USING gin (tags);
-- "Does this owner have these bytes?", asked before a blob is referred to by its hash.
CREATE INDEX media_assets_source_uri ON media_assets (tenant_id, env, source_uri);

CREATE TABLE artifacts (
    tenant_id       text        NOT NULL,
    env             text        NOT NULL,
    id              text        NOT NULL,
    parent_asset_id text        NOT NULL,
    kind            text        NOT NULL,
    uri             text        NOT NULL,
    -- The window of the parent asset that it covers, when it covers one.
    start_us        bigint,
    end_us          bigint,
    track_label     text,
    content_sha256  text,
    created_at      timestamptz NOT NULL,
    meta            jsonb       NOT NULL,
    PRIMARY KEY (tenant_id, env, id),
    CONSTRAINT artifacts_parent_asset FOREIGN KEY (tenant_id, env, parent_asset_id) REFERENCES media_assets,
    CONSTRAINT artifacts_kind CHECK (kind IN (
        'audio_semantic_timeline', 'asr_transcript', 'audio_hit', 'audio_loop', 'audio_phrase',
        'audio_sample_norm', 'audio_sample_fx', 'audio_resampled', 'video_shot_list', 'render',
        'render_segment', 'render_snippet'
    )),
    CONSTRAINT artifacts_window CHECK (start_us >= 0 AND end_us >= 0 AND end_us >= start_us),
    CONSTRAINT artifacts_sha256 CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT artifacts_provenance CHECK (
        coalesce(jsonb_typeof(meta -> 'pipeline_hash') = 'string', false)
        AND coalesce(jsonb_typeof(meta -> 'backend_version') = 'string', false)
    ),
    CONSTRAINT artifacts_measured_meta CHECK (
        kind NOT IN ('asr_transcript', 'audio_semantic_timeline')
        OR meta ?& ARRAY ['backend_version', 'model_used', 'cache_key', 'duration_ms']
    )
);

-- An asset's artifacts, newest first, of all kinds or of one.
CREATE INDEX artifacts_of_asset ON artifacts (tenant_id, env, parent_asset_id, created_at DESC, id DESC);
CREATE INDEX artifacts_of_asset_and_kind
    ON artifacts (tenant_id, env, parent_asset_id, kind, created_at DESC, id DESC);
CREATE INDEX artifacts_uri ON artifacts (tenant_id, env, uri);
-- The semantic cache: one artifact per key, also when two processes finish the same analysis at once.
CREATE UNIQUE INDEX artifacts_semantic_cache_key ON artifacts (tenant_id, env, (meta ->> 'cache_key'))
    WHERE kind = 'audio_semantic_timeline';

-- artifact_id was made of upstream_id; position keeps the order in which its maker told them.
CREATE TABLE artifact_upstreams (
    tenant_id   text    NOT NULL,
    env         text    NOT NULL,
    artifact_id text    NOT NULL,
    position    integer NOT NULL,
    upstream_id text    NOT NULL,
    PRIMARY KEY (tenant_id, env, artifact_id, position),
    CONSTRAINT artifact_upstreams_artifact FOREIGN KEY (tenant_id, env, artifact_id) REFERENCES artifacts,
    CONSTRAINT artifact_upstreams_upstream FOREIGN KEY (tenant_id, env, upstream_id) REFERENCES artifacts,
    CONSTRAINT artifact_upstreams_not_itself CHECK (artifact_id <> upstream_id)
);

-- Lineage downwards: what was made of this?
CREATE INDEX artifact_upstreams_downwards ON artifact_upstreams (tenant_id, env, upstream_id, artifact_id);
