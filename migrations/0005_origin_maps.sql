-- audio_to_video_origin: from which window of which recording the sound of an artifact was taken, and which
-- windows of which recordings the shot lists use.
--
-- Keyed by owner as everywhere: the foreign keys can only reach the same owner's rows, and nothing that a map
-- speaks of can be deleted from under it. Times are integer microseconds (`_us`).

CREATE TABLE origin_maps (
    tenant_id         text        NOT NULL,
    env               text        NOT NULL,
    audio_artifact_id text        NOT NULL,
    -- Not always the artifact's own parent: the sound of one recording may stand for another's pictures.
    parent_asset_id   text        NOT NULL,
    source_start_us   bigint      NOT NULL,
    source_end_us     bigint      NOT NULL,
    -- The pieces of the window that the artifact is made of, in the order in which they sound: an array of
    -- `[offset_us, duration_us]`, told from source_start_us on. NULL: the whole window, once.
    clip_offsets_us   jsonb,
    created_at        timestamptz NOT NULL,
    -- One map for each artifact. Maps of different artifacts may overlap.
    PRIMARY KEY (tenant_id, env, audio_artifact_id),
    CONSTRAINT origin_maps_artifact FOREIGN KEY (tenant_id, env, audio_artifact_id) REFERENCES artifacts,
    CONSTRAINT origin_maps_asset FOREIGN KEY (tenant_id, env, parent_asset_id) REFERENCES media_assets,
    CONSTRAINT origin_maps_window CHECK (0 <= source_start_us AND source_start_us < source_end_us),
    CONSTRAINT origin_maps_clip_offsets CHECK (jsonb_typeof(clip_offsets_us) = 'array')
);

-- The maps of a recording, newest first; the cursor is (created_at, audio_artifact_id).
CREATE INDEX origin_maps_of_asset
    ON origin_maps (tenant_id, env, parent_asset_id, created_at DESC, audio_artifact_id DESC);

-- One artifact for each shot list, however often and at how many places at once it is asked for: its hash is the
-- key, and the second to write it finds the first.
CREATE TABLE shot_lists (
    tenant_id      text NOT NULL,
    env            text NOT NULL,
    shot_list_hash text NOT NULL,
    artifact_id    text NOT NULL,
    PRIMARY KEY (tenant_id, env, shot_list_hash),
    CONSTRAINT shot_lists_artifact UNIQUE (tenant_id, env, artifact_id),
    CONSTRAINT shot_lists_artifact_exists FOREIGN KEY (tenant_id, env, artifact_id) REFERENCES artifacts,
    CONSTRAINT shot_lists_hash CHECK (shot_list_hash ~ '^[0-9a-f]{64}$')
);

-- Which windows of a recording a shot list shows: one row for each list and recording, overlaps merged, so that
-- "what uses this second?" looks at few rows, however many shots there are.
CREATE TABLE shot_list_sources (
    tenant_id       text           NOT NULL,
    env             text           NOT NULL,
    artifact_id     text           NOT NULL,
    source_asset_id text           NOT NULL,
    windows_us      int8multirange NOT NULL,
    PRIMARY KEY (tenant_id, env, artifact_id, source_asset_id),
    CONSTRAINT shot_list_sources_list FOREIGN KEY (tenant_id, env, artifact_id)
        REFERENCES shot_lists (tenant_id, env, artifact_id),
    CONSTRAINT shot_list_sources_asset FOREIGN KEY (tenant_id, env, source_asset_id) REFERENCES media_assets
);

CREATE INDEX shot_list_sources_of_asset ON shot_list_sources (tenant_id, env, source_asset_id, artifact_id);
CREATE INDEX shot_list_sources_windows ON shot_list_sources USING gist (windows_us);
