-- Peaks of recordings, kept so that a second look does not decode. The peaks themselves are blobs in audiowaveform's
-- binary format, 16 bits; every other format and resolution of numbers is written from them.
--
-- `source_key` is the hash of where the bytes are and, as far as it is known, of what they are: an upload under many
-- assets has one set of peaks, and a file that changes where it lies and is registered again has new ones. `rule` is
-- the version of how peaks are computed. Rows are a cache: any may be deleted at any time.

CREATE TABLE waveforms (
    tenant_id         text        NOT NULL,
    env               text        NOT NULL,
    source_key        text        NOT NULL,
    samples_per_pixel integer     NOT NULL,
    split_channels    boolean     NOT NULL,
    rule              smallint    NOT NULL,
    blob_sha256       text        NOT NULL,
    created_at        timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, env, source_key, samples_per_pixel, split_channels, rule),
    CONSTRAINT waveforms_hashes CHECK (source_key ~ '^[0-9a-f]{64}$' AND blob_sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT waveforms_resolution CHECK (samples_per_pixel >= 2)
);
