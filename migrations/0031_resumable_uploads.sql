-- media_v2: uploads that arrive in several requests (tus 1.0).
--
-- The bytes are in the blob store before the upload is complete; a row says how many, so that any process continues after a
-- broken connection or a crash. The row is written after its bytes: bytes beyond offset_bytes are replaced.

CREATE TABLE resumable_uploads (
    tenant_id     text        NOT NULL,
    env           text        NOT NULL,
    id            text        NOT NULL,
    user_id       text,
    -- Of the asset that the upload becomes. It is chosen at the start, so that an attempt to finish that was interrupted is
    -- repeated with the same id.
    asset_id      text        NOT NULL,
    length_bytes  bigint      NOT NULL,
    -- The header Upload-Metadata as received: clients get it back.
    metadata      text        NOT NULL,
    state         text        NOT NULL DEFAULT 'receiving',
    offset_bytes  bigint      NOT NULL DEFAULT 0,
    -- State of SHA-256 after offset_bytes: otherwise all bytes would be read again at the end.
    digest        bytea       NOT NULL,
    -- In an object store: the multipart upload, its whole parts, and the object with the bytes after them.
    multipart_id  text,
    parts         integer     NOT NULL DEFAULT 0,
    part_bytes    bigint      NOT NULL DEFAULT 0,
    tail          text,
    created_at    timestamptz NOT NULL,
    -- Moves with each request that stores bytes.
    expires_at    timestamptz NOT NULL,
    -- The request that writes it, and until when without a sign of life; by the clock of the database, which all processes
    -- share. A waiting request sets is_contended: a writer whose client is silent then stops.
    writer        text,
    writer_until  timestamptz,
    is_contended  boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, env, id),
    -- receiving: bytes are missing, or the asset is; finished: the asset exists; discarded: expired, its bytes are removed.
    CONSTRAINT resumable_uploads_state CHECK (state IN ('receiving', 'finished', 'discarded')),
    CONSTRAINT resumable_uploads_offset CHECK (offset_bytes BETWEEN 0 AND length_bytes),
    CONSTRAINT resumable_uploads_parts CHECK (parts >= 0 AND part_bytes >= 0),
    CONSTRAINT resumable_uploads_writer CHECK ((writer IS NULL) = (writer_until IS NULL))
);

-- For the limit of an owner's unfinished uploads, and the sweep.
CREATE INDEX resumable_uploads_receiving ON resumable_uploads (tenant_id, env) WHERE state = 'receiving';
CREATE INDEX resumable_uploads_expiry ON resumable_uploads (expires_at);

-- The parts of an upload in an object store, which its completion names. A table, not a column: an upload has thousands, and a
-- row that is written again for each would be megabytes.
CREATE TABLE resumable_upload_parts (
    tenant_id  text    NOT NULL,
    env        text    NOT NULL,
    upload_id  text    NOT NULL,
    part_index integer NOT NULL,
    -- The store's id of the content (an ETag).
    content_id text    NOT NULL,
    PRIMARY KEY (tenant_id, env, upload_id, part_index),
    CONSTRAINT resumable_upload_parts_index CHECK (part_index >= 0),
    CONSTRAINT resumable_upload_parts_upload FOREIGN KEY (tenant_id, env, upload_id) REFERENCES resumable_uploads
        ON DELETE CASCADE
);
