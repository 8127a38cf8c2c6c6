-- origin_snippets: which windows of which sources were handed back for which sounds.
--
-- One row for each snippet that was answered, written when its clip is on the timeline. Project, sequence, track and
-- clip have no foreign keys: the timeline may be another service's, and its clips may be deleted.
CREATE TABLE origin_snippets (
    tenant_id         text        NOT NULL,
    env               text        NOT NULL,
    clip_id           text        NOT NULL,
    audio_artifact_id text        NOT NULL,
    source_asset_id   text        NOT NULL,
    source_start_us   bigint      NOT NULL,
    source_end_us     bigint      NOT NULL,
    project_id        text        NOT NULL,
    sequence_id       text        NOT NULL,
    track_id          text        NOT NULL,
    mode              text        NOT NULL,
    -- Its `render_snippet`, when it was rendered.
    video_artifact_id text,
    created_at        timestamptz NOT NULL,
    meta              jsonb       NOT NULL,
    PRIMARY KEY (tenant_id, env, clip_id),
    CONSTRAINT origin_snippets_audio FOREIGN KEY (tenant_id, env, audio_artifact_id) REFERENCES artifacts,
    CONSTRAINT origin_snippets_source FOREIGN KEY (tenant_id, env, source_asset_id) REFERENCES media_assets,
    CONSTRAINT origin_snippets_video FOREIGN KEY (tenant_id, env, video_artifact_id) REFERENCES artifacts,
    CONSTRAINT origin_snippets_window CHECK (0 <= source_start_us AND source_start_us < source_end_us),
    CONSTRAINT origin_snippets_mode CHECK (mode IN ('timeline_only', 'render_clips')),
    CONSTRAINT origin_snippets_meta CHECK (jsonb_typeof(meta) = 'object')
);

-- The snippets of a sound, newest first; the cursor is (created_at, clip_id).
CREATE INDEX origin_snippets_of_audio
    ON origin_snippets (tenant_id, env, audio_artifact_id, created_at DESC, clip_id DESC);
