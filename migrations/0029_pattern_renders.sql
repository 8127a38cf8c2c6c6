-- audio_mix: which WAVE file answers which pattern.
--
-- A render is a function of the pattern's clips, the bytes of its samples and the version of the mixer; render_key is their
-- hash. The same key has one file (an asset of its own) and one artifact.
-- It is a table, and not a look into artifacts' meta, because callers register artifacts with any meta.

CREATE TABLE pattern_renders (
    tenant_id   text             NOT NULL,
    env         text             NOT NULL,
    -- SHA-256, lower-case hex.
    render_key  text             NOT NULL,
    artifact_id text             NOT NULL,
    -- The rendered file.
    asset_id    text             NOT NULL,
    -- Exact duration of the file: the asset's may be edited.
    duration_us bigint           NOT NULL,
    -- By how much the mix was lowered to the ceiling, in dB.
    gain_db     double precision NOT NULL,
    PRIMARY KEY (tenant_id, env, render_key),
    CONSTRAINT pattern_renders_key CHECK (render_key ~ '^[0-9a-f]{64}$'),
    CONSTRAINT pattern_renders_gain CHECK (gain_db <= 0),
    CONSTRAINT pattern_renders_artifact FOREIGN KEY (tenant_id, env, artifact_id) REFERENCES artifacts,
    CONSTRAINT pattern_renders_asset FOREIGN KEY (tenant_id, env, asset_id) REFERENCES media_assets
);
