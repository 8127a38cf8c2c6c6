-- Voices: enrolled names, and the voices of the speakers of timelines they are compared with.
--
-- A name is never written into a timeline: it is looked up whenever one is read. Deleting a voice therefore takes back
-- every name given by it, in timelines of any age. Embeddings compare only within one version of the models.

CREATE TABLE voices (
    tenant_id     text        NOT NULL,
    env           text        NOT NULL,
    id            text        NOT NULL,
    user_id       text,
    name          text        NOT NULL,
    -- 192 values of unit length.
    embedding     real[]      NOT NULL,
    model_version text        NOT NULL,
    speech_us     bigint      NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, env, id),
    CONSTRAINT voices_name CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT voices_embedding CHECK (cardinality(embedding) = 192),
    CONSTRAINT voices_speech CHECK (speech_us > 0)
);

-- The listing: newest first.
CREATE INDEX voices_newest ON voices (tenant_id, env, created_at DESC, id DESC);

-- Written in the transaction that registers the timeline; timelines without speakers, and older ones, have no rows.
CREATE TABLE timeline_speakers (
    tenant_id     text   NOT NULL,
    env           text   NOT NULL,
    timeline_id   text   NOT NULL,
    -- `S1`, `S2` …
    speaker_id    text   NOT NULL,
    embedding     real[] NOT NULL,
    model_version text   NOT NULL,
    PRIMARY KEY (tenant_id, env, timeline_id, speaker_id),
    CONSTRAINT timeline_speakers_timeline FOREIGN KEY (tenant_id, env, timeline_id) REFERENCES artifacts,
    CONSTRAINT timeline_speakers_embedding CHECK (cardinality(embedding) = 192)
);
