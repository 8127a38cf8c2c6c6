-- Timelines: projects hold sequences, sequences hold tracks, tracks hold clips.
-- A child goes with its parent. Times are integer microseconds (`_us`), so that cuts stay exact.
-- Clips name assets and artifacts without a foreign key: the timeline may run beside another store.
CREATE TABLE video_projects (
    tenant_id      text        NOT NULL,
    env            text        NOT NULL,
    id             text        NOT NULL,
    user_id        text,
    title          text        NOT NULL,
    render_profile text,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    meta           jsonb       NOT NULL CHECK (jsonb_typeof(meta) = 'object'),
    PRIMARY KEY (tenant_id, env, id)
);

-- The listing, newest first.
CREATE INDEX video_projects_newest ON video_projects (tenant_id, env, created_at DESC, id DESC);
-- Attaching to a project of another owner is told apart from an unknown one.
CREATE INDEX video_projects_id ON video_projects (id);

CREATE TABLE video_sequences (
    tenant_id  text             NOT NULL,
    env        text             NOT NULL,
    id         text             NOT NULL,
    project_id text             NOT NULL,
    name       text             NOT NULL,
    fps        double precision CHECK (fps > 0),
    position   integer          NOT NULL CHECK (position >= 0),
    meta       jsonb            NOT NULL CHECK (jsonb_typeof(meta) = 'object'),
    PRIMARY KEY (tenant_id, env, id),
    CONSTRAINT video_sequences_project FOREIGN KEY (tenant_id, env, project_id)
        REFERENCES video_projects ON DELETE CASCADE
);

-- The listing of a project in order; also the way a deleted project finds its sequences.
CREATE INDEX video_sequences_order ON video_sequences (tenant_id, env, project_id, position, id);

CREATE TABLE video_tracks (
    tenant_id   text    NOT NULL,
    env         text    NOT NULL,
    id          text    NOT NULL,
    sequence_id text    NOT NULL,
    kind        text    NOT NULL CHECK (kind IN ('video', 'audio')),
    label       text    NOT NULL,
    position    integer NOT NULL CHECK (position >= 0),
    meta        jsonb   NOT NULL CHECK (jsonb_typeof(meta) = 'object'),
    PRIMARY KEY (tenant_id, env, id),
    CONSTRAINT video_tracks_sequence FOREIGN KEY (tenant_id, env, sequence_id)
        REFERENCES video_sequences ON DELETE CASCADE
);

CREATE INDEX video_tracks_order ON video_tracks (tenant_id, env, sequence_id, position, id);

CREATE TABLE video_clips (
    tenant_id   text             NOT NULL,
    env         text             NOT NULL,
    id          text             NOT NULL,
    track_id    text             NOT NULL,
    asset_id    text             NOT NULL,
    artifact_id text,
    in_us       bigint           NOT NULL CHECK (in_us >= 0),
    out_us      bigint           NOT NULL,
    start_us    bigint           NOT NULL CHECK (start_us >= 0),
    speed       double precision NOT NULL CHECK (speed > 0),
    volume_db   double precision NOT NULL,
    opacity     double precision NOT NULL CHECK (opacity BETWEEN 0 AND 1),
    meta        jsonb            NOT NULL CHECK (jsonb_typeof(meta) = 'object'),
    PRIMARY KEY (tenant_id, env, id),
    CONSTRAINT video_clips_window CHECK (in_us < out_us),
    CONSTRAINT video_clips_track FOREIGN KEY (tenant_id, env, track_id)
        REFERENCES video_tracks ON DELETE CASCADE
);

CREATE INDEX video_clips_order ON video_clips (tenant_id, env, track_id, start_us, id);
-- What uses this asset, or this artifact?
CREATE INDEX video_clips_asset ON video_clips (tenant_id, env, asset_id, start_us, id);
CREATE INDEX video_clips_artifact ON video_clips (tenant_id, env, artifact_id, start_us, id)
    WHERE artifact_id IS NOT NULL;
