-- Answers kept for `Idempotency-Key`, so that a write sent twice happens once.
-- A row without a status is a call still running; `expires_at` frees it when its process died.
CREATE TABLE idempotency_keys (
    tenant_id    text        NOT NULL,
    env          text        NOT NULL,
    key          text        NOT NULL,
    fingerprint  bytea       NOT NULL CHECK (octet_length(fingerprint) = 32),
    status       smallint,
    content_type text,
    location     text,
    body         bytea,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, env, key),
    CHECK ((status IS NULL) = (body IS NULL))
);

-- The sweep of expired rows walks this.
CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);
