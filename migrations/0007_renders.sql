-- video_render: which rendered file answers which request.
--
-- A render is a function of the bytes of its sources, the window, the profile and the versions of renderer and
-- ffmpeg; render_key is their hash. The same key has one rendered file (an asset of its own), and one artifact for
-- each asset that it was rendered of: the same bytes may have been registered twice.
-- It is a table, and not a look into artifacts' meta, because callers register artifacts with any meta.

CREATE TABLE renders (
    tenant_id       text        NOT NULL,
    env             text        NOT NULL,
    -- SHA-256, lower-case hex.
    render_key      text        NOT NULL,
    -- The artifact's parent: the source of an asset's window, the rendered file of a project's.
    parent_asset_id text        NOT NULL,
    artifact_id     text        NOT NULL,
    -- The rendered file.
    render_asset_id text        NOT NULL,
    -- What was done, as it is answered.
    plan            jsonb       NOT NULL,
    PRIMARY KEY (tenant_id, env, render_key, parent_asset_id),
    CONSTRAINT renders_key CHECK (render_key ~ '^[0-9a-f]{64}$'),
    CONSTRAINT renders_parent FOREIGN KEY (tenant_id, env, parent_asset_id) REFERENCES media_assets,
    CONSTRAINT renders_artifact FOREIGN KEY (tenant_id, env, artifact_id) REFERENCES artifacts,
    CONSTRAINT renders_asset FOREIGN KEY (tenant_id, env, render_asset_id) REFERENCES media_assets
);
