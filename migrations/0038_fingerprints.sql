-- Fingerprints of recordings, by which `POST /audio/identify` finds where audio comes from.
--
-- An index like those of the library: every row derives from an asset and leaves with it, and `harkback index fingerprints`
-- makes them again. This migration adds tables, a column with a constant default and an index of assets. The previous version of the program runs beside it: it writes no fingerprints, and what it deletes takes its
-- fingerprints along, because the database removes them.

-- Numbers of owners. A landmark is 16 bytes of values, and a recording has up to 60 in a second: tenant and environment, as
-- texts, would be most of the index. Only rows of this table and of fingerprint_sources have a number, and every statement
-- reaches the landmarks from tenant and environment through one of both.
CREATE TABLE fingerprint_owners (
    tenant_id text    NOT NULL,
    env       text    NOT NULL,
    id        integer GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (tenant_id, env),
    CONSTRAINT fingerprint_owners_id UNIQUE (id)
);

-- A recording whose landmarks are in the index, or one that cannot be decoded, which is not tried again.
CREATE TABLE fingerprint_sources (
    tenant_id      text        NOT NULL,
    env            text        NOT NULL,
    asset_id       text        NOT NULL,
    owner_id       integer     NOT NULL,
    -- The number of the source in its landmarks. A source that is indexed again has a new one.
    id             integer     GENERATED ALWAYS AS IDENTITY,
    -- FINGERPRINT_VERSION: landmarks of different versions do not match.
    version        integer     NOT NULL,
    -- As media_assets.decoder when it was indexed: another decoder has other samples.
    decoder        text,
    duration_us    bigint      NOT NULL,
    landmark_count integer     NOT NULL,
    -- Why it cannot be decoded; such a source has no landmarks.
    failure        text,
    indexed_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, env, asset_id),
    CONSTRAINT fingerprint_sources_id UNIQUE (id),
    CONSTRAINT fingerprint_sources_owner FOREIGN KEY (tenant_id, env) REFERENCES fingerprint_owners,
    CONSTRAINT fingerprint_sources_asset FOREIGN KEY (tenant_id, env, asset_id) REFERENCES media_assets ON DELETE CASCADE,
    CONSTRAINT fingerprint_sources_measures CHECK (
        version > 0 AND duration_us >= 0 AND landmark_count >= 0 AND (failure IS NULL OR landmark_count = 0)
    )
);

-- One row for each landmark. Its key is the whole row, in the order of a look-up, so that the index alone answers it. A hash
-- has 28 bits; a frame is 16 ms. In 16 partitions, so that the owners of a large installation share neither one index nor one
-- vacuum; an owner is in one of them.
--
-- No foreign key to fingerprint_sources: its check would be one look-up for each of the 180 000 rows of an hour, and a
-- cascade one statement for each source. A trigger deletes the rows of a source instead.
CREATE TABLE fingerprint_landmarks (
    owner_id  integer NOT NULL,
    hash      integer NOT NULL,
    source_id integer NOT NULL,
    frame     integer NOT NULL,
    PRIMARY KEY (owner_id, hash, source_id, frame)
) PARTITION BY HASH (owner_id);

DO $do$
BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format(
            'CREATE TABLE fingerprint_landmarks_%s PARTITION OF fingerprint_landmarks FOR VALUES WITH (MODULUS 16, REMAINDER %s)',
            lpad(part::text, 2, '0'), part
        );
    END LOOP;
END
$do$;

-- By which the rows of a source are deleted. Equal keys share one entry of the index (deduplication), so that it has about
-- 7 bytes for a row.
CREATE INDEX fingerprint_landmarks_source ON fingerprint_landmarks (source_id);

-- The landmarks of sources that were deleted, by whom and why ever: a call, the cascade of an asset, `harkback forget`, the
-- previous version. One statement for each source, whose plan is that of one value: the rows that a trigger gets have no
-- statistics, and a plan for all of them at once may read the whole index.
CREATE FUNCTION delete_fingerprint_landmarks() RETURNS trigger
    LANGUAGE plpgsql AS
$$
DECLARE
    source record;
BEGIN
    FOR source IN SELECT owner_id, id FROM removed WHERE landmark_count > 0 LOOP
        DELETE FROM fingerprint_landmarks l WHERE l.owner_id = source.owner_id AND l.source_id = source.id;
    END LOOP;
    RETURN NULL;
END
$$;

CREATE TRIGGER fingerprint_sources_removed
    AFTER DELETE ON fingerprint_sources
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION delete_fingerprint_landmarks();

-- Recordings of the same bytes, which are reported without a search. Building it reads media_assets once and blocks writes of
-- assets meanwhile: about a second for a million rows.
CREATE INDEX media_assets_sha256 ON media_assets (tenant_id, env, content_sha256, id) WHERE content_sha256 IS NOT NULL;

-- What is known of a map beside its windows: `found_by` of one that POST /audio/identify found, which a later search may
-- replace; a caller's own map has no members. The previous version replaces a map without changing its meta: a map that it
-- writes over a found one is still called found.
ALTER TABLE origin_maps
    ADD COLUMN meta jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT origin_maps_meta CHECK (jsonb_typeof(meta) = 'object');
