-- What the ids of things made under an `Idempotency-Key` are derived from, so that a retry after a crash makes things of
-- the same ids and finds those that the first try committed. Apart from `idempotency_keys`: a claim there is free a
-- minute after its process died, and the previous version of the program, which runs beside this one during an
-- upgrade, would take a longer one for a call that still runs. A row is written before its call begins, and lives as
-- long as answers do.
CREATE TABLE idempotency_seeds (
    tenant_id   text        NOT NULL,
    env         text        NOT NULL,
    key         text        NOT NULL,
    -- Another call under the same key gets another seed.
    fingerprint bytea       NOT NULL CHECK (octet_length(fingerprint) = 32),
    seed        text        NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, env, key)
);

-- The sweep of expired rows walks this.
CREATE INDEX idempotency_seeds_expires_at ON idempotency_seeds (expires_at);

-- A batch is found by its sequence when it is sent again.
CREATE INDEX origin_snippets_of_sequence ON origin_snippets (tenant_id, env, sequence_id, clip_id);
