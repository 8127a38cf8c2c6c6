-- Corrections of timelines, and the audio streams of recordings.
--
-- This migration adds only. The previous version of the program runs beside it: it takes a corrected timeline for the
-- newest analysis of the recording, and neither reads nor writes the new column.

-- A corrected timeline is an artifact like any other; this table has the order of an analysis's corrections and which of
-- them are in force. Not derived from the artifact's meta, which callers register too.
CREATE TABLE timeline_corrections (
    tenant_id    text        NOT NULL,
    env          text        NOT NULL,
    -- The corrected timeline.
    artifact_id  text        NOT NULL,
    -- The measured timeline at the beginning of the chain.
    analysis_id  text        NOT NULL,
    -- From 1: each correction is made of the one before it.
    revision     integer     NOT NULL,
    -- `backend_version` of the corrected timeline, and who made it of how many edits: for the list.
    version      text        NOT NULL,
    user_id      text,
    edit_count   integer     NOT NULL,
    created_at   timestamptz NOT NULL,
    -- When it was removed. The row and its artifact stay, because shot lists and samples may derive from it.
    withdrawn_at timestamptz,
    PRIMARY KEY (tenant_id, env, artifact_id),
    CONSTRAINT timeline_corrections_artifact
        FOREIGN KEY (tenant_id, env, artifact_id) REFERENCES artifacts ON DELETE CASCADE,
    CONSTRAINT timeline_corrections_analysis
        FOREIGN KEY (tenant_id, env, analysis_id) REFERENCES artifacts ON DELETE CASCADE,
    CONSTRAINT timeline_corrections_numbers CHECK (revision >= 1 AND edit_count >= 1),
    CONSTRAINT timeline_corrections_not_itself CHECK (artifact_id <> analysis_id)
);

-- Finds the newest correction of an analysis, and keeps a chain from branching.
CREATE UNIQUE INDEX timeline_corrections_in_force ON timeline_corrections (tenant_id, env, analysis_id, revision DESC)
    WHERE withdrawn_at IS NULL;
-- Foreign keys are checked from the side of the artifacts, withdrawn corrections included.
CREATE INDEX timeline_corrections_of_analysis ON timeline_corrections (tenant_id, env, analysis_id);

-- The audio streams of a file, in its order: [{"index", "codec", "channels", "sample_rate", "language", "is_default"}].
-- One column, because no query looks into it. NULL: version 3 of the prober or an earlier one measured the row, which is
-- probed again by the first call about it.
ALTER TABLE media_assets
    ADD COLUMN audio_streams jsonb,
    ADD CONSTRAINT media_assets_audio_streams CHECK (jsonb_typeof(audio_streams) = 'array');
