-- audio_field_to_samples: what a detector found in a recording, kept under everything that determines it.
--
-- The samples themselves are artifacts with origin maps; they are written in the same transaction as the run that
-- names them, so a run is found with all of its samples or not at all. An identical request reads it instead of
-- decoding again. A run that found nothing is worth as much, which is why artifacts alone would not do.

CREATE TABLE sample_runs (
    tenant_id  text        NOT NULL,
    env        text        NOT NULL,
    -- Asset, detector, parameters, words and versions; see audio_field_to_samples::cache_key.
    cache_key  text        NOT NULL,
    asset_id   text        NOT NULL,
    created_at timestamptz NOT NULL,
    -- {samples: [{artifact_id, score, event}], filtered, cut_off}
    found      jsonb       NOT NULL,
    PRIMARY KEY (tenant_id, env, cache_key),
    CONSTRAINT sample_runs_asset FOREIGN KEY (tenant_id, env, asset_id) REFERENCES media_assets,
    CONSTRAINT sample_runs_found CHECK (jsonb_typeof(found -> 'samples') = 'array')
);

-- Newest transcripts of a recording: phrases are made of its words.
CREATE INDEX artifacts_transcripts ON artifacts (tenant_id, env, parent_asset_id, created_at DESC, id DESC)
    WHERE kind = 'asr_transcript';
